"""Rows that a newer release wrote, while it and this one work on the same database: they are read as far as they are known."""

import orjson
from sqlalchemy import update
from support.rows import ANN, in_one, new_run, say

from agent.assistant.pages import as_kept, declared_of, names_of, own_of
from agent.store.database import Store
from agent.store.messages import NewMessage, ToolCall, run_messages
from agent.store.tables import messages, tool_calls
from agent.store.tool_calls import list_calls, propose_calls, settle_call
from agent.toolkit import Action

NEWER = {"weight": 7}


async def test_a_call_of_which_a_newer_release_knows_more_is_read(store: Store) -> None:
    """G319"""
    run, call = await new_run(store), ToolCall("a", "open_page", {"value": "/orders"})
    await say(store, run, NewMessage("assistant", "", 1, tool_calls=(call,)))
    await in_one(store, propose_calls, ANN, run.id, step=1, calls=[(call, "action", "read")])
    action = Action("open_page", "/orders", expects_result=True)
    await in_one(store, settle_call, ANN, "a", action=action)
    asked = {"id": call.id, "name": call.name, "arguments": call.arguments}
    done = {"type": action.type, "value": action.value, "expects_result": True}
    async with store.write("acme") as connection:
        is_asking = messages.c.role == "assistant"
        await connection.execute(update(messages).where(is_asking).values(tool_calls=[{**asked, **NEWER}]))
        await connection.execute(update(tool_calls).values(action={**done, **NEWER}))
    async with store.read("acme") as connection:
        assert [one.tool_calls for one in await run_messages(connection, ANN, run) if one.tool_calls] == [(call,)]
        assert [one.action for one in await list_calls(connection, ANN, run.id)] == [action]


def test_what_a_newer_release_keeps_of_a_page_takes_nothing_away_that_is_known() -> None:
    """G319"""
    form = {"name": "form_values", "description": "Read the form.", "schema": {"type": "object"}}
    known = declared_of([form, *as_kept([], ["read_filter"])])
    assert [one.name for one in known.described] == ["form_values"]
    later = {"name": "form_colours", "description": "Colours.", "schema": {"type": "object", "if": {"type": "object"}}}
    newer = [{**form, **NEWER}, later, {"layout": 2}, {"name": 7}, *as_kept([], ["read_filter"])]
    newer = orjson.loads(orjson.dumps(newer))
    assert declared_of(newer) == known
    assert own_of(newer) == frozenset(["read_filter"])
    assert names_of({}, newer) == frozenset()
    assert declared_of([form]).own is None
