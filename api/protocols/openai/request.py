"""A post of OpenAI's clients: a whole history, of which only the last message of the user counts.

Everything else in it is the client's: system messages, answers, calls and results of tools in it reach no model, whoever wrote
them. What was said before only finds the conversation. Options that change how a model speaks are not read, for they are the
assistant's; those that ask for another kind of answer are refused.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, ValidationInfo, field_validator

from agent.errors import InvalidRequestError
from agent.runs.request import RunRequest
from api.requests import TEXT, ClientKey, History, RunOptions, checked

MAX_MESSAGES = 10_000
TEXT_PARTS = ("text", "input_text", "output_text")
FILES = {
    **dict.fromkeys(("image_url", "input_image", "image"), "images"),
    **dict.fromkeys(("input_audio", "audio"), "audio"),
    **dict.fromkeys(("file", "input_file"), "files"),
    **dict.fromkeys(("video_url", "input_video", "video"), "videos"),
}


class OwnOptions(RunOptions):
    """Options of ours, in the field `frontdesk`; its `model` is one of the assistant's, as in `POST /chat`."""


class OpenAiRequest(BaseModel):
    """The fields that both of OpenAI's forms take."""

    model: Annotated[str, Field(min_length=1, max_length=64)] | None = Field(
        default=None, description="the id of the assistant, as GET /v1/models lists them; None: the default"
    )
    stream: bool | None = None
    metadata: dict[str, Any] | None = Field(default=None, description="`conversation_id` names the conversation")
    tool_choice: Any = None
    frontdesk: OwnOptions = Field(default_factory=OwnOptions, description="options of `POST /chat`")

    @property
    def name(self) -> object:
        """Return what the body calls the conversation."""
        return (self.metadata or {}).get("conversation_id")

    def run(self, messages: Sequence[object], idempotency_key: str | None, *, named: str | None) -> RunRequest:
        """Return the request for a run from what was said, the user's message last.

        Raises:
            InvalidRequestError: the last message is none of the user's, or holds something else than text.
        """
        if self.tool_choice not in (None, "auto", "none"):
            raise InvalidRequestError("tool_choice: the tools are the assistant's own; only auto and none are taken")
        spoken = [one for one in messages if not (isinstance(one, Mapping) and one.get("role") in UNHEARD)]
        last = spoken[-1] if spoken else None
        if not isinstance(last, Mapping) or last.get("role") != "user":
            raise InvalidRequestError("messages: the last one must be the user's; nothing was asked of the client")
        text = question(last.get("content"))
        options = self.frontdesk if self.model is None else self.frontdesk.model_copy(update={"assistant": self.model})
        asked = options.run_request(idempotency_key, message=text, conversation_id=None)
        said = [(one.get("role"), _words(one.get("content"))) for one in spoken[:-1] if isinstance(one, Mapping)]
        return replace(
            asked,
            client_key=named,
            request_hash=sha256("\0".join((asked.request_hash or "", named or "", text)).encode()).hexdigest(),
            said=tuple(words for role, words in said if role in ("user", "assistant") and words),
            asked_before=tuple(words for role, words in said if role == "user"),
        )


UNHEARD = ("system", "developer")


class StreamOptions(BaseModel):
    include_usage: bool | None = None


class ChatCompletionRequest(OpenAiRequest):
    """A post to Chat Completions."""

    messages: Annotated[History, Field(min_length=1, max_length=MAX_MESSAGES)]
    stream_options: StreamOptions | None = None
    n: Literal[1] | None = None
    logprobs: Literal[False] | None = None
    modalities: list[Literal["text"]] | None = None
    response_format: dict[str, Any] | None = None

    def to_run(self, idempotency_key: str | None, *, named: str | None) -> RunRequest:
        """Return the request for a run.

        Raises:
            InvalidRequestError: see `run`; or an answer of another kind is asked for.
        """
        _only_text("response_format", self.response_format)
        return self.run(self.messages, idempotency_key, named=named)


class Conversation(BaseModel):
    id: ClientKey


class ResponsesRequest(OpenAiRequest):
    """A post to Responses. `previous_response_id` and `conversation` name what goes on; nothing of it is sent again."""

    input: str | Annotated[History, Field(min_length=1, max_length=MAX_MESSAGES)]
    previous_response_id: Annotated[str, Field(pattern=r"^resp_[0-9a-f-]{36}$")] | None = None
    conversation: ClientKey | Conversation | None = None
    background: Literal[False] | None = None
    text: dict[str, Any] | None = None

    @field_validator("conversation")
    @classmethod
    def _names_one_place(
        cls, conversation: str | Conversation | None, info: ValidationInfo
    ) -> str | Conversation | None:
        if conversation is not None and info.data.get("previous_response_id") is not None:
            raise ValueError("name it, or the response that it goes on behind, not both")
        return conversation

    @property
    def name(self) -> object:
        if isinstance(self.conversation, Conversation):
            return self.conversation.id
        return self.conversation or super().name

    def to_run(self, idempotency_key: str | None, *, named: str | None) -> RunRequest:
        """Return the request for a run; `named` is the conversation's name, or its id.

        Raises:
            InvalidRequestError: see `run`; or an answer of another kind is asked for.
        """
        _only_text("text.format", (self.text or {}).get("format"))
        items = [{"role": "user", "content": self.input}] if isinstance(self.input, str) else self.input
        asked = self.run(items, idempotency_key, named=named)
        # Behind a response stands something new, also where it is in the words of the first message.
        return asked if self.previous_response_id is None else replace(asked, asked_before=None)


def question(content: object) -> str:
    """Return the text of a user's message.

    Raises:
        InvalidRequestError: there is none, it is too long, or there is something else beside it.
    """
    if isinstance(content, str):
        texts: list[object] = [content]
    elif isinstance(content, Sequence):
        texts = [_text(part) for part in content]
    else:
        raise InvalidRequestError("messages: the last one has no content")
    return checked(TEXT, "\n".join(map(str, texts)), called="messages: the last one")


def _text(part: object) -> str:
    kind = part.get("type") if isinstance(part, Mapping) else None
    if isinstance(kind, str) and kind in FILES:
        raise InvalidRequestError(f"messages: {FILES[kind]} are not taken")
    text = part.get("text") if isinstance(part, Mapping) and kind in TEXT_PARTS else None
    if not isinstance(text, str):
        raise InvalidRequestError("messages: the parts of the last one must be text")
    return text


def _words(content: object) -> str:
    """Return the text of a message that was said before; what else it holds is not read."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, Sequence) else ()
    texts = [part.get("text") for part in parts if isinstance(part, Mapping) and part.get("type") in TEXT_PARTS]
    return "".join(text for text in texts if isinstance(text, str))


def _only_text(field: str, form: object) -> None:
    if form is not None and (not isinstance(form, Mapping) or form.get("type") != "text"):
        raise InvalidRequestError(f"{field}: answers are text; no other form is given")
