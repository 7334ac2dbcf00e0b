"""The tables a service with imports has: what was sent, by whom, and what came of it.

A file is kept once per organisation however often it is sent. Imports are append-only; of a file
that only refused imports know, the content may be dropped. A job is an import on its way. An
organisation's mapping has a row for each of its versions.
"""

from datetime import date
from typing import Annotated

from alembic import op
from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel

from services.common.schema import grant, protect_tenant_table
from services.common.tables import (
    BigInt,
    BigIntOrNone,
    Counter,
    Document,
    DocumentOrNone,
    EmptyDocument,
    EmptyList,
    Key,
    MomentOrNone,
    NewKey,
    NotYet,
    NumberKey,
    RecordedAt,
    TextKey,
    WordList,
    Words,
    WordsOrNone,
    index,
    new_registry,
    references,
)

IMPORT_TABLES = ("import_files", "imports")
UNFINISHED = "finished_at IS NULL"
MAPPING_TABLES = ("import_mappings",)


class ImportTable(SQLModel, registry=new_registry()):
    """A table that each service with imports has in its own schema."""


class ImportFile(ImportTable, table=True):
    __tablename__ = "import_files"

    organisation_id: Key
    sha256: Annotated[bytes, Field(primary_key=True)]
    content: bytes | None
    recorded_at: RecordedAt


class Import(ImportTable, table=True):
    __tablename__ = "imports"
    __table_args__ = (
        references("imports_file_fkey", "import_files", "sha256"),
        index("imports_sha256", "sha256"),
        references(
            "imports_mapping_fkey",
            "import_mappings",
            "kind",
            mapping="name",
            mapping_version="version",
        ),
    )

    organisation_id: Key
    import_id: NewKey
    kind: Words
    mode: Words
    outcome: Words
    media_type: Words
    file_name: WordsOrNone
    sha256: bytes
    byte_count: BigInt
    received_count: BigInt
    created_count: BigInt
    unchanged_count: BigInt
    rejected_count: BigInt
    errors: Document
    errors_truncated: bool
    subject: Words
    recorded_at: RecordedAt
    report: EmptyDocument
    rows_digest: bytes | None
    error_log: bytes | None
    warnings: EmptyList
    notices: EmptyList
    mapping: WordsOrNone
    mapping_version: BigIntOrNone
    parser_version: Annotated[
        int, Field(sa_type=BigInteger, sa_column_kwargs={"server_default": text("1")})
    ]


class ImportJob(ImportTable, table=True):
    """A long import from the moment it is accepted; what came of it is in `imports`."""

    __tablename__ = "import_jobs"
    __table_args__ = (
        references("import_jobs_file_fkey", "import_files", "sha256"),
        Index(
            "import_jobs_unfinished",
            *("organisation_id", "sha256", "kind", "mode", "options"),
            unique=True,
            postgresql_where=text(UNFINISHED),
        ),
    )

    organisation_id: Key
    import_id: NewKey
    kind: Words
    mode: Words
    options: Document
    media_type: Words
    file_name: WordsOrNone
    sha256: bytes
    byte_count: BigInt
    subject: Words
    organisation: Words
    region_codes: WordList
    accepted_on: date
    accepted_at: RecordedAt
    state: Words
    attempt_count: Counter
    expected_count: BigIntOrNone
    read_count: Counter
    checked_count: Counter
    stored_count: Counter
    remaining_seconds: BigIntOrNone
    problem: DocumentOrNone
    finished_at: MomentOrNone
    cancelled_by: WordsOrNone
    cancellation_audited: NotYet


class ImportMapping(ImportTable, table=True):
    __tablename__ = "import_mappings"

    organisation_id: Key
    kind: TextKey
    name: TextKey
    version: NumberKey
    columns: Document
    codes: Document
    is_retired: bool
    subject: Words
    recorded_at: RecordedAt


def create_import_tables(app_role: str) -> None:
    """For the migrations of a service, after its kernel tables."""
    op.execute(
        """
        CREATE TABLE import_files (
            organisation_id uuid NOT NULL,
            sha256 bytea NOT NULL CONSTRAINT import_files_sha256_check
                CHECK (octet_length(sha256) = 32),
            content bytea NOT NULL,
            recorded_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT import_files_pkey PRIMARY KEY (organisation_id, sha256)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE imports (
            organisation_id uuid NOT NULL,
            import_id uuid NOT NULL DEFAULT uuidv7(),
            kind text NOT NULL,
            mode text NOT NULL CONSTRAINT imports_mode_check CHECK (mode IN ('atomic', 'partial')),
            outcome text NOT NULL CONSTRAINT imports_outcome_check
                CHECK (outcome IN ('recorded', 'refused')),
            media_type text NOT NULL,
            file_name text,
            sha256 bytea NOT NULL,
            byte_count bigint NOT NULL,
            received_count bigint NOT NULL,
            created_count bigint NOT NULL,
            unchanged_count bigint NOT NULL,
            rejected_count bigint NOT NULL,
            errors jsonb NOT NULL,
            errors_truncated boolean NOT NULL,
            subject text NOT NULL,
            recorded_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT imports_pkey PRIMARY KEY (organisation_id, import_id),
            CONSTRAINT imports_counts_check CHECK (
                least(created_count, unchanged_count, rejected_count) >= 0
                AND created_count + unchanged_count + rejected_count <= received_count
                AND (outcome = 'recorded' OR created_count = 0)
            )
        )
        """
    )
    op.execute(
        """
        ALTER TABLE imports ADD CONSTRAINT imports_file_fkey
        FOREIGN KEY (organisation_id, sha256) REFERENCES import_files (organisation_id, sha256)
        """
    )
    for table in IMPORT_TABLES:
        protect_tenant_table(app_role, table)
    grant(app_role, "SELECT, INSERT", IMPORT_TABLES)


def add_import_reports() -> None:
    """What an import answered beside its counts and errors."""
    op.execute("ALTER TABLE imports ADD COLUMN report jsonb NOT NULL DEFAULT '{}'")


def create_import_jobs(app_role: str) -> None:
    """For the migrations of a service: jobs, what proves a parsing, and files that may be dropped.

    The queue itself is the library's (job_queue.py), in a schema of its own.
    """
    op.execute("ALTER TABLE imports ADD COLUMN rows_digest bytea")
    op.execute("CREATE INDEX imports_sha256 ON imports (organisation_id, sha256)")
    op.execute("ALTER TABLE import_files ALTER COLUMN content DROP NOT NULL")
    op.execute(f"GRANT UPDATE (content) ON import_files TO {app_role}")
    op.execute(
        """
        CREATE TABLE import_jobs (
            organisation_id uuid NOT NULL,
            import_id uuid NOT NULL DEFAULT uuidv7(),
            kind text NOT NULL,
            mode text NOT NULL
                CONSTRAINT import_jobs_mode_check CHECK (mode IN ('atomic', 'partial')),
            options jsonb NOT NULL,
            media_type text NOT NULL,
            file_name text,
            sha256 bytea NOT NULL,
            byte_count bigint NOT NULL,
            subject text NOT NULL,
            organisation text NOT NULL,
            region_codes text[] NOT NULL,
            accepted_on date NOT NULL,
            accepted_at timestamptz NOT NULL DEFAULT now(),
            state text NOT NULL CONSTRAINT import_jobs_state_check CHECK (
                state IN ('queued', 'reading', 'checking', 'recording',
                          'done', 'refused', 'failed', 'cancelled')
            ),
            attempt_count bigint NOT NULL DEFAULT 0,
            expected_count bigint,
            read_count bigint NOT NULL DEFAULT 0,
            checked_count bigint NOT NULL DEFAULT 0,
            stored_count bigint NOT NULL DEFAULT 0,
            remaining_seconds bigint,
            problem jsonb,
            finished_at timestamptz,
            CONSTRAINT import_jobs_pkey PRIMARY KEY (organisation_id, import_id),
            CONSTRAINT import_jobs_finished_check CHECK (
                (finished_at IS NOT NULL)
                = (state IN ('done', 'refused', 'failed', 'cancelled'))
            )
        )
        """
    )
    op.execute(
        """
        ALTER TABLE import_jobs ADD CONSTRAINT import_jobs_file_fkey
        FOREIGN KEY (organisation_id, sha256) REFERENCES import_files (organisation_id, sha256)
        """
    )
    op.execute(
        f"""
        CREATE UNIQUE INDEX import_jobs_unfinished
        ON import_jobs (organisation_id, sha256, kind, mode, options) WHERE {UNFINISHED}
        """
    )
    protect_tenant_table(app_role, "import_jobs")
    grant(app_role, "SELECT, INSERT, UPDATE", ["import_jobs"])


def add_job_cancellations() -> None:
    """Who cancelled a job, and whether the audit chain says so yet (import_worker.py)."""
    op.execute(
        "ALTER TABLE import_jobs ADD COLUMN cancelled_by text,"
        " ADD COLUMN cancellation_audited boolean NOT NULL DEFAULT false"
    )


def create_mapping_tables(app_role: str) -> None:
    """An organisation's own titles and codes by kind of import, a row for each version."""
    op.execute(
        """
        CREATE TABLE import_mappings (
            organisation_id uuid NOT NULL,
            kind text NOT NULL,
            name text NOT NULL,
            version bigint NOT NULL CONSTRAINT import_mappings_version_check CHECK (version >= 1),
            columns jsonb NOT NULL,
            codes jsonb NOT NULL,
            is_retired boolean NOT NULL,
            subject text NOT NULL,
            recorded_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT import_mappings_pkey PRIMARY KEY (organisation_id, kind, name, version)
        )
        """
    )
    for table in MAPPING_TABLES:
        protect_tenant_table(app_role, table)
    grant(app_role, "SELECT, INSERT", MAPPING_TABLES)


def add_import_readings() -> None:
    """How a file was read: with which mapping and parser, all its errors, what else was said."""
    for column in (
        "error_log bytea",
        "warnings jsonb NOT NULL DEFAULT '[]'",
        "notices jsonb NOT NULL DEFAULT '[]'",
        "mapping text",
        "mapping_version bigint",
        "parser_version bigint NOT NULL DEFAULT 1",
    ):
        op.execute(f"ALTER TABLE imports ADD COLUMN {column}")
    op.execute(
        """
        ALTER TABLE imports ADD CONSTRAINT imports_mapping_fkey
        FOREIGN KEY (organisation_id, kind, mapping, mapping_version)
        REFERENCES import_mappings (organisation_id, kind, name, version)
        """
    )
