"""Commands that a client may say over a WebSocket: one JSON object a message, told apart by its `type`."""

from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import BaseModel, Field, StringConstraints, TypeAdapter, ValidationError, model_validator
from pydantic_core import ErrorDetails

from agent.errors import InvalidRequestError
from agent.events.ids import parse_event_id
from agent.events.schema import START, EventId
from agent.runs.request import RunRequest
from api.decisions import DecisionRequest
from api.dependencies import UNKNOWN_EVENT_ID
from api.errors import MAX_PROBLEMS
from api.page_requests import ResultRequest
from api.requests import ChatRequest, OneAnswer
from api.tokens import MAX_TOKEN_CHARACTERS

REF_CHARACTERS = 64

After = Annotated[str, StringConstraints(max_length=64)]
Key = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^[\x20-\x7e]+$")]


Ref = (
    Annotated[str, StringConstraints(max_length=REF_CHARACTERS)]
    | Annotated[int, Field(strict=True, ge=-(2**63), lt=2**63)]
)


class Command(BaseModel):
    """Any message of a client. `ref` comes back with the reply."""

    ref: Ref | None = None

    @property
    def echo(self) -> dict[str, object]:
        """Return what of it comes back with the reply."""
        return {} if self.ref is None else {"ref": self.ref}


class Send(OneAnswer, ChatRequest, Command):
    """Ask, as `POST /chat` does, and read the run."""

    type: Literal["send"]
    idempotency_key: Key | None = None
    after: After | None = None

    def asked(self) -> RunRequest:
        """Return the request for a run: the same as that of a post of the same fields."""
        fields = {name: getattr(self, name) for name in ChatRequest.model_fields}
        return ChatRequest.model_construct(**fields).to_run(self.idempotency_key)


class Attach(Command):
    """Read a run, or what runs in a conversation, from an event on; in place of the reader that the socket has of it."""

    type: Literal["attach"]
    run: UUID | None = None
    conversation: UUID | None = None
    after: After | None = None

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if (self.run is None) is (self.conversation is None):
            raise ValueError("name a run or a conversation")
        return self


class OfRun(Command):
    """A command about one run."""

    run: UUID


class Detach(OfRun):
    """Read a run no longer. It goes on."""

    type: Literal["detach"]


class Cancel(OfRun):
    """Stop a run."""

    type: Literal["cancel"]


class Decide(OfRun, DecisionRequest):
    """Say yes or no to a call that waits for it."""

    type: Literal["decide"]


class Result(OfRun, ResultRequest):
    """Give what a tool of the page returned."""

    type: Literal["result"]


class SignIn(Command):
    """Say who asks, first; later, bring a fresh token of the same user."""

    type: Literal["credential"]
    token: Annotated[str, StringConstraints(min_length=1, max_length=MAX_TOKEN_CHARACTERS)]


AnyCommand = Send | Attach | Detach | Cancel | Decide | Result | SignIn
COMMANDS = TypeAdapter[AnyCommand](Annotated[AnyCommand, Field(discriminator="type")])


def parse(text: str) -> AnyCommand:
    """Return what a message says.

    Raises:
        InvalidRequestError: it is no command; the text names the field.
    """
    try:
        return COMMANDS.validate_json(text)
    except ValidationError as exc:
        raise InvalidRequestError("; ".join(map(_problem, exc.errors()[:MAX_PROBLEMS]))) from None


def position(after: str | None) -> EventId:
    """Return the id after which a reader wants to read."""
    return (parse_event_id(after) or UNKNOWN_EVENT_ID) if after else START


def _problem(error: ErrorDetails) -> str:
    """Return what is wrong, without what the client wrote, which a wrong `type` would be told back with."""
    if error["type"] == "union_tag_invalid":
        return f"type: must be one of {error['ctx']['expected_tags']}"
    return f"{_field(error['loc'])}: {error['msg']}"


def _field(location: tuple[int | str, ...]) -> str:
    """Return a field's path as the client wrote it: without the kind of command, which stands first."""
    return ".".join(map(str, location[1:])) or "message"
