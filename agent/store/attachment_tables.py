"""The table of files. Each row stands for bytes that lie elsewhere: no bytes are anywhere without one."""

from sqlalchemy import BigInteger, Column, PrimaryKeyConstraint, String, Table, Uuid

from agent.store.columns import Instant, Json, metadata, partial_index, tenant, user

files = Table(
    "files",
    metadata,
    tenant(),
    Column("id", Uuid, nullable=False),
    user(),
    # No foreign key: the row outlives its conversation until the bytes are gone, which no transaction can do.
    Column("conversation_id", Uuid, comment="a message of which has it, or a run of which gave it; NULL: none yet"),
    Column("name", String(255), nullable=False),
    Column("media_type", String(128), nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("storage_key", String(64), nullable=False, comment="where the bytes are; no client ever names one"),
    Column("text_bytes", BigInteger, comment="of its text, which lies beside it; NULL where it has none"),
    Column("about", Json, comment="what is known of the content: pages, rows, width"),
    Column("created_at", Instant, nullable=False),
    Column("stored_at", Instant, comment="since when all bytes are there; NULL: not yet, or never"),
    Column("deleted_at", Instant, comment="since when nobody sees it; upkeep removes the bytes, then the row"),
    PrimaryKeyConstraint("tenant_id", "id"),
    partial_index("ix_files_conversation", "tenant_id", "conversation_id", only_where="conversation_id IS NOT NULL"),
    partial_index("ix_files_loose", "tenant_id", "user_id", "created_at", only_where="conversation_id IS NULL"),
    partial_index(
        "ix_files_kept",
        *("tenant_id", "user_id", "conversation_id", "bytes", "text_bytes", "deleted_at"),
        only_where="deleted_at IS NULL",
    ),
    partial_index("ix_files_waiting", "created_at", only_where="conversation_id IS NULL AND deleted_at IS NULL"),
    partial_index("ix_files_unstored", "created_at", only_where="stored_at IS NULL"),
    partial_index("ix_files_gone", "deleted_at", only_where="deleted_at IS NOT NULL"),
)
