"""Writing many rows with one INSERT, whatever their number: columns in, rows out.

A few rows go as arrays. Many are copied into a temporary table first: COPY streams them, and takes
half the time that arrays take to be made; under row-level security it takes no other road.
"""

from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from typing import cast

import asyncpg
from sqlalchemy import ARRAY, Column, Text, make_url
from sqlmodel import SQLModel

from services.common.database import WriteSession, driver
from services.common.tables import table_of

STAGED_ROWS_MIN = 1_000
"""From so many rows on, the temporary table is worth its two statements."""

_LIST_SEPARATOR = "\x1f"  # a control character: no text that passed validation holds it

_DIALECT = make_url("postgresql+asyncpg://").get_dialect()()


async def insert_rows(
    session: WriteSession,
    table: type[SQLModel],
    rows: Sequence[Mapping[str, object]],
    returning: Sequence[str] = (),
    on_conflict: str = "",
) -> list[asyncpg.Record]:
    """Insert `rows`, each a value by column name; all of them name the same columns.

    For the tables that an import fills by the hundred thousand, see `insert_columns`.
    """
    if not rows:
        return []
    names = tuple(rows[0])
    assert all(len(row) == len(names) for row in rows), f"rows of {table} name the same columns"
    columns = {name: [row[name] for row in rows] for name in names}
    return await insert_columns(session, table, columns, {}, returning, on_conflict)


async def insert_columns(
    session: WriteSession,
    table: type[SQLModel],
    columns: Mapping[str, Sequence[object]],
    same: Mapping[str, object],
    returning: Sequence[str] = (),
    on_conflict: str = "",
) -> list[asyncpg.Record]:
    """Insert rows given by column; `same` are the values that every row has.

    A column of lists takes lists. A row in conflict with one on record, unless `on_conflict` says
    what becomes of it, makes the statement fail. Raises AssertionError when one is left out and
    none is expected (`returning` is empty).
    """
    return await (await stage_columns(session, table, columns, same, returning, on_conflict))


async def stage_columns(
    session: WriteSession,
    table: type[SQLModel],
    columns: Mapping[str, Sequence[object]],
    same: Mapping[str, object],
    returning: Sequence[str] = (),
    on_conflict: str = "",
) -> Coroutine[object, object, list[asyncpg.Record]]:
    """Bring the rows to the database. What is returned inserts them, once it is awaited."""
    count = len(next(iter(columns.values()), ()))
    assert all(len(values) == count for values in columns.values()), f"columns of {table} differ"
    connection = await driver(session)
    if count < STAGED_ROWS_MIN:
        target = _Target(table, tuple(columns), tuple(same), tuple(returning), on_conflict)
        return _insert_arrays(connection, target, columns, same)
    # What every row has travels once.
    told = {name: columns[name][0] for name in [*columns][1:] if _is_same(columns[name])}
    columns = {name: values for name, values in columns.items() if name not in told}
    same = {**same, **told}
    target = _Target(table, tuple(columns), tuple(same), tuple(returning), on_conflict)
    await connection.execute(_create_staged(target))
    await connection.copy_records_to_table(
        target.staged, columns=target.columns, records=zip(*columns.values(), strict=True)
    )
    return _insert_staged(connection, target, same, count)


async def insert_encoded(
    session: WriteSession,
    table: type[SQLModel],
    names: Sequence[str],
    rows: bytes,
    same: Mapping[str, object],
    on_conflict: str = "",
) -> None:
    """Insert rows that `binary_copy` made of the columns with these names."""
    connection = await driver(session)
    target = _Target(table, tuple(names), tuple(same), (), on_conflict)
    await connection.execute(_create_staged(target))
    said = await connection.copy_to_table(
        target.staged, columns=target.columns, source=BytesIO(rows), format="binary"
    )
    await _insert_staged(connection, target, same, int(said.removeprefix("COPY ")))


async def _insert_arrays(
    connection: asyncpg.Connection,
    target: "_Target",
    columns: Mapping[str, Sequence[object]],
    same: Mapping[str, object],
) -> list[asyncpg.Record]:
    count = len(next(iter(columns.values()), ()))
    if not count:
        return []
    declared = table_of(target.table).columns
    arrays = [_to_texts(declared[name], values) for name, values in columns.items()]
    found = await connection.fetch(_from_arrays(target), *same.values(), *arrays)
    return _returned(target, found, count)


async def _insert_staged(
    connection: asyncpg.Connection, target: "_Target", same: Mapping[str, object], count: int
) -> list[asyncpg.Record]:
    found = await connection.fetch(_from_staged(target), *same.values())
    await connection.execute(f"DROP TABLE {target.staged}")
    return _returned(target, found, count)


def _returned(target: "_Target", found: list[asyncpg.Record], count: int) -> list[asyncpg.Record]:
    if target.returning:
        return found
    assert found[0][0] == count, f"{target.name} took {found[0][0]} of {count} rows"
    return []


def _is_same(values: Sequence[object]) -> bool:
    first = values[0]
    return values[-1] == first and all(value == first for value in values)


@dataclass(frozen=True, slots=True)
class _Target:
    """What a statement inserts into, and how; the key under which it is remembered."""

    table: type[SQLModel]
    columns: tuple[str, ...]
    same: tuple[str, ...]
    returning: tuple[str, ...]
    on_conflict: str

    @property
    def name(self) -> str:
        return table_of(self.table).name

    @property
    def staged(self) -> str:
        """The driver remembers the columns of a table by its name: each table has its own."""
        return f"staged_{self.name}"

    def type_of(self, name: str) -> str:
        return table_of(self.table).columns[name].type.compile(_DIALECT)

    def travels_as(self, name: str) -> str:
        """The type of a value in an array; see `_to_texts`."""
        column = table_of(self.table).columns[name]
        return "text" if isinstance(column.type, ARRAY) else self.type_of(name)

    def value_of(self, name: str) -> str:
        """The value, from what travelled in an array."""
        column = table_of(self.table).columns[name]
        if not isinstance(column.type, ARRAY):
            return name
        if isinstance(column.type.item_type, Text):
            return f"string_to_array({name}, E'\\x1f')"
        return f"{name}::{self.type_of(name)}"


def _to_texts(column: Column[object], values: Sequence[object]) -> Sequence[object]:
    """Lists of different lengths do not stand in one array: each travels as one text."""
    if not isinstance(column.type, ARRAY):
        return values
    lists = cast(Sequence[Sequence[object]], values)
    if isinstance(column.type.item_type, Text):
        return [_LIST_SEPARATOR.join(map(str, each)) for each in lists]
    # Numbers, dates and identifiers: "None" stands in none of them.
    return [f"{{{','.join(map(str, each))}}}".replace("None", "NULL") for each in lists]


@cache
def _create_staged(target: _Target) -> str:
    declared = ", ".join(f"{name} {target.type_of(name)}" for name in target.columns)
    return f"CREATE TEMPORARY TABLE {target.staged} ({declared}) ON COMMIT DROP"


@cache
def _from_staged(target: _Target) -> str:
    return _insert(target, target.columns, target.staged)


@cache
def _from_arrays(target: _Target) -> str:
    first = len(target.same) + 1
    arrays = ", ".join(
        f"${n}::{target.travels_as(c)}[]" for n, c in enumerate(target.columns, first)
    )
    source = f"unnest({arrays}) AS new ({', '.join(target.columns)})"
    return _insert(target, [target.value_of(name) for name in target.columns], source)


def _insert(target: _Target, columns: Sequence[str], source: str) -> str:
    values = [*columns]
    values += [f"${n}::{target.type_of(name)}" for n, name in enumerate(target.same, 1)]
    # Under row-level security a distributed INSERT .. SELECT has RETURNING or ON CONFLICT; of the
    # two, RETURNING costs the less.
    insert = (
        f"INSERT INTO {target.name} ({', '.join((*target.columns, *target.same))})"
        f" SELECT {', '.join(values)} FROM {source}"
        f"{f' ON CONFLICT {target.on_conflict}' if target.on_conflict else ''}"
        f" RETURNING {', '.join(target.returning) or 'organisation_id'}"
    )
    return insert if target.returning else f"WITH put AS ({insert}) SELECT count(*) FROM put"
