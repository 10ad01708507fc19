"""The table of what users think of answers."""

from sqlalchemy import CheckConstraint, Column, ForeignKeyConstraint, PrimaryKeyConstraint, String, Table, Text, Uuid

from agent.store.columns import Instant, metadata, tenant, user

feedback = Table(
    "feedback",
    metadata,
    tenant(),
    Column("message_id", Uuid, nullable=False),
    user(),
    Column("rating", String(8), nullable=False),
    Column("comment", Text),
    Column("created_at", Instant, nullable=False),
    PrimaryKeyConstraint("tenant_id", "message_id", "user_id"),
    ForeignKeyConstraint(["tenant_id", "message_id"], ["messages.tenant_id", "messages.id"], ondelete="CASCADE"),
    CheckConstraint("rating IN ('up', 'down')", name="rating"),
)
