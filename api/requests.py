"""The vocabulary of requests: what a client may send, field by field, and what becomes a request for a run of it.

The invariant: what passes these types is valid Unicode without NUL, of a bounded size, and can be stored in any database.
"""

import hashlib
import json
import re
from dataclasses import replace
from typing import Annotated, Any, Self
from uuid import UUID

import orjson
from fastapi import Header, Query
from fastapi.exceptions import RequestValidationError
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)
from starlette.datastructures import QueryParams

from agent.assistant.definition import WhenActive
from agent.assistant.pages import DESCRIBED_BYTES, MAX_DESCRIBED, DescribedTool
from agent.errors import InvalidRequestError
from agent.region import Locale, Region, TimeZone
from agent.runs.request import RunRequest
from api.auth import BRANCH

MESSAGE_CHARACTERS = 32_000
MAX_LANES = 4
FILES_APART = (
    "messages: files are not taken in a message; send them to POST /files first, and name their ids in `files`"
)
MAX_FILES = 50
"""Of a message, whatever the installation allows."""
NOT_ASKED = "messages: the last one must be the user's; nothing was asked of the page"
"""The refusal of a post of a page's whole history that ends in something else, which may be what the page was asked for."""
CONTEXT_BYTES = 8 * 1024
HALF = re.compile("[\ud800-\udfff]")
"""Half of a character, which no database takes."""


def _no_nul(text: str) -> str:
    if "\x00" in text:
        raise ValueError("must not contain NUL characters")
    if HALF.search(text):  # which pydantic finds only where a constraint stands on the text itself
        raise ValueError("must be valid Unicode")
    return text


def json_bytes(value: object) -> int:
    """Return how large something is as JSON; it is nested so deeply at most that it can stand within something else."""
    return len(orjson.dumps([[[[value]]]])) - 8


def plain_bytes(value: object) -> int:
    """Return how large something is as JSON that every database takes.

    Raises:
        ValueError: it is none.
    """
    try:
        json.dumps(value, allow_nan=False)  # orjson makes null of NaN; a database may refuse it
        return json_bytes(value)
    except (TypeError, ValueError, RecursionError) as exc:
        raise ValueError("must be plain JSON, not nested too deeply, with valid Unicode") from exc


def _small(context: dict[str, Any] | None) -> dict[str, Any] | None:
    if plain_bytes(context) > CONTEXT_BYTES:
        raise ValueError(f"must be at most {CONTEXT_BYTES} bytes of JSON")
    return context


def _readable(messages: list[Any]) -> list[Any]:
    try:
        json_bytes(messages)
    except TypeError as exc:
        raise ValueError("must be plain JSON, not nested too deeply, with valid Unicode") from exc
    return messages


NO_NUL = AfterValidator(_no_nul)
"""Goes behind the constraints: in front of them, pydantic would check lengths before it trims."""


MessageText = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MESSAGE_CHARACTERS), NO_NUL
]


History = Annotated[list[Any], AfterValidator(_readable)]
"""The messages that a client says there were: anything, that can be hashed, looked for and sent back as it is."""


def _as_text(key: object) -> object:
    return str(key) if isinstance(key, int) and not isinstance(key, bool) else key


ClientKey = Annotated[str, StringConstraints(min_length=1, max_length=255), NO_NUL, BeforeValidator(_as_text)]
"""An id that a client gives something: any text, or a whole number, which is the same as its digits."""


TEXT = TypeAdapter[str](MessageText)
NAME = TypeAdapter[str](ClientKey)


def checked(kind: TypeAdapter[str], value: object, *, called: str) -> str:
    """Return a value of one of these types; `called` is what its client calls it.

    Raises:
        InvalidRequestError: it is none.
    """
    try:
        return kind.validate_python(value)
    except ValidationError as exc:
        raise InvalidRequestError(f"{called}: {exc.errors()[0]['msg']}") from None


ToolCallId = Annotated[str, StringConstraints(min_length=1, max_length=255), NO_NUL]


def _small_tools(tools: list[DescribedTool] | None) -> list[DescribedTool] | None:
    if tools is None:
        return None
    if len({one.name for one in tools}) < len(tools):
        raise ValueError("a name is there twice")
    if len(orjson.dumps([one.model_dump(by_alias=True) for one in tools])) > DESCRIBED_BYTES:
        raise ValueError(f"must be at most {DESCRIBED_BYTES} bytes of JSON")
    return tools


ModelName = Annotated[str, StringConstraints(min_length=1, max_length=200), NO_NUL]


class OneAnswer(BaseModel):
    """A request whose answer is read as one: several models cannot give it side by side."""

    @model_validator(mode="before")
    @classmethod
    def _asks_one_model(cls, fields: Any) -> Any:
        if isinstance(fields, dict) and fields.get("models") is not None:
            raise ValueError("models: only POST /chat answers side by side")
        return fields


class RunOptions(BaseModel):
    """The options of every request for an answer."""

    assistant: Annotated[str, StringConstraints(min_length=1, max_length=64), NO_NUL] | None = Field(
        default=None, description="the id of the one to ask; None: the conversation's, or else the default"
    )

    branch_id: (
        Annotated[int, Field(strict=True, ge=-(2**63), lt=2**63)]
        | Annotated[str, StringConstraints(pattern=f"^({BRANCH.pattern})$")]
        | None
    ) = None
    model: ModelName | None = None
    when_active: WhenActive | None = Field(
        default=None, description="what to do while the conversation's last message is being answered"
    )
    context: Annotated[dict[str, Any] | None, AfterValidator(_small)] = Field(
        default=None, description="about the page, at most 8 KiB; the model gets it as data"
    )

    client_tools: Annotated[
        list[DescribedTool] | None, Field(max_length=MAX_DESCRIBED), AfterValidator(_small_tools)
    ] = Field(
        default=None,
        description="what the page can do and the assistant lets pages describe, as name, description, schema",
    )

    time_zone: TimeZone | None = Field(
        default=None, description="the user's, of the IANA database: its day is today. None: the tenant's"
    )
    locale: Locale | None = Field(default=None, description="the user's language, a BCP 47 tag. None: the tenant's")

    files: Annotated[list[UUID], Field(max_length=MAX_FILES)] | None = Field(
        default=None, description="ids of files that come with the message, as `POST /files` gave them"
    )

    def run_request(
        self,
        idempotency_key: str | None,
        *,
        message: str | None,
        conversation_id: UUID | None,
        replaces: UUID | None = None,
        can_ask: bool = False,
        has_page: bool = False,
    ) -> RunRequest:
        """Return the request for a run. Its hash is that of what was asked, whatever the JSON's spacing and order."""
        asked = {**self.model_dump(mode="json"), "conversation_id": conversation_id}
        # A key from before there were these is known again.
        for added in ("assistant", "time_zone", "locale", "client_key", "client_tools", "models", "files"):
            if asked.get(added) is None:
                asked.pop(added, None)
        return RunRequest(
            message=message,
            conversation_id=conversation_id,
            replaces=replaces,
            assistant=self.assistant,
            model=self.model,
            branch_id=self.branch_id,
            page=self.context,
            client_tools=self._described(),
            files=None if self.files is None else tuple(dict.fromkeys(self.files)),
            region=Region(self.time_zone, self.locale),
            when_active=self.when_active,
            idempotency_key=idempotency_key,
            can_ask=can_ask,
            has_page=has_page,
            request_hash=hashlib.sha256(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)).hexdigest(),
        )

    def _described(self) -> tuple[dict[str, Any], ...] | None:
        tools = self.client_tools
        return None if tools is None else tuple(one.model_dump(mode="json", by_alias=True) for one in tools)


class ChatRequest(RunOptions):
    """A message, and where it belongs."""

    message: MessageText
    conversation_id: UUID | None = None
    client_key: ClientKey | None = Field(
        default=None,
        description="what the client calls the conversation, which is made where there is none of this name",
    )
    models: Annotated[list[ModelName], Field(min_length=2, max_length=MAX_LANES)] | None = Field(
        default=None, description="several, in place of `model`: each answers in a lane of its own, side by side"
    )

    @model_validator(mode="after")
    def _names_one_conversation(self) -> Self:
        if self.conversation_id is not None and self.client_key is not None:
            raise ValueError("name the conversation by conversation_id or by client_key, not by both")
        if self.models is not None and self.model is not None:
            raise ValueError("name one model by model, or several by models, not both")
        return self

    def to_run(self, idempotency_key: str | None) -> RunRequest:
        """Return the request for a run, or for a run of each model. Of several none asks its user, or the page, for anything."""
        asked = self.run_request(
            idempotency_key,
            message=self.message,
            conversation_id=self.conversation_id,
            can_ask=self.models is None,
            has_page=self.models is None,
        )
        return replace(asked, client_key=self.client_key, models=tuple(self.models or ()))


BESIDE = ("ticket", "after", "format", "idempotency_key")
"""Parameters of a URL that say how, and for whom, and nothing of what is asked."""


def chat_in_query(query: QueryParams) -> ChatRequest:
    """Return what a URL asks: the fields of a body by their names, each once, with `context` as JSON.

    Raises:
        RequestValidationError: as a body of these fields would.
    """
    asked: dict[str, Any] = {}
    for name, value in query.multi_items():
        if name in asked:
            raise InvalidRequestError(
                f"{name}: give it once" if name in ChatRequest.model_fields else "the query: give each name once"
            )
        asked[name] = value
    try:
        OneAnswer.model_validate(asked)
        for name in {"context", "client_tools"} & set(asked):
            asked[name] = orjson.loads(asked[name])
        return ChatRequest.model_validate({name: asked[name] for name in asked if name not in BESIDE})
    except orjson.JSONDecodeError:
        raise InvalidRequestError(f"{name}: must be JSON") from None
    except ValidationError as exc:
        raise RequestValidationError([{**one, "loc": ("query", *one["loc"])} for one in exc.errors()]) from None


IdempotencyKey = Annotated[
    str | None, Header(alias="Idempotency-Key", min_length=1, max_length=255, pattern=r"^[\x20-\x7e]+$")
]
KeyInQuery = Annotated[str | None, Query(min_length=1, max_length=255, pattern=r"^[\x20-\x7e]+$")]
"""The same, for clients that cannot send a header."""
