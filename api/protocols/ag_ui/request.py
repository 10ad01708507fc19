"""A post of an AG-UI client: the whole thread as the page has it, of which only the last message of the user counts.

Everything else that it holds is the page's: answers and state in it are not read, whoever wrote them, and of results only those
of calls that the page was asked for. Its ids say where the message belongs. `tools` are all that the page runs; `resume` says
what the user said to interrupts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Annotated, Any

from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field, ValidationError, field_validator

from agent.errors import InvalidRequestError
from agent.runs.request import RunRequest
from api.page_requests import PageSaid, said_as_text
from api.protocols.ag_ui.interrupts import Said, said_to
from api.protocols.ag_ui.reader import result_id
from api.requests import FILES_APART, NAME, NOT_ASKED, TEXT, ClientKey, History, RunOptions, checked

MAX_MESSAGES = 10_000
IDS_READ = 100
"""How many of the ids before the message say where it belongs: the newest ones, which is what pages keep."""
FILES = ("image", "audio", "video", "document", "binary")


class ContextItem(BaseModel):
    """An item of what a page says about itself."""

    description: str
    value: str


class RunAgentInput(BaseModel):
    """A post of `@ag-ui/client`, of 1.0 or before it."""

    thread_id: ClientKey = Field(alias="threadId", description="the conversation, which is made where there is none")
    run_id: ClientKey = Field(alias="runId", description="the request: posted twice under one id, it is one")
    protocol_version: str | None = Field(default=None, alias="protocolVersion", max_length=16)
    messages: Annotated[History, Field(max_length=MAX_MESSAGES)]
    tools: History | None = Field(
        default=None, description="what the page runs, of which the assistant is lent what it names; others are ignored"
    )
    context: list[ContextItem] | None = Field(default=None, description="about the page; the model gets it as data")
    state: Any = Field(default=None, description="ignored")
    forwarded_props: dict[str, Any] | None = Field(
        default=None, alias="forwardedProps", description="options of `POST /chat` by their names; others are ignored"
    )
    resume: list[Any] | None = Field(default=None, description="what the user said to interrupts, by their ids")

    @field_validator("protocol_version")
    @classmethod
    def _is_spoken(cls, version: str | None) -> str | None:
        major, dot, minor = (version or "1.0").partition(".")
        if major != "1" or not dot or not (minor.isascii() and minor.isdigit()):
            raise ValueError("this server speaks 1.0, and the form before it")
        return version

    def asked(self, assistant: str | None = None) -> "Asked":
        """Return what is asked, of the assistant that the route names.

        Raises:
            InvalidRequestError: the last message holds something else than text.
            RequestValidationError: an option in `forwardedProps` is wrong.
        """
        places = [at for at, one in enumerate(self.messages) if _role(one) == "user"]
        options = self._options(assistant)
        if not places:
            if self.messages and _role(self.messages[-1]) not in ("assistant", "system", "developer"):
                raise InvalidRequestError(NOT_ASKED)
            return Asked(self.thread_id, options)
        at = places[-1]
        text, name = _text(self.messages[at].get("content")), _name(self.messages[at].get("id"))
        body = sha256("\0".join((options.request_hash or "", name or "", text)).encode()).hexdigest()
        request = replace(options, message=text, message_name=name, request_hash=body, is_once=True)
        ids = [str(one["id"]) for one in self.messages[:at] if isinstance(one, Mapping) and one.get("id")]
        ids = [one for one in ids if "\0" not in one]  # no database has such a one, and some cannot be asked for it
        return Asked(
            self.thread_id,
            request,
            has_tail=at + 1 < len(self.messages),
            before=tuple(ids[-IDS_READ:]),
            said_before=len(places) - 1,
        )

    @property
    def resumes(self) -> bool:
        """Whether it answers interrupts."""
        command = (self.forwarded_props or {}).get("command")
        return bool(self.resume) or (isinstance(command, Mapping) and command.get("resume") is not None)

    def said(self) -> Said:
        """Return what the user says to interrupts.

        Raises:
            InvalidRequestError: something of it is no answer.
        """
        return said_to(self.resume, self.forwarded_props or {})

    def answer(self, message_id: str) -> Mapping[str, Any] | None:
        """Return an answer as the page has it; None where it has none of this id."""
        return next((one for one in self.messages if _role(one) == "assistant" and one.get("id") == message_id), None)

    @property
    def has_new(self) -> bool:
        """Whether the last message is the user's."""
        return bool(self.messages) and _role(self.messages[-1]) == "user"

    def is_behind(self, name: str | None) -> bool:
        """Return whether the last message, which is the user's, is behind another one of theirs of this name."""
        return (
            name is not None
            and any(_role(one) == "user" and one.get("id") == name for one in self.messages[:-1])
            and self.messages[-1].get("id") != name
        )

    def page_said(self) -> dict[str, PageSaid]:
        """Return what the page says of calls, by their ids: the results of its own behind what the user said before.

        Of two of one call the first one counts.
        """
        places = [at for at, one in enumerate(self.messages) if _role(one) == "user"]
        end = places.pop() if self.has_new else len(self.messages)
        said: dict[str, PageSaid] = {}
        for one in self.messages[places[-1] + 1 if places else 0 : end]:
            if _role(one) == "tool" and isinstance(call_id := one.get("toolCallId"), str) and not _is_ours(one):
                said.setdefault(call_id, _said(one))
        return said

    def held(self) -> tuple[set[str], set[str]]:
        """Return the calls that the page has, and those of which it has our result, by their ids."""
        calls: set[str] = set()
        for one in self.messages:
            if _role(one) == "assistant" and isinstance(made := one.get("toolCalls"), list):
                calls |= {str(call.get("id")) for call in made if isinstance(call, Mapping)}
        return calls, {str(one.get("toolCallId")) for one in self.messages if _role(one) == "tool" and _is_ours(one)}

    def reasoning(self) -> list[Mapping[str, Any]]:
        """Return the thinking that the page holds: it keeps what no snapshot names, and would show it twice."""
        return [one for one in self.messages if _role(one) == "reasoning" and isinstance(one.get("id"), str)]

    def _options(self, assistant: str | None) -> RunRequest:
        props = self.forwarded_props or {}
        names = RunOptions.model_fields.keys() - {"client_tools"}  # `tools` says that
        given = {name: props[name] for name in names if props.get(name) is not None}
        if assistant is not None:
            given["assistant"] = assistant
        if self.context:
            about, items = given.get("context", {}), [one.model_dump() for one in self.context]
            given["context"] = {**about, "context": items} if isinstance(about, dict) else about
        try:
            options = RunOptions.model_validate(given)
        except ValidationError as exc:
            errors = [{**one, "loc": ("body", "forwardedProps", *one["loc"])} for one in exc.errors()]
            raise RequestValidationError(errors) from None
        asked = options.run_request(key_of(self.thread_id, self.run_id), message=None, conversation_id=None)
        return replace(asked, client_key=self.thread_id, declared=self._declared())

    def _declared(self) -> tuple[Mapping[str, Any], ...]:
        return tuple(
            {"name": one.get("name"), "description": one.get("description"), **_schema(one.get("parameters"))}
            for one in self.tools or ()
            if isinstance(one, Mapping)
        )


@dataclass(frozen=True, slots=True)
class Asked:
    """A post, read: the request, which has no message where the page only comes back, and what is around its message."""

    thread_id: str
    request: RunRequest
    has_tail: bool = False
    """The page has something behind the message: an answer to it, or what it takes for one."""
    before: tuple[str, ...] = ()
    """The ids of what came before the message, oldest first."""
    said_before: int = 0
    """How many messages of the user's came before it."""


def key_of(thread_id: str, run_id: str) -> str:
    """Return the key by which a request that is sent twice is one."""
    return f"ag-ui-{sha256(chr(0).join((thread_id, run_id)).encode()).hexdigest()}"


def _role(message: object) -> object:
    return message.get("role") if isinstance(message, Mapping) else None


def _schema(parameters: object) -> dict[str, object]:
    """Return a tool's schema by our name, without what says which JSON Schema it is."""
    if isinstance(parameters, Mapping):
        parameters = {name: one for name, one in parameters.items() if name != "$schema"}
    return {} if parameters is None or parameters == {} else {"schema": parameters}


def _is_ours(result: Mapping[str, Any]) -> bool:
    return bool(result.get("id") == result_id(str(result.get("toolCallId"))))


def _said(result: Mapping[str, Any]) -> PageSaid:
    content = result.get("content")
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    texts = [one.get("text") for one in parts if isinstance(one, Mapping)] if isinstance(parts, list) else []
    is_text = isinstance(parts, list) and len(texts) == len(parts) and all(isinstance(text, str) for text in texts)
    return said_as_text("".join(map(str, texts)), result.get("error")) if is_text else PageSaid()


def _text(content: object) -> str:
    """Return the text of a user's message.

    Raises:
        InvalidRequestError: there is none, it is too long, or there is something else beside it.
    """
    parts = [{"type": "text", "text": content}] if isinstance(content, str) else content
    if not isinstance(parts, Sequence):
        raise InvalidRequestError("messages: the last one of the user's has no content")
    texts = []
    for part in parts:
        kind = part.get("type") if isinstance(part, Mapping) else None
        if kind in FILES:
            raise InvalidRequestError(FILES_APART)
        text = part.get("text") if kind == "text" else None
        if not isinstance(text, str):
            raise InvalidRequestError("messages: the content of the user's last one must be text")
        texts.append(text)
    return checked(TEXT, "\n".join(texts), called="messages: the user's last one")


def _name(name: object) -> str | None:
    if name is None or name == "":
        return None
    return checked(NAME, name, called="messages: the id of the user's last one")
