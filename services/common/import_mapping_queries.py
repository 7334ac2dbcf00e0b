"""The SQL of mappings: a row for each version, the newest is the one in use."""

import json
from collections.abc import Sequence

from sqlalchemy import Row, text

from services.common.database import ReadSession, WriteSession
from services.common.import_mappings import ImportMapping


async def find_mapping(
    session: ReadSession, kind: str, name: str, version: int | None = None
) -> ImportMapping | None:
    """A version of a mapping, the newest unless said; retired ones too."""
    place = {"organisation": session.organisation_id, "kind": kind, "name": name}
    row = (await session.connection.execute(_FIND, {**place, "version": version})).first()
    return None if row is None else _to_mapping(row)


async def list_mappings(
    session: ReadSession, kinds: Sequence[str], after: tuple[str, str], limit: int
) -> list[ImportMapping]:
    """The mappings in use, by kind and name, those after `after`."""
    rows = await session.connection.execute(
        _LIST,
        {
            "organisation": session.organisation_id,
            "kinds": list(kinds),
            "kind": after[0],
            "name": after[1],
            "limit": limit,
        },
    )
    return [_to_mapping(row) for row in rows]


async def insert_mapping(session: WriteSession, mapping: ImportMapping, subject: str) -> None:
    await session.connection.execute(
        _INSERT,
        {
            "organisation": session.organisation_id,
            "kind": mapping.kind,
            "name": mapping.name,
            "version": mapping.version,
            "columns": json.dumps(mapping.columns, ensure_ascii=False),
            "codes": json.dumps(mapping.codes, ensure_ascii=False),
            "is_retired": mapping.is_retired,
            "subject": subject,
        },
    )


def _to_mapping(row: Row[tuple[object, ...]]) -> ImportMapping:
    return ImportMapping(row.kind, row.name, row.version, row.columns, row.codes, row.is_retired)


_COLUMNS = "kind, name, version, columns, codes, is_retired"
_FIND = text(
    f"""
    SELECT {_COLUMNS} FROM import_mappings
    WHERE organisation_id = :organisation AND kind = :kind AND name = :name
      AND version = coalesce(cast(:version AS bigint), version)
    ORDER BY version DESC LIMIT 1
    """
)
_LIST = text(
    f"""
    SELECT {_COLUMNS} FROM (
        SELECT DISTINCT ON (kind, name) {_COLUMNS} FROM import_mappings
        WHERE organisation_id = :organisation AND kind = ANY(:kinds)
        ORDER BY kind, name, version DESC
    ) newest
    WHERE NOT is_retired AND (kind, name) > (:kind, :name)
    ORDER BY kind, name LIMIT :limit
    """
)
_INSERT = text(
    """
    INSERT INTO import_mappings
        (organisation_id, kind, name, version, columns, codes, is_retired, subject)
    VALUES (
        :organisation, :kind, :name, :version,
        cast(:columns AS jsonb), cast(:codes AS jsonb), :is_retired, :subject
    )
    """
)
