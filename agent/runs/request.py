"""A client's request for a run, whatever protocol it speaks."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from agent.assistant.definition import WhenActive
from agent.region import UNSAID, Region


@dataclass(frozen=True, slots=True)
class RunRequest:
    """A user's message and what belongs to it. Everything is checked already, except that ids exist.

    Its conversation is `conversation_id`; or the one that the client calls `client_key`, which is made where there is none; or
    the one in which all texts of `said` were said, in this order, before this message. A name that nobody knows yet stands for
    the latter, too.

    `replaces` names the turn whose place this one takes: an id of a message of it, or what the client calls its message, for
    which an id of ours will do. Without a `message`, or where it `keeps_message`, that turn's message is answered again. A
    name that nobody knows is that of a new message where the client had only `said_before` messages of the user before it,
    and no more count here.
    """

    message: str | None
    conversation_id: UUID | None = None
    client_key: str | None = None
    said: tuple[str, ...] | None = None
    asked_before: tuple[str, ...] | None = None
    """Of a client that sends its whole history: the user's messages before this one, which say whose place it takes."""
    message_name: str | None = None
    """The client's name for this message."""
    is_once: bool = False
    """Where an equal request has stored a message of this name in between, it is that one, whatever their keys."""
    replaces: UUID | str | None = None
    keeps_message: bool = False
    said_before: int | None = None
    behind: int | None = None
    """The turn behind which all of `said` was said."""
    assistant: str | None = None
    model: str | None = None
    models: tuple[str, ...] = ()
    """Several, which answer side by side in lanes of one turn, in this order; then there is no `model`. It is a new message's."""
    branch_id: int | str | None = None
    page: dict[str, Any] | None = None
    client_tools: tuple[dict[str, Any], ...] | None = None
    """The tools that its page has and describes, checked already; None: nothing new."""
    declared: tuple[Mapping[str, Any], ...] | None = None
    """All that its page says it can do, unchecked: it runs what the assistant lets it have of that, and nothing else. It stands
    in place of `client_tools` and `has_page`. None: nothing is said so."""
    files: tuple[UUID, ...] | None = None
    """The files that the user attached; None: nothing, or what the message had that is replaced."""
    region: Region = UNSAID
    when_active: WhenActive | None = None
    idempotency_key: str | None = None
    can_ask: bool = True
    """Whether its client can show a question and send the answer."""
    has_page: bool = True
    """Whether its client runs tools of the page and sends what they return."""
    request_hash: str | None = None
