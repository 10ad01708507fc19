"""Conversations: a user's own, newest first, deleted whole."""

import pytest
from support.each import each
from support.rows import (
    ANN,
    BEN,
    EVE,
    count_rows,
    finish,
    ignore,
    in_one,
    let_ask,
    let_fold,
    new_conversation,
    new_run,
    say,
)
from support.searching import index_all

from agent.errors import NotFoundError
from agent.principal import Principal
from agent.store.audit import Deed, record
from agent.store.audit_tables import audit
from agent.store.conversations import (
    TITLE_LENGTH,
    Conversation,
    ConversationCursor,
    get_conversation,
    list_conversations,
    rename_conversation,
    title_from,
)
from agent.store.database import Store
from agent.store.deletion import hide_conversation, purge_deleted
from agent.store.feedback import Feedback, rate_message
from agent.store.messages import NewMessage, ToolCall
from agent.store.sealing import seal_all
from agent.store.tool_calls import propose_calls

OF_PEOPLE = {"budgets", "spendings", "reservations", "memories", "files"}
"""Tables of users and tenants, not of a conversation."""


async def listed(
    store: Store,
    who: Principal = ANN,
    *,
    limit: int = 100,
    after: ConversationCursor | None = None,
) -> list[Conversation]:
    async with store.read("acme") as connection:
        return await list_conversations(connection, who, limit=limit, after=after)


async def test_conversations_come_newest_first_by_their_last_message(store: Store) -> None:
    runs = [await new_run(store) for _ in range(3)]
    await say(store, runs[0], NewMessage("assistant", "late", 1))
    assert [one.id for one in await listed(store)] == [runs[n].conversation_id for n in (0, 2, 1)]


async def test_pages_joined_are_the_whole_without_doubles(store: Store) -> None:
    made = {await new_conversation(store) for _ in range(11)}
    pages: list[Conversation] = []
    for _ in range(4):  # the last one is empty
        after = ConversationCursor(pages[-1].updated_at, pages[-1].id) if pages else None
        pages += await listed(store, limit=4, after=after)
    assert len(pages) == 11
    assert {one.id for one in pages} == made
    assert [(one.updated_at, one.id) for one in pages] == sorted(
        ((one.updated_at, one.id) for one in pages), reverse=True
    )


async def test_a_page_stays_where_it_was_when_new_ones_come(store: Store) -> None:
    for _ in range(4):
        await new_conversation(store)
    first = await listed(store, limit=2)
    await new_conversation(store)
    second = await listed(store, limit=2, after=ConversationCursor(first[-1].updated_at, first[-1].id))
    assert not {one.id for one in first} & {one.id for one in second}
    assert len(second) == 2


async def test_nobody_sees_other_peoples_conversations(store: Store) -> None:
    run = await new_run(store)
    for who in (BEN, EVE):
        assert await listed(store, who) == []
        async with store.read("acme") as connection:
            with pytest.raises(NotFoundError):
                await get_conversation(connection, who, run.conversation_id)


async def test_a_new_title_is_kept_and_cut_to_what_fits(store: Store) -> None:
    conversation_id = await new_conversation(store)
    renamed = await in_one(store, rename_conversation, ANN, conversation_id, title="Ü" * 500)
    assert renamed.title == "Ü" * TITLE_LENGTH
    assert (await listed(store))[0] == renamed


async def test_renaming_another_ones_conversation_changes_nothing(store: Store) -> None:
    conversation_id = await new_conversation(store)
    for who in (BEN, EVE):
        with pytest.raises(NotFoundError):
            await in_one(store, rename_conversation, who, conversation_id, title="mine now")
    assert (await listed(store))[0].title == "Orders"


async def _full_conversation(store: Store) -> object:
    run = await new_run(store)
    call = ToolCall("call-1", "find_order", {})
    answer = (await say(store, run, NewMessage("assistant", "", 1, tool_calls=(call,))))[0]
    await in_one(store, propose_calls, ANN, run.id, step=1, calls=[(call, "data", "read")])
    await let_ask(store, run)
    await let_fold(store, run)
    await in_one(store, rate_message, ANN, Feedback(answer, "up", "good"))
    await finish(store, run)
    await index_all(store)
    await in_one(store, record, ANN, [Deed("call.proposed", "ann", "ann", run.conversation_id, run.id, words={"n": 7})])
    async with store.write("acme") as connection:
        await connection.execute(audit.update().values(at=1000.5))  # as if the second were over
    await seal_all(store)
    return run.conversation_id


async def test_deleting_a_conversation_deletes_all_that_belongs_to_it_and_nothing_else(store: Store) -> None:
    """But for the record of what was done, which loses the words."""
    conversation_id = await _full_conversation(store)
    before = await count_rows(store)
    assert all(before[name] for name in before.keys() - OF_PEOPLE), "a table is empty: the test would prove less"
    await new_run(store, EVE)
    await index_all(store)
    stays = ("audit", "audit_seals")
    others = {
        name: count if name in stays else count - before[name] for name, count in (await count_rows(store)).items()
    }
    await in_one(store, hide_conversation, ANN, conversation_id)
    await purge_deleted(store, most_rows=500, gone=ignore)
    assert await count_rows(store) == others


async def test_nobody_deletes_other_peoples_conversations(store: Store) -> None:
    conversation_id = await _full_conversation(store)
    before = await count_rows(store)
    for who in (BEN, EVE):
        with pytest.raises(NotFoundError):
            await in_one(store, hide_conversation, who, conversation_id)
    await purge_deleted(store, most_rows=500, gone=ignore)
    assert await count_rows(store) == before


@each(
    ("text", "title"),
    [
        ("how many clients?", "how many clients?"),
        ("  how\n\tmany   clients?  ", "how many clients?"),
        ("one two three four five six seven eight", "one two three four five six seven eight"),
        ("one two three four five six seven eight nine", "one two three four five six seven eight…"),
        ("x" * 100, "x" * 60 + "…"),
        ("世" * 60, "世" * 60),
        ("👨‍👩‍👧‍👦" * 30, "👨‍👩‍👧‍👦" * 8 + "…"),
        ("x" * 59 + "👍🏽!", "x" * 59 + "…"),
        ("x" * 59 + "e\u0301!", "x" * 59 + "…"),
        ("x" + "🇩🇪" * 40, "x" + "🇩🇪" * 29 + "…"),
        ("x" * 59 + "한".translate({0xD55C: "\u1112\u1161\u11ab"}) + "!", "x" * 59 + "…"),
        ("a" + "\u0301" * 100, "a" + "\u0301" * 59 + "…"),
        ("\u202eevil\u202c \u2067rtl\u2069 שלום", "evil rtl שלום"),
        ("", ""),
    ],
)
def test_a_title_is_the_first_words_of_the_first_message(text: str, title: str) -> None:
    assert title_from(text) == title
