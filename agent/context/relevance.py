"""Which facts fit a question: by the words that both have, those first that few facts have. Pure functions.

What a question is about are its words without those that stand in every sentence. A word fits in other endings, too: its
beginning counts, for less; of a short word what is left without its ending, where another ending stands there.
"""

import math
import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import islice, takewhile
from typing import NamedTuple

from agent.store.memories import Memory
from agent.store.words import BEGINNING, asked_terms, fold, terms_of

MOST_TERMS = 16
"""Words of a question that are looked for: the longest ones."""
MOST_CHARACTERS = 8000
"""Of a question, that are looked at: nothing else of the process goes on meanwhile."""
WHOLE, BEGUN, ALIKE, SIGN = 1.0, 0.8, 0.5, 0.3
"""The scores of a word of the question where a fact has it, with an ending more, one that only begins like it, or of two signs the first one."""
PART = 4
"""Letters of a word that another one may be made of, as `Lagerhäuser` is of `Lager`."""

_FUNCTION_WORDS = """
a about again all also am an and any are as at be because been but by can could did do does doing for from get give go had
has have he help her here him his how i if in into is it its just know let like me more most my need no not now of on one
only or other our out over please remember say she should show so some such tell than that the their them then there these
they think this those to too up us very want was we were what when where which who whom whose why will with would you your
aber alle als am an auch auf aus bei bin bis bist bitte da das dass dein dem den denn der des dich die dies diese diesen doch
du durch ein eine einem einen einer er es euch für gib haben habe hat hier ich ihr ihre im in ist ja kann kannst kein können
mal man mein meine meinem meinen meiner mich mir mit muss nach nicht noch nur oder ob sag sein sich sie sind so soll sollte
um und uns unser unsere von vor war wann was weil weiß weißt welche welchen welcher welches wem wen wenn wer werden wie wieder wir wird wo wohin
zu zum zur zeig über
ai as au aux avec avez avoir c'est ce ces cet cette comment dans de des dis dois donne du elle en es est et eux il ils j'ai je
la le les leur lui là ma mais me mes moi mon ne nos notre nous on ou où par pas peux plus pour pourquoi qu que quel quelle
quelles quels qui quoi sa sais se ses si son sont suis sur ta te tes toi ton tu un une vos votre vous à été être quand
a al algo ante como con cual cuál cuáles cuando cuándo cómo de debo del di dime donde dónde e el ella ellos en entre era eres
es esa ese eso esta este esto está están fue ha hay la las le les lo los me mi mis muy más no nos o para pero por porque
puedo que quién quiero qué sabes se ser si sin sobre son soy su sus sí te tengo ti tiene tu tus un una uno y ya yo
ao aos as com como da das de devo dele do dos e ela ele em era essa esse esta este estou está eu foi há isso já lhe mais mas
me meu meus minha minhas muito na nas no nos não o os ou para pela pelo por porque posso quais qual quando que quem quero sabe
se sem ser seu seus sobre somos sou sua suas são só também te tem tenho um uma você à é
agli ai al alla alle anche che chi ci cosa così come con cui dal dalla degli dei del della delle devo di dove e ed gli ha hai
ho i il in io la le lei li lo loro lui ma mi mia mie miei mio ne nei nel nella no noi non o per perché più posso qual quale
quali quando quello questa questo sa sai se sei si sia sono su sua sue sul sulla suo suoi ti tra tu tua tuo un una uno vi voi è
а без бы был была были быть в вам вас ваш все вы где да для до его если есть еще её же за и из или им их к как какая какие
какой какую когда кого кто ли меня мне мной мое мои мой моя моего моей моему моих моя можно мы на над не нет но ну о об он она они оно от по под при про с
свой себя со так также там тебя тем то тобой только ты у уже что чтобы чем эта эти это этот я
का की के को में से पर है हैं हूँ था थी थे और या कि क्या कौन कब कहाँ कैसे कितना कितनी कितने मैं मेरा मेरी मेरे मुझे हम हमारा हमारी हमारे
तुम आप आपका यह वह ये वे इस उस ने भी तो ही नहीं न एक जो किस किसे कर करना करें दो बताओ बताइए लिए साथ कौनसा कौनसी
"""
_ENDING_WORDS = """
s es e n en er ern em ed ing ’s a o i as os is y ies ie x al aux
а у ы и е о ь ю я ом ой ою ем ей ах ях ами ями ам ям ов ев ие ии ию ия ий ый ая ое ого его ому ему ую их ых им ым ими ыми
े ी ा ो ि ों ें ाँ ां ीं ियाँ ियां ियों
"""
_ENDINGS = frozenset(_ENDING_WORDS.split())
"""Endings of words in all these languages together: what one adds, another hardly has at just such a place."""
_LONGEST_ENDING = max(map(len, _ENDINGS))
_GRAMMAR = frozenset(
    "的了是我你您他她它们們在有和就不人都一个個上也很到说說要去会會着没沒看好自己这這那什么麼怎吗嗎呢吧啊几幾多少哪谁誰何为為被把给給对對从從与與及或"
)
"""Signs of Chinese that stand in most sentences, whatever these are about."""
_ABLE = """
puedes puede hacer ayudarme pode fazer ajudar fare puoi aiutarmi faire peux-tu sais-tu es-tu pouvez-vous êtes-vous machen умеешь можешь можете
сможешь делать सकते सकती सकता work
"""
"""Words of questions about what an assistant is and does, which no fact answers."""
_GREETINGS = """
good morning|good afternoon|good evening|hi there|hello there|hello|hi|hey|thanks a lot|many thanks|thank you very much|thank you|thanks
okay|ok|yes|no|guten morgen|guten tag|guten abend|hallo|danke schön|vielen dank|danke|bonjour|bonsoir|merci beaucoup
merci|oui|hola|buenos días|buenas tardes|buenas noches|muchas gracias|gracias|sí|olá|bom dia|boa tarde|boa noite|muito obrigado
muito obrigada|obrigado|obrigada|não|ciao|buongiorno|buonasera|grazie mille|grazie|sì|привет|здравствуйте|добрый день|доброе утро
добрый вечер|спасибо|да|нет|नमस्ते|नमस्कार|धन्यवाद|शुक्रिया|हाँ|नहीं
"""
_GREETINGS_WITHOUT_SPACE = (
    "こんにちは|こんばんは|おはようございます|おはよう|ありがとうございます|ありがとう|你好|您好|早上好|谢谢|謝謝"
)
_RUNS = "です ます した する して こと これ それ あれ どれ 何で どの この その から まで ので ため には では とは ですか ください 我的 什么 什麼 怎么 哪个 哪些 是什 么时 时候 多少 请问 我们 你们 何が でき きま 你能 能做 做什"


def _terms(words: str) -> frozenset[str]:
    return frozenset(fold(word) for word in words.split())


_BEFORE_OTHERS = _terms(
    """after anti back down else ever every inter mega more most multi none over self semi some super trans ultra under upon when with
    aber ander auto dies durch eins gegen ganz haupt hinter hier inner mehr mit nach nieder ober rück selbst sonder unter wider
    wieder zwischen über alle contra contre entre ante sobre toda todo tout пере пред после через между против само много все"""
)
"""Words that others begin with, whatever these are about."""
_EMPTY = _terms(_FUNCTION_WORDS) | _terms(_RUNS) | _terms(_ABLE)
_GREETED = "|".join(map(fold, _GREETINGS.strip().replace("\n", "|").split("|")))
_GREETING = re.compile(rf"(?<!\w)(?:{_GREETED})(?!\w)|{_GREETINGS_WITHOUT_SPACE}")


class _Lead(NamedTuple):
    """A word of a question, and the ways to its other forms: beginnings that are enough, or that an ending follows on."""

    term: str
    broad: str
    stems: tuple[str, ...]
    part: str = ""
    """The beginning of words that it may be made of."""
    sign: str = ""
    """The first of two signs of Chinese, where it says something alone."""


def content_terms(question: str) -> tuple[str, ...]:
    """Return the words that a question is about, the longest first; none where it is about nothing that could be remembered."""
    plain = _GREETING.sub(" ", fold(question[:MOST_CHARACTERS]))
    asked = dict.fromkeys(map(_alone, asked_terms(plain, most=10 * MOST_TERMS)))
    found = [term for term in asked if not term.startswith(BEGINNING) and term.strip("’") not in _EMPTY]
    return tuple(term for term in found if not _is_kana(term))[:MOST_TERMS]


def beginnings_of(term: str) -> tuple[str, ...]:
    """Return the beginnings of words that may be a form of this one, or what it is made of; which are is seen in the words."""
    lead = _lead(term)
    every = [one for one in (lead.broad, *lead.stems, lead.part, lead.sign) if one]
    found = [one for one in every if not any(one != other and one.startswith(other) for other in every)]
    return tuple(dict.fromkeys(found))


def _alone(term: str) -> str:
    """Return a word without what is only written together with it: `l’`, `d’`, `’s`."""
    before, mark, behind = term.partition("’")
    if not mark or not behind or "’" in behind:
        return term
    return before if len(behind) < 3 else behind


def _lead(term: str) -> _Lead:
    if _is_han(term[0]):
        sign = term[0] if len(term) == 2 and term[0] not in _GRAMMAR else ""
        return _Lead(term, term, (), sign=sign)
    part = term[:PART] if len(term) > 2 * PART and term.isalpha() else ""
    return _Lead(term, _broad(term), _stems(term), part=part)


def _broad(term: str) -> str:
    """Return what a word has in common with its other forms, roughly: endings are left off."""
    if "가" <= term[0] <= "힣":
        return term if len(term) < 3 else term[:-1]
    if len(term) < 5 or not term.isalpha():
        return term
    return term[: max(4, len(term) - 2 - (len(term) > 8))]


def _stems(term: str) -> tuple[str, ...]:
    """Return a word without an ending, and in the forms that its beginning has without that one."""
    least = 2 if "\u0900" <= term[0] <= "\u097f" else 3
    longest = range(min(_LONGEST_ENDING, len(term) - least), 0, -1)
    stem = next((term[:-size] for size in longest if term[-size:] in _ENDINGS), term)
    doubled = [stem[:-1]] if len(stem) > least and stem[-1] == stem[-2] and term.endswith(("ing", "ed")) else []
    nasal = [f"{term[:-3]}ao"] if len(term) > 3 and term.endswith(("oes", "aes")) else []  # cães, cão
    return (stem, *doubled, *nasal)


def ranked(terms: Sequence[str], facts: Sequence[Memory]) -> list[Memory]:
    """Return those of the facts that fit, the best first; of two that fit alike the newer one.

    `facts` are all that have one of the terms, the newest first: how rare a term is follows from them.
    """
    leads = [_lead(term) for term in terms]
    fits = [_fit(leads, fact.text) for fact in facts]
    having = [sum(one[at] > 0 for one in fits) for at in range(len(terms))]
    rarity = [math.log(1 + (len(facts) - count + 0.5) / (count + 0.5)) for count in having]
    length = [len(fact.text) for fact in facts]
    usual = sum(length) / max(len(length), 1)

    def score(at: int) -> float:
        whole = sum(fit * rare for fit, rare in zip(fits[at], rarity, strict=True))
        return whole / (0.7 + 0.3 * length[at] / usual)

    scores = [score(at) for at in range(len(facts))]
    order = sorted(range(len(facts)), key=lambda at: -scores[at])
    return [facts[at] for at in order if scores[at] > 0]


def merged(by_words: Sequence[Memory], by_meaning: Sequence[Memory], *, most: int) -> list[Memory]:
    """Return the facts that fit best of both: most places are for words, the last two of five for what only means the same."""
    first = by_words[: most - (2 * most) // 5]
    found = {one.id: one for one in (*first, *by_meaning[: most - len(first)], *by_words, *by_meaning)}
    return list(found.values())[:most]


def _fit(leads: Sequence[_Lead], text: str) -> list[float]:
    words = sorted(terms_of(text))
    return [_fits(lead, words) for lead in leads]


def _fits(lead: _Lead, words: Sequence[str]) -> float:
    at = bisect_left(words, lead.term)
    if at < len(words) and words[at] == lead.term:
        return WHOLE
    longer = list(_beginning(words, lead.term))
    if longer:
        return BEGUN if any(_is_ending(word[len(lead.term) :]) for word in longer) else ALIKE
    if lead.sign and any(_beginning(words, lead.sign)):
        return SIGN if _is_han(lead.term[1]) else ALIKE
    is_alike = (
        any(_beginning(words, lead.broad))
        or any(_is_ending(word[len(stem) :]) for stem in lead.stems for word in _beginning(words, stem))
        or (lead.part and any(_is_part(word, lead.term) for word in _beginning(words, lead.part)))
    )
    return ALIKE if is_alike else 0.0


def _is_part(word: str, term: str) -> bool:
    """Return whether a word may be one that another is made of: `Lager` is, `over` and `unter` say nothing of what it is about."""
    return term.startswith(word) and word not in _EMPTY and word not in _BEFORE_OTHERS


def _is_ending(text: str) -> bool:
    return not text or text in _ENDINGS


def _beginning(words: Sequence[str], beginning: str) -> Iterator[str]:
    """Yield the words that begin so, of words in their order."""
    return takewhile(lambda word: word.startswith(beginning), islice(words, bisect_left(words, beginning), None))


def _is_han(sign: str) -> bool:
    return "\u4e00" <= sign <= "\u9fff" or "\u3400" <= sign <= "\u4dbf"


def _is_kana(term: str) -> bool:
    """Return whether it is nothing but hiragana, which is grammar."""
    return all("ぁ" <= sign <= "ゟ" for sign in term)
