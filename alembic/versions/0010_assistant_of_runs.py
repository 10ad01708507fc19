"""which assistant a run is with

Revision: 0010, after 0009
"""

import sqlalchemy as sa
from alembic import op


revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.add_column('runs', sa.Column('assistant', sa.String(length=64), nullable=True, comment='the id of the one that answers; NULL where there is only one file'))


def downgrade() -> None:

    op.drop_column('runs', 'assistant')
