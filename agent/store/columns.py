"""The types that the tables are made of, which both databases have, and the parts that many share."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import (
    JSON,
    BindParameter,
    Column,
    DateTime,
    Dialect,
    Index,
    MetaData,
    String,
    Table,
    TypeDecorator,
    bindparam,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Kept = TypeVar("Kept", bound="DataclassInstance")

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Instant(TypeDecorator[datetime]):
    """An aware UTC time, also on SQLite, which stores no zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.astimezone(UTC) if dialect.name != "sqlite" else value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Json = JSON(none_as_null=True)

OF_TENANT: BindParameter[Any] = bindparam("of_tenant")
OF_USER: BindParameter[Any] = bindparam("of_user")
ROW_ID: BindParameter[Any] = bindparam("of_id")
"""Whose row a statement means, and which. The statements of every turn are made once, as constants that these are filled
into: making one takes longer than executing it."""


def as_known(kind: type[Kept], kept: Mapping[str, Any]) -> Kept:
    """Return what a row keeps as JSON, without what only a newer release knows of it: both work while one replaces the other."""
    return kind(**{name: value for name, value in kept.items() if name in kind.__dataclass_fields__})


def tenant() -> Column[str]:
    """Return the column that is in front of every key of a tenant's table."""
    return Column("tenant_id", String(128), nullable=False)


def user(comment: str | None = None) -> Column[str]:
    """Return the column that says whose a row is within its tenant."""
    return Column("user_id", String(256), nullable=False, comment=comment)


def partial_index(name: str, *columns: str, only_where: str, unique: bool = False) -> Index:
    """Return an index of the rows for which `only_where` holds, in these words on either database."""
    condition = text(only_where)
    return Index(name, *columns, unique=unique, sqlite_where=condition, postgresql_where=condition)


def insert_into(table: Table, dialect: Dialect) -> "postgresql.Insert | sqlite.Insert":
    """Return the insert of a kind of database that may say what is to be done where the row is there."""
    return postgresql.insert(table) if dialect.name == "postgresql" else sqlite.insert(table)


def is_compared(_thing: object, name: str | None, _kind: str, _is_reflected: bool, _other: object) -> bool:
    """Return whether alembic is to compare a thing with what is declared: all but what only one database has."""
    return not (name or "").startswith(("search_index", "memory_index")) and name != "ix_search_entries_words"
