"""The outcome of a call of the backend: a result for the tool, or a text for the model.

The invariant: a change is told as made where the backend said so, as not made where it said that, and else as unknown.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import ceil
from types import MappingProxyType
from typing import Any, Literal

import structlog

from agent.errors import CredentialRefusedError, NotThereError, ToolError
from tools.backends.parsing import BodyError, parse
from tools.backends.refusals import in_words
from tools.backends.waiting import retry_after_s
from tools.results import Remark

UNSEEN = frozenset(
    {
        *("set-cookie", "set-cookie2", "cookie", "authorization", "www-authenticate", "authentication-info"),
        *("proxy-authenticate", "proxy-authentication-info", "proxy-authorization", "x-api-key"),
    }
)
"""Headers that no tool gets to see: they hold what opens doors."""
UNKNOWN = "The change may or may not have been made: check before you try again."
NOT_MADE = "The change was not made."
LOOK_AGAIN = "The change was not made; look at how things are now before you try again."
DONE_UNREADABLE = "The business system said that it was done; the rest of its answer could not be read."
TAKEN_ON = "Taken on by the business system, perhaps not done yet: check before you say that it is."
NO_NAMES: Mapping[str, str] = MappingProxyType({})

logger = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the backend. `content` leaves out what of its body could not be read.

    `is_change` says what was asked for. Names of headers are in small letters; cookies and challenges are not among them.
    """

    method: str
    status: int
    content: bytes
    end: Literal["whole", "large", "lost"] = "whole"
    is_change: bool = field(kw_only=True)
    headers: Mapping[str, str] = field(default_factory=dict, kw_only=True)
    is_users: bool = field(default=True, kw_only=True)
    """Whether it was the user's own sign-in that the request went with."""

    @property
    def media_type(self) -> str:
        """Its `Content-Type` without parameters; empty where it has none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class NoAnswerError(Exception):
    """A request without an answer; `is_sent` says whether it may have arrived, `is_late` whether the time was over."""

    def __init__(self, reason: str, *, is_sent: bool, is_late: bool = False) -> None:
        super().__init__(reason)
        self.is_sent = is_sent
        self.is_late = is_late


def plain_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that tools may see."""
    plain = ((name.lower(), value) for name, value in headers.items())
    return {name: value for name, value in plain if name not in UNSEEN}


def told(answer: Answer) -> Any:
    """Return the result of an answer in JSON; None is the 404 of a read.

    Raises:
        ToolError: the backend refused, failed, or said something that cannot be read.
    """
    if answer.status == 404 and not answer.is_change:
        logger.info("backend_refused", method=answer.method, status=answer.status)  # it may be a path that is wrong
        return None
    check(answer)
    if answer.end != "whole":
        return unread(answer)
    if not answer.content:
        return nothing_more(answer)
    try:
        return parse(answer.content)
    except BodyError as exc:
        return _unreadable(answer, str(exc))


def check(answer: Answer, *, names: Mapping[str, str] = NO_NAMES) -> None:
    """Refuse an answer that is no success. `names` are the model's own for the fields that the backend may complain of.

    Raises:
        ToolError: the backend refused or failed.
    """
    if 200 <= answer.status < 300:
        return
    if 400 <= answer.status < 500:
        logger.info("backend_refused", method=answer.method, status=answer.status)
    else:
        logger.warning("backend_failed", method=answer.method, status=answer.status)
    refusal = _refusal(answer, names)
    wish_s = retry_after_s(answer.headers) if answer.status in (429, 503) else None
    raise type(refusal)(f"{refusal} Ask it again in {ceil(wish_s)} s at the earliest.") if wish_s else refusal


def nothing_more(answer: Answer) -> Remark:
    """Return the result of a success that says nothing more."""
    return Remark(accepted=True, note=TAKEN_ON) if answer.status == 202 else Remark(ok=True)


def unread(answer: Answer) -> Remark:
    """Return the result of a success whose body did not come whole.

    Raises:
        ToolError: it was a read, of which nothing is left then.
    """
    if answer.end == "large":
        return _unreadable(answer, "The answer is larger than may be read. Ask for less: filter or page.")
    return _unreadable(answer, "The business system cannot be reached right now: its answer broke off.")


def unreachable(error: NoAnswerError, *, is_change: bool) -> ToolError:
    """Return what the model is told of a request without an answer."""
    text = "The business system cannot be reached right now."
    if error.is_sent and error.is_late:
        text = "The business system did not answer in time."
    if not is_change:
        return ToolError(text)
    return ToolError(f"{text} {UNKNOWN if error.is_sent else NOT_MADE}")


def _unreadable(answer: Answer, reason: str) -> Remark:
    logger.warning("backend_answer_unreadable", method=answer.method, status=answer.status, end=answer.end)
    if answer.is_change:
        return Remark(ok=True, note=DONE_UNREADABLE)
    raise ToolError(reason)


def _refusal(answer: Answer, names: Mapping[str, str]) -> ToolError:
    status = answer.status
    detail = in_words(answer.content, media_type=answer.media_type, names=names)
    match status:
        case 401 if not answer.is_users:
            return ToolError(
                "The business system did not accept how this assistant signs in. Only its operator can help."
            )
        case 401:
            return CredentialRefusedError("The business system did not accept the user's sign-in.")
        case 403:
            return ToolError(f"The user is not allowed to see or do this: {detail}")
        case 404:
            text = f"The business system has no such thing (404): {_sentence(detail)}"
            return NotThereError(f"{text} {NOT_MADE}" if answer.is_change else text)
        case 409 if answer.is_change:
            return ToolError(f"The business system refused the request (409): {_sentence(detail)} {LOOK_AGAIN}")
        case 408 if answer.is_change:
            return ToolError(f"The business system did not get the request in time (408). {UNKNOWN}")
        case _ if 400 <= status < 500:
            return ToolError(f"The business system refused the request ({status}): {detail}")
        case _ if 300 <= status < 400:
            text = f"The business system answered with a redirect ({status}), and redirects are not followed."
            more = NOT_MADE if status in (307, 308) else UNKNOWN
        case _:
            text, more = f"The business system failed ({status}).", UNKNOWN
    return ToolError(f"{text} {more}" if answer.is_change else text)


def _sentence(text: str) -> str:
    return text if text.endswith((".", "!", "?")) else f"{text}."
