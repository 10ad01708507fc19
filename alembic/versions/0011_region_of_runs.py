"""the time zone and the locale that a run answers in

Revision: 0011, after 0010
"""

import sqlalchemy as sa
from alembic import op


revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.add_column('runs', sa.Column('time_zone', sa.String(length=64), nullable=True, comment='of the IANA database, whose day is today; NULL where nobody said'))
    op.add_column('runs', sa.Column('locale', sa.String(length=64), nullable=True, comment='a BCP 47 tag; NULL where nobody said'))


def downgrade() -> None:

    op.drop_column('runs', 'locale')
    op.drop_column('runs', 'time_zone')
