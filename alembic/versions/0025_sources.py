"""sources: what a message cites; vectors of what is remembered

Revision: 0025, after 0024
"""

import sqlalchemy as sa
from alembic import op

from agent.store.columns import Json


revision = '0025'
down_revision = '0024'
branch_labels = None
depends_on = None


def upgrade() -> None:

    op.add_column('messages', sa.Column('sources', Json, nullable=True, comment='[{id, title, url, snippet, tool_call_id?}] that it cites; NULL: none'))
    op.add_column('memories', sa.Column('vector', sa.LargeBinary(), nullable=True, comment='of the text, as numbers of two bytes; NULL while there is none'))
    op.add_column('memories', sa.Column('vector_model', sa.String(length=64), nullable=True, comment='the digest of the model that made it'))


def downgrade() -> None:

    op.drop_column('memories', 'vector_model')
    op.drop_column('memories', 'vector')
    op.drop_column('messages', 'sources')
