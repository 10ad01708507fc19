"""The table of memories: facts that outlive the conversations in which they were said."""

from sqlalchemy import BigInteger, Column, Index, LargeBinary, PrimaryKeyConstraint, String, Table, Text, Uuid
from sqlalchemy.dialects.postgresql import TSVECTOR

from agent.store.columns import Instant, metadata, tenant, user

memories = Table(
    "memories",
    metadata,
    tenant(),
    Column("id", Uuid, nullable=False),
    user("empty: of the tenant as a whole"),
    Column("text", Text, nullable=False),
    Column("digest", String(64), nullable=False, comment="of the folded text: nobody has a fact twice"),
    Column("number", BigInteger, nullable=False, comment="the fact's row in SQLite's index: the last bits of its id"),
    Column("words", Text().with_variant(TSVECTOR(), "postgresql"), nullable=False),
    Column("vector", LargeBinary, comment="of the text, as numbers of two bytes; NULL while there is none"),
    Column("vector_model", String(64), comment="the digest of the model that made it"),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    PrimaryKeyConstraint("tenant_id", "id"),
    # An attempt that died behind its commit, and the next one that says the same: the fact is there once.
    Index("uq_memories_digest", "tenant_id", "user_id", "digest", unique=True),
    Index("ix_memories_owner", "tenant_id", "user_id", "id"),
    Index("ix_memories_number", "number"),
    Index("ix_memories_updated", "tenant_id", "updated_at"),
)
