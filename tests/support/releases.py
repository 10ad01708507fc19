"""Schemas of earlier releases, and rows as these wrote them."""

from collections.abc import Callable
from datetime import UTC, datetime

from alembic.config import Config
from sqlalchemy import Connection, MetaData
from support.rows import ANN

from agent.store.database import new_id
from agent.store.migrations import ALEMBIC

FIRST_RELEASE = "0010"
"""The schema of 0.1.0."""


def alembic(move: Callable[[Config, str], None], revision: str) -> Callable[[Connection], None]:
    """Return the work of going up or down to a revision."""

    def work(connection: Connection) -> None:
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(ALEMBIC))
        move(config, revision)

    return work


def tables_of(connection: Connection) -> MetaData:
    """Return the tables as they are now, which a release goes on to write to when a later one has changed them."""
    then = MetaData()
    then.reflect(connection)
    return then


def fill(connection: Connection, then: MetaData | None = None) -> None:
    """Store two turns of a conversation, and a rating, in the columns that the first version had."""
    then = then or tables_of(connection)
    now, conversation_id = datetime(2026, 1, 1, tzinfo=UTC), new_id().hex
    scope = {"tenant_id": ANN.tenant_id, "conversation_id": conversation_id}
    times = {"created_at": now, "updated_at": now}
    conversation = {"tenant_id": ANN.tenant_id, "id": conversation_id, "user_id": ANN.user_id, "title": "Orders"}
    connection.execute(
        then.tables["conversations"].insert(), {**conversation, "last_position": 4, "last_turn": 2, **times}
    )
    for turn in (1, 2):
        run_id, answer_id = new_id().hex, new_id().hex
        run = {"id": run_id, "user_id": ANN.user_id, "turn": turn, "state": "completed", "attempt": 1, "model": "demo"}
        counts = {"message_id": answer_id, "input_tokens": 1, "output_tokens": 1, "created_at": now}
        connection.execute(then.tables["runs"].insert(), {**scope, **run, **counts})
        for n, (role, message_id) in enumerate((("user", new_id().hex), ("assistant", answer_id))):
            said = {"id": message_id, "run_id": run_id, "turn": turn, "position": 2 * turn - 1 + n, "step": n}
            rest = {"role": role, "text": f"{role} {turn}", "is_error": False, "status": "complete", "created_at": now}
            connection.execute(then.tables["messages"].insert(), {**scope, **said, **rest})
    rating = {"tenant_id": ANN.tenant_id, "message_id": answer_id, "user_id": ANN.user_id, "rating": "up"}
    connection.execute(then.tables["feedback"].insert(), {**rating, "created_at": now})
