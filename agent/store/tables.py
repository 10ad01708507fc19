"""The tables. Every one that holds a tenant's data has the tenant in front of its primary key and of every foreign key.

Because references carry the tenant, the database itself refuses a row that points into another tenant. The rules that
must hold under any race are constraints here, not checks in the code.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    Uuid,
    false,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import TSVECTOR

from agent.store import audit_tables as audit_tables
from agent.store.asked_tables import approvals as approvals
from agent.store.asked_tables import page_calls as page_calls
from agent.store.attachment_tables import files as files
from agent.store.budget_tables import budgets as budgets
from agent.store.budget_tables import reservations as reservations
from agent.store.budget_tables import spendings as spendings
from agent.store.columns import Instant, Json, partial_index, tenant, user
from agent.store.columns import metadata as metadata
from agent.store.feedback_tables import feedback as feedback
from agent.store.memory_tables import memories as memories
from agent.store.summary_tables import summaries as summaries
from agent.store.worker_tables import workers as workers

UNINDEXED = text("(indexed_position < last_position OR NOT is_title_indexed) AND deleted_at IS NULL")
"""Whether search does not yet know all of a conversation, in the words of the partial index."""

conversations = Table(
    "conversations",
    metadata,
    tenant(),
    Column("id", Uuid, nullable=False),
    user(),
    Column("title", String(200), nullable=False),
    Column("last_position", Integer, nullable=False, comment="position of the newest message; 0 when there is none"),
    Column("last_turn", Integer, nullable=False, comment="turn of the newest run"),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("deleted_at", Instant, comment="since when nobody sees it; its rows go in batches"),
    Column(
        "indexed_position",
        Integer,
        nullable=False,
        server_default="0",
        comment="up to this position search knows the messages",
    ),
    Column(
        "is_title_indexed", Boolean, nullable=False, server_default=false(), comment="whether search knows the title"
    ),
    Column("client_key", String(255), comment="the id that its client gave it; NULL where it gave none"),
    Column(
        "answer_changes", Integer, nullable=False, server_default="0", comment="how often a turn has another answer"
    ),
    PrimaryKeyConstraint("tenant_id", "id"),
    Index("ix_conversations_owner", "tenant_id", "user_id", "updated_at", "id"),
    # Two first messages of one name that arrive at once: one of them makes the conversation, the other finds it.
    partial_index(
        "uq_conversations_client_key",
        *("tenant_id", "user_id", "client_key"),
        only_where="client_key IS NOT NULL AND deleted_at IS NULL",
        unique=True,
    ),
    partial_index("ix_conversations_deleted", "deleted_at", "tenant_id", "id", only_where="deleted_at IS NOT NULL"),
    # What upkeep has to let search know. A turn writes nothing for it beyond the row that it changes anyway.
    partial_index("ix_conversations_unindexed", "updated_at", only_where=UNINDEXED.text),
)

runs = Table(
    "runs",
    metadata,
    tenant(),
    Column("id", Uuid, nullable=False),
    Column("conversation_id", Uuid, nullable=False),
    user(),
    Column("turn", Integer, nullable=False, comment="1, 2, 3, … within the conversation; orders its messages"),
    Column("replaces", Integer, comment="the turn whose place this one takes, with all turns between the two"),
    Column(
        "lane", Integer, nullable=False, server_default="0", comment="1, 2, … in one turn; 0: no other is beside it"
    ),
    Column("chosen_at", Instant, comment="since when its user has it for the answer of its turn"),
    Column("state", String(16), nullable=False),
    Column("attempt", Integer, nullable=False),
    Column(
        "begun_attempts",
        Integer,
        nullable=False,
        server_default="0",
        comment="attempts that began to work; those that died while they waited do not count towards the limit",
    ),
    Column("message_id", Uuid, nullable=False, comment="the id that the answer has or will have"),
    Column("model", String(200), nullable=False),
    Column("model_changed", Json, comment="{from, reason}: the model that was asked for, and why another one answers"),
    Column(
        "used_before",
        Json,
        comment="{step, models: {name: [input, output]}}: tokens of models that another one went on from, up to a step",
    ),
    Column("assistant", String(64), comment="the id of the one that answers; NULL where there is only one file"),
    Column("time_zone", String(64), comment="of the IANA database, whose day is today; NULL where nobody said"),
    Column("locale", String(64), comment="a BCP 47 tag; NULL where nobody said"),
    Column("branch_id", Json),
    Column("role", String(256), comment="of the token that began it; it goes on with no other"),
    Column("token_branches", Json, comment="the branches of the token that began it; it goes on with no others"),
    Column("budget", Json, comment="of the token that began it; it goes on with no other"),
    Column("page", Json, comment="what the client said about its page; data for the model"),
    Column("idempotency_key", String(255)),
    Column("request_hash", String(64)),
    Column("worker_id", String(64)),
    Column("cancel_requested_at", Instant, comment="since when its holder is asked to stop it, by another process"),
    Column("can_ask", Boolean, nullable=False, server_default=true(), comment="whether its client can ask for a yes"),
    Column("client_tools", Json, comment="the tools that the page described; NULL: there is none"),
    Column("waits_until", Instant, comment="of a queued run that nobody holds until somebody decides, or this is over"),
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("ended_at", Instant),
    Column("finish_reason", String(32)),
    Column("error_code", String(32)),
    Column("input_tokens", Integer, nullable=False),
    Column("output_tokens", Integer, nullable=False),
    Column("suggestions", Json),
    Column("client_message_id", String(255), comment="the id that its client gave the user's message"),
    Column(
        "history_hash",
        String(64),
        comment="of all that was said up to here, where the client names no conversation but says that again",
    ),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(
        ["tenant_id", "conversation_id"], ["conversations.tenant_id", "conversations.id"], ondelete="CASCADE"
    ),
    CheckConstraint("state IN ('queued', 'running', 'completed', 'failed', 'cancelled')", name="state"),
    Index("uq_runs_turn", "tenant_id", "conversation_id", "turn", "lane", unique=True),
    # Two requests that replace the same turn: the database lets one of them do it.
    partial_index(
        "uq_runs_replaces", "tenant_id", "conversation_id", "replaces", only_where="replaces IS NOT NULL", unique=True
    ),
    # Two requests that race for one conversation: the database lets one of them run, or the first lane of one.
    partial_index(
        "uq_runs_active", "tenant_id", "conversation_id", only_where="state = 'running' AND lane < 2", unique=True
    ),
    # The few that are not over: whether one is in front of another, what a worker has, and what nobody has any more.
    partial_index(
        "ix_runs_unfinished_turn", "tenant_id", "conversation_id", "turn", only_where="state IN ('queued', 'running')"
    ),
    partial_index("ix_runs_waiting", "waits_until", only_where="waits_until IS NOT NULL AND state = 'queued'"),
    # Equal posts that arrive at once: one of them makes the run, the others find it.
    partial_index(
        "uq_runs_idempotency_key",
        *("tenant_id", "user_id", "idempotency_key"),
        only_where="idempotency_key IS NOT NULL",
        unique=True,
    ),
    partial_index(
        "ix_runs_client_message_id",
        *("tenant_id", "conversation_id", "client_message_id", "turn"),
        only_where="client_message_id IS NOT NULL",
    ),
    partial_index(
        "ix_runs_history_hash",
        *("tenant_id", "user_id", "history_hash", "created_at"),
        only_where="history_hash IS NOT NULL",
    ),
)

messages = Table(
    "messages",
    metadata,
    tenant(),
    Column("id", Uuid, nullable=False),
    Column("conversation_id", Uuid, nullable=False),
    Column("run_id", Uuid, nullable=False),
    Column("turn", Integer, nullable=False),
    Column("position", Integer, nullable=False, comment="1, 2, 3, … within the conversation, in order of writing"),
    Column("step", Integer, nullable=False, comment="0 for the user's message, then the step that wrote it"),
    Column("role", String(16), nullable=False),
    Column("text", Text, nullable=False),
    Column("tool_calls", Json, comment="[{id, name, arguments}] that an assistant message asks for"),
    Column("tool_call_id", String(64)),
    Column("tool_name", String(128)),
    Column("is_error", Boolean, nullable=False, comment="the result of a tool call that failed"),
    Column("model", String(200)),
    Column("input_tokens", Integer),
    Column("output_tokens", Integer),
    Column("status", String(16), nullable=False),
    Column("superseded_by", Integer, comment="the turn that took the place of this message's; NULL while it counts"),
    Column("extras", Json, comment="what the model that wrote it wants to see again; opaque, bounded"),
    Column("withheld", Boolean, comment="a provider refused this message for its content; models do not get it"),
    Column("is_untrusted", Boolean, comment="a result that anybody may have written; NULL where not"),
    Column("sources", Json, comment="[{id, title, url, snippet, tool_call_id?}] that it cites; NULL: none"),
    Column("files", Json, comment="[{id, name, media_type, bytes}] that came with it, or that its tool gave"),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(
        ["tenant_id", "conversation_id"], ["conversations.tenant_id", "conversations.id"], ondelete="CASCADE"
    ),
    ForeignKeyConstraint(["tenant_id", "run_id"], ["runs.tenant_id", "runs.id"], ondelete="CASCADE"),
    CheckConstraint("role IN ('user', 'assistant', 'tool')", name="role"),
    CheckConstraint("status IN ('complete', 'partial')", name="status"),
    CheckConstraint("(role = 'tool') = (tool_call_id IS NOT NULL)", name="tool_call_id"),
    Index("uq_messages_position", "tenant_id", "conversation_id", "position", unique=True),
    # A turn, and the window before it: superseded messages that lie between are left out without a look at their rows.
    Index("ix_messages_turn", "tenant_id", "conversation_id", "turn", "position", "superseded_by"),
    # Of the foreign key: without it, deleting a run reads all messages of the tenant.
    Index("ix_messages_run", "tenant_id", "run_id"),
    # A zombie and its successor that both finish a step: one of the two messages is refused.
    partial_index("uq_messages_step", "tenant_id", "run_id", "step", only_where="role = 'assistant'", unique=True),
    partial_index(
        "uq_messages_tool_call_id", "tenant_id", "tool_call_id", only_where="tool_call_id IS NOT NULL", unique=True
    ),
)

tool_calls = Table(
    "tool_calls",
    metadata,
    tenant(),
    Column("id", String(64), nullable=False),
    Column("run_id", Uuid, nullable=False),
    Column("step", Integer, nullable=False),
    Column("name", String(128), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("risk", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("action", Json, comment="{type, value} that the page was asked to do"),
    Column("created_at", Instant, nullable=False),
    Column("started_at", Instant),
    Column("settled_at", Instant),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(["tenant_id", "run_id"], ["runs.tenant_id", "runs.id"], ondelete="CASCADE"),
    CheckConstraint("state IN ('proposed', 'started', 'settled', 'unknown')", name="state"),
    Index("ix_tool_calls_run", "tenant_id", "run_id", "step"),
)

search_entries = Table(
    "search_entries",
    metadata,
    tenant(),
    Column("id", Uuid, nullable=False, comment="of the message; the conversation's own for its title"),
    Column("conversation_id", Uuid, nullable=False),
    user(),
    Column("number", BigInteger, nullable=False, comment="the entry's row in SQLite's index"),
    Column(
        "reached",
        BigInteger,
        nullable=False,
        comment="size of the user's entries up to this one; tells its part of the index",
    ),
    Column("scope", String(16), nullable=False, comment="stands in front of each word in the index"),
    Column("words", Text().with_variant(TSVECTOR(), "postgresql"), nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(
        ["tenant_id", "conversation_id"], ["conversations.tenant_id", "conversations.id"], ondelete="CASCADE"
    ),
    Index("ix_search_entries_conversation", "tenant_id", "conversation_id"),
    Index("ix_search_entries_reached", "tenant_id", "user_id", "reached"),
    # Each number once, because one at a time writes entries; SQLite's index knows no tenants.
    Index("ix_search_entries_number", "number"),
    # Without a list of what is to be added later: a search would have to read it all. SQLite has a table for it (0005).
    Index("ix_search_entries_words", "words", postgresql_using="gin", postgresql_with={"fastupdate": "off"}).ddl_if(
        dialect="postgresql"
    ),
)

OF_RUN = (tool_calls, approvals, page_calls)
"""The tables whose rows point to a run, and go before it; each has its id as `run_id`."""
OF_USER = (
    *(conversations, runs, feedback, search_entries, budgets, spendings, reservations, memories, files),
    summaries,
)
"""The tables whose rows say whose they are, as `user_id`."""
