"""a run whose model failed: which one was asked for, and why another answers

Revision: 0020, after 0019
"""

import sqlalchemy as sa
from alembic import op


revision = '0020'
down_revision = '0019'
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.add_column('runs', sa.Column('model_changed', sa.JSON(none_as_null=True), nullable=True, comment='{from, reason}: the model that was asked for, and why another one answers'))


def downgrade() -> None:

    op.drop_column('runs', 'model_changed')
