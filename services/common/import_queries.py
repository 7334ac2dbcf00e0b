"""The SQL of imports: what was sent and what came of it, each organisation its own."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, cast

from sqlalchemy import Row, text

from services.common.columns import Notice, RowError
from services.common.database import AsideSession, ReadSession, WriteSession
from services.common.errors import JsonValue
from services.common.import_kinds import Findings
from services.common.tabular import PARSER_VERSION
from services.common.text import Text

Mode = Literal["atomic", "partial"]
OnChange = Literal["refuse", "correct"]
Outcome = Literal["recorded", "refused"]

REFUSED_FILES_MAX = 20
REFUSED_BYTES_MAX = 64 * 1024 * 1024
"""Of the files nothing was recorded from, an organisation keeps the latest, within both bounds."""


@dataclass(frozen=True, slots=True)
class SentFile:
    """What was sent, as it was sent."""

    content: bytes
    sha256: bytes
    media_type: str
    name: str | None


@dataclass(frozen=True, slots=True)
class DroppedFile:
    """What is left of a file whose content was dropped to make room for later ones."""

    sha256: bytes


@dataclass(frozen=True, slots=True)
class Counts:
    """Rows by what came of them; in a refused import the good ones are in none but `received`."""

    received: int
    created: int
    unchanged: int
    rejected: int


@dataclass(frozen=True, slots=True)
class MappingUsed:
    """The organisation's mapping that an import was read with."""

    name: str
    version: int


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
    mapping: MappingUsed | None
    parser_version: int
    subject: str
    recorded_at: datetime
    report: dict[str, JsonValue]
    rows_digest: bytes | None

    @property
    def mappings(self) -> Mapping[str, MappingUsed]:
        """By kind: of a workbook they stand in its report."""
        if self.mapping is not None:
            return {self.kind: self.mapping}
        return _read_mappings(self.report.get("mappings"))


def _read_mappings(kept: JsonValue) -> dict[str, MappingUsed]:
    used: dict[str, MappingUsed] = {}
    for each in kept if isinstance(kept, list) else ():
        assert isinstance(each, dict), "a report lists the mappings by kind"
        used[str(each["kind"])] = MappingUsed(str(each["name"]), cast(int, each["version"]))
    return used


async def store_file(session: AsideSession, file: SentFile) -> None:
    """Keep a file, once however often it is sent; a content dropped meanwhile comes back."""
    await session.connection.execute(
        _STORE_FILE,
        {
            "organisation": session.organisation_id,
            "sha256": file.sha256,
            "content": file.content,
        },
    )


async def drop_refused_files(session: AsideSession) -> None:
    """Make room: nobody fills the disk with files that never were facts. The hashes stay."""
    await session.connection.execute(
        _DROP_REFUSED_FILES,
        {
            "organisation": session.organisation_id,
            "files_max": REFUSED_FILES_MAX,
            "bytes_max": REFUSED_BYTES_MAX,
        },
    )


async def insert_import(
    session: WriteSession,
    *,
    import_id: uuid.UUID | None,
    rows_digest: bytes | None,
    kind: str,
    mode: Mode,
    outcome: Outcome,
    file: SentFile,
    counts: Counts,
    findings: Findings,
    report: dict[str, JsonValue],
    mapping: MappingUsed | None,
    subject: str,
) -> uuid.UUID:
    """Keep the file and the import; returns the import's identifier, new unless it has one."""
    await store_file(session, file)
    row = await session.connection.execute(
        _INSERT_NEW if import_id is None else _INSERT_OF_JOB,
        {
            "organisation": session.organisation_id,
            **({} if import_id is None else {"import_id": import_id}),
            "sha256": file.sha256,
            "rows_digest": rows_digest,
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
            "error_log": findings.log or None,
            "warnings": json.dumps([_to_kept(w) for w in findings.warnings], ensure_ascii=False),
            "notices": json.dumps(
                [
                    {"code": n.code, **_to_words(n.message), **_to_sheet(n.sheet)}
                    for n in findings.notices
                ],
                ensure_ascii=False,
            ),
            "mapping": None if mapping is None else mapping.name,
            "mapping_version": None if mapping is None else mapping.version,
            "parser_version": PARSER_VERSION,
            "subject": subject,
            "report": json.dumps(report, ensure_ascii=False),
        },
    )
    kept_id: uuid.UUID = row.scalar_one()
    return kept_id


async def find_import(session: ReadSession, import_id: uuid.UUID) -> tuple[Import, Findings] | None:
    """An import and its errors."""
    place = {"organisation": session.organisation_id, "import_id": import_id}
    row = (await session.connection.execute(_FIND, place)).first()
    if row is None:
        return None
    found, warnings = (
        [
            RowError(
                e["row"],
                e["column"],
                e["code"],
                Text(e["fr"], e["en"]),
                e.get("sheet", ""),
                e.get("line"),
                e.get("title", ""),
            )
            for e in kept
        ]
        for kept in (row.errors, row.warnings)
    )
    notices = [Notice(n["code"], Text(n["fr"], n["en"]), n.get("sheet", "")) for n in row.notices]
    return _to_import(row), Findings(found, row.errors_truncated, warnings, notices)


async def find_error_log(session: ReadSession, import_id: uuid.UUID) -> bytes:
    """Every error of an import, as `error_log` writes them; empty when the first are all."""
    place = {"organisation": session.organisation_id, "import_id": import_id}
    found: bytes | None = (await session.connection.execute(_FIND_LOG, place)).scalar_one_or_none()
    return found or b""


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


async def find_file(session: ReadSession, import_id: uuid.UUID) -> SentFile | DroppedFile | None:
    place = {"organisation": session.organisation_id, "import_id": import_id}
    row = (await session.connection.execute(_FIND_FILE, place)).first()
    if row is None:
        return None
    if row.content is None:
        return DroppedFile(row.sha256)
    return SentFile(row.content, row.sha256, row.media_type, row.file_name)


async def find_damaged_files(session: ReadSession) -> list[bytes]:
    """The hashes of kept files whose content is not what it was."""
    rows = await session.connection.execute(
        _FIND_DAMAGED, {"organisation": session.organisation_id}
    )
    return [row.sha256 for row in rows]


def _to_kept(error: RowError) -> dict[str, JsonValue]:
    return {
        "row": error.row,
        "column": error.column,
        "code": error.code,
        **_to_words(error.message),
        **_to_sheet(error.sheet),
        **({} if error.line is None else {"line": error.line}),
        **({"title": error.title} if error.title else {}),
    }


def _to_sheet(sheet: str) -> dict[str, JsonValue]:
    return {"sheet": sheet} if sheet else {}


def _to_words(text: Text) -> dict[str, JsonValue]:
    return {"fr": text.fr, "en": text.en}


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
        Counts(row.received_count, row.created_count, row.unchanged_count, row.rejected_count),
        None if row.mapping is None else MappingUsed(row.mapping, row.mapping_version),
        row.parser_version,
        row.subject,
        row.recorded_at,
        row.report,
        row.rows_digest,
    )


_STORE_FILE = text(
    """
    INSERT INTO import_files (organisation_id, sha256, content)
    VALUES (:organisation, :sha256, :content)
    ON CONFLICT (organisation_id, sha256) DO UPDATE SET content = excluded.content
    WHERE import_files.content IS NULL
    """
)
_DROP_REFUSED_FILES = text(
    """
    UPDATE import_files SET content = NULL
    WHERE organisation_id = :organisation AND sha256 IN (
        SELECT sha256 FROM (
            SELECT f.sha256,
                   row_number() OVER latest AS place,
                   sum(octet_length(f.content)) OVER latest AS bytes
            FROM import_files f
            LEFT JOIN (
                SELECT organisation_id, sha256, max(recorded_at) AS sent_at,
                       bool_or(outcome = 'recorded') AS is_recorded
                FROM imports WHERE organisation_id = :organisation
                GROUP BY organisation_id, sha256
            ) i ON i.organisation_id = f.organisation_id AND i.sha256 = f.sha256
            LEFT JOIN (
                SELECT organisation_id, sha256, max(accepted_at) AS sent_at,
                       bool_or(finished_at IS NULL) AS is_unfinished
                FROM import_jobs WHERE organisation_id = :organisation
                GROUP BY organisation_id, sha256
            ) j ON j.organisation_id = f.organisation_id AND j.sha256 = f.sha256
            WHERE f.organisation_id = :organisation AND f.content IS NOT NULL
              AND i.is_recorded IS NOT TRUE AND j.is_unfinished IS NOT TRUE
            WINDOW latest AS (
                ORDER BY greatest(i.sent_at, j.sent_at) DESC, f.sha256 ROWS UNBOUNDED PRECEDING
            )
        ) AS refused
        WHERE place > :files_max OR (bytes > :bytes_max AND place > 1)
    )
    """
)
_FIND_DAMAGED = text(
    "SELECT sha256 FROM import_files"
    " WHERE organisation_id = :organisation AND sha256(content) <> import_files.sha256"
)
_INSERT_IMPORT = """
    INSERT INTO imports (
        organisation_id, {name} rows_digest, kind, mode, outcome,
        media_type, file_name, sha256, byte_count,
        received_count, created_count, unchanged_count, rejected_count,
        errors, errors_truncated, error_log, warnings, notices,
        mapping, mapping_version, parser_version, subject, report
    ) VALUES (
        :organisation, {value} :rows_digest, :kind, :mode, :outcome,
        :media_type, :file_name, :sha256, :byte_count,
        :received, :created, :unchanged, :rejected,
        cast(:errors AS jsonb), :errors_truncated, :error_log,
        cast(:warnings AS jsonb), cast(:notices AS jsonb),
        :mapping, :mapping_version, :parser_version, :subject, cast(:report AS jsonb)
    ) RETURNING import_id
"""
_INSERT_NEW = text(_INSERT_IMPORT.format(name="", value=""))
_INSERT_OF_JOB = text(_INSERT_IMPORT.format(name="import_id,", value=":import_id,"))
_COLUMNS = """
    import_id, kind, mode, outcome, media_type, file_name, sha256, byte_count,
    received_count, created_count, unchanged_count, rejected_count,
    mapping, mapping_version, parser_version, subject, recorded_at, report, rows_digest
"""
_FIND = text(
    f"SELECT {_COLUMNS}, errors, errors_truncated, warnings, notices FROM imports"
    " WHERE organisation_id = :organisation AND import_id = :import_id"
)
_FIND_LOG = text(
    "SELECT error_log FROM imports WHERE organisation_id = :organisation AND import_id = :import_id"
)
_LIST = text(
    f"SELECT {_COLUMNS} FROM imports WHERE organisation_id = :organisation"
    " AND kind = ANY(:kinds) AND import_id < :before ORDER BY import_id DESC LIMIT :limit"
)
_FIND_FILE = text(
    """
    SELECT f.content, s.sha256, s.media_type, s.file_name
    FROM (
        SELECT organisation_id, sha256, media_type, file_name FROM imports
        WHERE organisation_id = :organisation AND import_id = :import_id
        UNION
        SELECT organisation_id, sha256, media_type, file_name FROM import_jobs
        WHERE organisation_id = :organisation AND import_id = :import_id
    ) AS s
    JOIN import_files f ON f.organisation_id = s.organisation_id AND f.sha256 = s.sha256
    """
)
