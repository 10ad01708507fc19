"""Texts to words: split, folded, stemmed, and in which language they are.

Guarantees: whatever the text, the time is bounded by `most`; the same text always gives the same words.
"""

import re
import threading
from collections.abc import Iterable
from functools import lru_cache
from typing import Any
from unicodedata import normalize

MAX_CHARACTERS = 4000
"""How much of a text is read."""
_WORD = re.compile(r"(?:[^\W_]|[\u0900-\u0963\u0966-\u0dff])+")
_HUMPS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_ACCENTS = re.compile(r"[\u0300-\u036f\u093c\u200c\u200d]")
_PLURAL_S = re.compile(r"['’]s?\b")
_DEVANAGARI = re.compile(r"[\u0900-\u097f]")

STOP = {
    "en": """a about above after again all also am an and any anything are as at be because been before being but by
        can cannot could did do does doing done for from get had has have having he her here hers him his how i if in
        into is it its just know let like ll me might more most must my need no nor not now of off on once one only or
        other our ours out over own please re same she should so some something such than that the their them then
        there these they thing things this those to too up us ve very want wants was we were what when where whether
        which while who whom whose why will with would you your yours""",
    "pt": """a à agora ainda ao aos aquela aquele as até com como da das de dela dele deles do dos e é ela ele eles em
        essa esse esta está estão este eu favor foi foram há isso já lá lhe mais mas me meu meus minha minhas muito na
        nas não nem no nos nós nossa nosso o onde os ou para pela pelo pode podemos por porque posso precisa preciso
        preciso qual quando que quem quero se sem ser seu seus só sua suas também tem temos tenho ter um uma umas uns
        você vocês""",
    "es": """a al algo algunos ante antes aquí así aún con cómo como cual cuando de del desde donde dónde e el él ella
        ellas ellos en entre era es esa ese eso esta está están este esto estos favor fue fueron gracias ha hace hay
        he la las le les lo los más me mi mis mucho muy necesito ni no nos nosotros nuestra nuestro o para pero por
        porque puede puedes puedo que qué quien quién quiero se sea ser si sí sin sobre soy su sus también te tengo
        tiene tienen todo tu un una unas uno unos usted y ya yo""",
    "de": """ab aber als am an auch auf aus bei bis bitte brauche da damit dann das dass dem den der des die dies
        diese diesem diesen dieser dieses dir doch du durch ein eine einem einen einer eines er es für hat habe haben
        ich ihm ihn ihr ihre im in ist ja jetzt kann kannst können man mein meine meinem meinen meiner mich mir mit
        möchte muss nach nicht noch nun nur ob oder ohne sein seine sich sie sind so soll sollen über um und uns unser
        unsere unserem unseren unserer vom von vor war was wann wenn wer werden wie wieder will wir wird wo wollen zu
        zum zur""",
    "hi": """अब अपना अपनी अपने आप इस इसके इसे उन उस उसके उसे एक और का कि किस किसी की के को कोई क्या क्यों कर करके
        करता करते करना करने करें करो कहाँ कहां गया गई गए चाहता चाहती चाहिए चाहते जा जाए जो तक तो था थी थे दे दो
        द्वारा ने पर भी मुझे मेरा मेरी मेरे मैं में यह या ये रहा रही रहे लिए वह वाला वाली वाले वे सकता सकते सब साथ
        से हम हमारा हमारी हमारे ही हुआ हुई हुए है हैं हो होगा होना कृपया कैसे कब
        ab aap aapka apna apne apni aur bhi chahiye chahta diya ek hai hain hamara hamare hamari ho hoga hua hui hum is
        iska iske isko isme jo ka kab kahan kaise kar kare karen karna karne karo karte kaun ke ki kis kisi kitna kitne
        kitni ko koi kripya kya kyun liye main mein mera mere meri mujhe nahi par pe saare sabhi sakta se tak tha the thi
        toh unka uska uske usko wala wale wali woh ya yah ye yeh""",
}
_STEMMERS = threading.local()


def fold(text: str) -> str:
    """Return a text in lower case and without accents; marks that are letters of their script stay."""
    plain = _ACCENTS.sub("", normalize("NFKD", text.replace("ß", "ss")))
    return normalize("NFC", plain).casefold()


STOP_WORDS = {language: frozenset(map(fold, words.split())) for language, words in STOP.items()}


def words_of(text: str, *, most: int) -> list[str]:
    """Return the first words of a text, folded; `listOpenInvoices` and `list_open-invoices` are three each."""
    apart = _HUMPS.sub(" ", _PLURAL_S.sub("", text[:MAX_CHARACTERS]))
    found: list[str] = []
    for one in _WORD.finditer(fold(apart)):
        if len(word := one[0]) > 1 and len(word) <= 40:
            found.append(word)
            if len(found) == most:
                break
    return found


@lru_cache(maxsize=16_384)
def stem(word: str) -> str:
    """Return the stem of an English word; of any other it is what is left by the same rules."""
    stemmer: Any = getattr(_STEMMERS, "english", None)
    if stemmer is None:  # one for each thread: it keeps what it works on
        from snowballstemmer.english_stemmer import EnglishStemmer  # type: ignore[import-untyped]

        stemmer = _STEMMERS.english = EnglishStemmer()
    return str(stemmer.stemWord(word))


def stems(words: Iterable[str]) -> list[str]:
    """Return the stems of English words without those that say nothing."""
    return [stem(word) for word in words if word not in STOP_WORDS["en"]]


def language_of(words: list[str]) -> str | None:
    """Return the language of which most small words are there; None where there are none, or as many of two."""
    if any(_DEVANAGARI.match(word) for word in words):
        return "hi"
    counts = sorted((sum(word in stop for word in words), language) for language, stop in STOP_WORDS.items())
    (second, _), (first, language) = counts[-2:]
    return language if first > second else None
