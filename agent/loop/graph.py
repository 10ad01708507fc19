"""The loop in LangGraph: a model node, a tools node, and where each of them goes on.

The graph only advances the transcript. It starts from the messages it is given, asks the model, executes what the
model asks for, and stops when there is nothing left to do. Events go straight into the log as they happen.
"""

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Literal, TypeAlias, TypedDict

import anyio
from langchain_core.messages import AIMessage, BaseMessage
from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from langgraph.types import Command, Overwrite

from agent import metrics
from agent.attempt.attempt import Attempt
from agent.attempt.results import ToolResult
from agent.attempt.stop import StoppedError
from agent.attempt.underway import Underway
from agent.events.schema import ToolsStarted, Usage
from agent.loop.asking import ask, emit_text
from agent.loop.page import for_page
from agent.loop.questions import look_around, look_for_strangers, questions, sort
from agent.loop.tools import execute_call, proposed
from agent.models.assembly import ToolRequest
from agent.models.echo import REFUSED, STEP
from agent.models.stream import Reply
from agent.prompt.history import open_calls, refusals
from agent.store.approvals import NewApproval
from agent.store.database import new_id
from agent.store.messages import NewMessage, ToolCall
from agent.store.page_calls import NewPageCall

TOO_MANY = (
    "Not made: one message may ask for {most} calls at most. Ask again for what you still need, in smaller steps."
)
CUT_CALL = (
    "Not made: your message was cut at its length limit, so this call may be incomplete. Ask again, in smaller pieces."
)
LIMIT_TEXT = "I stopped here, because this took more steps than I may take. Tell me how to go on."


class LoopState(TypedDict):
    """The transcript as the model reads it; nodes add to it."""

    messages: Annotated[list[BaseMessage], operator.add]


@dataclass(frozen=True, slots=True)
class Answered:
    """The model has said its last word: `attempt.reply`."""

    finish_reason: str


@dataclass(frozen=True, slots=True)
class StepLimit:
    """All steps are used; `attempt.reply` says so to the user."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Calls of the last step need somebody's yes, or the page; the others are made, their results stored."""

    questions: Sequence[NewApproval]
    for_page: Sequence[NewPageCall]


Outcome: TypeAlias = Answered | StepLimit | Waiting
"""The outcome: what the loop came to. The run's boundary makes an end of it."""

Loop: TypeAlias = CompiledStateGraph[LoopState, Attempt, LoopState, LoopState]


@cache
def build_loop() -> Loop:
    """Return the compiled loop. It keeps nothing between runs, so one serves the whole process.

    A node says itself where it goes on, which costs LangGraph less than a conditional edge behind it: that is a call of its
    own, with a configuration and callbacks of its own.
    """
    graph = StateGraph(LoopState, context_schema=Attempt)
    graph.add_node("model", call_model)
    graph.add_node("tools", call_tools)
    graph.add_node("limit", stop_at_limit)
    graph.add_edge(START, "model")
    graph.add_edge("limit", END)
    return graph.compile()


async def advance(loop: Loop, attempt: Attempt) -> Outcome:
    """Run the loop until the transcript needs nothing more; return what it came to. It ends nothing.

    Raises:
        RunError: the run cannot go on; the caller ends it.
        LeaseLostError, StaleAppendError: another attempt owns the run.
        StoppedError: somebody stopped it; what it said so far is in `attempt.reply`.
    """
    most = 2 * attempt.assistant.limits.steps + 5
    # The second version gives the state alone, without each node's updates.
    with metrics.runs_working.track_inprogress():
        state = await loop.ainvoke(
            {"messages": attempt.messages}, {"recursion_limit": most}, context=attempt, version="v2"
        )
    attempt.messages = state.value["messages"]
    if attempt.waiting or attempt.for_page:
        look_for_strangers(attempt, attempt.messages)  # the step's other calls may have brought their words
        return Waiting(await questions(attempt, attempt.waiting), attempt.for_page)
    return StepLimit() if attempt.is_at_limit else Answered(attempt.reply.finish_reason)


ToTools: TypeAlias = Command[Literal["tools"]]
OnFromTools: TypeAlias = Command[Literal["model", "limit"]]
"""The commands that a node returns to go on; the graph's edges are read from these."""


async def call_model(state: LoopState, runtime: Runtime[Attempt]) -> ToTools | LoopState:
    """Ask the model; stream what it says; store its message where it asks for tools. An answer is the outcome's to store."""
    attempt = runtime.context
    if open_calls(state["messages"]):
        return Command(goto="tools")  # a recovered run begins with the calls that an earlier attempt left open
    attempt.begin_step()
    given = await ask(attempt, state["messages"])
    attempt.usage += attempt.reply.usage
    attempt.cite(attempt.reply.sources.values())
    if not attempt.reply.requests:
        attempt.end_step(attempt.reply.finish_reason, attempt.reply.usage)
        return _behind(state, given, AIMessage(attempt.reply.text))
    calls = [_call(attempt, request, position) for position, request in enumerate(attempt.reply.requests)]
    extras = attempt.extras([(call.id, request) for call, request in zip(calls, attempt.reply.requests, strict=True)])
    await attempt.writer.commit_reply(
        NewMessage(
            "assistant",
            attempt.reply.text,
            attempt.step,
            tool_calls=tuple(calls),
            model=attempt.run.model,
            usage=attempt.reply.usage,
            extras=extras,
            sources=tuple(attempt.reply.sources.values()),
        ),
        [proposed(attempt, call) for call in calls],
    )
    asked = [{"type": "tool_call", "id": call.id, "name": call.name, "args": call.arguments} for call in calls]
    beside = {STEP: extras, REFUSED: {call.id: call.refused for call in calls if call.refused}}
    message = AIMessage(attempt.reply.text, tool_calls=asked, additional_kwargs=beside)
    return Command(goto="tools", update=_behind(state, given, message))


def _behind(state: LoopState, given: Sequence[BaseMessage], message: BaseMessage) -> LoopState:
    """Return what to store where a message follows on what a model was given: on what stands there, or in its place."""
    return {"messages": [message] if given is state["messages"] else Overwrite([*given, message])}  # type: ignore[typeddict-item]


def _call(attempt: Attempt, request: ToolRequest, position: int) -> ToolCall:
    """Return a request as a call with an id of ours, and why it is not made where that is so.

    A step that was cut asked for half of what it meant, or for one of several things that belong together.
    """
    refused = CUT_CALL if attempt.reply.is_cut else request.fault if request.arguments is None else None
    if position >= (most := attempt.assistant.limits.calls_per_step):
        refused = TOO_MANY.format(most=most)
    words = attempt.words_of(request.name)
    call_id = attempt.call_ids.get(request.number) or str(new_id())
    return ToolCall(call_id, request.name, request.arguments or {}, refused, words.label, words.done)


async def call_tools(state: LoopState, runtime: Runtime[Attempt]) -> OnFromTools | LoopState:
    """Execute the open calls at the same time; store and return their results in the model's order.

    Then it is the model's turn again, while there are steps left; or nobody's, where calls wait for a person or the page.
    """
    attempt = runtime.context
    if not attempt.offer.is_made:  # an earlier attempt died between its model and its tools
        with attempt.stopper.stoppable():
            await attempt.renew_tools(state["messages"])
    refused = refusals(state["messages"])
    calls = [
        ToolCall(str(call["id"]), call["name"], call["args"], refused.get(str(call["id"])))
        for call in open_calls(state["messages"])
    ]
    await look_around(attempt, state["messages"], calls)
    calls, attempt.waiting = sort(attempt, calls)
    calls, attempt.for_page = for_page(attempt, calls)
    names = [call.name for call in calls if call.name in attempt.tools and attempt.tools[call.name].kind == "data"]
    if names:
        attempt.writer.emit(ToolsStarted(tuple(names)))
    said, attempt.reply = attempt.reply, Reply()
    settled = await _execute_all(attempt, calls)
    results: list[BaseMessage] = [one.message() for one in settled]
    is_waiting = bool(attempt.waiting or attempt.for_page)
    goes_on = not is_waiting and attempt.step < attempt.assistant.limits.steps
    if settled:
        attempt.expect([*state["messages"], *results], goes_on=goes_on)
        await attempt.writer.commit_results(attempt.step, settled, goes_on=goes_on)
        attempt.cite(source for one in settled for source in one.sources)
    if is_waiting:
        return {"messages": results}
    attempt.end_step(said.finish_reason, said.usage)
    return Command(goto="model" if goes_on else "limit", update={"messages": results})


async def _execute_all(attempt: Attempt, calls: Sequence[ToolCall]) -> list[ToolResult]:
    """Execute calls at the same time; return their results in this order, which the caller stores.

    Raises:
        StoppedError: the run was stopped; what calls have done by then is stored.
    """
    done: dict[str, ToolResult] = {}
    underway = Underway(attempt.writer.emit, attempt.principal.mask)

    async def work(call: ToolCall) -> None:
        try:
            done[call.id] = await execute_call(attempt, call, underway)
        except StoppedError as stopped:  # at another process: the calls beside this one end as by a stop here
            attempt.stopper.stop(stopped.reason)

    try:
        with attempt.stopper.stoppable():
            async with anyio.create_task_group() as group:
                for call in calls:
                    group.start_soon(work, call)
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed  # only what concerns the run itself gets here: the lease or the log
    except StoppedError:
        if done:
            came = [done[call.id] for call in calls if call.id in done]
            await attempt.writer.commit_results(attempt.step, came)
            attempt.cite(source for one in came for source in one.sources)
        raise
    return [done[call.id] for call in calls]


async def stop_at_limit(state: LoopState, runtime: Runtime[Attempt]) -> LoopState:
    """Say in words that all steps are used: a normal ending."""
    attempt = runtime.context
    attempt.begin_step()
    attempt.reply = Reply(pieces=[LIMIT_TEXT])
    attempt.is_at_limit = True
    emit_text(attempt, LIMIT_TEXT)
    attempt.end_step("step_limit", Usage())
    return {"messages": [AIMessage(LIMIT_TEXT)]}
