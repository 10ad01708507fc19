"""budgets: what may be used, what was used, and what is out

Revision: 0019, after 0018
"""

import sqlalchemy as sa
from alembic import op


revision = '0019'
down_revision = '0018'
branch_labels = None
depends_on = None

TABLES = ('budgets', 'spendings', 'reservations')


def upgrade() -> None:

    op.add_column('runs', sa.Column('budget', sa.JSON(none_as_null=True), nullable=True, comment='of the token that began it; it goes on with no other'))
    op.create_table('budgets',
    sa.Column('tenant_id', sa.String(length=128), nullable=False),
    sa.Column('whose', sa.String(length=8), nullable=False),
    sa.Column('user_id', sa.String(length=256), nullable=False, comment="empty, but where it is one user's"),
    sa.Column('budget', sa.JSON(none_as_null=True), nullable=False, comment='{day: {runs, tokens, cost}, month: {…}}; what is left out is open'),
    sa.CheckConstraint("whose IN ('tenant', 'users', 'user')", name=op.f('ck_budgets_whose')),
    sa.PrimaryKeyConstraint('tenant_id', 'whose', 'user_id', name=op.f('pk_budgets'))
    )
    op.create_table('spendings',
    sa.Column('tenant_id', sa.String(length=128), nullable=False),
    sa.Column('user_id', sa.String(length=256), nullable=False, comment='empty: of the tenant as a whole'),
    sa.Column('period', sa.String(length=10), nullable=False, comment="2026-11-29 or 2026-11, in the tenant's time zone"),
    sa.Column('runs', sa.BigInteger(), nullable=False),
    sa.Column('tokens', sa.BigInteger(), nullable=False),
    sa.Column('cost', sa.BigInteger(), nullable=False, comment='in millionths of the currency'),
    sa.Column('held_tokens', sa.BigInteger(), nullable=False, comment='what reservations hold, which is not used yet'),
    sa.Column('held_cost', sa.BigInteger(), nullable=False),
    sa.PrimaryKeyConstraint('tenant_id', 'user_id', 'period', name=op.f('pk_spendings'))
    )
    op.create_index('ix_spendings_period', 'spendings', ['period'], unique=False)
    op.create_table('reservations',
    sa.Column('tenant_id', sa.String(length=128), nullable=False),
    sa.Column('run_id', sa.Uuid(), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.String(length=256), nullable=False),
    sa.Column('attempt', sa.Integer(), nullable=False, comment='which counts while it works; 0: of what comes after the answer'),
    sa.Column('tokens', sa.BigInteger(), nullable=False),
    sa.Column('cost', sa.BigInteger(), nullable=False),
    sa.Column('counters', sa.JSON(none_as_null=True), nullable=False, comment='[[user_id, period]] that it is held in'),
    sa.Column('until', sa.Double(), nullable=False, comment="seconds since 1970, by the database's clock"),
    sa.PrimaryKeyConstraint('tenant_id', 'run_id', 'id', name=op.f('pk_reservations'))
    )
    if op.get_bind().dialect.name == 'postgresql':
        for table in TABLES:
            op.execute(f'ALTER TABLE {table} ENABLE ROW LEVEL SECURITY')
            op.execute(f"CREATE POLICY tenant ON {table} USING (tenant_id = current_setting('frontdesk.tenant', true))")


def downgrade() -> None:

    for table in reversed(TABLES):
        op.drop_table(table)
    op.drop_column('runs', 'budget')
