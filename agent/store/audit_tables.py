"""The tables of the record: its rows outlive what they tell of, so none of them points to another table.

Whatever finds rows is only of sealed ones, so a deed writes into two trees and the rest is written with the seals, many
rows at once. Who looks for rows looks among those without a seal as well, and first: they are those of the last second.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Double,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    Uuid,
)

from agent.store.columns import metadata, partial_index, tenant

_SEALED = "seal IS NOT NULL"
BY_TIME = "digest IS NOT NULL"
"""The same rows by other words: only who says just these reads by time, and nobody who looks for a user, a run or a tool."""
audit = Table(
    "audit",
    metadata,
    tenant(),
    Column("id", Uuid, nullable=False),
    Column("at", Double, nullable=False, comment="seconds since 1970, by the database's clock"),
    Column("kind", String(32), nullable=False),
    Column("user_id", String(256), comment="who did it; NULL where nobody did: a time was over"),
    Column("on_behalf_of", String(256), comment="the user whose run it is"),
    Column("conversation_id", Uuid),
    Column("run_id", Uuid),
    Column("tool_call_id", String(64)),
    Column("tool_name", String(128)),
    Column("risk", String(16)),
    Column("outcome", String(200)),
    Column("address", String(64), comment="of the request that began it, where that is known"),
    Column("request_id", String(64)),
    Column(
        "words", Text, comment="JSON: what users, models and tools said, without secrets; erased with the conversation"
    ),
    Column("salt", String(32), comment="goes with the words, so that nobody can try what they were"),
    Column("words_digest", String(64), comment="of salt and words; stays"),
    Column("digest", String(64), comment="of all that stays; NULL until the row is sealed"),
    Column("seal", Integer, comment="the number of its seal; NULL until then"),
    PrimaryKeyConstraint("tenant_id", "id"),
    partial_index("ix_audit_unsealed", "tenant_id", "at", "id", only_where="seal IS NULL"),
    partial_index("ix_audit_at", "tenant_id", "at", "id", only_where=BY_TIME),
    partial_index("ix_audit_user", "tenant_id", "user_id", "at", "id", only_where=_SEALED),
    partial_index("ix_audit_kind", "tenant_id", "kind", "at", "id", only_where=_SEALED),
    partial_index("ix_audit_run", "tenant_id", "run_id", "at", "id", only_where=_SEALED),
    partial_index("ix_audit_tool", "tenant_id", "tool_name", "at", "id", only_where=_SEALED),
    partial_index("ix_audit_words", "tenant_id", "conversation_id", "at", only_where=f"{_SEALED} AND salt IS NOT NULL"),
    partial_index("ix_audit_seal", "tenant_id", "seal", "at", "id", only_where=_SEALED),
    sqlite_with_rowid=False,
)

audit_seals = Table(
    "audit_seals",
    metadata,
    tenant(),
    Column("number", Integer, nullable=False, comment="1, 2, 3, … of the tenant"),
    Column("second", BigInteger, nullable=False, comment="since 1970: the one that its rows are of"),
    Column("rows", Integer, nullable=False, comment="how many it is over"),
    Column("until", Double, nullable=False, comment="what was there up to this time is sealed with it"),
    Column("previous", String(64), nullable=False, comment="the digest of the seal before; of the first one zeros"),
    Column("digest", String(64), nullable=False, comment="of all of this and of the rows' digests in order"),
    PrimaryKeyConstraint("tenant_id", "number"),
    Index("ix_audit_seals_second", "second", "tenant_id"),
)
