"""one lease per worker, by the database's clock

Revision: 0006, after 0005

What an older version left unfinished points to workers without a row here: it is abandoned, and taken over at once.
"""

import sqlalchemy as sa
from alembic import op


revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None

UNFINISHED = sa.text("state IN ('queued', 'running')")


def upgrade() -> None:

    op.create_table('workers',
    sa.Column('id', sa.String(length=64), nullable=False),
    sa.Column('lease_until', sa.Double(), nullable=False, comment="seconds since 1970, by the database's clock"),
    sa.Column('lease_s', sa.Double(), nullable=False, comment="the lease's length; one further ahead is over: the clock jumped"),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_workers'))
    )
    op.drop_index('ix_runs_unfinished', 'runs')
    # Not as a batch, which makes the table anew and drops the old one: the messages would go with it.
    op.drop_column('runs', 'lease_until')
    op.create_index('ix_runs_unfinished', 'runs', ['state', 'worker_id'], unique=False, sqlite_where=UNFINISHED, postgresql_where=UNFINISHED)


def downgrade() -> None:

    op.drop_index('ix_runs_unfinished', 'runs')
    op.add_column('runs', sa.Column('lease_until', sa.DateTime(timezone=True), nullable=True))
    # An older version looks at the time only: what is not over must have one, or it would be nobody's for good.
    op.execute("UPDATE runs SET lease_until = '2000-01-01 00:00:00.000000' WHERE state IN ('queued', 'running')")
    op.create_index('ix_runs_unfinished', 'runs', ['state', 'lease_until'], unique=False, sqlite_where=UNFINISHED, postgresql_where=UNFINISHED)
    op.drop_table('workers')
