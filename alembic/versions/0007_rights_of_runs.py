"""the rights that a run was begun with

Revision: 0007, after 0006
"""

import sqlalchemy as sa
from alembic import op


revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.add_column('runs', sa.Column('role', sa.String(length=256), nullable=True, comment='of the token that began it; it goes on with no other'))
    op.add_column('runs', sa.Column('token_branches', sa.JSON(none_as_null=True), nullable=True, comment='the branches of the token that began it; it goes on with no others'))


def downgrade() -> None:

    op.drop_column('runs', 'token_branches')
    op.drop_column('runs', 'role')
