"""Approvals that wait, as AG-UI's interrupts, and what a client says to them with its next run.

Source: `@ag-ui/core` 1.0.0; before it, LangGraph's `forwardedProps.command.resume`, which names no interrupt.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import ValidationError

from agent.errors import InvalidRequestError
from agent.events.schema import ApprovalRequested
from api.decisions import DecisionByHash

RESPONSE = {
    "type": "object",
    "properties": {
        "approved": {"type": "boolean"},
        "reason": {"type": "string", "maxLength": 1000},
        "editedArgs": {"type": "object"},
    },
    "required": ["approved"],
}
"""The schema of what answers a question."""


CALLED = {"hash": "interruptId", "approve": "approved", "reason": "reason", "arguments": "editedArgs"}


class Said(NamedTuple):
    """A user's answers to interrupts. `unnamed` is about the only one there is."""

    answers: Sequence[DecisionByHash] = ()
    unnamed: DecisionByHash | None = None

    @property
    def is_no(self) -> bool:
        """Whether nothing is said yes to."""
        return not any(one.approve for one in self.all)

    @property
    def all(self) -> list[DecisionByHash]:
        """All of it."""
        return [*self.answers, *([self.unnamed] if self.unnamed is not None else [])]


def interrupt(asked: ApprovalRequested, *, is_of_page: bool = False) -> dict[str, Any]:
    """Return a question. Its id binds the answer to the arguments that are shown.

    `is_of_page`: it is about a call that the page makes, which is told after a yes. CopilotKit takes what its user says to a
    question about a call that is named for that call's result.
    """
    named = {"reason": "confirmation"} if is_of_page else {"reason": "tool_call", "toolCallId": asked.tool_call_id}
    return {
        "id": asked.hash,
        **named,
        "message": asked.title,
        "responseSchema": RESPONSE,
        "expiresAt": asked.expires_at,
        "metadata": {"name": asked.name, "arguments": asked.arguments},
    }


def said_to(resume: Sequence[object] | None, props: Mapping[str, object]) -> Said:
    """Return what a post says to interrupts, in either form.

    Raises:
        InvalidRequestError: something of it is no answer.
    """
    command = props.get("command")
    old = command.get("resume") if isinstance(command, Mapping) else None
    if resume or _are_entries(old):
        return Said([_entry(one) for one in resume or _listed(old)])
    return Said(unnamed=_answer("-", old)) if old is not None else Said()


def _are_entries(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, Mapping) and "interruptId" in one for one in value)


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _entry(entry: object) -> DecisionByHash:
    given = entry if isinstance(entry, Mapping) else {}
    if given.get("status") not in ("resolved", "cancelled"):
        raise InvalidRequestError("resume: an answer is resolved or cancelled")
    payload = given.get("payload") if given["status"] == "resolved" else False
    return _answer(given.get("interruptId"), payload)


def _answer(name: object, payload: object) -> DecisionByHash:
    said = payload if isinstance(payload, Mapping) else {"approved": payload}
    given = {"hash": name, "approve": said.get("approved"), "reason": said.get("reason")}
    try:
        return DecisionByHash.model_validate({**given, "arguments": said.get("editedArgs")})
    except ValidationError as exc:
        error = exc.errors()[0]
        raise InvalidRequestError(f"resume: {CALLED[str(error['loc'][0])]}: {error['msg']}") from None
