"""The tables of the record: its rows outlive what they tell of, so none of them points to another table.

No row changes its size. SQLite makes room for one that grows, and takes back what one that shrinks leaves, by moving its
neighbours, and what these leave behind it does not wipe: their words would outlive their erasure in the file. So what is not
there yet, or no more, is as long as what is.

Whatever finds rows is only of sealed ones, so a deed writes into three trees and the rest is written with the seals, many
rows at once. Who looks for rows looks among those without a seal as well, and first: they are those of the last second.
"""

from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    Dialect,
    Double,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    TypeDecorator,
    Uuid,
)

from agent.store.columns import metadata, partial_index, tenant

NO_NUMBER = "0" * 10
NO_DIGEST = "0" * 64
NO_SALT = "-" * 32
SEALED = f"seal <> '{NO_NUMBER}'"
BY_TIME = f"seal > '{NO_NUMBER}'"
"""The same rows in other words: only who says just these reads by time, and nobody who looks for a user, a run or a tool."""
LOOSE = f"seal = '{NO_NUMBER}'"


class SealNumber(TypeDecorator[int]):
    """The number of a seal in ten digits; None in as many."""

    impl = String(10)
    cache_ok = True

    def process_bind_param(self, value: int | None, _dialect: Dialect) -> str:
        return NO_NUMBER if value is None else f"{value:010d}"

    def process_result_value(self, value: Any, _dialect: Dialect) -> int | None:
        return None if value is None or value == NO_NUMBER else int(value)


class Erasable(TypeDecorator[str]):
    """A text that was erased where nothing but spaces or dashes is left of it: None then."""

    impl = Text
    cache_ok = True

    def process_result_value(self, value: str | None, _dialect: Dialect) -> str | None:
        return value if value is not None and value.strip(" -") else None


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
        "words",
        Erasable,
        comment="JSON: what users, models and tools said, without secrets; spaces when they were erased",
    ),
    Column("salt", Erasable, comment="goes with the words, so that nobody can try what they were"),
    Column("words_digest", String(64), comment="of salt and words; stays"),
    Column(
        "digest", String(64), nullable=False, server_default=NO_DIGEST, comment="of all that stays, once it is sealed"
    ),
    Column(
        "seal", SealNumber, nullable=False, server_default=NO_NUMBER, comment="the number of its seal; zeros until then"
    ),
    PrimaryKeyConstraint("tenant_id", "id"),
    partial_index("ix_audit_unsealed", "tenant_id", "at", "id", only_where=LOOSE),
    partial_index("ix_audit_at", "tenant_id", "at", "id", only_where=BY_TIME),
    partial_index("ix_audit_user", "tenant_id", "user_id", "at", "id", only_where=SEALED),
    partial_index("ix_audit_kind", "tenant_id", "kind", "at", "id", only_where=SEALED),
    partial_index("ix_audit_run", "tenant_id", "run_id", "at", "id", only_where=SEALED),
    partial_index("ix_audit_tool", "tenant_id", "tool_name", "at", "id", only_where=SEALED),
    partial_index(
        "ix_audit_words", "tenant_id", "conversation_id", "at", only_where=f"{SEALED} AND salt <> '{NO_SALT}'"
    ),
    partial_index("ix_audit_seal", "tenant_id", "seal", "at", "id", only_where=SEALED),
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
