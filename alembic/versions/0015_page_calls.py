"""calls that a page makes, and the tools that it described

Revision: 0015, after 0014
"""

import sqlalchemy as sa
from alembic import op


revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None

OPEN = sa.text("state = 'open'")


def upgrade() -> None:

    op.add_column('runs', sa.Column('client_tools', sa.JSON(none_as_null=True), nullable=True, comment='the tools that the page described; NULL: there is none'))
    op.create_table('page_calls',
    sa.Column('tenant_id', sa.String(length=128), nullable=False),
    sa.Column('tool_call_id', sa.String(length=64), nullable=False),
    sa.Column('run_id', sa.Uuid(), nullable=False),
    sa.Column('name', sa.String(length=128), nullable=False, comment='of the tool, or of the action'),
    sa.Column('is_action', sa.Boolean(), nullable=False, comment='whether it is an action whose page says what came of it'),
    sa.Column('arguments', sa.JSON(none_as_null=True), nullable=False, comment='as the page gets them'),
    sa.Column('schema', sa.JSON(none_as_null=True), nullable=True, comment='of its result; NULL: any JSON'),
    sa.Column('state', sa.String(length=16), nullable=False),
    sa.Column('created_at', sa.Double(), nullable=False, comment="by the database's clock, seconds since 1970"),
    sa.Column('expires_at', sa.Double(), nullable=False, comment="by the database's clock, seconds since 1970"),
    sa.Column('claimed_by', sa.String(length=128), nullable=True, comment='the page that makes it, as that calls itself'),
    sa.Column('result', sa.Text(), nullable=True, comment='what the page said: JSON, or the text of an error'),
    sa.CheckConstraint("state IN ('open', 'ok', 'error', 'expired', 'withdrawn')", name=op.f('ck_page_calls_state')),
    sa.ForeignKeyConstraint(['tenant_id', 'run_id'], ['runs.tenant_id', 'runs.id'], name=op.f('fk_page_calls_runs'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('tenant_id', 'tool_call_id', name=op.f('pk_page_calls'))
    )
    op.create_index('ix_page_calls_run', 'page_calls', ['tenant_id', 'run_id'], unique=False)
    op.create_index('ix_page_calls_open', 'page_calls', ['expires_at'], unique=False, sqlite_where=OPEN, postgresql_where=OPEN)


def downgrade() -> None:

    op.drop_table('page_calls')
    op.drop_column('runs', 'client_tools')
