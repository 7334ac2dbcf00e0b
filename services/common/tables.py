"""How a table is declared: the types of columns, the constraints, and the kernel's own tables.

A declaration says what a table is; migrations say how it came to be, and a test compares the two.
CHECKs, grants and policies are in the migrations alone. The classes are never sessions' objects
nor bodies of requests: statements are written as SQL, and rows become frozen dataclasses.
"""

from datetime import date, datetime
from typing import Annotated, cast
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Date,
    DateTime,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import registry
from sqlmodel import Field, SQLModel

_MOMENT = DateTime(timezone=True)
_PERSONAL = {"info": {"personal": True}}

Key = Annotated[UUID, Field(primary_key=True)]
NewKey = Annotated[
    UUID, Field(primary_key=True, sa_column_kwargs={"server_default": text("uuidv7()")})
]
TextKey = Annotated[str, Field(primary_key=True, sa_type=Text)]
NumberKey = Annotated[int, Field(primary_key=True, sa_type=BigInteger)]
SmallKey = Annotated[int, Field(primary_key=True, sa_type=Integer)]
DateKey = Annotated[date, Field(primary_key=True)]
NewId = Annotated[UUID, Field(sa_column_kwargs={"server_default": text("uuidv7()")})]
Words = Annotated[str, Field(sa_type=Text)]
WordsOrNone = Annotated[str | None, Field(sa_type=Text)]
WordList = Annotated[list[str], Field(sa_type=ARRAY(Text))]
Personal = Annotated[str, Field(sa_type=Text, sa_column_kwargs=_PERSONAL)]
"""Words that may name or locate a person: only the organisation's own transactions read them."""
PersonalOrNone = Annotated[str | None, Field(sa_type=Text, sa_column_kwargs=_PERSONAL)]
BigInt = Annotated[int, Field(sa_type=BigInteger)]
BigIntOrNone = Annotated[int | None, Field(sa_type=BigInteger)]
Cents = BigInt
CentsOrNone = BigIntOrNone
IdList = Annotated[list[UUID], Field(sa_type=ARRAY(Uuid))]
CentsList = Annotated[list[int], Field(sa_type=ARRAY(BigInteger))]
DayList = Annotated[list[date | None], Field(sa_type=ARRAY(Date))]
Counter = Annotated[int, Field(sa_type=BigInteger, sa_column_kwargs={"server_default": text("0")})]
Revision = Annotated[int, Field(sa_type=Integer, sa_column_kwargs={"server_default": text("1")})]
"""The newest revision of an external_id is known; those before it are reversed."""
First = Annotated[int, Field(sa_type=Integer, sa_column_kwargs={"server_default": text("1")})]
"""The rank of one among several of the same: the first unless said."""
NotYet = Annotated[bool, Field(sa_column_kwargs={"server_default": text("false")})]
Document = Annotated[object, Field(sa_type=JSONB, nullable=False)]
EmptyList = Annotated[
    object,
    Field(sa_type=JSONB, nullable=False, sa_column_kwargs={"server_default": text("'[]'")}),
]
DocumentOrNone = Annotated[object, Field(sa_type=JSONB, nullable=True)]
EmptyDocument = Annotated[
    object,
    Field(sa_type=JSONB, nullable=False, sa_column_kwargs={"server_default": text("'{}'")}),
]
Moment = Annotated[datetime, Field(sa_type=_MOMENT)]
MomentOrNone = Annotated[datetime | None, Field(sa_type=_MOMENT)]
RecordedAt = Annotated[
    datetime, Field(sa_type=_MOMENT, sa_column_kwargs={"server_default": text("now()")})
]


def new_registry() -> registry:
    """For the tables of one schema; a primary key is called after its table."""
    return registry(metadata=MetaData(naming_convention={"pk": "%(table_name)s_pkey"}))


def unique(name: str, *columns: str) -> UniqueConstraint:
    """Once per organisation."""
    return UniqueConstraint("organisation_id", *columns, name=name)


def references(name: str, table: str, *columns: str, **others: str) -> ForeignKeyConstraint:
    """Columns in another table of the same organisation: of the same names, then of `others`."""
    carried = {"organisation_id": "organisation_id", **{each: each for each in columns}, **others}
    targets = [f"{table}.{column}" for column in carried.values()]
    return ForeignKeyConstraint(list(carried), targets, name=name)


def index(name: str, *columns: str) -> Index:
    return Index(name, "organisation_id", *columns)


def table_of(declared: type[SQLModel]) -> Table:
    return declared.metadata.tables[cast(str, declared.__tablename__)]


class KernelTable(SQLModel, registry=new_registry()):
    """A table that every service has in its own schema."""


class OrganisationCounter(KernelTable, table=True):
    """The row each writer of an organisation locks; it hands out the numbers below."""

    __tablename__ = "organisation_counters"

    organisation_id: Key
    last_event_number: Counter
    last_audit_number: Counter
    last_audit_hash: bytes | None


class Event(KernelTable, table=True):
    __tablename__ = "events"

    organisation_id: Key
    event_number: NumberKey
    type: Words
    payload: Document
    recorded_at: RecordedAt


class AuditEntry(KernelTable, table=True):
    __tablename__ = "audit_entries"

    organisation_id: Key
    entry_number: NumberKey
    entry: Document
    hash: bytes


class IdempotencyKey(KernelTable, table=True):
    """A key a client sent, and the answer it was given: None until there is one."""

    __tablename__ = "idempotency_keys"
    __table_args__ = (index("idempotency_keys_recorded_at", "recorded_at"),)

    organisation_id: Key
    client: TextKey
    method: TextKey
    path: TextKey
    key: TextKey
    fingerprint: bytes
    status: int | None
    document: WordsOrNone
    headers: DocumentOrNone
    recorded_at: RecordedAt
