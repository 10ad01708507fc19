"""A second wall between tenants: PostgreSQL's row-level security, under the conditions that our own statements have.

A transaction says whose it is (`postgresql.Connection.begin`), and a policy of each table shows it that tenant's rows only.
The role of `FRONTDESK_DATABASE_URL` cannot get around it; the one of `FRONTDESK_DATABASE_UPKEEP_URL` owns the tables, so it
can: it migrates, and does for all tenants what upkeep has to. Without a second role there is only the first wall.
"""

from sqlalchemy import Connection, text

from agent.errors import ConfigurationError
from agent.store.tables import metadata
from agent.store.transaction import Transaction

TENANT_SETTING = "frontdesk.tenant"
"""The setting of a transaction that says whose it is."""
_ROLE = text("""
    SELECT
        (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user) AS is_above,
        (SELECT pg_has_role(current_user, relowner, 'MEMBER') FROM pg_class WHERE oid = to_regclass('messages')) AS owns,
        has_table_privilege(current_user, to_regclass('messages'), 'SELECT, INSERT, UPDATE, DELETE') AS may
""")


async def check_roles(application: Transaction, upkeep: Transaction) -> None:
    """Raise ConfigurationError where one role could see other tenants, or nothing at all, or the other one not all."""
    role = (await upkeep.execute(_ROLE)).one()
    if not (role.is_above or role.owns):
        raise ConfigurationError(
            "FRONTDESK_DATABASE_UPKEEP_URL: its role neither owns the tables nor passes row-level security"
        )
    role = (await application.execute(_ROLE)).one()
    if role.is_above or role.owns:
        raise ConfigurationError(
            "FRONTDESK_DATABASE_URL: its role owns the tables or passes row-level security, so it would see all tenants"
        )
    if not role.may:
        raise ConfigurationError("FRONTDESK_DATABASE_URL: its role may not use the tables: run `frontdesk migrate`")


def admit(connection: Connection, *, role: str | None) -> None:
    """Let the application's role use the tables, and no others. The caller commits."""
    quote = connection.dialect.identifier_preparer.quote_identifier
    name = quote(role or "")
    for table in metadata.sorted_tables:
        connection.exec_driver_sql(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {quote(table.name)} TO {name}")
    for read_only in ("alembic_version", "search_entries_of_tenant"):
        connection.exec_driver_sql(f"GRANT SELECT ON {read_only} TO {name}")
