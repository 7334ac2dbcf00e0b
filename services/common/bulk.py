"""Writing many rows with one statement: arrays in, rows out, whatever their number."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import cast

import asyncpg
from sqlalchemy import ARRAY, Column, make_url
from sqlmodel import SQLModel

from services.common.database import WriteSession, driver
from services.common.tables import table_of

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

    A `text[]` column takes lists of texts. A row in conflict with one on record, unless
    `on_conflict` says what becomes of it, makes the statement fail. Raises AssertionError when one
    is left out and none is expected (`returning` is empty).
    """
    count = len(next(iter(columns.values())))
    assert all(len(values) == count for values in columns.values()), f"columns of {table} differ"
    if not count:
        return []
    connection = await driver(session)
    arrays = [
        [_LIST_SEPARATOR.join(cast(list[str], value)) for value in values]
        if _is_list(table_of(table).columns[name])
        else values
        for name, values in columns.items()
    ]
    statement = _statement(table, tuple(columns), tuple(same), tuple(returning), on_conflict)
    if returning:
        found: list[asyncpg.Record] = await connection.fetch(statement, *arrays, *same.values())
        return found
    inserted = await connection.fetchval(statement, *arrays, *same.values())
    assert inserted == count, f"{table} took {inserted} of {count} rows"
    return []


def _is_list(column: Column[object]) -> bool:
    return isinstance(column.type, ARRAY)


@cache
def _statement(
    table: type[SQLModel],
    columns: tuple[str, ...],
    same: tuple[str, ...],
    returning: tuple[str, ...],
    on_conflict: str,
) -> str:
    declared = table_of(table).columns
    types = {
        name: "text" if _is_list(declared[name]) else declared[name].type.compile(_DIALECT)
        for name in (*columns, *same)
    }
    # Arrays of arrays of different lengths do not exist: a list travels as one text.
    values = [
        f"string_to_array({name}, E'\\x1f')" if _is_list(declared[name]) else name
        for name in columns
    ]
    values += [f"${n}::{types[name]}" for n, name in enumerate(same, len(columns) + 1)]
    arrays = ", ".join(f"${n}::{types[name]}[]" for n, name in enumerate(columns, 1))
    # Under row-level security a distributed INSERT .. SELECT has RETURNING or ON CONFLICT; of the
    # two, RETURNING costs the less.
    insert = (
        f"INSERT INTO {table_of(table).name} ({', '.join((*columns, *same))})"
        f" SELECT {', '.join(values)} FROM unnest({arrays}) AS new ({', '.join(columns)})"
        f"{f' ON CONFLICT {on_conflict}' if on_conflict else ''}"
        f" RETURNING {', '.join(returning) or 'organisation_id'}"
    )
    return insert if returning else f"WITH put AS ({insert}) SELECT count(*) FROM put"
