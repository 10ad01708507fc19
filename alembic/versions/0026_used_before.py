"""a run of which another model went on: what the ones before used

Revision: 0026, after 0025

A release before this one works on: of a run that it lets another model go on with, all tokens are that one's.
"""

import sqlalchemy as sa
from alembic import op


revision = '0026'
down_revision = '0025'
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.add_column('runs', sa.Column('used_before', sa.JSON(none_as_null=True), nullable=True, comment='{step, models: {name: [input, output]}}: tokens of models that another one went on from, up to a step'))


def downgrade() -> None:

    op.drop_column('runs', 'used_before')
