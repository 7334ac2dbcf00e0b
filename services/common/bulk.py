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
    on_conflict: str = "DO NOTHING",
) -> list[asyncpg.Record]:
    """Insert `rows`, each a value by column name; all of them name the same columns.

    A `text[]` column takes lists. Rows in conflict are left out unless `on_conflict` says
    otherwise. Raises AssertionError when none is expected (`returning` is empty) and one is left.
    """
    if not rows:
        return []
    columns = tuple(rows[0])
    assert all(len(row) == len(columns) for row in rows), f"rows of {table} name the same columns"
    connection = await driver(session)
    arrays = [
        [_LIST_SEPARATOR.join(cast(list[str], row[name])) for row in rows]
        if _is_list(table_of(table).columns[name])
        else [row[name] for row in rows]
        for name in columns
    ]
    statement = _statement(table, columns, tuple(returning), on_conflict)
    if returning:
        found: list[asyncpg.Record] = await connection.fetch(statement, *arrays)
        return found
    tag: str = await connection.execute(statement, *arrays)
    assert int(tag.split()[-1]) == len(rows), f"{table} took {tag} of {len(rows)} rows"
    return []


def _is_list(column: Column[object]) -> bool:
    return isinstance(column.type, ARRAY)


@cache
def _statement(
    table: type[SQLModel],
    columns: tuple[str, ...],
    returning: tuple[str, ...],
    on_conflict: str,
) -> str:
    declared = [table_of(table).columns[name] for name in columns]
    values = ", ".join(
        f"string_to_array({column.name}, E'\\x1f')" if _is_list(column) else column.name
        for column in declared
    )
    # Arrays of arrays of different lengths do not exist: a list travels as one text.
    arrays = ", ".join(
        f"${number}::{'text' if _is_list(column) else column.type.compile(_DIALECT)}[]"
        for number, column in enumerate(declared, 1)
    )
    names = ", ".join(columns)
    back = f" RETURNING {', '.join(returning)}" if returning else ""
    return (
        f"INSERT INTO {table_of(table).name} ({names})"
        f" SELECT {values} FROM unnest({arrays}) AS new ({names})"
        f" ON CONFLICT {on_conflict}{back}"
    )
