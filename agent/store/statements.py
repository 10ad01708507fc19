"""Hot statements: those that find a few rows by key, and of which every turn makes some.

SQLAlchemy makes the text of each once for each kind of database, with the processors of its types. From then on it is run
on the driver. The invariant: it gives the same rows, and does the same, as when SQLAlchemy runs it.
"""

from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, TypeAlias

from sqlalchemy import Dialect
from sqlalchemy.sql.base import Executable
from sqlalchemy.sql.compiler import SQLCompiler

Process: TypeAlias = Callable[[Any], Any]
Values: TypeAlias = Mapping[str, Any]


class Hot:
    """A statement that finds its few rows by key; on SQLite it runs in the event loop's own thread.

    `sets` names the columns that an insert or an update takes from the values of the same names. To give it a value for any
    other column of its table is a mistake: it would not be stored.
    """

    every: ClassVar[list["Hot"]] = []
    """All there are."""

    def __init__(self, statement: Executable, *sets: str) -> None:
        self.statement = statement
        self.sets = sets
        self._made: dict[str, Made] = {}
        self.every.append(self)

    def on(self, dialect: Dialect) -> "Made":
        """Return what is run on this kind of database."""
        made = self._made.get(dialect.name)
        if made is None:
            made = self._made[dialect.name] = Made(self, dialect)
        return made


class Made:
    """A hot statement for one kind of database."""

    __slots__ = ("_dialect", "_fixed", "_given", "_order", "_results", "_row", "_types", "_unstored", "sql")

    def __init__(self, hot: Hot, dialect: Dialect) -> None:
        statement: Any = hot.statement
        compiled = statement.compile(dialect=dialect, column_keys=list(hot.sets) or None)
        assert isinstance(compiled, SQLCompiler)
        if compiled.post_compile_params or compiled.literal_execute_params:
            raise TypeError("a list as a parameter changes the text: such a statement cannot be hot")
        self.sql = str(compiled)
        self._order = compiled.positiontup
        self._given: list[tuple[str, Process | None]] = []
        self._fixed: dict[str, Any] = {}
        for name, bind in compiled.binds.items():
            process = bind.type.dialect_impl(dialect).bind_processor(dialect)
            if bind.required:
                self._given.append((name, process))
            else:
                self._fixed[name] = bind.value if process is None else process(bind.value)
        stored = {name for name, _ in self._given}
        self._unstored = frozenset(statement.table.c.keys() if statement.is_dml else ()) - stored
        columns = statement.exported_columns if statement.is_dml else statement.selected_columns
        self._types = [column.type.dialect_impl(dialect) for column in columns]
        self._dialect = dialect
        self._results: list[tuple[int, Process]] | None = None
        self._row = _row_type([str(column.key) for column in columns])

    def parameters(self, values: Values) -> Sequence[Any] | dict[str, Any]:
        """Return what the driver is given, as it is stored.

        Raises:
            KeyError: a value is missing.
            TypeError: a value is for a column that the statement does not store.
        """
        if not self._unstored.isdisjoint(values):
            raise TypeError(f"not stored: {sorted(self._unstored & values.keys())} by {self.sql}")
        given = self._fixed.copy()
        for name, process in self._given:
            value = values[name]
            given[name] = value if process is None else process(value)
        return given if self._order is None else [given[name] for name in self._order]

    def rows(self, found: "Found") -> list[Any]:
        """Return rows with names, as Python has their values, of what the driver gave."""
        if self._results is None:
            self._results = self._processors(found.cursor.description)
        if not self._results:
            return [self._row(*values) for values in found.rows]
        return [self._read(values, self._results) for values in found.rows]

    def _processors(self, described: Sequence[Any]) -> list[tuple[int, Process]]:
        """Return what columns go through, by their places; the driver says of what type each one is in the database."""
        found = (
            (at, kind.result_processor(self._dialect, column[1]))
            for at, (kind, column) in enumerate(zip(self._types, described, strict=True))
        )
        return [(at, process) for at, process in found if process is not None]

    def _read(self, values: tuple[Any, ...], processors: list[tuple[int, Process]]) -> Any:
        read = list(values)
        for at, process in processors:
            read[at] = process(read[at])
        return self._row(*read)


class Found(NamedTuple):
    """A driver's result for a statement."""

    rows: Sequence[tuple[Any, ...]]
    changed: int
    """How many rows it has changed."""
    cursor: Any
    """The driver's, which describes the columns."""


def _row_type(names: Sequence[str]) -> Any:
    """Return the type of rows with these names; a column without one is called by its place."""
    return namedtuple("Row", names, rename=True)
