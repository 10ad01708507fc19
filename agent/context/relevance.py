"""Which facts fit a question: by the words that both have, those first that few facts have. Pure functions.

What a question is about are its words without those that stand in every sentence. A word fits in other endings, too: its
beginning counts, for less.
"""

import math
from bisect import bisect_left
from collections.abc import Sequence

from agent.store.memories import Memory
from agent.store.words import BEGINNING, asked_terms, fold, terms_of

MOST_TERMS = 16
"""Words of a question that are looked for: the longest ones."""
MOST_CHARACTERS = 8000
"""Of a question, that are looked at: nothing else of the process goes on meanwhile."""
WHOLE, BEGUN, ALIKE = 1.0, 0.8, 0.5
"""The scores of a word of the question where a fact has it, a longer one, or one that only begins like it."""

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
_RUNS = "です ます した する して こと これ それ あれ どれ 何で どの この その から まで ので ため には では とは ですか ください 我的 什么 什麼 怎么 哪个 哪些 是什 么时 时候 多少 请问 我们 你们"


def _terms(words: str) -> frozenset[str]:
    return frozenset(fold(word) for word in words.split())


_EMPTY = _terms(_FUNCTION_WORDS) | _terms(_RUNS)


def content_terms(question: str) -> tuple[str, ...]:
    """Return the words that a question is about, the longest first; none where it is about nothing that could be remembered."""
    asked = asked_terms(question[:MOST_CHARACTERS], most=10 * MOST_TERMS)
    found = [term for term in asked if not term.startswith(BEGINNING) and term.strip("’") not in _EMPTY]
    return tuple(term for term in found if not _is_kana(term))[:MOST_TERMS]


def beginning_of(term: str) -> str:
    """Return what a word has in common with its other forms, roughly: endings are left off."""
    if "가" <= term[0] <= "힣":
        return term if len(term) < 3 else term[:-1]
    if len(term) < 5 or not term.isalpha():
        return term
    return term[: max(4, len(term) - 2 - (len(term) > 8))]


def ranked(terms: Sequence[str], facts: Sequence[Memory]) -> list[Memory]:
    """Return those of the facts that fit, the best first; of two that fit alike the newer one.

    `facts` are all that have one of the terms, the newest first: how rare a term is follows from them.
    """
    fits = [_fit(terms, fact.text) for fact in facts]
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


def _fit(terms: Sequence[str], text: str) -> list[float]:
    words = sorted(terms_of(text))
    return [_fits(term, words) for term in terms]


def _fits(term: str, words: Sequence[str]) -> float:
    at = bisect_left(words, term)
    if at < len(words) and words[at] == term:
        return WHOLE
    if at < len(words) and words[at].startswith(term):
        return BEGUN
    alike = beginning_of(term)
    at = bisect_left(words, alike)
    return ALIKE if at < len(words) and words[at].startswith(alike) else 0.0


def _is_kana(term: str) -> bool:
    """Return whether it is nothing but hiragana, which is grammar."""
    return all("ぁ" <= sign <= "ゟ" for sign in term)
