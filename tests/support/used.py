"""PostgreSQL databases that one test has after the other: to make one takes ten times the work of emptying it."""

from dataclasses import dataclass, field

import psycopg
from psycopg.sql import SQL, Identifier
from support.postgres import new_database

WRITTEN = """SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
AND relname <> 'alembic_version' AND pg_relation_size(oid) > 0"""
ALONE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
SCHEMA = """
WITH ours AS (SELECT * FROM pg_class WHERE relnamespace = 'public'::regnamespace), told(line) AS (
    SELECT concat_ws(' ', relname, relkind, relowner, relacl, reloptions, relrowsecurity, relforcerowsecurity) FROM ours
    UNION ALL SELECT concat_ws(' ', relname, attname, atttypid, attnum, attnotnull, attstattarget, attacl, attoptions)
        FROM pg_attribute JOIN ours ON ours.oid = attrelid
    UNION ALL SELECT concat_ws(' ', adrelid::regclass, adnum, pg_get_expr(adbin, adrelid)) FROM pg_attrdef
    UNION ALL SELECT concat_ws(' ', pg_get_indexdef(indexrelid), indisvalid) FROM pg_index JOIN ours ON ours.oid = indexrelid
    UNION ALL SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(pg_constraint.oid), convalidated)
        FROM pg_constraint JOIN ours ON ours.oid = conrelid
    UNION ALL SELECT concat_ws(' ', pg_get_triggerdef(pg_trigger.oid), tgenabled) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT pg_policies::text FROM pg_policies
    UNION ALL SELECT concat_ws(' ', proname, proacl, prosrc) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
    UNION ALL SELECT concat_ws(' ', nspname, nspacl) FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp'
    UNION ALL SELECT extname::text FROM pg_extension
    UNION ALL SELECT pg_default_acl::text FROM pg_default_acl
    UNION ALL SELECT setconfig::text FROM pg_db_role_setting WHERE setdatabase <> 0
    UNION ALL SELECT concat_ws(' ', datconnlimit, datallowconn, datacl) FROM pg_database WHERE datname = current_database()
    UNION ALL SELECT version_num FROM alembic_version
) SELECT md5(string_agg(line, '\n' ORDER BY line COLLATE "C")) FROM told"""


@dataclass(slots=True)
class Databases:
    """Lends migrated databases on the server at `base` that have no rows. One whose schema a test has changed is not lent again."""

    base: str
    _schema: str | None = None
    _free: list[str] = field(default_factory=list)

    def lend(self) -> str:
        """Return the URL of a database. It is emptied only now, when nothing of the test before is left that could use it."""
        while self._free:
            url = self._free.pop()
            if self._emptied(url):
                return url
        url = new_database(self.base, is_kept=True)
        if self._schema is None:
            with psycopg.connect(url) as connection:
                self._schema = _schema_of(connection)
        return url

    def take_back(self, url: str) -> None:
        """Lend it again when one is asked for."""
        self._free.append(url)

    def _emptied(self, url: str) -> bool:
        with psycopg.connect(url) as connection:
            connection.execute(ALONE)
            if _schema_of(connection) != self._schema:
                return False
            connection.execute(
                "SET session_replication_role = replica"
            )  # what guards rows from others guards none from us
            written = [Identifier(name) for (name,) in connection.execute(WRITTEN)]
            if written:
                connection.execute(SQL("TRUNCATE {} RESTART IDENTITY CASCADE").format(SQL(", ").join(written)))
        return True


def _schema_of(connection: psycopg.Connection) -> str:
    """Return a digest of all that a migration makes, or a test may set."""
    [digest] = connection.execute(SCHEMA).fetchone() or [""]
    return str(digest)
