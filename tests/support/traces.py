"""Traces that a user leaves: rows in every table, with one word in all that can hold words. And where that word still is."""

from pathlib import Path
from typing import Any

from sqlalchemy import select, update
from support.kept_files import keep_file
from support.rows import finish, for_page, in_one, let_fold, let_spend, new_conversation, new_run, question, say
from support.searching import index_all

from agent.events.schema import SourceCited
from agent.principal import Principal, RunKey
from agent.store.approvals import Decision, ask, decide
from agent.store.audit import Deed, record
from agent.store.database import EVERY_TENANT, Store, new_id
from agent.store.feedback import Feedback, rate_message
from agent.store.memories import keep_memory
from agent.store.messages import FileRef, NewMessage, ToolCall
from agent.store.page_calls import ask_page
from agent.store.runs import Run
from agent.store.tables import approvals, conversations, memories, metadata, page_calls, runs, tool_calls
from agent.store.tool_calls import propose_calls

IDS = ("user_id", "on_behalf_of")
"""Columns of the record in which a user's id stays: who did what."""


async def leave_traces(store: Store, who: Principal, *, word: str, long: int = 1) -> Run:
    """Let a user have a conversation whose rows have `word` everywhere; return its run, which is over."""
    conversation_id = await new_conversation(store, who, title=f"{word} title")
    call = ToolCall(str(new_id()), "find_order", {"n": word})
    run = await new_run(store, who, conversation_id, idempotency_key=f"{word}-{call.id}", page={"on": word})
    cited = SourceCited(word, f"{word} handbook", f"https://example.com/{word}", word, call.id)
    given = FileRef(str(new_id()), f"{word}.csv", "text/csv", 5)
    beside = {"extras": {"step": word}, "sources": (cited,), "files": (given,)}
    said = NewMessage("assistant", f"{word} " * long, 1, id=run.message_id, tool_calls=(call,), **beside)  # type: ignore[arg-type] # each is what it is to be
    answer = (await say(store, run, said, who=who))[0]
    await in_one(store, propose_calls, who, run.id, step=1, calls=[(call, "data", "write")])
    await in_one(store, ask, RunKey(who.tenant_id, run.id), [question(call.id)])
    await in_one(store, ask_page, RunKey(who.tenant_id, run.id), [for_page(call.id)])
    await in_one(store, rate_message, who, Feedback(answer, "up", word))
    deed = Deed("call.proposed", who.user_id, who.user_id, conversation_id, run.id, call.id, words={"arguments": word})
    await in_one(store, record, who, [deed, Deed("audit.read", who.user_id, words={"asked": {"tool": word}})])
    await let_spend(store, run, who=who)
    await in_one(store, keep_memory, who, f"{word} is remembered, {call.id}", owner=who.user_id, most=1000)
    await keep_file(store, who, f"{word}.txt")
    await keep_file(store, who, f"{word} too.txt", conversation_id=conversation_id)
    await let_fold(store, run, who=who, text=word)
    await finish(store, run, who=who)
    async with store.write(who.tenant_id) as connection:
        of_run = {"reason": word, "arguments": {"n": word}, "title": word, "edited": {"n": word}}
        await connection.execute(update(approvals).where(approvals.c.run_id == run.id).values(**of_run))
        page = {"arguments": {"n": word}, "result": word, "claimed_by": word}
        await connection.execute(update(page_calls).where(page_calls.c.run_id == run.id).values(**page))
        ledger = update(tool_calls).where(tool_calls.c.run_id == run.id)
        await connection.execute(ledger.values(action={"type": "x", "value": word}))
        told = {
            "suggestions": [word],
            "client_message_id": word,
            "history_hash": word,
            "client_tools": [{"name": word}],
            "used_before": {"step": 2, "models": {word: [1, 1]}},
        }
        await connection.execute(update(runs).where(runs.c.id == run.id).values(**told))
        meant = update(memories).where(memories.c.user_id == who.user_id)
        await connection.execute(meant.values(vector=word.encode(), vector_model=word))
        named = update(conversations).where(conversations.c.id == conversation_id)
        await connection.execute(named.values(client_key=f"{word}-{call.id}"))
    await index_all(store)
    return run


async def decide_for(store: Store, asker: Principal, decider: Principal, *, word: str) -> Run:
    """Let somebody answer another user's question, with `word` for a reason; the run is over then."""
    run = await new_run(store, asker)
    call_id = str(new_id())
    await in_one(store, ask, RunKey(asker.tenant_id, run.id), [question(call_id)])
    decision = Decision(call_id, is_approved=True, reason=word, arguments={"n": word})
    await in_one(store, decide, decider, run.id, decision=decision)
    told = {"title": "x", "reason": word, "edited": {"n": word}}
    deed = Deed("decision.approved", decider.user_id, asker.user_id, run.conversation_id, run.id, words=told)
    await in_one(store, record, decider, [deed])
    await finish(store, run, who=asker)
    return run


async def places_of(store: Store, *words: str) -> set[str]:
    """Return the columns that have one of these words, by table, but those in which the record keeps who did what."""
    found: set[str] = set()
    async with store.read(EVERY_TENANT) as connection:
        for name, table in metadata.tables.items():
            for row in (await connection.execute(select(table))).mappings():
                found |= {f"{name}.{column}" for column, value in row.items() if _has(value, words)}
    return found - {f"audit.{column}" for column in IDS}


def found_in_files(folder: Path, word: bytes) -> dict[str, int]:
    """Return how often a word stands in the files of a folder."""
    files = [one for one in folder.rglob("*") if one.is_file()]
    return {one.name: count for one in files if (count := one.read_bytes().lower().count(word))}


def _has(value: Any, words: tuple[str, ...]) -> bool:
    return any(word in str(value).lower() for word in words)
