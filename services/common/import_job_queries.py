"""The SQL of long imports: what was accepted, how far it has come, and how it ended."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal, cast

from sqlalchemy import Row, text

from services.common.database import AsideSession, ReadSession, WriteSession
from services.common.errors import JsonValue, Problem
from services.common.identity import Principal, Role
from services.common.import_queries import MappingUsed, Mode, SentFile, store_file
from services.common.text import Text

JobState = Literal[
    "queued", "reading", "checking", "recording", "done", "refused", "failed", "cancelled"
]
End = Literal["done", "refused", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class JobProblem:
    """Why a job ended without an import on record, in both languages."""

    status: int
    code: str
    title: Text
    detail: Text


@dataclass(frozen=True, slots=True)
class Advance:
    """How far a job has come: rows, and the seconds it may still take when that can be told."""

    state: JobState
    read: int = 0
    checked: int = 0
    stored: int = 0
    remaining_seconds: int | None = None


@dataclass(frozen=True, slots=True)
class ImportJob:
    """One long import. `expected` is how many rows its file seems to have."""

    import_id: uuid.UUID
    kind: str
    mode: Mode
    options: Mapping[str, JsonValue]
    media_type: str
    file_name: str | None
    sha256: bytes
    byte_count: int
    principal: Principal
    accepted_on: date
    accepted_at: datetime
    attempts: int
    expected: int | None
    advance: Advance
    problem: JobProblem | None
    finished_at: datetime | None

    @property
    def reason(self) -> str | None:
        """Why what is on record is corrected."""
        reason = self.options.get("reason")
        return reason if isinstance(reason, str) else None

    @property
    def mappings(self) -> Mapping[str, MappingUsed]:
        """The versions in use when the job was accepted, by kind."""
        name, version = self.options.get("mapping"), self.options.get("mapping_version")
        if isinstance(name, str) and isinstance(version, int):
            return {self.kind: MappingUsed(name, version)}
        kept = self.options.get("mappings")
        by_kind = cast("dict[str, tuple[str, int]]", kept if isinstance(kept, dict) else {})
        return {kind: MappingUsed(*used) for kind, used in by_kind.items()}

    @property
    def mapping(self) -> MappingUsed | None:
        return self.mappings.get(self.kind)


@dataclass(frozen=True, slots=True)
class Accepted:
    """A job and whether it is new: the same file sent again joins the job that is under way."""

    import_id: uuid.UUID
    is_new: bool


class JobEnded(Exception):
    """Somebody cancelled the job, or another worker ended it: nothing more may be recorded."""


async def insert_job(
    session: AsideSession,
    principal: Principal,
    file: SentFile,
    *,
    kind: str,
    mode: Mode,
    options: Mapping[str, JsonValue],
    accepted_on: date,
    expected: int | None,
) -> Accepted:
    """Keep the file and the job, unless the same is under way."""
    await store_file(session, file)
    place = {
        "organisation": session.organisation_id,
        "sha256": file.sha256,
        "kind": kind,
        "mode": mode,
        "options": json.dumps(options),
    }
    inserted = await session.connection.execute(
        _INSERT,
        {
            **place,
            "media_type": file.media_type,
            "file_name": file.name,
            "byte_count": len(file.content),
            "subject": principal.subject,
            "slug": principal.organisation,
            "region_codes": list(principal.region_codes),
            "accepted_on": accepted_on,
            "expected": expected,
        },
    )
    import_id = inserted.scalar()
    if import_id is not None:
        return Accepted(import_id, is_new=True)
    known = await session.connection.execute(_FIND_SAME, place)
    return Accepted(known.scalar_one(), is_new=False)


async def count_unfinished(session: ReadSession) -> int:
    counted = await session.connection.execute(
        _COUNT_UNFINISHED, {"organisation": session.organisation_id}
    )
    return int(counted.scalar_one())


async def find_job(session: ReadSession, import_id: uuid.UUID) -> ImportJob | None:
    row = (await session.connection.execute(_FIND, _place(session, import_id))).first()
    return None if row is None else _to_job(row)


async def list_jobs(
    session: ReadSession, kinds: Sequence[str], before: uuid.UUID, limit: int
) -> list[ImportJob]:
    """Newest first, those of these kinds older than `before` of which nothing is on record."""
    rows = await session.connection.execute(
        _LIST,
        {
            "organisation": session.organisation_id,
            "kinds": list(kinds),
            "before": before,
            "limit": limit,
        },
    )
    return [_to_job(row) for row in rows]


async def load_job_file(session: ReadSession, job: ImportJob) -> SentFile:
    """The file of an unfinished job, whose content is never dropped."""
    row = await session.connection.execute(
        _LOAD_FILE, {"organisation": session.organisation_id, "sha256": job.sha256}
    )
    content: bytes = row.scalar_one()
    return SentFile(content, job.sha256, job.media_type, job.file_name)


async def is_waiting(session: ReadSession, import_id: uuid.UUID) -> bool:
    """Whether an older job of the organisation has to end first."""
    found = await session.connection.execute(_OLDER, _place(session, import_id))
    return bool(found.scalar_one())


async def begin_attempt(session: AsideSession, import_id: uuid.UUID) -> bool:
    """Count an attempt; False when the job has ended."""
    begun = await session.connection.execute(_BEGIN, _place(session, import_id))
    return begun.first() is not None


async def report_advance(session: AsideSession, import_id: uuid.UUID, advance: Advance) -> bool:
    """Keep how far the job has come; False when it has ended."""
    kept = await session.connection.execute(
        _REPORT,
        {
            **_place(session, import_id),
            "state": advance.state,
            "read": advance.read,
            "checked": advance.checked,
            "stored": advance.stored,
            "remaining": advance.remaining_seconds,
        },
    )
    return kept.first() is not None


async def end_job(
    session: AsideSession,
    import_id: uuid.UUID,
    end: End,
    *,
    stored: int = 0,
    problem: Problem | None = None,
    cancelled_by: str | None = None,
) -> None:
    """End a job, in the transaction of what it did. Raises JobEnded when it has ended already.

    The row stays locked until the commit: of a cancellation and a recording one wins, not both.
    """
    ended = await session.connection.execute(
        _END,
        {
            **_place(session, import_id),
            "state": end,
            "stored": stored,
            "problem": None if problem is None else json.dumps(_to_kept(problem)),
            "cancelled_by": cancelled_by,
        },
    )
    if ended.first() is None:
        raise JobEnded


async def claim_cancellation(
    session: WriteSession, import_id: uuid.UUID
) -> tuple[Principal, dict[str, JsonValue]] | None:
    """Who cancelled the job, and what; None unless it was cancelled and nobody claimed that yet."""
    claimed = await session.connection.execute(_CLAIM_CANCELLATION, _place(session, import_id))
    row = claimed.first()
    if row is None:
        return None
    details: dict[str, JsonValue] = {
        "kind": row.kind,
        "sha256": row.sha256.hex(),
        "cancelled_at": row.finished_at.isoformat(),
    }
    return Principal(row.cancelled_by, Role.MEMBER, row.slug), details


def _place(session: ReadSession, import_id: uuid.UUID) -> dict[str, uuid.UUID]:
    return {"organisation": session.organisation_id, "import_id": import_id}


def _to_kept(problem: Problem) -> dict[str, JsonValue]:
    detail = problem.detail or problem.title
    return {
        "status": problem.status,
        "code": problem.code or problem.default_code,
        "title": {"fr": problem.title.fr, "en": problem.title.en},
        "detail": {"fr": detail.fr, "en": detail.en},
    }


def _to_problem(kept: Mapping[str, object]) -> JobProblem:
    title, detail = (cast("dict[str, str]", kept[name]) for name in ("title", "detail"))
    return JobProblem(
        cast(int, kept["status"]),
        cast(str, kept["code"]),
        Text(title["fr"], title["en"]),
        Text(detail["fr"], detail["en"]),
    )


def _to_job(row: Row[tuple[object, ...]]) -> ImportJob:
    return ImportJob(
        import_id=row.import_id,
        kind=row.kind,
        mode=row.mode,
        options=row.options,
        media_type=row.media_type,
        file_name=row.file_name,
        sha256=row.sha256,
        byte_count=row.byte_count,
        principal=Principal(row.subject, Role.MEMBER, row.slug, tuple(row.region_codes)),
        accepted_on=row.accepted_on,
        accepted_at=row.accepted_at,
        attempts=row.attempt_count,
        expected=row.expected_count,
        advance=Advance(
            row.state, row.read_count, row.checked_count, row.stored_count, row.remaining_seconds
        ),
        problem=None if row.problem is None else _to_problem(row.problem),
        finished_at=row.finished_at,
    )


_INSERT = text(
    """
    INSERT INTO import_jobs (
        organisation_id, kind, mode, options, media_type, file_name, sha256,
        byte_count, subject, organisation, region_codes, accepted_on, state, expected_count
    ) VALUES (
        :organisation, :kind, :mode, cast(:options AS jsonb), :media_type, :file_name, :sha256,
        :byte_count, :subject, :slug, :region_codes, :accepted_on, 'queued', :expected
    )
    ON CONFLICT (organisation_id, sha256, kind, mode, options) WHERE finished_at IS NULL
    DO NOTHING RETURNING import_id
    """
)
_FIND_SAME = text(
    """
    SELECT import_id FROM import_jobs
    WHERE organisation_id = :organisation AND sha256 = :sha256 AND kind = :kind AND mode = :mode
      AND options = cast(:options AS jsonb)
    ORDER BY import_id DESC LIMIT 1
    """
)
_COUNT_UNFINISHED = text(
    "SELECT count(*) FROM import_jobs WHERE organisation_id = :organisation AND finished_at IS NULL"
)
_COLUMNS = """
    import_id, kind, mode, options, media_type, file_name, sha256, byte_count,
    subject, organisation AS slug, region_codes, accepted_on, accepted_at, attempt_count,
    expected_count, state, read_count, checked_count, stored_count, remaining_seconds,
    problem, finished_at
"""
_FIND = text(
    f"SELECT {_COLUMNS} FROM import_jobs"
    " WHERE organisation_id = :organisation AND import_id = :import_id"
)
_LIST = text(
    f"SELECT {_COLUMNS} FROM import_jobs j WHERE organisation_id = :organisation"
    " AND kind = ANY(:kinds) AND import_id < :before AND NOT EXISTS ("
    "SELECT FROM imports i WHERE i.organisation_id = j.organisation_id"
    " AND i.import_id = j.import_id)"
    " ORDER BY import_id DESC LIMIT :limit"
)
_LOAD_FILE = text(
    "SELECT content FROM import_files WHERE organisation_id = :organisation AND sha256 = :sha256"
)
_OLDER = text(
    """
    SELECT EXISTS (
        SELECT FROM import_jobs WHERE organisation_id = :organisation
        AND finished_at IS NULL AND import_id < :import_id
    )
    """
)
_OF_UNFINISHED = (
    " WHERE organisation_id = :organisation AND import_id = :import_id AND finished_at IS NULL"
    " RETURNING import_id"
)
_BEGIN = text(f"UPDATE import_jobs SET attempt_count = attempt_count + 1{_OF_UNFINISHED}")
_REPORT = text(
    "UPDATE import_jobs SET state = :state, read_count = :read, checked_count = :checked,"
    f" stored_count = :stored, remaining_seconds = :remaining{_OF_UNFINISHED}"
)
_END = text(
    "UPDATE import_jobs SET state = :state, stored_count = :stored,"
    " problem = cast(:problem AS jsonb), cancelled_by = :cancelled_by,"
    f" remaining_seconds = NULL, finished_at = now(){_OF_UNFINISHED}"
)
_CLAIM_CANCELLATION = text(
    """
    UPDATE import_jobs SET cancellation_audited = true
    WHERE organisation_id = :organisation AND import_id = :import_id
      AND cancelled_by IS NOT NULL AND NOT cancellation_audited
    RETURNING cancelled_by, organisation AS slug, kind, sha256, finished_at
    """
)
