"""a record of what was done, and its seals

Revision: 0017, after 0016
"""

import sqlalchemy as sa
from alembic import op


revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None


def index(name, *columns, only_where):
    where = sa.text(only_where)
    op.create_index(name, 'audit', list(columns), unique=False, sqlite_where=where, postgresql_where=where)


def upgrade() -> None:

    op.create_table('audit',
    sa.Column('tenant_id', sa.String(length=128), nullable=False),
    sa.Column('id', sa.Uuid(), nullable=False),
    sa.Column('at', sa.Double(), nullable=False, comment="seconds since 1970, by the database's clock"),
    sa.Column('kind', sa.String(length=32), nullable=False),
    sa.Column('user_id', sa.String(length=256), nullable=True, comment='who did it; NULL where nobody did: a time was over'),
    sa.Column('on_behalf_of', sa.String(length=256), nullable=True, comment='the user whose run it is'),
    sa.Column('conversation_id', sa.Uuid(), nullable=True),
    sa.Column('run_id', sa.Uuid(), nullable=True),
    sa.Column('tool_call_id', sa.String(length=64), nullable=True),
    sa.Column('tool_name', sa.String(length=128), nullable=True),
    sa.Column('risk', sa.String(length=16), nullable=True),
    sa.Column('outcome', sa.String(length=200), nullable=True),
    sa.Column('address', sa.String(length=64), nullable=True, comment='of the request that began it, where that is known'),
    sa.Column('request_id', sa.String(length=64), nullable=True),
    sa.Column('words', sa.Text(), nullable=True, comment='JSON: what users, models and tools said, without secrets; spaces when they were erased'),
    sa.Column('salt', sa.Text(), nullable=True, comment='goes with the words, so that nobody can try what they were'),
    sa.Column('words_digest', sa.String(length=64), nullable=True, comment='of salt and words; stays'),
    sa.Column('digest', sa.String(length=64), server_default='0' * 64, nullable=False, comment='of all that stays, once it is sealed'),
    sa.Column('seal', sa.String(length=10), server_default='0' * 10, nullable=False, comment='the number of its seal; zeros until then'),
    sa.PrimaryKeyConstraint('tenant_id', 'id', name=op.f('pk_audit'))
    )
    index('ix_audit_unsealed', 'tenant_id', 'at', 'id', only_where="seal = '0000000000'")
    index('ix_audit_at', 'tenant_id', 'at', 'id', only_where="seal > '0000000000'")
    index('ix_audit_user', 'tenant_id', 'user_id', 'at', 'id', only_where="seal <> '0000000000'")
    index('ix_audit_kind', 'tenant_id', 'kind', 'at', 'id', only_where="seal <> '0000000000'")
    index('ix_audit_run', 'tenant_id', 'run_id', 'at', 'id', only_where="seal <> '0000000000'")
    index('ix_audit_tool', 'tenant_id', 'tool_name', 'at', 'id', only_where="seal <> '0000000000'")
    index('ix_audit_words', 'tenant_id', 'conversation_id', 'at', only_where="seal <> '0000000000' AND salt <> '--------------------------------'")
    index('ix_audit_seal', 'tenant_id', 'seal', 'at', 'id', only_where="seal <> '0000000000'")
    op.create_table('audit_seals',
    sa.Column('tenant_id', sa.String(length=128), nullable=False),
    sa.Column('number', sa.Integer(), nullable=False, comment='1, 2, 3, … of the tenant'),
    sa.Column('second', sa.BigInteger(), nullable=False, comment='since 1970: the one that its rows are of'),
    sa.Column('rows', sa.Integer(), nullable=False, comment='how many it is over'),
    sa.Column('until', sa.Double(), nullable=False, comment='what was there up to this time is sealed with it'),
    sa.Column('previous', sa.String(length=64), nullable=False, comment='the digest of the seal before; of the first one zeros'),
    sa.Column('digest', sa.String(length=64), nullable=False, comment="of all of this and of the rows' digests in order"),
    sa.PrimaryKeyConstraint('tenant_id', 'number', name=op.f('pk_audit_seals'))
    )
    op.create_index('ix_audit_seals_second', 'audit_seals', ['second', 'tenant_id'], unique=False)


def downgrade() -> None:

    op.drop_table('audit_seals')
    op.drop_table('audit')
