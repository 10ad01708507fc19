"""What `useChat` posts: the whole conversation as the page has it, of which only the last message counts.

That is the user's, or the answer that asked for a yes, with what the user said to it. Everything else that it holds is the page's:
answers and results of tools in it are not read, whoever wrote them; what was asked is known by its hash, and not by what stands here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter, ValidationError

from agent.errors import InvalidRequestError
from agent.runs.request import RunRequest
from api.decisions import Answer
from api.protocols.ai_sdk.encoder import Held
from api.requests import ClientKey, MessageText, RunOptions, checked

MAX_MESSAGES = 10_000
NOT_ASKED = "messages: the last one must be the user's; nothing was asked of the page"
TEXT = TypeAdapter[str](MessageText)
NAME = TypeAdapter[str](ClientKey)


@dataclass(frozen=True, slots=True)
class Responses:
    """What a user said to what an answer asked: by the answer's id, and what the page has of it."""

    message_id: str
    answers: list[Answer]
    held: Held


class AiSdkRequest(RunOptions):
    """A post of the AI SDK's `DefaultChatTransport`; what a page adds to it may be an option of ours."""

    id: ClientKey = Field(description="the chat; its conversation is made where there is none")
    messages: Annotated[list[Any], Field(min_length=1, max_length=MAX_MESSAGES)]
    trigger: Literal["submit-message", "regenerate-message"] = "submit-message"
    message_id: ClientKey | None = Field(default=None, alias="messageId")

    def responses(self) -> Responses | None:
        """Return the user's answers to what the last message asked; None where it is none that asked.

        Raises:
            InvalidRequestError: one of them is no answer.
        """
        last = self.messages[-1]
        if self.trigger != "submit-message" or not isinstance(last, Mapping) or last.get("role") != "assistant":
            return None
        parts = [one for one in last.get("parts") or () if isinstance(one, Mapping)]
        given = [one.get("approval") for one in parts if one.get("state") == "approval-responded"]
        if not given:
            return None
        answers = [_answer(one) for one in given]
        text = "".join(str(one.get("text") or "") for one in parts if one.get("type") == "text")
        return Responses(str(last.get("id")), answers, Held(text, {str(one.get("toolCallId")) for one in parts}))

    def to_run(self, idempotency_key: str | None) -> RunRequest:
        """Return the request for a run. Under a key of the page's own its hash is that of all that is asked.

        A message that the page has sent before under this id, as `messageId` says, takes the place of that one. One that is
        sent twice as it is, without a key, is one request: the SDK sends no key of its own.

        Raises:
            InvalidRequestError: the last message is none of the user's, or holds something else than text.
        """
        asked = self._asked(idempotency_key)
        if idempotency_key is None:
            return asked
        said = (asked.request_hash, self.id, self.trigger, self.message_id, asked.message_name, asked.message)
        return replace(asked, request_hash=sha256("\0".join(one or "" for one in said).encode()).hexdigest())

    def _asked(self, idempotency_key: str | None) -> RunRequest:
        if self.trigger == "regenerate-message" and self.message_id is not None:
            return replace(self._named(idempotency_key, message=None), replaces=self.message_id)
        last = self.messages[-1]
        if not isinstance(last, Mapping) or last.get("role") != "user":
            raise InvalidRequestError(NOT_ASKED)
        text, name = _text(last.get("parts")), _name(last.get("id"))
        before = sum(1 for one in self.messages[:-1] if isinstance(one, Mapping) and one.get("role") == "user")
        is_again = self.trigger == "regenerate-message" or (name is not None and self.message_id == name)
        if name is not None and not is_again:
            idempotency_key = idempotency_key or _key(self.id, name, text)
        asked = replace(self._named(idempotency_key, message=text), message_name=name)
        if not is_again or name is None:
            return asked
        keeps = self.trigger == "regenerate-message"
        return replace(asked, replaces=name, said_before=before, keeps_message=keeps)

    def _named(self, idempotency_key: str | None, *, message: str | None) -> RunRequest:
        """Return the request with the page's options, in the chat's conversation. Its hash is that of the options alone."""
        options = RunOptions.model_validate({name: getattr(self, name) for name in RunOptions.model_fields})
        asked = options.run_request(idempotency_key, message=message, conversation_id=None)
        return replace(asked, client_key=self.id)


def _answer(approval: object) -> Answer:
    given = approval if isinstance(approval, Mapping) else {}
    said = {"hash": given.get("id"), "approve": given.get("approved"), "reason": given.get("reason")}
    try:
        return Answer.model_validate(said)
    except ValidationError as exc:
        raise InvalidRequestError(f"messages: an approval of the last one: {exc.errors()[0]['msg']}") from None


def _text(parts: object) -> str:
    """Return the text of a user's message.

    Raises:
        InvalidRequestError: there is none, it is too long, or there is something else beside it.
    """
    if not isinstance(parts, Sequence) or isinstance(parts, str):
        raise InvalidRequestError("messages: the last one has no parts")
    texts = []
    for part in parts:
        kind = part.get("type") if isinstance(part, Mapping) else None
        if kind == "file":
            raise InvalidRequestError("messages: files are not taken")
        text = part.get("text") if kind == "text" else None
        if not isinstance(text, str):
            raise InvalidRequestError("messages: the parts of the last one must be text")
        texts.append(text)
    return checked(TEXT, "\n".join(texts), called="messages: the last one")


def _name(name: object) -> str | None:
    if name is None or name == "":
        return None
    return checked(NAME, name, called="messages: the id of the last one")


def _key(chat: str, name: str, text: str) -> str:
    """Return the key by which a message that is sent twice is one request."""
    return f"ai-sdk-{sha256(chr(0).join((chat, name, text)).encode()).hexdigest()}"
