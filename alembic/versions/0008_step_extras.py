"""what a provider wants to see again of a step, and messages that it refused

Revision: 0008, after 0007
"""

import sqlalchemy as sa
from alembic import op


revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.add_column('messages', sa.Column('extras', sa.JSON(), nullable=True, comment='what the model that wrote it wants to see again; opaque, bounded'))
    op.add_column('messages', sa.Column('withheld', sa.Boolean(), nullable=True, comment='a provider refused this message for its content; models do not get it'))


def downgrade() -> None:

    op.drop_column('messages', 'withheld')
    op.drop_column('messages', 'extras')
