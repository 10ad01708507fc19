"""the words that search finds

Revision: 0005, after 0004

What is there already is not indexed here: upkeep does it, as it does with what is new, and search works meanwhile.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import TSVECTOR


revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None

ADD = "INSERT INTO search_index (rowid, words) VALUES (new.number, replace(new.words, ' ', ' ' || new.scope))"
# An index without content has to be told what it forgets.
FORGET = "INSERT INTO search_index (search_index, rowid, words) VALUES ('delete', old.number, replace(old.words, ' ', ' ' || old.scope))"
# Every character beyond space and quotes is one of a word: the words come cut apart and folded.
TOKENIZER = '"ascii tokenchars \'-._@/&:+#%=\'"'


def upgrade() -> None:

    op.add_column('conversations', sa.Column('indexed_position', sa.Integer(), server_default='0', nullable=False, comment='up to this position search knows the messages'))
    op.add_column('conversations', sa.Column('is_title_indexed', sa.Boolean(), server_default=sa.false(), nullable=False, comment='whether search knows the title'))
    due = sa.text('(indexed_position < last_position OR NOT is_title_indexed) AND deleted_at IS NULL')
    op.create_index('ix_conversations_unindexed', 'conversations', ['updated_at'], unique=False, sqlite_where=due, postgresql_where=due)

    op.create_table('search_entries',
    sa.Column('tenant_id', sa.String(length=128), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False, comment="of the message; the conversation's own for its title"),
    sa.Column('conversation_id', sa.Uuid(), nullable=False),
    sa.Column('user_id', sa.String(length=256), nullable=False),
    sa.Column('number', sa.BigInteger(), nullable=False, comment="the entry's row in SQLite's index"),
    sa.Column('reached', sa.BigInteger(), nullable=False, comment="size of the user's entries up to this one; tells its part of the index"),
    sa.Column('scope', sa.String(length=16), nullable=False, comment='stands in front of each word in the index'),
    sa.Column('words', sa.Text().with_variant(TSVECTOR(), 'postgresql'), nullable=False),
    sa.ForeignKeyConstraint(['tenant_id', 'conversation_id'], ['conversations.tenant_id', 'conversations.id'], name=op.f('fk_search_entries_conversations'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('tenant_id', 'id', name=op.f('pk_search_entries'))
    )
    op.create_index('ix_search_entries_conversation', 'search_entries', ['tenant_id', 'conversation_id'], unique=False)
    op.create_index('ix_search_entries_reached', 'search_entries', ['tenant_id', 'user_id', 'reached'], unique=False)
    op.create_index('ix_search_entries_number', 'search_entries', ['number'], unique=False)

    if op.get_bind().dialect.name == 'postgresql':
        op.create_index('ix_search_entries_words', 'search_entries', ['words'], unique=False, postgresql_using='gin', postgresql_with={'fastupdate': 'off'})
    else:
        op.execute(f"CREATE VIRTUAL TABLE search_index USING fts5(words, content='', columnsize=0, detail=none, tokenize={TOKENIZER})")
        op.execute(f'CREATE TRIGGER search_entries_added AFTER INSERT ON search_entries BEGIN {ADD}; END')
        op.execute(f'CREATE TRIGGER search_entries_removed AFTER DELETE ON search_entries BEGIN {FORGET}; END')


def downgrade() -> None:

    op.drop_table('search_entries')
    if op.get_bind().dialect.name != 'postgresql':
        op.execute('DROP TABLE search_index')
    op.drop_index('ix_conversations_unindexed', 'conversations')
    op.drop_column('conversations', 'is_title_indexed')
    op.drop_column('conversations', 'indexed_position')
