"""Writing many rows with one statement: arrays in, rows out, whatever their number."""

from collections.abc import Mapping, Sequence
from typing import cast

import asyncpg

from services.common.database import WriteSession, driver

_LIST_SEPARATOR = "\x1f"  # a control character: no text that passed validation holds it


async def insert_rows(
    session: WriteSession,
    table: str,
    columns: Mapping[str, str],
    rows: Sequence[Sequence[object]],
    returning: Sequence[str] = (),
    on_conflict: str = "DO NOTHING",
) -> list[asyncpg.Record]:
    """Insert `rows`, each in the order of `columns` (name -> PostgreSQL type).

    A `text[]` column takes lists. Rows in conflict are left out unless `on_conflict` says
    otherwise. Raises AssertionError when none is expected (`returning` is empty) and one is left.
    """
    if not rows:
        return []
    connection = await driver(session)
    arrays = [
        [_LIST_SEPARATOR.join(cast(list[str], row[index])) for row in rows]
        if kind == "text[]"
        else [row[index] for row in rows]
        for index, kind in enumerate(columns.values())
    ]
    statement = _statement(table, columns, returning, on_conflict)
    if returning:
        found: list[asyncpg.Record] = await connection.fetch(statement, *arrays)
        return found
    tag: str = await connection.execute(statement, *arrays)
    assert int(tag.split()[-1]) == len(rows), f"{table} took {tag} of {len(rows)} rows"
    return []


def _statement(
    table: str, columns: Mapping[str, str], returning: Sequence[str], on_conflict: str
) -> str:
    values = ", ".join(
        f"string_to_array({name}, E'\\x1f')" if kind == "text[]" else name
        for name, kind in columns.items()
    )
    arrays = ", ".join(
        f"${number}::{'text' if kind == 'text[]' else kind}[]"
        for number, kind in enumerate(columns.values(), 1)
    )
    names = ", ".join(columns)
    back = f" RETURNING {', '.join(returning)}" if returning else ""
    return (
        f"INSERT INTO {table} ({names}) SELECT {values} FROM unnest({arrays}) AS new ({names})"
        f" ON CONFLICT {on_conflict}{back}"
    )
