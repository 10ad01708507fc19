"""The offline model's memory: "remember that …", "what do you know about me", "forget that …", where the tools for it are there.

It keeps what stands behind these words as it was said, forgets only what is there in just these words, and answers from a remembered
fact where no tool answers.
"""

import json
import re
from collections.abc import Sequence

from demo.chain import Call
from demo.markdown import plain
from demo.phrasebook import ALL_REMEMBERED, FORGOTTEN, FROM_MEMORY, KNOWN_BEFORE, NOTHING_REMEMBERED, OF_ALL, REMEMBERED
from demo.schema import Card
from demo.tongues import Tongue
from demo.turn import Result, Turn

OWN = frozenset({"remember", "forget", "recall"})

_PLEASE = r"\W*(?:(?:please|can you|could you|bitte|por favor|कृपया)\W+)*"
_THAT = r"(?:\W*\b(?:that|this|dass|que|isto|esto|कि)\b)?[\s:,]+(?P<fact>.+)"
_REMEMBER = re.compile(
    _PLEASE
    + r"(?:remember|keep in mind|don['’]?t forget|merk(?:e)? dir|vergiss nicht|recuerda|lembra(?:-te)?|lembre(?:-se)?|याद (?:रखो|रखना|रखिए))"
    + _THAT,
    re.IGNORECASE | re.DOTALL,
)
_FORGET = re.compile(
    _PLEASE + r"(?:forget|vergiss|vergesse|olvida|esquece|esqueça|भूल (?:जाओ|जाइए))" + _THAT, re.IGNORECASE | re.DOTALL
)
_RECALL = re.compile(
    _PLEASE
    + r"(?:what (?:do|did) you (?:know|remember)(?: about| of)?(?: me| us)?|what have you remembered.*|tell me what you (?:know|remember)(?: about| of) me"
    r"|was (?:weißt|weisst) du (?:über|von) mi(?:ch|r)|was hast du dir gemerkt|qué sabes (?:de|sobre) mí|o que sabes? (?:de|sobre) mim"
    r"|(?:आप|तुम) मेरे बारे में क्या जानते (?:हैं|हो))(?: (?:already|so far|schon))?\W*",
    re.IGNORECASE,
)


def has_memory(cards: Sequence[Card]) -> bool:
    """Return whether the tools of a memory are there, and not others of their names."""
    takes = {card.name: {one.name for one in card.parameters} for card in cards}
    return "fact" in takes.get("remember", ()) and "fact" in takes.get("forget", ())


def asked_of_memory(question: str) -> Call | None:
    """Return the call that a question asks the memory for; None where it asks for something else."""
    if _RECALL.fullmatch(question.strip()):
        return Call("recall", {})
    for name, pattern in (("remember", _REMEMBER), ("forget", _FORGET)):
        found = pattern.fullmatch(question.strip())
        if found and (fact := found["fact"].strip(" \t\n.!")):
            return Call(name, {"fact": fact})
    return None


def told_of_memory(result: Result, tongue: Tongue) -> str:
    """Return what the memory answered, in words."""
    if result.failed:
        return plain(result.content, 600)
    try:
        said = json.loads(result.content)
    except json.JSONDecodeError:
        said = {}
    if not isinstance(said, dict):
        said = {}
    if "remembered" in said:
        kept = KNOWN_BEFORE if said.get("known_before") else REMEMBERED
        return f"{tongue.say(kept)} **{plain(str(said['remembered']), 600)}**"
    if "forgotten" in said:
        return f"{tongue.say(FORGOTTEN)} **{plain(str(said['forgotten']), 600)}**"
    return _listed(said, "of_the_user", "of_the_tenant", tongue, ALL_REMEMBERED) or tongue.say(NOTHING_REMEMBERED)


def from_memory(turn: Turn, tongue: Tongue) -> str:
    """Return what is remembered that fits the question; empty where nothing is."""
    return _listed(dict(turn.memories), "of_user", "of_tenant", tongue, FROM_MEMORY)


def _listed(found: dict[str, object], own: str, shared: str, tongue: Tongue, head: str) -> str:
    parts = [_part(found.get(own), tongue.say(head)), _part(found.get(shared), tongue.say(OF_ALL))]
    return "\n\n".join(part for part in parts if part)


def _part(facts: object, head: str) -> str:
    lines = [f"- {plain(str(one), 600)}" for one in facts] if isinstance(facts, list) else []
    return "\n".join([f"{head}\n", *lines]) if lines else ""
