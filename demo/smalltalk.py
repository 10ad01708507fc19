"""Greetings and questions about the assistant itself, answered without tools."""

import re

_GREETING = re.compile(
    r"^(?:hi|hello|hey|hiya|howdy|good (?:morning|afternoon|evening|day)|greetings)(?: (?:there|again|all|everyone))?$"
)
_THANKS = re.compile(r"^(?:ok |great |perfect |cool |many )*(?:thanks?(?: you)?|thx|cheers|ta)(?: .{0,40})?$")
_GOODBYE = re.compile(r"^(?:bye|goodbye|see you|good night|ciao)(?: .{0,20})?$")
_WELL = re.compile(r"^(?:ok|okay|great|perfect|cool|nice|super|fine|good|well done|yes|no|sure)$")
_HOW_ARE_YOU = re.compile(r"^(?:hi |hello |hey )?how are you(?: doing| today)?$")
_WHO = re.compile(
    r"\b(?:who|what) are you\b|\bare you (?:an? )?(?:ai|bot|robot|human|real|llm|language model|gpt|chatgpt)\b|\byour name\b"
)
_HELP = re.compile(
    r"^(?:help(?: me)?|what can you do(?: for me)?|what can i ask(?: you)?|what do you do|how do(?:es)? (?:this|it) work)$"
)

_SELF = "Frontdesk's built-in demo model: I match the words of your question with the tools here. I am not a language model."


def smalltalk(question: str, abilities: str) -> str | None:
    """Return an answer if the whole message is small talk, else None. `abilities` is the list of what can be done."""
    said = " ".join(re.findall(r"[^\W_]+", question[:200].lower()))
    listed = f"\n\n{abilities}" if abilities else ""
    if not said or _GREETING.match(said) or _HOW_ARE_YOU.match(said):
        return f"Hello! What would you like to know?{listed}"
    if _THANKS.match(said):
        return "You're welcome!"
    if _GOODBYE.match(said):
        return "Goodbye!"
    if _WELL.match(said):
        return "All right. What would you like to know next?"
    if _WHO.search(said) and len(said) < 80:
        return f"I am {_SELF}{listed}"
    if _HELP.match(said):
        return f"I am {_SELF}{listed}"
    return None
