"""The tables a service with imports has: what was sent, by whom, and what came of it.

A file is kept once per organisation however often it is sent. Both tables are append-only.
"""

from typing import Annotated

from alembic import op
from sqlmodel import Field, SQLModel

from services.common.schema import grant, protect_tenant_table
from services.common.tables import (
    BigInt,
    Document,
    EmptyDocument,
    Key,
    NewKey,
    RecordedAt,
    Words,
    WordsOrNone,
    new_registry,
    references,
)

IMPORT_TABLES = ("import_files", "imports")


class ImportTable(SQLModel, registry=new_registry()):
    """A table that each service with imports has in its own schema."""


class ImportFile(ImportTable, table=True):
    __tablename__ = "import_files"

    organisation_id: Key
    sha256: Annotated[bytes, Field(primary_key=True)]
    content: bytes
    recorded_at: RecordedAt


class Import(ImportTable, table=True):
    __tablename__ = "imports"
    __table_args__ = (references("imports_file_fkey", "import_files", "sha256"),)

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
