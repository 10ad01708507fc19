"""The loop in LangGraph: a model node, a tools node, and the edges between them.

The graph only advances the transcript. It starts from the messages it is given, asks the model, executes what the
model asks for, and stops when there is nothing left to do. Events go straight into the log as they happen.
"""

import operator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Literal, TypeAlias, TypedDict

import anyio
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime

from agent import metrics
from agent.answer import STEP_SEPARATOR
from agent.calls import settle
from agent.events import ReasoningDelta, SnapshotTaken, TextDelta, ToolsStarted
from agent.failpoints import failpoint
from agent.history import REFUSED, open_calls, refusals
from agent.journal import SettledCall
from agent.models.assembly import ToolRequest
from agent.models.echo import STEP
from agent.models.stream import Reply, Sinks, in_pieces, stream_reply
from agent.stop import StoppedError
from agent.store.database import new_id
from agent.store.messages import NewMessage, RequestedCall
from agent.toolkit import Kind, Risk, Tool
from agent.turn import Turn

BAD_ARGUMENTS = "The arguments are not a JSON object. Correct them and call again."
CUT_CALL = (
    "Not made: your message was cut at its length limit, so this call may be incomplete. Ask again, in smaller pieces."
)
LIMIT_TEXT = "I stopped here, because this took more steps than I may take. Tell me how to go on."


class LoopState(TypedDict):
    """The transcript as the model reads it; nodes add to it."""

    messages: Annotated[list[BaseMessage], operator.add]


@dataclass(frozen=True, slots=True)
class Answered:
    """The model has said its last word: `turn.reply`."""

    finish_reason: str


@dataclass(frozen=True, slots=True)
class StepLimit:
    """All steps are used; `turn.reply` says so to the user."""


Outcome: TypeAlias = Answered | StepLimit
"""What the loop came to. The run's boundary makes an end of it."""

Loop: TypeAlias = CompiledStateGraph[LoopState, Turn, LoopState, LoopState]


def build_loop() -> Loop:
    """Return the compiled loop. It keeps nothing between runs, so one serves the whole process."""
    graph = StateGraph(LoopState, context_schema=Turn)
    graph.add_node("model", call_model)
    graph.add_node("tools", call_tools)
    graph.add_node("limit", stop_at_limit)
    graph.add_edge(START, "model")
    graph.add_conditional_edges("model", after_model, {"tools": "tools", "end": END})
    graph.add_conditional_edges("tools", after_tools, {"model": "model", "limit": "limit"})
    graph.add_edge("limit", END)
    return graph.compile()


async def advance(loop: Loop, turn: Turn) -> Outcome:
    """Run the loop until the transcript needs nothing more; return what it came to. It ends nothing.

    Raises:
        RunError: the run cannot go on; the caller ends it.
        LeaseLostError, StaleAppendError: another attempt owns the run.
        StoppedError: somebody stopped it; what it said so far is in `turn.reply`.
    """
    state = await loop.ainvoke(
        {"messages": turn.messages}, context=turn, config={"recursion_limit": 2 * turn.assistant.limits.steps + 5}
    )
    turn.messages = state["messages"]
    return StepLimit() if turn.is_at_limit else Answered(turn.reply.finish_reason)


async def call_model(state: LoopState, runtime: Runtime[Turn]) -> LoopState:
    """Ask the model; stream what it says; store its message where it asks for tools. An answer is the outcome's to store."""
    turn = runtime.context
    if open_calls(state["messages"]):
        return {"messages": []}  # a recovered run begins with the calls that an earlier attempt left open
    turn.step += 1
    turn.reply = Reply()
    with turn.stopper.stoppable():
        await stream_reply(
            turn.model,
            state["messages"],
            turn.reply,
            Sinks(partial(_emit_text, turn), partial(_emit_reasoning, turn), partial(_retract, turn)),
            limits=turn.assistant.limits,
            tools=turn.tools,
        )
    turn.usage += turn.reply.usage
    if not turn.reply.requests:
        return {"messages": [AIMessage(turn.reply.text)]}
    calls = [_call(request, is_cut=turn.reply.is_cut) for request in turn.reply.requests]
    extras = turn.extras([(call.id, request) for call, request in zip(calls, turn.reply.requests, strict=True)])
    await turn.journal.commit_reply(
        NewMessage(
            "assistant",
            turn.reply.text,
            turn.step,
            tool_calls=tuple(calls),
            model=turn.run.model,
            usage=turn.reply.usage,
            extras=extras,
        ),
        [(call, *_class_of(turn.tools.get(call.name))) for call in calls],
    )
    asked = [{"type": "tool_call", "id": call.id, "name": call.name, "args": call.arguments} for call in calls]
    beside = {STEP: extras, REFUSED: {call.id: call.refused for call in calls if call.refused}}
    return {"messages": [AIMessage(turn.reply.text, tool_calls=asked, additional_kwargs=beside)]}


def _call(request: ToolRequest, *, is_cut: bool) -> RequestedCall:
    """Return a request as a call with an id of ours, and why it is not made where that is so.

    A step that was cut asked for half of what it meant, or for one of several things that belong together.
    """
    refused = CUT_CALL if is_cut else BAD_ARGUMENTS if request.arguments is None else None
    return RequestedCall(str(new_id()), request.name, request.arguments or {}, refused)


async def call_tools(state: LoopState, runtime: Runtime[Turn]) -> LoopState:
    """Execute the open calls at the same time; store and return their results in the model's order."""
    turn = runtime.context
    refused = refusals(state["messages"])
    calls = [
        RequestedCall(str(call["id"]), call["name"], call["args"], refused.get(str(call["id"])))
        for call in open_calls(state["messages"])
    ]
    names = [call.name for call in calls if call.name in turn.tools and turn.tools[call.name].kind == "data"]
    if names:
        turn.journal.emit(ToolsStarted(tuple(names)))
    turn.reply = Reply()
    done: dict[str, SettledCall] = {}

    async def work(call: RequestedCall) -> None:
        try:
            done[call.id] = await settle(turn, call)
        except StoppedError as stopped:  # at another process: the calls beside this one end as by a stop here
            turn.stopper.stop(stopped.reason)

    try:
        with turn.stopper.stoppable():
            async with anyio.create_task_group() as group:
                for call in calls:
                    group.start_soon(work, call)
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed  # only what concerns the run itself gets here: the lease or the log
    except StoppedError:
        # What a call has done is not forgotten because another one was stopped.
        if done:
            await turn.journal.commit_results(turn.step, [done[call.id] for call in calls if call.id in done])
        raise
    settled = [done[call.id] for call in calls]
    await turn.journal.commit_results(turn.step, settled)
    return {"messages": [_result_message(one) for one in settled]}


async def stop_at_limit(state: LoopState, runtime: Runtime[Turn]) -> LoopState:
    """Say in words that all steps are used: a normal ending."""
    turn = runtime.context
    turn.step += 1
    turn.reply = Reply(pieces=[LIMIT_TEXT])
    turn.is_at_limit = True
    await _emit_text(turn, LIMIT_TEXT)
    return {"messages": [AIMessage(LIMIT_TEXT)]}


# Coroutines, although they wait for nothing: LangGraph takes the others to a thread and back.
async def after_model(state: LoopState) -> Literal["tools", "end"]:
    """Open tool calls -> tools; else this part is over."""
    return "tools" if open_calls(state["messages"]) else "end"


async def after_tools(state: LoopState, runtime: Runtime[Turn]) -> Literal["model", "limit"]:
    """Back to the model, while there are steps left."""
    turn = runtime.context
    return "model" if turn.step < turn.assistant.limits.steps else "limit"


async def _emit_text(turn: Turn, text: str) -> None:
    if turn.has_text and len(turn.reply.pieces) == 1 and turn.step > 1:
        text = STEP_SEPARATOR + text
    if not turn.has_text:
        metrics.first_token_s.observe((datetime.now(UTC) - turn.run.created_at).total_seconds())
    turn.has_text = True
    turn.journal.emit(TextDelta(text))
    failpoint("model.after_first_token")


async def _retract(turn: Turn) -> None:
    """Take back the step's text so far: it was thinking. Readers get what is left as a snapshot, and go on from there."""
    shown = await turn.journal.shown()
    left = shown.text.removesuffix(turn.reply.text).removesuffix(STEP_SEPARATOR)
    first, *more = list(in_pieces(left)) or [""]
    turn.journal.emit(SnapshotTaken(str(turn.run.message_id), first, tuple(shown.tools_used), tuple(shown.actions)))
    for piece in more:
        turn.journal.emit(TextDelta(piece))
    turn.has_text = bool(left)


async def _emit_reasoning(turn: Turn, text: str) -> None:
    if text:
        turn.journal.emit(ReasoningDelta(text))


def _class_of(tool: Tool | None) -> tuple[Kind, Risk]:
    return (tool.kind, tool.risk) if tool else ("unknown", "read")


def _result_message(settled: SettledCall) -> ToolMessage:
    return ToolMessage(
        settled.text,
        tool_call_id=settled.call.id,
        name=settled.call.name,
        status="error" if settled.is_error else "success",
    )
