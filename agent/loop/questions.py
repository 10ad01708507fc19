"""Which calls of a step wait for a person's yes, and how they are asked for.

The invariant: a call that needs a yes is made only with the arguments that somebody said yes to. It is held here and not in
what the model is told, so nothing that a model or a tool says gets around it.
"""

import hashlib
import re
from collections.abc import Container, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import chain, count
from typing import Any, NamedTuple

import orjson
from langchain_core.messages import BaseMessage, ToolMessage

from agent.attempt.answers import no_of
from agent.attempt.attempt import Attempt
from agent.attempt.hiding import for_people, without_secrets
from agent.graphemes import cut
from agent.graphemes import shown as shown_text
from agent.masking import Mask
from agent.models.text import clean
from agent.prompt.history import MADE_OF, UNTRUSTED
from agent.prompt.words import CANNOT_ASK
from agent.store.approvals import Approval, NewApproval
from agent.store.messages import ToolCall
from agent.toolkit import Tool, has_side_effects

TITLE_CHARACTERS = 200
VALUE_CHARACTERS = 80
EXACT = 2**53 - 1
"""The largest whole number that JavaScript tells from its neighbours."""
_PLACE = re.compile(r"\{(\w+)\}")


class Sorted(NamedTuple):
    """The calls of a step: those that can be made, or told why not, and those that wait."""

    ready: list[ToolCall]
    waiting: list[ToolCall]


async def look_around(attempt: Attempt, messages: Sequence[BaseMessage], calls: Sequence[ToolCall]) -> None:
    """Note what decides which of a step's calls ask, beside the calls themselves: what the model has read, what stands."""
    look_for_strangers(attempt, messages)
    attempt.standing = frozenset()
    tools = [attempt.tools[call.name] for call in calls if call.name in attempt.tools]
    if attempt.assistant.approvals.always_allow and any(may_always(attempt, tool) for tool in tools):
        attempt.standing = await attempt.writer.standing()


def look_for_strangers(attempt: Attempt, messages: Sequence[BaseMessage]) -> None:
    """Note whether anybody may have written something of what the model reads."""
    attempt.is_tainted = any(_is_untrusted(attempt, one) for one in messages)


def _is_untrusted(attempt: Attempt, message: BaseMessage) -> bool:
    if UNTRUSTED in message.additional_kwargs:
        return True
    made_of = message.additional_kwargs.get(MADE_OF, ())
    names = [message.name or ""] if isinstance(message, ToolMessage) else made_of
    return any(name in attempt.tools and attempt.tools[name].is_untrusted for name in names)


def asks(attempt: Attempt, tool: Tool, call: ToolCall) -> bool:
    """Return whether a call needs a yes of its own."""
    if attempt.is_tainted and has_side_effects(tool.risk):
        return True
    stands = tool.name in attempt.standing and may_always(attempt, tool)
    return not stands and tool.needs_yes(call.arguments)


def may_always(attempt: Attempt, tool: Tool) -> bool:
    """Return whether a user may say yes to all calls of a tool at once."""
    is_allowed_here = attempt.assistant.approvals.always_allow and not attempt.is_tainted
    return is_allowed_here and tool.risk != "dangerous" and not approvers(attempt, tool)


def approvers(attempt: Attempt, tool: Tool) -> tuple[str, ...]:
    """Return the roles of those who answer in the user's place; none where the user does."""
    return tool.approvers or attempt.assistant.approvals.approvers


def sort(attempt: Attempt, calls: Sequence[ToolCall]) -> Sorted:
    """Return which calls wait for a yes; of the others, those with a no say so themselves, and edited ones are as edited."""
    found = Sorted([], [])
    for call in calls:
        tool = attempt.tools.get(call.name)
        answer = attempt.approvals.get(call.id)
        if tool is None or call.refused is not None:
            found.ready.append(call)
        elif answer is not None and answer.state != "open":
            found.ready.append(_answered(attempt, call, answer))
        elif tool.kind == "client" and attempt.run.client_tools is None:
            found.ready.append(call)  # there is no page to make it, whatever its user says
        elif not asks(attempt, tool, call):
            found.ready.append(call)
        elif not attempt.run.can_ask:
            found.ready.append(replace(call, refused=CANNOT_ASK))
        else:
            found.waiting.append(call)
    return found


def is_allowed(attempt: Attempt, tool: Tool, call: ToolCall) -> bool:
    """Return whether a call may be made: nobody need be asked, or somebody who may said yes to just these arguments."""
    answer = attempt.approvals.get(call.id)
    if answer is None:
        return not asks(attempt, tool, call)
    if answer.state != "approved" or not _is_of_who_may(attempt, tool, answer):
        return False
    return hash_of(call) == answer.hash if answer.edited is None else call.arguments == answer.edited


def _is_of_who_may(attempt: Attempt, tool: Tool, answer: Approval) -> bool:
    """Return whether the tool still takes a yes from whoever gave it: its definition may name others since it was asked."""
    is_own = answer.decided_by == attempt.principal.current.user_id
    return not is_own or not approvers(attempt, tool)


async def questions(attempt: Attempt, calls: Sequence[ToolCall]) -> list[NewApproval]:
    """Return what is asked about calls that wait, until when by the database's clock."""
    if not calls:
        return []
    until = await attempt.writer.now() + timedelta(seconds=attempt.assistant.approvals.expires_s)
    return [
        NewApproval(
            call.id,
            call.name,
            title(attempt.tools[call.name], call, attempt.principal.mask),
            shown(for_people(call.arguments, *attempt.tools[call.name].hides), attempt.principal.mask),
            hash_of(call),
            until,
            approvers(attempt, attempt.tools[call.name]),
            may_always(attempt, attempt.tools[call.name]),
        )
        for call in calls
    ]


def title(tool: Tool, call: ToolCall, mask: Mask) -> str:
    """Return the question in plain words, made of the tool's own and of the arguments; the model has no part in it."""
    if tool.ask is None:
        return f"{tool.name.replace('_', ' ').strip().capitalize()}?"

    arguments = without_secrets(call.arguments, mask, *tool.hides)  # a title is recorded as it is

    def value(place: re.Match[str]) -> str:
        given = arguments.get(place[1])
        return "…" if given is None else _value(given, mask)

    return cut(_PLACE.sub(value, tool.ask), TITLE_CHARACTERS)


def _value(given: object, mask: Mask) -> str:
    text = given if isinstance(given, str) else orjson.dumps(given, default=str).decode()
    line = " ".join(shown_text(mask(clean(text))).split())
    return line if len(line) <= VALUE_CHARACTERS else f"{cut(line, VALUE_CHARACTERS)}…"


def shown(value: Any, mask: Mask) -> Any:
    """Return arguments as people are shown them: without secrets, and without signs that turn or steer what stands around.

    Of two names that look alike then the second one gets a number, so that nothing hides behind another; a whole number that
    browsers would round is a text of all its digits.
    """
    match value:
        case str():
            return shown_text(mask(clean(value)))
        case dict():
            found: dict[str, Any] = {}
            for name, one in value.items():
                found[_free(shown(str(name), mask), found)] = shown(one, mask)
            return found
        case list():
            return [shown(one, mask) for one in value]
        case int() if abs(value) > EXACT:
            return str(value)
        case _:
            return value


def _free(name: str, taken: Container[str]) -> str:
    """Return a name, with a number behind it where it is taken."""
    numbered = (f"{name} ({number})" for number in count(2))
    return next(one for one in chain([name], numbered) if one not in taken)


def hash_of(call: ToolCall) -> str:
    """Return what binds an answer to a call: its id, its tool and its arguments, in a form that does not depend on their order."""
    canonical = orjson.dumps([call.id, call.name, call.arguments], option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(canonical).hexdigest()


def _answered(attempt: Attempt, call: ToolCall, answer: Approval) -> ToolCall:
    match answer.state:
        case "approved":
            return call if answer.edited is None else replace(call, arguments=answer.edited)
        case _:
            return replace(call, refused=no_of(answer))
