"""memories: facts of users and tenants that outlive their conversations

Revision: 0022, after 0021
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR


revision = '0022'
down_revision = '0021'
branch_labels = None
depends_on = None

# An index without content has to be told what it forgets. The words come with their owner in front, as in 0005.
ADD = 'INSERT INTO memory_index (rowid, words) VALUES (new.number, new.words)'
FORGET = "INSERT INTO memory_index (memory_index, rowid, words) VALUES ('delete', old.number, old.words)"
TOKENIZER = '"ascii tokenchars \'-._@/&:+#%=\'"'


def upgrade() -> None:

    op.create_table('memories',
    sa.Column('tenant_id', sa.String(length=128), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.String(length=256), nullable=False, comment='empty: of the tenant as a whole'),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('digest', sa.String(length=64), nullable=False, comment='of the folded text: nobody has a fact twice'),
    sa.Column('number', sa.BigInteger(), nullable=False, comment="the fact's row in SQLite's index: the last bits of its id"),
    sa.Column('words', sa.Text().with_variant(TSVECTOR(), 'postgresql'), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('updated_at', sa.DateTime(timezone=True), nullable=False),
    sa.PrimaryKeyConstraint('tenant_id', 'id', name=op.f('pk_memories'))
    )
    op.create_index('uq_memories_digest', 'memories', ['tenant_id', 'user_id', 'digest'], unique=True)
    op.create_index('ix_memories_owner', 'memories', ['tenant_id', 'user_id', 'id'], unique=False)
    op.create_index('ix_memories_number', 'memories', ['number'], unique=False)
    op.create_index('ix_memories_updated', 'memories', ['tenant_id', 'updated_at'], unique=False)
    if op.get_bind().dialect.name == 'postgresql':
        op.execute('ALTER TABLE memories ENABLE ROW LEVEL SECURITY')
        op.execute("CREATE POLICY tenant ON memories USING (tenant_id = current_setting('frontdesk.tenant', true))")
    else:
        op.execute(f"CREATE VIRTUAL TABLE memory_index USING fts5(words, content='', columnsize=0, detail=none, tokenize={TOKENIZER})")
        op.execute(f'CREATE TRIGGER memories_added AFTER INSERT ON memories BEGIN {ADD}; END')
        op.execute(f'CREATE TRIGGER memories_removed AFTER DELETE ON memories BEGIN {FORGET}; END')


def downgrade() -> None:

    op.drop_table('memories')
    if op.get_bind().dialect.name != 'postgresql':
        op.execute('DROP TABLE memory_index')
