"""The tables of the registry, by kind; the catalogue's checks read it.

    regions ─── organisation_regions ─┐
                former_names ─────────┼─ organisations
                memberships ──────────┤
                access_keys ──────────┘

The register is the network's own: small, rarely written, the same for every reader. Its tables are
reference tables (copied to every node of a distributed database) and carry no row-level security;
grants limit what may change in them. Access keys are local: read in the network's own transactions
alone, which row-level security enforces.
"""

from datetime import date
from typing import Annotated
from uuid import UUID

from sqlalchemy import CHAR, ForeignKeyConstraint, Index, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from services.common.tables import (
    DateKey,
    Key,
    MomentOrNone,
    RecordedAt,
    SmallKey,
    TextKey,
    Words,
    WordsOrNone,
    index,
    new_registry,
    references,
)

RegionKey = Annotated[str, Field(primary_key=True, sa_type=CHAR(2))]


class RegistryTable(SQLModel, registry=new_registry()):
    """A table of the schema `registry`."""


class Region(RegistryTable, table=True):
    __tablename__ = "regions"

    code: RegionKey
    name: Words


class Organisation(RegistryTable, table=True):
    __tablename__ = "organisations"
    __table_args__ = (
        UniqueConstraint("slug", name="organisations_slug_key"),
        Index("organisations_french_order", "sort_key", "slug", unique=True),
    )

    organisation_id: Key
    slug: Words
    name: Words
    sort_key: Annotated[str, Field(sa_type=Text(collation="C"))]
    name_status: Words
    territory: WordsOrNone
    city: WordsOrNone
    website: WordsOrNone
    status: Words
    founded_on_year: int | None
    source: WordsOrNone
    version: Annotated[int, Field(sa_column_kwargs={"server_default": text("1")})]
    fingerprint: bytes
    recorded_at: RecordedAt
    recorded_by: Words


class OrganisationRegion(RegistryTable, table=True):
    __tablename__ = "organisation_regions"
    __table_args__ = (
        references("organisation_regions_organisation_fkey", "organisations"),
        ForeignKeyConstraint(
            ("region_code",), ["regions.code"], name="organisation_regions_region_fkey"
        ),
    )

    organisation_id: Key
    region_code: RegionKey


class FormerName(RegistryTable, table=True):
    __tablename__ = "former_names"
    __table_args__ = (references("former_names_organisation_fkey", "organisations"),)

    organisation_id: Key
    number: SmallKey
    name: Words
    until_on: date | None


class Membership(RegistryTable, table=True):
    __tablename__ = "memberships"
    __table_args__ = (
        references("memberships_organisation_fkey", "organisations"),
        Index(
            "memberships_one_open",
            "organisation_id",
            unique=True,
            postgresql_where=text("to_on IS NULL"),
        ),
    )

    organisation_id: Key
    from_on: DateKey
    to_on: date | None
    from_status: Words


class AccessKey(RegistryTable, table=True):
    """What is kept of a key: never the key itself."""

    __tablename__ = "access_keys"
    __table_args__ = (
        references("access_keys_organisation_fkey", "organisations"),
        index("access_keys_organisation", "key_id"),
    )

    key_id: TextKey
    organisation_id: UUID | None
    role: Words
    label: WordsOrNone
    secret_hash: bytes
    created_at: RecordedAt
    created_by: Words
    expires_at: MomentOrNone
    revoked_at: MomentOrNone
    revoked_by: WordsOrNone


REFERENCE_TABLES = (Region, Organisation, OrganisationRegion, FormerName, Membership)

LOCAL_TABLES = (AccessKey,)

TENANT_TABLES: tuple[type[SQLModel], ...] = ()
"""None beside the kernel's: what the register tells and audits belongs to NO_ORGANISATION."""
