"""A post of `useChat`: the whole conversation as the page has it, of which only the last message counts.

That is the user's, or the answer that asked for a yes or the page, with what was said to it. Everything else that it holds is the
page's: answers in it are not read, whoever wrote them, and of results only those of calls that the page was asked for; what was
asked of a person is known by its hash, and not by what stands here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError

from agent.errors import InvalidRequestError
from agent.runs.request import RunRequest
from api.decisions import DecisionByHash
from api.page_requests import PageSaid
from api.protocols.ai_sdk.encoder import Held
from api.requests import FILES_APART, NAME, NOT_ASKED, TEXT, ClientKey, RunOptions, checked

MAX_MESSAGES = 10_000


@dataclass(frozen=True, slots=True)
class Responses:
    """Replies to what an answer asked: by its id, its user's answers, its page's by their calls, and what the page has of it."""

    message_id: str
    answers: list[DecisionByHash]
    page: dict[str, PageSaid]
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
        said = _said_in(last)
        return said if said.answers or said.page else None

    def in_front(self) -> Responses | None:
        """Return what the page says in the answer in front of a new message; None where it says nothing there."""
        before = next((one for one in reversed(self.messages[:-1]) if isinstance(one, Mapping)), {})
        if self.trigger != "submit-message" or before.get("role") != "assistant":
            return None
        said = _said_in(before, with_answers=False)
        return said if said.page else None

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
        return replace(asked, client_key=self.id, declared=asked.client_tools or ())


def _said_in(message: Mapping[str, Any], *, with_answers: bool = True) -> Responses:
    """Return what is said in an answer, as the page has it.

    Raises:
        InvalidRequestError: one of its user's answers is none.
    """
    found = message.get("parts")
    parts = [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []
    given = [one.get("approval") for one in parts if one.get("state") == "approval-responded"] if with_answers else []
    text = "".join(str(one.get("text") or "") for one in parts if one.get("type") == "text")
    own = [one for one in parts if isinstance(one.get("toolCallId"), str) and one.get("providerExecuted") is not True]
    asked = {one["toolCallId"] for one in own if one.get("state") == "input-available"}
    page = {one["toolCallId"]: said for one in own if (said := _of_page(one)) is not None}
    cited = {str(one.get("sourceId")) for one in parts if one.get("type") == "source-url"}
    held = Held(text, {str(one.get("toolCallId")) for one in parts}, asked=asked, sources=cited)
    return Responses(str(message.get("id")), [_answer(one) for one in given], page, held)


def _of_page(part: Mapping[str, Any]) -> PageSaid | None:
    """Return what the page says of a call; None where it says nothing."""
    match part.get("state"):
        case "output-available" if part.get("preliminary") is not True:
            return PageSaid((part.get("output"),))
        case "output-error":
            text = part.get("errorText")
            return PageSaid(error=text if isinstance(text, str) and text else "It says no more than that.")
        case _:
            return None


def _answer(approval: object) -> DecisionByHash:
    given = approval if isinstance(approval, Mapping) else {}
    said = {"hash": given.get("id"), "approve": given.get("approved"), "reason": given.get("reason")}
    try:
        return DecisionByHash.model_validate(said)
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
            raise InvalidRequestError(FILES_APART)
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
