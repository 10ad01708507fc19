"""How OpenAI's clients name a conversation: in the body, in a header of ours, or in the one that Open WebUI sends."""

from collections.abc import Mapping

from api.requests import NAME, checked

HEADERS = ("x-conversation-id", "x-openwebui-chat-id")
NAMELESS = ("{{", "local:")
"""How a name begins that is none: a placeholder that nobody filled in, and what Open WebUI calls all temporary chats of a page."""


def name_of(given: object, headers: Mapping[str, str]) -> str | None:
    """Return what the client calls the conversation; None where it has no name for it. The body's word counts first.

    A chat product has no name before its first message: `new`, `null`, an empty header or an unfilled placeholder is none.

    Raises:
        InvalidRequestError: the name is too long, or no text.
    """
    field, name = "metadata.conversation_id", given
    for header in HEADERS:
        if name is None:
            field, name = header, _meant(headers.get(header))
    if name is None:
        return None
    return checked(NAME, name, called=field)


def _meant(value: str | None) -> str | None:
    if value is None or value.strip() in ("", "new", "null", "undefined") or value.startswith(NAMELESS):
        return None
    return value
