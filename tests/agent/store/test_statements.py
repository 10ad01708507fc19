"""Hot statements: run on the driver they give the same rows, and do the same, as when SQLAlchemy runs them."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Executable, SelectBase, UpdateBase, bindparam, select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.sql.visitors import iterate
from support.rows import (
    ANN,
    WORKER,
    counters_of,
    for_page,
    in_one,
    let_ask,
    let_fold,
    let_spend,
    new_conversation,
    new_run,
    question,
    say,
)

from agent.budget import Amount
from agent.events.schema import Usage
from agent.principal import Principal, RunKey
from agent.region import Region
from agent.store import (
    approvals,
    asked_ahead,
    attempts,
    audit,
    budgets,
    conversations,
    deletion,
    feedback,
    lanes,
    looks,
    messages,
    naming,
    page_calls,
    runs,
    sealing,
    search_index,
    spending,
    summaries,
    tool_calls,
    transitions,
    versions,
    workers,
)
from agent.store.approvals import Decision
from agent.store.changed_models import changed
from agent.store.database import Store, new_id
from agent.store.feedback import Feedback
from agent.store.messages import NewMessage, ToolCall
from agent.store.runs import NewRun, Run, RunEnd
from agent.store.statements import Hot
from agent.store.tables import conversations as conversations_table
from agent.store.tables import messages as messages_table
from agent.store.tables import metadata
from agent.store.tables import runs as runs_table
from agent.store.transaction import Transaction
from agent.store.words import terms_of
from agent.toolkit import Action

OWNER = Principal("acme", "ann", role="manager", branches=(7, "north"))
CALL = ToolCall("call-1", "find_order", {"number": 7, "words": ["ü", None]})
END = RunEnd("completed", "stop", Usage(3, 4), "code")
SAID = NewMessage("assistant", "ü 😀 \\ % :x", 9, model="demo", usage=Usage(1, 2), extras={"a": [1, {"b": None}]})
ASKING = NewMessage("assistant", "", 8, tool_calls=(CALL,))
ANSWERED = NewMessage("tool", "found", 8, tool_call_id=CALL.id, tool_name=CALL.name, is_error=True)
NOW = datetime.now(UTC)
REGION = Region("Europe/Berlin", "de-DE")
KEEP = timedelta(hours=1)
SAID_HASH = "5" * 64

Use = Callable[[Transaction, Run], Awaitable[object]]


class BothWays(Transaction):
    """Runs each hot statement on the driver and, from where it began, through SQLAlchemy, and compares all there is."""

    def __init__(self, transaction: Transaction, tried: set[Hot]) -> None:
        super().__init__(transaction._kept)
        self._tried = tried

    async def rows(self, statement: Hot, values: Mapping[str, Any]) -> list[Any]:
        await self._compare(statement, values)
        return await super().rows(statement, values)

    async def change(self, statement: Hot, values: Mapping[str, Any]) -> int:
        await self._compare(statement, values)
        return await super().change(statement, values)

    async def _compare(self, statement: Hot, values: Mapping[str, Any]) -> None:
        self._tried.add(statement)
        await self.ordinary.exec_driver_sql("SAVEPOINT begun")
        made = statement.on(self.dialect)
        found = await self._run(made, values)
        hot = [tuple(row) for row in made.rows(found)] if found.cursor.description else None, found.changed
        reads = _reads(statement.statement)
        hot_after = {} if reads else await self._stored()
        await self.ordinary.exec_driver_sql("ROLLBACK TO SAVEPOINT begun")
        result = await self.execute(statement.statement, values)
        rows = [tuple(row) for row in result.all()] if result.returns_rows else None
        assert about(hot[0]) == about(rows), made.sql
        if rows is None and result.rowcount >= 0:  # of inserts SQLAlchemy knows none
            assert hot[1] == result.rowcount, made.sql
        assert about(hot_after) == about({} if reads else await self._stored()), made.sql
        await self.ordinary.exec_driver_sql("ROLLBACK TO SAVEPOINT begun")

    async def _stored(self) -> dict[str, list[Any]]:
        """Return all rows as the driver has them."""
        stored = {}
        for table in metadata.sorted_tables:
            key = ", ".join(column.name for column in table.primary_key)
            found = await self.ordinary.exec_driver_sql(f"SELECT * FROM {table.name} ORDER BY {key}")  # noqa: S608
            stored[table.name] = [tuple(row) for row in found]
        return stored


def _reads(statement: Executable) -> bool:
    """Return whether a statement can change nothing, in no part of it either."""
    return isinstance(statement, SelectBase) and not any(isinstance(one, UpdateBase) for one in iterate(statement))


def about(value: Any) -> Any:
    """Return a value with its types, for comparing; floats, which are the database's time, to a minute."""
    if isinstance(value, list | tuple):
        return [about(one) for one in value]
    if isinstance(value, dict):
        return {key: about(one) for key, one in value.items()}
    return (type(value), round(value / 60) if isinstance(value, float) and value > 1e6 else value)


def key_of(run: Run) -> RunKey:
    return RunKey("acme", run.id)


async def _let_search_know(connection: Transaction) -> int:
    due = await search_index._due(connection)
    return await search_index._write(connection, [(one, [terms_of(said) for _, said in one.texts]) for one in due])


USES: dict[str, Use] = {
    "what search is to know": lambda c, _: _let_search_know(c),
    "a conversation": lambda c, _: conversations.create_conversation(c, ANN, title="new"),
    "one that its client names": lambda c, _: conversations.create_conversation(
        c, ANN, title="new", client_key="chat-1"
    ),
    "a name": lambda c, _: naming.find_conversation(c, ANN, "named"),
    "a name that is an id": lambda c, run: naming.find_conversation(c, ANN, str(run.conversation_id)),
    "what was said": lambda c, _: naming.find_by_history(c, ANN, SAID_HASH),
    "the turn behind": lambda c, run: naming.find_turn_behind(c, ANN, naming.Place(run.conversation_id, 0)),
    "a turn's name": lambda c, run: naming.find_named_turn(c, ANN, run.conversation_id, "words", said_before=None),
    "its title": lambda c, run: conversations.rename_conversation(c, ANN, run.conversation_id, title="other"),
    "how far it has come": lambda c, run: conversations.get_version(c, ANN, run.conversation_id),
    "its lock": lambda c, run: conversations.lock_conversation(c, "acme", run.conversation_id),
    "a deed": lambda c, run: audit.record(
        c, ANN, [audit.Deed("call.settled", "ann", "ann", run.conversation_id, run.id, words={"result": "ü"})]
    ),
    "a deed without words": lambda c, _: audit.record(c, ANN, [audit.Deed("demo.signed_in", "ann")]),
    "its end": lambda c, run: deletion.hide_conversation(c, ANN, run.conversation_id),
    "what is to be removed": lambda c, _: c.row(deletion._IS_DELETED, {}),
    "what is to be sealed": lambda c, _: c.row(sealing._IS_LOOSE, {}),
    "what was abandoned": lambda c, _: c.row(workers._IS_ANY_ABANDONED, {}),
    "who waits in vain": lambda c, _: approvals.expired_runs(c, most=9),
    "what no page answered": lambda c, _: page_calls.overdue_runs(c, most=9),
    "what people were asked ahead": lambda c, _: asked_ahead._of_people(c),
    "what pages were asked ahead": lambda c, _: c.row(asked_ahead._ANY_OF_PAGES, {}),
    "a rating": lambda c, run: feedback.rate_message(c, ANN, Feedback(run.message_id, "down", "ü")),
    "messages": lambda c, run: messages.append_messages(
        c, ANN, run.conversation_id, run_id=run.id, turn=run.turn, new=[SAID, NewMessage("assistant", "", 10)]
    ),
    "the turns before": lambda c, run: messages.recent_messages(c, ANN, run.conversation_id, before_turn=9, limit=9),
    "this turn": lambda c, run: messages.run_messages(c, ANN, run),
    "a turn's answer": lambda c, run: _another_answer(c, run),
    "what is withheld": lambda c, run: messages.withhold_message(c, ANN, run),
    "a run": lambda c, run: runs.insert_run(
        c,
        OWNER,
        NewRun(
            *(run.conversation_id, "demo", WORKER),
            replaces=1,
            page={"at": 1},
            branch_id="north",
            region=REGION,
            client_message_id="said",
            history_hash=SAID_HASH,
        ),
    ),
    "a run that is bare": lambda c, run: runs.insert_run(c, ANN, NewRun(run.conversation_id, "demo", WORKER)),
    "how it stands": lambda c, run: workers.standing(c, key_of(run)),
    "a run by its id": lambda c, run: runs.get_run(c, ANN, run.id),
    "a run by its key": lambda c, _: runs.find_run_by_key(c, ANN, "key", keep=KEEP),
    "a key that is free again": lambda c, _: runs.find_run_by_key(c, ANN, "key", keep=-KEEP),
    "what is active": lambda c, run: runs.active_run(c, ANN, run.conversation_id),
    "what has to be stopped": lambda c, run: runs.unfinished_runs(c, ANN, run.conversation_id),
    "a claim": lambda c, run: transitions.claim_run(c, "acme", run.id, worker_id=WORKER),
    "a next attempt": lambda c, run: transitions.resume_run(c, "acme", run.id, attempt=1),
    "one that does not count": lambda c, run: transitions.resume_run(c, "acme", run.id, attempt=1, counts=False),
    "a budget": lambda c, _: budgets.kept_budgets(c, "acme", "ann"),
    "a look at counters": lambda c, _: _look(c),
    "whether there are budgets": lambda c, _: budgets.look_for_any(c),
    "a run that is counted": lambda c, _: spending.count_run(c, "acme", counters_of(), needs=Amount(1, 1)),
    "what is used up": lambda c, _: spending.count_run(c, "acme", counters_of(), needs=Amount(9999, 1)),
    "what a step needs": lambda c, run: spending.reserve(
        *(c, key_of(run), counters_of()), user_id="ann", attempt=1, amount=Amount(1, 1), length_s=60.0
    ),
    "what a step took": lambda c, run: spending.settle_steps(
        c, key_of(run), counters_of(), reserved=None, used=Amount(1, 1)
    ),
    "what is given back": lambda c, run: spending.settle_one(c, key_of(run), reserved=new_id(), used=Amount(1, 1)),
    "what is left over": lambda c, _: spending.left_reservations(c, most=9),
    "how far counters are": lambda c, _: spending.read_counters(c, "acme", counters_of()),
    "a look": lambda c, run: attempts.check_attempt(c, "acme", run.id, attempt=1),
    "another model": lambda c, run: transitions.change_model(
        c, "acme", changed(run, "demo", "model_timeout", used=Usage(1, 2), step=1)
    ),
    "a hold": lambda c, run: transitions.hold_run(c, "acme", run.id, attempt=1),
    "an end": lambda c, run: transitions.end_run(c, "acme", run.id, attempt=1, end=END),
    "an end of what is found by its words": lambda c, run: transitions.end_run(
        c, "acme", run.id, attempt=1, end=END, history_hash=SAID_HASH
    ),
    "questions": lambda c, run: transitions.set_suggestions(c, "acme", run.id, questions=("ü?", "b")),
    "a release": lambda c, run: transitions.release_run(c, "acme", run.id, attempt=1),
    "taking over": lambda c, run: transitions.take_over(c, key_of(run), worker_id=WORKER, most_attempts=9),
    "taking back": lambda c, run: transitions.take_over(c, key_of(run), worker_id=WORKER, most_attempts=None),
    "moving": lambda c, run: transitions.move_run(c, key_of(run), attempt=1, sender=WORKER, worker_id="w"),
    "how many live": lambda c, _: workers.count_living(c),
    "giving up": lambda c, run: transitions.fail_run(c, key_of(run), worker_id=WORKER, code="gone", attempts=0),
    "a stop of what nobody has": lambda c, run: transitions.cancel_run(c, ANN, run.id),
    "a stop that is asked for": lambda c, run: transitions.request_cancel(c, ANN, run.id),
    "a stop of all": lambda c, run: transitions.cancel_runs(c, ANN, run.conversation_id, now=NOW),
    "calls": lambda c, run: tool_calls.propose_calls(
        c, ANN, run.id, step=9, calls=[(ToolCall(str(new_id()), "x", {}), "data", "read")]
    ),
    "a call's start": lambda c, _: tool_calls.start_call(c, ANN, CALL.id),
    "a call's result": lambda c, _: tool_calls.settle_call(c, ANN, CALL.id, action=Action("open", "ü")),
    "the ledger": lambda c, run: tool_calls.list_calls(c, ANN, run.id),
    "questions to a person": lambda c, run: approvals.ask(c, key_of(run), [question("call-2"), question("call-3")]),
    "what is asked": lambda c, run: approvals.list_approvals(c, "acme", run.id),
    "a yes": lambda c, run: approvals.decide(
        c, ANN, run.id, decision=Decision(CALL.id, is_approved=True, reason="ü", arguments={"a": [1.5, "ü"]})
    ),
    "no answer": lambda c, run: approvals.close_open(c, key_of(run), "expired"),
    "what the page is asked": lambda c, run: page_calls.ask_page(
        c, key_of(run), [for_page("call-2"), for_page("call-3")]
    ),
    "the page's calls": lambda c, run: page_calls.list_page_calls(c, "acme", run.id),
    "a call of the page": lambda c, run: page_calls.find_page_call(c, key_of(run), CALL.id),
    "a claim of the page": lambda c, run: page_calls.claim(c, key_of(run), CALL.id, claimant="tab ü"),
    "what the page says": lambda c, run: page_calls.answer(c, key_of(run), CALL.id, state="ok", result='"ü"'),
    "a page that says nothing": lambda c, run: page_calls.expire_calls(c, key_of(run)),
    "a page that is left": lambda c, run: page_calls.withdraw_calls(c, key_of(run)),
    "a wait": lambda c, run: transitions.pause_run(c, "acme", run.id, attempt=1, until=NOW),
    "a look at what waits": lambda c, run: _while_it_waits(c, run, transitions.lock_waiting),
    "a wait's end": lambda c, run: _while_it_waits(c, run, partial(transitions.wake_run, worker_id=WORKER)),
    "who answers": lambda c, run: versions.kept_assistant(c, ANN, run.conversation_id),
    "who answered": lambda c, run: versions.kept_assistant(c, ANN, run.conversation_id, message_id=run.message_id),
    "a summary": lambda c, run: summaries.newest_summary(c, ANN, run.conversation_id, before_turn=9),
    "a lease": lambda c, _: workers.renew_lease(c, WORKER, lease_s=3600),
    "a first lease": lambda c, _: workers.renew_lease(c, "newcomer", lease_s=3600),
    "a lease's end": lambda c, _: workers.end_lease(c, WORKER),
    "all leases' end": lambda c, _: workers.end_all_leases(c),
    "the dead": lambda c, _: workers.forget_the_dead(c),
    "what a worker has": lambda c, _: workers.own_runs(c, WORKER),
}


async def _another_answer(connection: Transaction, run: Run) -> None:
    await connection.execute(messages_table.update().values(superseded_by=messages_table.c.turn))
    await lanes.settle_answer(connection, "acme", replace(run, lane=1))


async def _look(connection: Transaction) -> object:
    """Return what a look sees but for when."""
    return (await looks.see(connection, "acme", ["ann"], asks_kept=True))[2:]


async def _while_it_waits(
    connection: Transaction, run: Run, use: Callable[[Transaction, RunKey], Awaitable[object]]
) -> None:
    await transitions.pause_run(connection, "acme", run.id, attempt=1, until=NOW)
    assert await use(connection, key_of(run))


async def _filled(store: Store) -> Run:
    """Return a run at work, with something in all columns, beside another one that nobody has."""
    conversation_id = await in_one(store, conversations.create_conversation, ANN, title="Orders", client_key="named")
    run = await new_run(
        store,
        OWNER,
        conversation_id,
        idempotency_key="key",
        request_hash="h",
        page={"ü": [1]},
        branch_id=7,
        assistant="a",
        client_message_id="words",
        history_hash=SAID_HASH,
    )
    answer = NewMessage("assistant", "42", 1, id=run.message_id, model="demo", usage=Usage(5, 6))
    await say(store, run, answer, ASKING, ANSWERED)
    await in_one(store, tool_calls.propose_calls, ANN, run.id, step=8, calls=[(CALL, "data", "read")])
    await let_ask(store, run)
    await let_fold(store, run, who=OWNER)
    await let_spend(store, run)
    await in_one(store, feedback.rate_message, ANN, Feedback(run.message_id, "up", None))
    await in_one(store, transitions.set_suggestions, "acme", run.id, questions=("a",))
    await new_run(store, ANN, conversation_id, claim=False)
    deleted = await new_conversation(store)
    await in_one(store, deletion.hide_conversation, ANN, deleted)
    await in_one(store, workers.renew_lease, "dead", lease_s=-3600)
    return run


class UndoneError(Exception):
    """Lets a transaction leave nothing behind."""


async def _use(store: Store, use: Use, run: Run, tried: set[Hot]) -> None:
    try:
        async with store.write("acme") as connection:
            await use(BothWays(connection, tried), run)
            raise UndoneError
    except UndoneError:
        pass


async def test_every_hot_statement_gives_the_same_rows_and_leaves_the_same_tables_both_ways(store: Store) -> None:
    run = await _filled(store)
    tried: set[Hot] = set()
    for use in USES.values():
        await _use(store, use, run, tried)
        await _use(store, partial(_after_its_end, use), run, tried)
    left = [str(one.statement) for one in Hot.every if one not in tried]
    assert not left


async def _after_its_end(use: Use, connection: Transaction, run: Run) -> object:
    """Do the same where the run is over: most updates change nothing then, and most reads find nothing."""
    await connection.execute(runs_table.update().values(state="failed", worker_id=None))
    try:
        return await use(connection, run)
    except Exception:  # noqa: BLE001 (that it refuses is for others to look at; it has compared before)
        return None


async def test_a_broken_constraint_is_told_as_sqlalchemy_does_and_without_what_was_written(store: Store) -> None:
    run = await new_run(store)
    with pytest.raises(IntegrityError) as failed:
        await say(store, run, NewMessage("assistant", "SECRET", 1), NewMessage("assistant", "SECRET", 1))
    assert failed.value.hide_parameters
    assert failed.value.params is None
    assert await say(store, run, NewMessage("assistant", "after it", 1))


async def test_a_statement_that_the_database_does_not_know_is_a_mistake_and_no_fault(store: Store) -> None:
    strange = Hot(select(runs_table.c.id).where(runs_table.c.id == bindparam("of_id")))
    Hot.every.remove(strange)
    strange.on(store.engine.dialect).sql = "SELECT nothing FROM nowhere"
    with pytest.raises(DBAPIError):
        async with store.write("acme") as connection:
            await connection.row(strange, {"of_id": new_id()})


async def test_a_value_that_is_missing_is_a_mistake(store: Store) -> None:
    async with store.read("acme") as connection:
        with pytest.raises(KeyError):
            await connection.row(deletion._HIDE, {"of_tenant": "acme"})


@pytest.mark.parametrize(
    "statement",
    [conversations._INSERT, conversations._RENAME, runs._RESERVE],
    ids=["an insert", "an update", "one without values"],
)
async def test_a_value_that_would_not_be_stored_is_a_mistake(store: Store, statement: Hot) -> None:
    owner = conversations.of(ANN, new_id())
    values = {**owner, **dict.fromkeys(statement.sets), "no_column": 1}
    unset = next(one.name for one in conversations_table.c if one.name not in statement.sets)
    async with store.read("acme") as connection:
        with pytest.raises(TypeError, match=unset):
            await connection.change(statement, {**values, unset: None})


async def test_a_list_of_values_cannot_be_part_of_a_hot_statement(store: Store) -> None:
    listed = Hot(select(runs_table.c.id).where(runs_table.c.state.in_(["queued", "running"])))
    Hot.every.remove(listed)
    with pytest.raises(TypeError):
        listed.on(store.engine.dialect)


async def test_hot_and_ordinary_statements_are_one_transaction(store: Store) -> None:
    run = await new_run(store)

    async def both(connection: Transaction, _: Run) -> None:
        await connection.execute(runs_table.update().values(model="other"))
        assert (await runs.get_run(connection, ANN, run.id)).model == "other"
        await transitions.end_run(connection, "acme", run.id, attempt=1, end=END)
        assert (await connection.execute(select(runs_table.c.state))).scalar_one() == "completed"

    await _use(store, both, run, set())
    async with store.read("acme") as connection:
        assert (await runs.get_run(connection, ANN, run.id)) == run
