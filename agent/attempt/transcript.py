"""The transcript of what was said by now, and what the model of a run is told of it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from langchain_core.messages import BaseMessage, HumanMessage

from agent.assistant.definition import Assistant, History
from agent.attempt.context import instructions
from agent.attempt.stop import StoppedError
from agent.context.gathering import NOTHING, Told
from agent.events.schema import HistoryShortened
from agent.files.room import Files
from agent.files.telling import beside_files, tell_files
from agent.models.catalog import Catalog
from agent.principal import Principal
from agent.prompt.folding import beside, may_be_folded, with_summary
from agent.prompt.history import MADE_OF, UNTRUSTED, model_messages
from agent.prompt.words import with_facts
from agent.store.database import Store
from agent.store.messages import StoredMessage, TranscriptMessage, recent_messages, run_messages
from agent.store.runs import Run
from agent.store.summaries import Summary, newest_summary
from agent.store.transaction import Transaction
from agent.store.versions import DoneWrite, superseded_writes

DONE_WRITES = 20
"""How many writes of turns that it does not get the model is told of, the last ones."""


class Transcript(NamedTuple):
    """The messages that were said: in the turns before, as many as the model may get, and in this one.

    `summary` is of the turns before these; `is_cut`: there are more than were read, and no summary covers them.
    """

    earlier: list[TranscriptMessage]
    current: list[StoredMessage]
    summary: Summary | None = None
    is_cut: bool = False


async def load_transcript(
    connection: Transaction, owner: Principal, run: Run, *, window: History, current: list[StoredMessage] | None = None
) -> Transcript:
    """Read what a turn begins with; `current` is what was said in it, where that is known."""
    earlier: list[TranscriptMessage] = []
    summary: Summary | None = None
    if run.turn > 1:
        earlier = await recent_messages(
            connection, owner, run.conversation_id, before_turn=run.turn, limit=window.most_messages
        )
    is_cut = len(earlier) == window.most_messages
    if window.summary is not None and may_be_folded(earlier, window):
        summary = await newest_summary(connection, owner, run.conversation_id, before_turn=run.turn)
    if summary is not None:
        read = len(earlier)
        earlier = [one for one in earlier if one.turn > summary.until.turn]
        is_cut = is_cut and len(earlier) == read
    is_cut = is_cut and earlier[0].turn > (summary.until.turn if summary else 0) + 1
    return Transcript(earlier, current or await run_messages(connection, owner, run), summary, is_cut)


async def read_transcript(store: Store, owner: Principal, run: Run, *, window: History) -> Transcript:
    async with store.read(owner.tenant_id) as connection:
        return await load_transcript(connection, owner, run, window=window)


async def tell(
    store: Store,
    catalog: Catalog,
    assistant: Assistant,
    owner: Principal,
    told: Told,
    files: Files | None,
    run: Run,
    transcript: Transcript | None = None,
) -> list[BaseMessage]:
    """Return what the run's model is told, with what was looked up for the turn; the transcript is read, unless it is given.

    Raises:
        StoppedError: another turn took the place of this one.
    """
    transcript = transcript or await read_transcript(store, owner, run, window=assistant.history)
    earlier, current, summary, _ = transcript
    if not current or current[0].role != "user" or current[0].superseded_by is not None:
        raise StoppedError("cancelled")
    done = await _done_unseen(store, owner, run, transcript, window=assistant.history)
    model = catalog.find(assistant, run.model)
    window = beside_files(catalog.window(model, assistant.history), assistant, model, [*earlier, *current])
    said = model_messages(earlier, current, window=beside(window, summary), model=run.model)
    said = add_facts(said, current, run, done, told)
    if files is not None:
        said = await tell_files(files, owner, assistant.files, model, said)
    return with_summary([instructions(assistant, owner, told), *said], summary, window)


def shortened(transcript: Transcript, messages: Sequence[BaseMessage]) -> HistoryShortened | None:
    """Return what readers are told where a run's model does not get all that was said before: how, and up to where."""
    summary = transcript.summary
    told = sum(isinstance(one, HumanMessage) for one in messages) - 1
    left_out = transcript.is_cut or told < len({one.turn for one in transcript.earlier})
    if summary is None and not left_out:
        return None
    if summary is None:
        return HistoryShortened(None, None, left_out=True)
    return HistoryShortened(str(summary.id), str(summary.until.message_id), left_out=left_out)


async def _done_unseen(
    store: Store, owner: Principal, run: Run, transcript: Transcript, *, window: History
) -> list[DoneWrite]:
    """Return the writes that stay done although the model does not get their turns, which lie within the window.

    These were superseded, or their messages are withheld. A summary tells of those before.
    """
    earlier, summary = transcript.earlier, transcript.summary
    first = earlier[0].turn if len(earlier) == window.most_messages else 1
    if summary is not None:
        first = max(first, summary.until.turn + 1)
    withheld = {message.turn for message in earlier if message.withheld}
    if len({message.turn for message in earlier}) == run.turn - first and not withheld:
        return []  # turns are numbered without gaps, so none is missing
    place = owner, run.conversation_id
    async with store.read(owner.tenant_id) as connection:
        return await superseded_writes(connection, *place, from_turn=first, withheld=withheld, limit=DONE_WRITES)


def add_facts(
    messages: list[BaseMessage],
    current: Sequence[StoredMessage],
    run: Run,
    done: Sequence[DoneWrite] = (),
    told: Told = NOTHING,
) -> list[BaseMessage]:
    """Put the facts of this moment behind the current user message, where they spoil no prompt cache."""
    own = len(messages) - next(
        n for n, message in enumerate(reversed(messages), 1) if isinstance(message, HumanMessage)
    )
    now, text = datetime.now(UTC), current[0].text
    words = with_facts(
        text,
        now=now,
        page=run.page,
        done=done,
        region=run.region,
        missing=told.missing,
        memories=told.memories._asdict() if told.memories else None,
    )
    marks = dict(messages[own].additional_kwargs)
    if done:
        marks[MADE_OF] = tuple(write.name for write in done)
    if any(write.is_untrusted for write in done):
        marks[UNTRUSTED] = True
    now_told = HumanMessage(words, additional_kwargs=marks)
    return [*messages[:own], now_told, *messages[own + 1 :]]
