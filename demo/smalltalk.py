"""Greetings and questions about the assistant itself, answered without tools."""

import re

from demo.phrasebook import NO_WAY_BACK

_SELF = (
    "I am Frontdesk's built-in demo model: I match the words of your question with the tools here. "
    "I am not a language model."
)
_SAYINGS = (
    (
        r"(?:hi|hello|hey|hiya|howdy|good (?:morning|afternoon|evening|day)|greetings)(?: (?:there|again|all|everyone))?|",
        "Hello! What would you like to know?",
    ),
    (r"(?:hi |hello |hey )?how are you(?: doing| today)?", "Hello! What would you like to know?"),
    (r"(?:who|what) are you.{0,60}|are you (?:an? )?(?:ai|bot|robot|human|real|llm|language model|gpt|chatgpt)|what.{0,9} your name", _SELF),
    (r"help(?: me)?|what can you do(?: for me)?|what can i ask(?: you)?|what do you do|how do(?:es)? (?:this|it) work", _SELF),
    (r"(?:ok |great |perfect |cool |many )*(?:thanks?(?: you)?|thx|cheers|ta)(?: .{0,40})?", "You're welcome!"),
    (r"(?:bye|goodbye|see you|good night|ciao)(?: .{0,20})?", "Goodbye!"),
    (
        r"(?:please |can you |could you )*(?:undo|revert|take back|take that back|change (?:it|that) back|undo (?:it|that|this)|revert (?:it|that|this))(?: .{0,20})?",
        NO_WAY_BACK,
    ),
    (r"ok|okay|great|perfect|cool|nice|super|fine|good|well done|yes|no|sure", "All right. What would you like to know next?"),
)  # fmt: skip
_OPEN = ("Hello!", _SELF)


def smalltalk(question: str, abilities: str) -> str | None:
    """Return an answer if the whole message is small talk, else None. `abilities` is the list of what can be done."""
    said = " ".join(re.findall(r"[^\W_]+", question[:200].lower()))
    answer = next((answer for pattern, answer in _SAYINGS if re.fullmatch(pattern, said)), None)
    return f"{answer}\n\n{abilities}" if answer and abilities and answer.startswith(_OPEN) else answer
