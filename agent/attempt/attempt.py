"""An attempt at a run as the loop sees it: what it needs, and what it leaves behind for the run's end."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any

from langchain_core.language_models import LanguageModelInput
from langchain_core.messages import BaseMessage
from langchain_core.runnables import Runnable
from prometheus_client import Histogram

from agent import metrics
from agent.assistant.definition import Assistant
from agent.attempt.context import look_up
from agent.attempt.credential import RunCredential
from agent.attempt.heard import heard
from agent.attempt.offer import Offer
from agent.attempt.page import page_tools
from agent.attempt.stop import Stopper
from agent.attempt.transcript import Transcript, read_transcript, shortened, tell
from agent.attempt.writer import RunWriter
from agent.context.gathering import Contexts
from agent.events.schema import (
    HistoryShortened,
    ReasoningDelta,
    SourceCited,
    StepEnded,
    StepStarted,
    TextDelta,
    Usage,
)
from agent.files.room import Files
from agent.models.assembly import ToolRequest
from agent.models.catalog import Catalog
from agent.models.chain import Chain, open_chain
from agent.models.echo import step_extras
from agent.models.health import Health
from agent.models.sources import add, cited
from agent.models.stream import Reply
from agent.principal import Principal
from agent.store.approvals import Approval, list_approvals
from agent.store.changed_models import used_by
from agent.store.database import Store
from agent.store.messages import FileRef, NewMessage, StoredMessage, ToolCall
from agent.store.page_calls import NewPageCall, PageCall, list_page_calls
from agent.store.repeating import repeated
from agent.store.runs import Run
from agent.toolkit import Selector, Tool, Toolset
from agent.wording import Wording, worded


@dataclass(slots=True)
class Attempt:
    """The state of one attempt, which the nodes share while it goes on."""

    principal: RunCredential
    run: Run
    assistant: Assistant
    offer: Offer
    writer: RunWriter
    stopper: Stopper
    read: Callable[[Run], Awaitable[list[BaseMessage]]]
    """Reads what the model of the run, as it is given, is told: all that was said by now."""
    messages: list[BaseMessage] = field(default_factory=list)
    """The messages that the model was given at the start, and everything that was said since."""
    reply: Reply = field(default_factory=Reply)
    """The current step's reply so far; kept when the run is cut short."""
    step: int = 0
    is_at_limit: bool = False
    """Whether its last words are that all steps are used."""
    usage: Usage = field(default_factory=Usage)
    has_text: bool = False
    parts: int = 0
    """How many parts it has begun to say."""
    part_kind: type[TextDelta] | type[ReasoningDelta] | None = None
    """The kind of the part under way; None where none is."""
    approvals: Mapping[str, Approval] = field(default_factory=dict)
    """The approvals that people were asked for in earlier attempts, by the ids of the calls."""
    page_calls: Mapping[str, PageCall] = field(default_factory=dict)
    """The calls that the page was asked for in earlier attempts, and what it said, by their ids."""
    for_page: Sequence[NewPageCall] = ()
    """The calls that the page has to make, where the step cannot go on without."""
    waiting: Sequence[ToolCall] = ()
    """The calls that nobody said yes to yet, where the step cannot go on without."""
    standing: frozenset[str] = frozenset()
    """The tools of which the user said yes to all calls in the conversation, as of the current step."""
    is_tainted: bool = False
    """Whether the model has read, before the current step's calls, what anybody may have written."""
    call_ids: dict[int, str] = field(default_factory=dict)
    """The ids of the current reply's calls whose arguments were told of, by their numbers."""
    chain: Chain | None = None
    """The models that may go on where one fails; None where that ends the run."""
    has_asked: bool = False
    """Whether a model was asked for anything yet."""
    sources: dict[str, SourceCited] = field(default_factory=dict)
    """The sources that the run has cited by now, by ids."""
    given: list[FileRef] = field(default_factory=list)
    """The files that tools gave so far: the run's answer has them."""
    files: Files | None = None
    """Where files that tools give are kept; None where there is no such place."""
    shortened: HistoryShortened | None = None
    """The event that readers are told where the model does not get all that was said before."""

    @property
    def model(self) -> Runnable[LanguageModelInput, Any]:
        """The run's model; it knows the current step's tools."""
        return self.offer.model

    @property
    def tools(self) -> Mapping[str, Tool]:
        """The current step's tools by name."""
        return self.offer.tools

    def words_of(self, tool_name: str) -> Wording:
        """Return what people read of a tool's calls, in the run's language where that is given."""
        given = self.assistant.tools.get(tool_name)
        tool = self.tools.get(tool_name)
        sources = (given.wordings if given else {}, tool.wordings if tool else {})
        return worded(*sources, locale=self.run.region.locale)

    def go_on_behind(self, current: Sequence[StoredMessage]) -> None:
        """Begin behind the messages of this turn that earlier attempts left: their steps, use, sources and files count on."""
        said = [message for message in current if message.role == "assistant"]
        self.step = max((message.step for message in said), default=0)
        self.usage = used_by(self.run, [(message.step, message.usage or Usage()) for message in said])
        self.has_text = any(message.text for message in said)
        self.sources = cited(current, most=self.assistant.limits.sources)
        self.given = [file for message in current if message.role == "tool" for file in message.files]

    def begin_step(self) -> None:
        """Go on to the next step, and say so."""
        self.step += 1
        self.reply = Reply()
        self.end_part()
        self.call_ids = {}
        self.writer.emit(StepStarted(self.step))

    def end_step(self, finish_reason: str, usage: Usage) -> None:
        """Say that the step is over."""
        self.end_part()
        self.writer.emit(StepEnded(self.step, finish_reason, usage))

    def say(self, kind: type[TextDelta] | type[ReasoningDelta], text: str) -> None:
        """Tell a piece of the part under way, or of a new one where that is of another kind."""
        if self.part_kind is not kind:
            self.part_kind = kind
            self.parts += 1
        self.writer.emit(kind(text, self.parts))

    def end_part(self) -> None:
        """End the part under way: what is said next begins another."""
        self.part_kind = None

    def cite(self, sources: Iterable[SourceCited]) -> None:
        """Tell of sources: each address once in a run, and no more than it may cite."""
        for source in sources:
            if (new := add(self.sources, source, most=self.assistant.limits.sources)) is not None:
                self.writer.emit(new)

    def measure(self, since_stored: Histogram) -> None:
        """Measure the time since the message was stored; not where a person or the page was asked, who may take hours."""
        if not (self.approvals or self.page_calls):
            since_stored.observe((datetime.now(UTC) - self.run.created_at).total_seconds())

    async def renew_tools(self, messages: Sequence[BaseMessage]) -> None:
        """Offer the step that goes on from these messages the tools that there are by now."""
        await self.offer.renew(self.principal.current, partial(heard, messages, self.run.conversation_id))

    def expect(self, messages: Sequence[BaseMessage], *, goes_on: bool = True) -> None:
        """Tell the run's budget what its next step is given, where the run `goes_on` and holds a reservation."""
        budget = self.writer.budget
        if budget is not None and budget.reserves and goes_on:
            budget.expect(self.offer, messages)

    async def reserve(self, messages: Sequence[BaseMessage]) -> None:
        """Make sure that the budgets that count for the run have room for the current step.

        Raises:
            QuotaExceededError: there is none.
        """
        budget = self.writer.budget
        if budget is None:
            return
        if not budget.has_reserved:
            budget.expect(self.offer, messages)
            if budget.reserves:
                await self.writer.reserve()
        budget.begin()

    def count_used(self) -> None:
        """Count what the current step's reply took, however that ended."""
        used, tenant_id = self.reply.usage, self.principal.current.tenant_id
        metrics.count_tokens(
            self.offer.model_name, tenant_id, used.input_tokens, used.output_tokens, self.reply.cached_tokens
        )
        if self.writer.budget is not None:
            self.writer.budget.took(self.reply, step=self.step)

    def answer(self, *, partial: bool = False) -> NewMessage:
        """Return what the current step said as the run's answer, with all that the run has cited."""
        self.cite(self.reply.sources.values())
        return NewMessage(
            "assistant",
            self.reply.text,
            self.step,
            id=self.run.message_id,
            model=self.run.model,
            usage=self.reply.usage,
            status="partial" if partial else "complete",
            extras=None if partial else self.extras([]),
            sources=tuple(self.sources.values()),
            files=tuple(self.given),
        )

    def extras(self, requests: Sequence[tuple[str, ToolRequest]]) -> dict[str, Any] | None:
        """Return what of the current step goes back to its provider; `requests` with the ids of their calls."""
        return step_extras(requests, self.reply.extras, most_bytes=self.assistant.limits.step_extras_bytes)


@repeated
async def open_attempt(
    store: Store,
    catalog: Catalog,
    writer: RunWriter,
    stopper: Stopper,
    *,
    principal: RunCredential,
    run: Run,
    assistant: Assistant,
    health: Health,
    toolsets: Sequence[Toolset],
    selector: Selector | None = None,
    transcript: Transcript | None = None,
    contexts: Contexts | None = None,
    assistant_id: str = "",
    files: Files | None = None,
) -> Attempt:
    """Return the attempt, ready for the loop; the transcript is read, unless it came with the start of the run.

    Raises:
        NotFoundError: the conversation is gone.
        StoppedError: another turn took the place of this one, and nobody was there to stop it.
    """
    owner = principal.current
    if transcript is None:
        transcript = await read_transcript(store, owner, run, window=assistant.history)
    approvals, page_calls = await _asked_before(store, owner, run)
    offer = Offer(
        catalog.open(catalog.find(assistant, run.model), assistant.limits),
        toolsets,
        timeout_s=assistant.limits.toolset_timeout_s,
        selector=selector,
        page=page_tools(assistant, run, owner, page_calls) if not run.lane else (),
        reads_only=run.lane > 0,
    )
    current = transcript.current
    question = current[0].text if current else ""
    told = await look_up(contexts, assistant, assistant_id, toolsets, stopper, owner=owner, run=run, question=question)
    read = partial(tell, store, catalog, assistant, owner, told, files)
    attempt = Attempt(principal, run, assistant, offer, writer, stopper, repeated(read), await read(run, transcript))
    attempt.approvals, attempt.page_calls, attempt.files = approvals, page_calls, files
    if not run.lane:  # a lane is what its own model says
        attempt.chain = open_chain(catalog, health, assistant, owner, name=run.model)
    if assistant.history.summary is not None:
        attempt.shortened = shortened(transcript, attempt.messages)
    attempt.go_on_behind(current)
    return attempt


async def _asked_before(store: Store, owner: Principal, run: Run) -> tuple[dict[str, Approval], dict[str, PageCall]]:
    """Return what people and the page were asked in earlier attempts, by the ids of the calls."""
    if run.attempt == 1:
        return {}, {}
    async with store.read(owner.tenant_id) as connection:
        approvals = await list_approvals(connection, owner.tenant_id, run.id)
        page_calls = await list_page_calls(connection, owner.tenant_id, run.id)
    return {one.tool_call_id: one for one in approvals}, {one.tool_call_id: one for one in page_calls}
