"""runs that wait for a person, and what they ask

Revision: 0014, after 0013
"""

import sqlalchemy as sa
from alembic import op

from agent.store.columns import Instant


revision = '0014'
down_revision = '0013'
branch_labels = None
depends_on = None

OPEN = sa.text("state = 'open'")


def upgrade() -> None:

    op.add_column('runs', sa.Column('waits_until', Instant(), nullable=True, comment='of a queued run that nobody holds until somebody decides, or this is over'))
    op.add_column('runs', sa.Column('can_ask', sa.Boolean(), nullable=False, server_default=sa.true(), comment='whether its client can ask for a yes'))
    op.create_table('approvals',
    sa.Column('tenant_id', sa.String(length=128), nullable=False),
    sa.Column('tool_call_id', sa.String(length=64), nullable=False),
    sa.Column('run_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.String(length=128), nullable=False, comment='of the tool'),
    sa.Column('title', sa.Text(), nullable=False, comment='what is asked, as people read it'),
    sa.Column('arguments', sa.JSON(none_as_null=True), nullable=False, comment='as they are shown, without secrets'),
    sa.Column('hash', sa.String(length=64), nullable=False, comment='of the call as it was shown; an edit has to echo it'),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('expires_at', Instant(), nullable=False),
    sa.Column('decided_at', Instant(), nullable=True),
    sa.Column('decided_by', sa.String(length=256), nullable=True, comment="the user's id; NULL where nobody did in time"),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('edited', sa.JSON(none_as_null=True), nullable=True, comment="the arguments that somebody put in place of the model's"),
    sa.Column('created_at', Instant(), nullable=False),
    sa.CheckConstraint("state IN ('open', 'approved', 'denied', 'expired', 'withdrawn')", name=op.f('ck_approvals_state')),
    sa.ForeignKeyConstraint(['tenant_id', 'run_id'], ['runs.tenant_id', 'runs.id'], name=op.f('fk_approvals_runs'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('tenant_id', 'tool_call_id', name=op.f('pk_approvals'))
    )
    op.create_index('ix_approvals_run', 'approvals', ['tenant_id', 'run_id'], unique=False)
    op.create_index('ix_approvals_open', 'approvals', ['expires_at'], unique=False, sqlite_where=OPEN, postgresql_where=OPEN)


def downgrade() -> None:

    op.drop_table('approvals')
    op.drop_column('runs', 'can_ask')
    op.drop_column('runs', 'waits_until')
