"""The SQL of imports: what was sent and what came of it, each organisation its own."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import Row, text

from services.common.database import ReadSession, WriteSession
from services.common.errors import JsonValue
from services.common.import_kinds import Findings
from services.common.tabular import RowError
from services.common.text import Text

Mode = Literal["atomic", "partial"]
OnChange = Literal["refuse", "correct"]
Outcome = Literal["recorded", "refused"]


@dataclass(frozen=True, slots=True)
class SentFile:
    """What was sent, as it was sent."""

    content: bytes
    sha256: bytes
    media_type: str
    name: str | None


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows by what came of them; in a refused import the good ones are in none but `received`."""

    received: int
    created: int
    unchanged: int
    rejected: int


@dataclass(frozen=True, slots=True)
class Import:
    """One import on record."""

    import_id: uuid.UUID
    kind: str
    mode: Mode
    outcome: Outcome
    media_type: str
    file_name: str | None
    sha256: bytes
    byte_count: int
    counts: Counts
    subject: str
    recorded_at: datetime
    report: dict[str, JsonValue]


async def insert_import(
    session: WriteSession,
    *,
    kind: str,
    mode: Mode,
    outcome: Outcome,
    file: SentFile,
    counts: Counts,
    findings: Findings,
    report: dict[str, JsonValue],
    subject: str,
) -> uuid.UUID:
    """Keep the file and the import; returns the import's identifier."""
    place = {"organisation": session.organisation_id, "sha256": file.sha256}
    await session.connection.execute(_INSERT_FILE, {**place, "content": file.content})
    row = await session.connection.execute(
        _INSERT_IMPORT,
        {
            **place,
            "kind": kind,
            "mode": mode,
            "outcome": outcome,
            "media_type": file.media_type,
            "file_name": file.name,
            "byte_count": len(file.content),
            "received": counts.received,
            "created": counts.created,
            "unchanged": counts.unchanged,
            "rejected": counts.rejected,
            "errors": json.dumps([_to_kept(e) for e in findings.errors], ensure_ascii=False),
            "errors_truncated": findings.is_truncated,
            "subject": subject,
            "report": json.dumps(report, ensure_ascii=False),
        },
    )
    import_id: uuid.UUID = row.scalar_one()
    return import_id


async def find_import(session: ReadSession, import_id: uuid.UUID) -> tuple[Import, Findings] | None:
    """An import and its errors."""
    place = {"organisation": session.organisation_id, "import_id": import_id}
    row = (await session.connection.execute(_FIND, place)).first()
    if row is None:
        return None
    found = [RowError(e["row"], e["column"], e["code"], Text(e["fr"], e["en"])) for e in row.errors]
    return _to_import(row), Findings(found, row.errors_truncated)


async def list_imports(
    session: ReadSession, kinds: Sequence[str], before: uuid.UUID, limit: int
) -> list[Import]:
    """Newest first, those of these kinds older than `before`; without their errors."""
    rows = await session.connection.execute(
        _LIST,
        {
            "organisation": session.organisation_id,
            "kinds": list(kinds),
            "before": before,
            "limit": limit,
        },
    )
    return [_to_import(row) for row in rows]


async def find_file(session: ReadSession, import_id: uuid.UUID) -> SentFile | None:
    place = {"organisation": session.organisation_id, "import_id": import_id}
    row = (await session.connection.execute(_FIND_FILE, place)).first()
    return None if row is None else SentFile(row.content, row.sha256, row.media_type, row.file_name)


def _to_kept(error: RowError) -> dict[str, JsonValue]:
    return {
        "row": error.row,
        "column": error.column,
        "code": error.code,
        "fr": error.message.fr,
        "en": error.message.en,
    }


def _to_import(row: Row[tuple[object, ...]]) -> Import:
    return Import(
        row.import_id,
        row.kind,
        row.mode,
        row.outcome,
        row.media_type,
        row.file_name,
        row.sha256,
        row.byte_count,
        Counts(
            row.received_count,
            row.created_count,
            row.unchanged_count,
            row.rejected_count,
        ),
        row.subject,
        row.recorded_at,
        row.report,
    )


_INSERT_FILE = text(
    """
    INSERT INTO import_files (organisation_id, sha256, content)
    VALUES (:organisation, :sha256, :content)
    ON CONFLICT (organisation_id, sha256) DO NOTHING
    """
)
_INSERT_IMPORT = text(
    """
    INSERT INTO imports (
        organisation_id, kind, mode, outcome, media_type, file_name, sha256, byte_count,
        received_count, created_count, unchanged_count, rejected_count,
        errors, errors_truncated, subject, report
    ) VALUES (
        :organisation, :kind, :mode, :outcome, :media_type, :file_name, :sha256, :byte_count,
        :received, :created, :unchanged, :rejected,
        cast(:errors AS jsonb), :errors_truncated, :subject, cast(:report AS jsonb)
    ) RETURNING import_id
    """
)
_COLUMNS = """
    import_id, kind, mode, outcome, media_type, file_name, sha256, byte_count,
    received_count, created_count, unchanged_count, rejected_count,
    subject, recorded_at, report
"""
_FIND = text(
    f"SELECT {_COLUMNS}, errors, errors_truncated FROM imports"
    " WHERE organisation_id = :organisation AND import_id = :import_id"
)
_LIST = text(
    f"SELECT {_COLUMNS} FROM imports WHERE organisation_id = :organisation"
    " AND kind = ANY(:kinds) AND import_id < :before ORDER BY import_id DESC LIMIT :limit"
)
_FIND_FILE = text(
    """
    SELECT f.content, i.sha256, i.media_type, i.file_name
    FROM imports i
    JOIN import_files f ON f.organisation_id = i.organisation_id AND f.sha256 = i.sha256
    WHERE i.organisation_id = :organisation AND i.import_id = :import_id
    """
)
