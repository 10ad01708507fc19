"""Large conversations that are there before the first process starts: deleting one is no small thing."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from support.scenario import mark_of
from support.stage import Stage

from agent.principal import Principal
from agent.store import tables
from agent.store.audit import Deed, DeedKind, record
from agent.store.conversations import create_conversation
from agent.store.database import Store, new_id

TURNS = 120
"""Of six rows each."""


async def plant_all(stage: Stage, url: str) -> None:
    """Give each user a large conversation in the database at `url`, as its owner."""
    store = Store(url, pool_size=1)
    try:
        await store.migrate()
        for visitor in stage.visitors:
            owner = Principal(visitor.tenant, visitor.user)
            stage.large[visitor.user] = await plant(store, owner, mark=mark_of(visitor.tenant))
    finally:
        await store.close()


async def plant(store: Store, owner: Principal, *, mark: str, turns: int = TURNS) -> tuple[str, str]:
    """Add a conversation of `turns` turns, each with a tool call and its result, as if all had been answered and recorded.

    Return its id, and a text that stands in it and nowhere else.
    """
    text = f"{mark} planted for {owner.user_id}."
    async with store.write("acme") as connection:
        conversation_id = await create_conversation(connection, owner, title=text)
        said = list(_turns(owner, conversation_id, text, turns))
        last = {"last_turn": turns, "last_position": 4 * turns}
        await connection.execute(
            tables.conversations.update().where(tables.conversations.c.id == conversation_id).values(last)
        )
        for number, table in enumerate((tables.runs, tables.messages, tables.tool_calls)):
            await connection.execute(table.insert(), [row for rows in said for row in rows[number]])
        for _, _, calls in said:
            await record(
                connection, owner, [one for call in calls for one in _deeds(owner, conversation_id, call, text)]
            )
    return str(conversation_id), text


def _deeds(owner: Principal, conversation_id: UUID, call: dict[str, Any], text: str) -> Iterator[Deed]:
    """Return what the record has of a call, with words of its conversation."""
    said: dict[DeedKind, dict[str, Any]] = {
        "call.proposed": {"arguments": {"number": 7, "for": text}},
        "call.settled": {"result": text},
    }
    for kind, words in said.items():
        about = (owner.user_id, owner.user_id, conversation_id, call["run_id"], call["id"], call["name"])
        yield Deed(kind, *about, words=words)


def _turns(
    owner: Principal, conversation_id: object, text: str, turns: int
) -> Iterator[tuple[list[dict[str, Any]], ...]]:
    now = datetime.now(UTC)
    for turn in range(1, turns + 1):
        run_id, answer_id, call_id = new_id(), new_id(), str(new_id())
        common = {"tenant_id": owner.tenant_id, "created_at": now}
        run = {
            **common,
            "id": run_id,
            "conversation_id": conversation_id,
            "user_id": owner.user_id,
            "turn": turn,
            "state": "completed",
            "attempt": 1,
            "begun_attempts": 1,
            "message_id": answer_id,
            "model": "openai:scripted",
            "started_at": now,
            "ended_at": now,
            "finish_reason": "stop",
            "input_tokens": 0,
            "output_tokens": 0,
        }
        call = {
            **common,
            "id": call_id,
            "run_id": run_id,
            "step": 1,
            "name": "find_order",
            "kind": "data",
            "risk": "read",
            "state": "settled",
        }
        asked = [{"id": call_id, "name": "find_order", "arguments": {"number": 7}}]
        messages = [
            {
                **common,
                "id": answer_id if n == 3 else new_id(),
                "conversation_id": conversation_id,
                "run_id": run_id,
                "turn": turn,
                "position": 4 * (turn - 1) + n + 1,
                "step": step,
                "role": role,
                "text": f"{text} {turn}.{n}",
                "tool_calls": asked if n == 1 else None,
                "tool_call_id": call_id if role == "tool" else None,
                "is_error": False,
                "status": "complete",
            }
            for n, (role, step) in enumerate((("user", 0), ("assistant", 1), ("tool", 1), ("assistant", 2)))
        ]
        yield [run], messages, [call]
