"""What was said by now, and what the model of a run is told of it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from langchain_core.messages import BaseMessage, HumanMessage

from agent.assistant.definition import Assistant, History
from agent.attempt.context import instructions
from agent.attempt.stop import StoppedError
from agent.context.gathering import NOTHING, Told
from agent.files.room import Files
from agent.files.telling import tell_files
from agent.models.catalog import Catalog
from agent.principal import Principal
from agent.prompt.history import model_messages
from agent.prompt.words import with_facts
from agent.store.database import Store
from agent.store.messages import StoredMessage, TranscriptMessage, recent_messages, run_messages
from agent.store.runs import Run
from agent.store.transaction import Transaction
from agent.store.versions import DoneWrite, superseded_writes

DONE_WRITES = 20
"""How many writes of superseded turns the model is told of, the last ones."""


class Transcript(NamedTuple):
    """What was said: in the turns before, as many messages as the model may get, and in this one."""

    earlier: list[TranscriptMessage]
    current: list[StoredMessage]


async def load_transcript(
    connection: Transaction, owner: Principal, run: Run, *, window: History, current: list[StoredMessage] | None = None
) -> Transcript:
    """Read what a turn begins with; `current` is what was said in it, where that is known."""
    earlier: list[TranscriptMessage] = []
    if run.turn > 1:
        earlier = await recent_messages(
            connection, owner, run.conversation_id, before_turn=run.turn, limit=window.messages
        )
    return Transcript(earlier, current or await run_messages(connection, owner, run))


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
    earlier, current = transcript or await read_transcript(store, owner, run, window=assistant.history)
    if not current or current[0].role != "user" or current[0].superseded_by is not None:
        raise StoppedError("cancelled")
    done = await _done_by_superseded(store, owner, run, earlier, window=assistant.history)
    model = catalog.find(assistant, run.model)
    window = catalog.window(model, assistant.history)
    said = model_messages(earlier, current, window=window, model=run.model)
    said = add_facts(said, current, run, done, told)
    if files is not None:
        said = await tell_files(files, owner, assistant.files, model, said)
    return [instructions(assistant, owner, told), *said]


async def _done_by_superseded(
    store: Store, owner: Principal, run: Run, earlier: Sequence[TranscriptMessage], *, window: History
) -> list[DoneWrite]:
    """Return the writes that stay done although their turns, within the window, were superseded."""
    first = earlier[0].turn if len(earlier) == window.messages else 1
    if len({message.turn for message in earlier}) == run.turn - first:
        return []  # turns are numbered without gaps, so none is missing
    async with store.read(owner.tenant_id) as connection:
        return await superseded_writes(connection, owner, run.conversation_id, from_turn=first, limit=DONE_WRITES)


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
    now_told = HumanMessage(words, additional_kwargs=messages[own].additional_kwargs)
    return [*messages[:own], now_told, *messages[own + 1 :]]
