"""The tables of what runs wait for: a person's yes, the page's answer."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    Uuid,
    false,
)

from agent.store.columns import Instant, Json, metadata, partial_index, tenant

# Beside the ledger, whose rows stay as they are: a call that waits is proposed and not more.
approvals = Table(
    "approvals",
    metadata,
    tenant(),
    Column("tool_call_id", String(64), nullable=False),
    Column("run_id", Uuid, nullable=False),
    Column("name", String(128), nullable=False, comment="of the tool"),
    Column("title", Text, nullable=False, comment="what is asked, as people read it"),
    Column("arguments", Json, nullable=False, comment="as they are shown, without secrets"),
    Column("hash", String(64), nullable=False, comment="of the call as it was shown; an edit has to echo it"),
    Column("state", String(16), nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("decided_at", Instant),
    Column("decided_by", String(256), comment="the user's id; NULL where nobody did in time"),
    Column("reason", Text),
    Column("edited", Json, comment="the arguments that somebody put in place of the model's"),
    Column("created_at", Instant, nullable=False),
    Column("approvers", Json, comment="the roles of other people who answer; NULL where the user does"),
    Column(
        "may_always",
        Boolean,
        nullable=False,
        server_default=false(),
        comment="whether the yes may be one to all later calls of the tool in the conversation",
    ),
    Column(
        "is_always",
        Boolean,
        nullable=False,
        server_default=false(),
        comment="whether it is, until that ends",
    ),
    PrimaryKeyConstraint("tenant_id", "tool_call_id"),
    ForeignKeyConstraint(["tenant_id", "run_id"], ["runs.tenant_id", "runs.id"], ondelete="CASCADE"),
    CheckConstraint("state IN ('open', 'approved', 'denied', 'expired', 'withdrawn')", name="state"),
    Index("ix_approvals_run", "tenant_id", "run_id"),
    partial_index("ix_approvals_open", "expires_at", only_where="state = 'open'"),
    # What people are asked in place of others, the oldest first: they look every few seconds.
    partial_index(
        "ix_approvals_shared",
        *("tenant_id", "created_at", "tool_call_id"),
        only_where="state = 'open' AND approvers IS NOT NULL",
    ),
)

page_calls = Table(
    "page_calls",
    metadata,
    tenant(),
    Column("tool_call_id", String(64), nullable=False),
    Column("run_id", Uuid, nullable=False),
    Column("name", String(128), nullable=False, comment="of the tool, or of the action"),
    Column("is_action", Boolean, nullable=False, comment="whether it is an action whose page says what came of it"),
    Column("arguments", Json, nullable=False, comment="as the page gets them"),
    Column("schema", Json, comment="of its result; NULL: any JSON"),
    Column("state", String(16), nullable=False),
    Column("created_at", Double, nullable=False, comment="by the database's clock, seconds since 1970"),
    Column("expires_at", Double, nullable=False, comment="by the database's clock, seconds since 1970"),
    Column("claimed_by", String(128), comment="the page that makes it, as that calls itself"),
    Column("result", Text, comment="what the page said: JSON, or the text of an error"),
    PrimaryKeyConstraint("tenant_id", "tool_call_id"),
    ForeignKeyConstraint(["tenant_id", "run_id"], ["runs.tenant_id", "runs.id"], ondelete="CASCADE"),
    CheckConstraint("state IN ('open', 'ok', 'error', 'expired', 'withdrawn')", name="state"),
    Index("ix_page_calls_run", "tenant_id", "run_id"),
    partial_index("ix_page_calls_open", "expires_at", only_where="state = 'open'"),
)
