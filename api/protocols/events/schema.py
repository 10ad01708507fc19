"""THE schema of `format=events`, version 1: a class for each event, declared in docs/events.md.

The invariant: versions only add. What stands in a recorded stream of a version is sent by every later server to a client
that names that version, field by field; `tests/recorded` holds one of each.
"""

from typing import Literal

import msgspec

from agent.events.schema import BudgetUsed, EndStatus, Usage
from api.protocols.events.beside import Action as Action
from api.protocols.events.beside import File as File
from api.protocols.events.beside import ShownAction as ShownAction
from api.protocols.events.beside import ShownSource as ShownSource
from api.protocols.events.beside import Source as Source
from api.protocols.events.root import Told as Told
from api.protocols.events.root import Version as Version


class RunStart(Told, tag="run.start"):
    """The run exists and its message is stored. Comes first; where it comes again, begin anew with what is shown of the run."""

    conversation_id: str
    run_id: str
    message_id: str
    model: str


class StepStart(Told, tag="step.start"):
    """A step begins: one call of the model, with the tool calls that it asks for."""

    step: int
    model: str


class StepEnd(Told, tag="step.end"):
    """A step is over, or was left by a process that died: then without a reason and without usage."""

    step: int
    model: str
    finish_reason: str | None = None
    usage: Usage | None = None


class UsageTold(Told, tag="usage"):
    """A step's usage, where a budget counts for it: `estimated` where the provider did not say it.

    `budgets` say how far each has come. Numbers are of the user's own budgets; of their tenant's only the `share` is told.
    """

    step: int
    usage: Usage
    estimated: bool = False
    budgets: tuple[BudgetUsed, ...] = ()


class ModelChanged(Told, tag="model.changed"):
    """Another model goes on with the step: `reason` is the code of the error of the one before, or `down` where that was not asked.

    What that had said of the step is not in the `snapshot` that comes before this.
    """

    left: str = msgspec.field(name="from")
    to: str
    reason: str


class History(Told, tag="history"):
    """The model does not get all that was said before: a `summary` up to the message `until` in its place, or nothing, where turns are `left_out`."""

    summary: str | None = None
    until: str | None = None
    left_out: bool = False


class TextStart(Told, tag="text.start"):
    """A block of the answer begins."""

    block_id: str
    model: str


class TextDelta(Told, tag="text.delta"):
    """A piece of it. All pieces of all blocks, joined in order, are the answer."""

    block_id: str
    model: str
    text: str


class TextEnd(Told, tag="text.end"):
    """The block is over."""

    block_id: str
    model: str


class ReasoningStart(Told, tag="reasoning.start"):
    """The model begins to think."""

    block_id: str
    model: str


class ReasoningDelta(Told, tag="reasoning.delta"):
    """A piece of its thinking, apart from the answer."""

    block_id: str
    model: str
    text: str


class ReasoningEnd(Told, tag="reasoning.end"):
    """The block is over."""

    block_id: str
    model: str


class ToolInputStart(Told, tag="tool_input.start"):
    """The model begins to write a tool call's input; the block's id is the call's."""

    block_id: str
    model: str
    name: str


class ToolInputDelta(Told, tag="tool_input.delta"):
    """A piece of the input: JSON text, as the model writes it."""

    block_id: str
    model: str
    text: str


class ToolInputEnd(Told, tag="tool_input.end"):
    """The input is written. The call is not made, where `is_made` is false."""

    block_id: str
    model: str
    is_made: bool


class ToolCallStart(Told, tag="tool_call.start"):
    """A tool call goes off. `arguments` are left out beyond 8 KiB; `label` is what people read meanwhile."""

    block_id: str
    name: str
    arguments: dict[str, object] | None = None
    label: str | None = None


class ToolCallProgress(Told, tag="tool_call.progress"):
    """A tool call goes on: told every five seconds, and when the tool says how far it is, from 0 to 1, or in a line of text."""

    block_id: str
    name: str
    elapsed_ms: int
    progress: float | None = None
    text: str | None = None


class ToolCallWait(Told, tag="tool_call.wait"):
    """A tool call waits for somebody."""

    block_id: str
    name: str
    status: str


class ToolCallEnd(Told, tag="tool_call.end"):
    """A tool call has settled. `output` is what the model reads of it, cut to 300 characters where `is_output_cut`."""

    block_id: str
    name: str
    status: Literal["ok", "error"]
    duration_ms: int | None = None
    output: str | None = None
    is_output_cut: bool = False
    error: str | None = None
    label: str | None = None


class Approval(Told, tag="approval"):
    """A tool call waits until `expires_at` for a yes or no: the user's, or that of somebody else of the roles `approvers`."""

    block_id: str
    name: str
    title: str
    arguments: dict[str, object]
    expires_at: str
    hash: str | None = None
    """Said again by who changes the arguments."""
    approvers: tuple[str, ...] | None = None
    may_always: bool | None = None


class ClientTool(Told, tag="client_tool"):
    """The page is to run a tool and post its result before `expires_at`."""

    block_id: str
    name: str
    arguments: dict[str, object]
    expires_at: str


class Snapshot(Told, tag="snapshot"):
    """Everything that is to be shown of this run so far: put it in the place of what is. No block is open."""

    message_id: str
    text: str
    tools_used: tuple[str, ...]
    actions: tuple[ShownAction, ...]
    sources: tuple[ShownSource, ...] = ()


class AuthRequired(Told, tag="auth_required"):
    """The backend refused the token; the run waits until `expires_at` for a fresh one."""

    expires_at: str


class Error(Told, tag="error"):
    """Why the run fails; `run.end` follows."""

    code: str
    message: str
    recoverable: bool
    retry_after_s: float | None = None


class RunPause(Told, tag="run.pause"):
    """The run waits for a decision, or for the page; the stream ends here."""


class RunEnd(Told, tag="run.end"):
    """The one end of the run, with the tokens of all steps. Only `title` and `suggestions` may follow."""

    status: EndStatus
    finish_reason: str
    usage: Usage


class Title(Told, tag="title"):
    """The conversation's title, made by the model."""

    title: str


class Suggestions(Told, tag="suggestions"):
    """Up to three follow-up questions."""

    questions: tuple[str, ...]


class Lagging(Told, tag="lagging"):
    """This reader is behind by so much; pieces are joined for it. It has no `id`, and is no part of the run."""

    behind_ms: int


class Done(Told, tag="done"):
    """Nothing follows."""
