"""The tables a service with imports has: what was sent, by whom, and what came of it.

A file is kept once per organisation however often it is sent. An organisation's mapping has a row
for each of its versions. All these tables are append-only.
"""

from typing import Annotated

from alembic import op
from sqlalchemy import BigInteger, ForeignKeyConstraint, text
from sqlmodel import Field, SQLModel

from services.common.schema import grant, protect_tenant_table
from services.common.tables import (
    BigInt,
    BigIntOrNone,
    Document,
    EmptyList,
    Key,
    NewKey,
    NumberKey,
    RecordedAt,
    TextKey,
    Words,
    WordsOrNone,
    new_registry,
    references,
)

IMPORT_TABLES = ("import_files", "imports")
MAPPING_TABLES = ("import_mappings",)


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
    __table_args__ = (
        references("imports_file_fkey", "import_files", "sha256"),
        ForeignKeyConstraint(
            ("organisation_id", "kind", "mapping", "mapping_version"),
            [f"import_mappings.{name}" for name in ("organisation_id", "kind", "name", "version")],
            name="imports_mapping_fkey",
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
    error_log: bytes | None
    warnings: EmptyList
    notices: EmptyList
    mapping: WordsOrNone
    mapping_version: BigIntOrNone
    parser_version: Annotated[
        int, Field(sa_type=BigInteger, sa_column_kwargs={"server_default": text("1")})
    ]


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
