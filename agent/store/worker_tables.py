"""The table of processes, as the database knows them."""

from sqlalchemy import Column, Double, PrimaryKeyConstraint, String, Table

from agent.store.columns import metadata

# The one table without a tenant: a worker serves all of them, and its row says nothing of any.
workers = Table(
    "workers",
    metadata,
    Column("id", String(64), nullable=False),
    Column("lease_until", Double, nullable=False, comment="seconds since 1970, by the database's clock"),
    Column(
        "lease_s", Double, nullable=False, comment="the lease's length; one further ahead is over: the clock jumped"
    ),
    PrimaryKeyConstraint("id"),
)
