"""A post of the hand-written dialects' clients: a body, or the query of a URL, in their words."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Self
from uuid import UUID

import orjson
from fastapi.exceptions import RequestValidationError
from pydantic import Field, StringConstraints, ValidationError, model_validator
from starlette.datastructures import QueryParams

from agent.errors import InvalidRequestError
from agent.runs.request import RunRequest
from api.requests import MESSAGE_CHARACTERS, NO_NUL, ClientKey, History, OneAnswer, RunOptions

MAX_HISTORY = 10_000
EMPTY = "message: a text is needed"


Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=MESSAGE_CHARACTERS), NO_NUL]


class DialectRequest(OneAnswer, RunOptions):
    """A message in any of their words. Its history only finds the conversation, of a client that has no name for it."""

    message: Text | None = None
    prompt: Text | None = Field(default=None, description="the message, where that is what the client calls it")
    history: Annotated[History, Field(max_length=MAX_HISTORY)] | None = None
    conversation_id: ClientKey | None = Field(
        default=None, description="an id of ours, or what the client calls the conversation, a number too"
    )
    client_key: ClientKey | None = None
    stream_request_id: UUID | None = Field(
        default=None, description="the run that is read on, behind `Last-Event-ID`; no message is taken then"
    )

    @model_validator(mode="after")
    def _names_one_conversation(self) -> Self:
        if self.conversation_id is not None and self.client_key is not None:
            raise ValueError("name the conversation by conversation_id or by client_key, not by both")
        return self

    @property
    def is_empty(self) -> bool:
        """Whether nothing is asked, and nothing is to be read on."""
        return self.stream_request_id is None and not (self.message or self.prompt)

    def to_run(self, idempotency_key: str | None) -> RunRequest:
        """Return the request for a run.

        Raises:
            InvalidRequestError: nothing is asked, or a run is to be read on, where a run can only be begun.
        """
        if self.stream_request_id is not None:
            raise InvalidRequestError("stream_request_id: post it, or open the run's events")
        message = self.message or self.prompt
        if not message:
            raise InvalidRequestError(EMPTY)
        name = self.conversation_id if self.conversation_id is not None else self.client_key
        named = self.model_copy(update={"client_key": name})  # its hash is that of the name, too
        asked = named.run_request(idempotency_key, message=message, conversation_id=None)
        return replace(asked, client_key=name, said=_said(self.history or (), message) if name is None else None)


def asked_in_body(body: bytes, query: QueryParams) -> DialectRequest:
    """Return what a body asks, or what the query says that the body does not; of a query alone there may be no body.

    Raises:
        RequestValidationError: a field is not valid.
    """
    try:
        fields = orjson.loads(body) if body.strip() else {}
    except orjson.JSONDecodeError:
        raise InvalidRequestError("body: not readable as JSON") from None
    if not isinstance(fields, dict):
        raise InvalidRequestError("body: must be an object of JSON")
    return _valid({**_fields(query), **fields}, "body")


def asked_in_query(query: QueryParams) -> DialectRequest:
    """Return what a URL alone asks.

    Raises:
        RequestValidationError: a field is not valid.
    """
    return _valid(_fields(query), "query")


def _fields(query: QueryParams) -> dict[str, object]:
    """Return the fields that stand in a query, each once; what is JSON in a body is JSON here, too."""
    fields: dict[str, object] = {}
    for name, value in query.multi_items():
        if name not in (*DialectRequest.model_fields, "models"):
            continue
        if name in fields:
            raise InvalidRequestError(f"{name}: give it once")
        fields[name] = value
    for name in {"context", "history"} & fields.keys():
        try:
            fields[name] = orjson.loads(str(fields[name]))
        except orjson.JSONDecodeError:
            raise InvalidRequestError(f"{name}: must be JSON") from None
    return fields


def _valid(fields: Mapping[str, object], place: str) -> DialectRequest:
    try:
        return DialectRequest.model_validate({**fields, "stream_request_id": fields.get("stream_request_id") or None})
    except ValidationError as exc:
        raise RequestValidationError([{**one, "loc": (place, *one["loc"])} for one in exc.errors()]) from None


def _said(history: Sequence[object], message: str | None) -> tuple[str, ...]:
    """Return the texts before the message, which may stand last among them; none where one of them is no text."""
    said = [one for one in history if isinstance(one, Mapping) and one.get("role") in ("user", "assistant")]
    texts = [one.get("content") for one in said]
    if said and said[-1].get("role") == "user" and isinstance(texts[-1], str) and texts[-1].strip() == message:
        texts.pop()
    return tuple(text for text in texts if isinstance(text, str)) if all(isinstance(t, str) for t in texts) else ()
