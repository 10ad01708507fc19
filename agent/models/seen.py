"""A user's message as it goes to a model in other words: the pictures that came with it stay."""

from langchain_core.messages import BaseMessage, HumanMessage


def in_other_words(message: BaseMessage, text: str) -> HumanMessage:
    """Return a user's message with this text in place of its own."""
    pictures = [] if isinstance(message.content, str) else [one for one in message.content if _is_picture(one)]
    return HumanMessage([{"type": "text", "text": text}, *pictures]) if pictures else HumanMessage(text)


def _is_picture(part: object) -> bool:
    return isinstance(part, dict) and part.get("type") == "image_url"
