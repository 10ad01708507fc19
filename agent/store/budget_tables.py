"""The tables of budgets: what tenants and users may use, what they have used, and what is out at the moment.

None points to a run: what a run has used stays used when its conversation is deleted, and what it holds is given back.
"""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    Double,
    Index,
    Integer,
    PrimaryKeyConstraint,
    String,
    Table,
    Uuid,
)

from agent.store.columns import Json, metadata, tenant, user

budgets = Table(
    "budgets",
    metadata,
    tenant(),
    Column("whose", String(8), nullable=False),
    user("empty, but where it is one user's"),
    Column("budget", Json, nullable=False, comment="{day: {runs, tokens, cost}, month: {…}}; what is left out is open"),
    PrimaryKeyConstraint("tenant_id", "whose", "user_id"),
    CheckConstraint("whose IN ('tenant', 'users', 'user')", name="whose"),
)

spendings = Table(
    "spendings",
    metadata,
    tenant(),
    user("empty: of the tenant as a whole"),
    Column("period", String(10), nullable=False, comment="2026-11-29 or 2026-11, in the tenant's time zone"),
    Column("runs", BigInteger, nullable=False),
    Column("tokens", BigInteger, nullable=False),
    Column("cost", BigInteger, nullable=False, comment="in millionths of the currency"),
    Column("held_tokens", BigInteger, nullable=False, comment="what reservations hold, which is not used yet"),
    Column("held_cost", BigInteger, nullable=False),
    PrimaryKeyConstraint("tenant_id", "user_id", "period"),
    Index("ix_spendings_period", "period"),
)

reservations = Table(
    "reservations",
    metadata,
    tenant(),
    Column("run_id", Uuid, nullable=False),
    Column("id", Uuid, nullable=False),
    user(),
    Column(
        "attempt", Integer, nullable=False, comment="which counts while it works; 0: of what comes after the answer"
    ),
    Column("tokens", BigInteger, nullable=False),
    Column("cost", BigInteger, nullable=False),
    Column("counters", Json, nullable=False, comment="[[user_id, period]] that it is held in"),
    Column("until", Double, nullable=False, comment="seconds since 1970, by the database's clock"),
    PrimaryKeyConstraint("tenant_id", "run_id", "id"),
)
