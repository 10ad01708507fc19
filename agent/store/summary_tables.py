"""The table of summaries: what models read in place of turns that have left their window."""

from sqlalchemy import (
    Boolean,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    Uuid,
)

from agent.store.columns import Instant, Json, metadata, tenant, user

summaries = Table(
    "summaries",
    metadata,
    tenant(),
    Column("id", Uuid, nullable=False),
    Column("conversation_id", Uuid, nullable=False),
    user(),
    Column("run_id", Uuid, nullable=False, comment="behind which it is made; the run may be gone"),
    Column("until_turn", Integer, nullable=False, comment="the last turn that it covers"),
    Column("until_position", Integer, nullable=False, comment="of the last message that it covers"),
    Column("until_message_id", Uuid, nullable=False, comment="where that does not count any more, the summary is void"),
    Column("text", Text, comment="NULL while it is made"),
    Column(
        "done", Json, comment="{calls: [{name, arguments, result}], earlier: {name: count}} of writes, by the ledger"
    ),
    Column("tools", Json, comment="the names of tools whose results it was made of"),
    Column("is_untrusted", Boolean, comment="whether anybody may have written what it was made of"),
    Column("messages", Integer, comment="how many it covers, with those of the summary before"),
    Column("model", String(200)),
    Column("input_tokens", Integer),
    Column("output_tokens", Integer),
    Column("worker_id", String(64), nullable=False, comment="who makes it"),
    Column(
        "claimed_until", Double, nullable=False, comment="until when, in seconds since 1970, by the database's clock"
    ),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    ForeignKeyConstraint(
        ["tenant_id", "conversation_id"], ["conversations.tenant_id", "conversations.id"], ondelete="CASCADE"
    ),
    Index("ix_summaries_conversation", "tenant_id", "conversation_id", "until_turn"),
)
