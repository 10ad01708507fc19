"""since when a run is asked to stop by a process that does not hold it

Revision: 0009, after 0008
"""

import sqlalchemy as sa
from alembic import op


revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.add_column('runs', sa.Column('cancel_requested_at', sa.DateTime(timezone=True), nullable=True, comment='since when its holder is asked to stop it, by another process'))


def downgrade() -> None:

    op.drop_column('runs', 'cancel_requested_at')
