"""Every SQL statement about borrowers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Row, text

from services.common.bulk import insert_columns
from services.common.database import ReadSession, WriteSession
from services.common.errors import JsonValue
from services.common.recording import OnRecord
from services.common.strict_json import canonical, loads, to_json
from services.common.tables import table_of
from services.loans import tables
from services.loans.borrowers.drafts import BorrowerDraft, ConsentDraft, EnterpriseDraft
from services.loans.vocabulary import BorrowerKind


@dataclass(frozen=True, slots=True)
class KnownBorrower:
    """What a batch needs to know of a borrower on record."""

    borrower_id: UUID
    is_registered: bool
    kind: BorrowerKind
    birth_year: int | None
    gender: str | None
    clienteles: tuple[str, ...]
    municipality: str | None
    region_code: str | None
    fingerprint: bytes


async def find_known(session: ReadSession, external_ids: Sequence[str]) -> dict[str, KnownBorrower]:
    rows = await session.connection.execute(
        _KNOWN, {"organisation": session.organisation_id, "external_ids": list(external_ids)}
    )
    return {
        row.external_id: KnownBorrower(
            row.borrower_id,
            row.is_registered,
            BorrowerKind(row.kind),
            row.birth_year,
            row.gender,
            tuple(row.clienteles),
            row.municipality,
            row.region_code,
            row.fingerprint,
        )
        for row in rows
    }


async def find_on_record(
    session: ReadSession, external_ids: Sequence[str]
) -> dict[str, OnRecord[BorrowerDraft]]:
    """Borrowers as they are described; a description is replaced, it has no revisions."""
    if not external_ids:
        return {}
    rows = await session.connection.execute(
        _ON_RECORD, {"organisation": session.organisation_id, "external_ids": list(external_ids)}
    )
    return {row.external_id: OnRecord(row.borrower_id, 1, False, _to_draft(row)) for row in rows}


async def count_absent(session: ReadSession, external_ids: Sequence[str]) -> int:
    """How many registered borrowers are none of these."""
    row = await session.connection.execute(
        _ABSENT, {"organisation": session.organisation_id, "external_ids": list(external_ids)}
    )
    return int(row.scalar_one())


async def put_borrowers(
    session: WriteSession, drafts: Sequence[BorrowerDraft], is_registered: bool, recorded_by: str
) -> dict[str, UUID]:
    """Describe borrowers, new or on record; returns their identifiers by external_id."""
    if not drafts:
        return {}
    found = await insert_columns(
        session,
        tables.Borrower,
        dict(zip(_WRITTEN, zip(*map(_to_row, drafts), strict=True), strict=True)),
        {
            "organisation_id": session.organisation_id,
            "is_registered": is_registered,
            "recorded_by": recorded_by,
        },
        returning=("external_id", "borrower_id"),
        on_conflict=_DESCRIBE_AGAIN,
    )
    return {row["external_id"]: row["borrower_id"] for row in found}


async def find_borrower(session: ReadSession, external_id: str) -> dict[str, JsonValue] | None:
    """A borrower as it is shown, or None."""
    row = (
        await session.connection.execute(
            _FIND, {"organisation": session.organisation_id, "external_id": external_id}
        )
    ).first()
    return None if row is None else _show(row)


async def list_borrowers(
    session: ReadSession, after: str, limit: int
) -> list[dict[str, JsonValue]]:
    rows = await session.connection.execute(
        _LIST, {"organisation": session.organisation_id, "after": after, "limit": limit}
    )
    return [_show(row) for row in rows]


async def find_borrower_by_id(
    session: ReadSession, borrower_id: UUID
) -> dict[str, JsonValue] | None:
    row = (
        await session.connection.execute(
            _FIND_BY_ID, {"organisation": session.organisation_id, "borrower": borrower_id}
        )
    ).first()
    return None if row is None else _show(row)


def _to_row(draft: BorrowerDraft) -> tuple[object, ...]:
    """The values of `_WRITTEN`."""
    enterprise = draft.enterprise
    consents = [
        {"purpose": c.purpose, "given_on": c.given_on, "withdrawn_on": c.withdrawn_on}
        for c in draft.consents
    ]
    return (
        draft.external_id,
        draft.kind.value,
        draft.given_name,
        draft.family_name,
        draft.legal_name,
        draft.birth_year,
        draft.gender,
        draft.region_code,
        draft.municipality,
        draft.postal_code,
        list(draft.clienteles),
        enterprise.name if enterprise else None,
        enterprise.neq if enterprise else None,
        enterprise.sector_code if enterprise else None,
        enterprise.social_economy if enterprise else None,
        canonical(to_json(consents)).decode(),
        draft.fingerprint,
    )


def _to_draft(row: Row[tuple[object, ...]]) -> BorrowerDraft:
    enterprise = None
    if row.social_economy is not None:
        enterprise = EnterpriseDraft(
            row.enterprise_name, row.neq, row.sector_code, row.social_economy
        )
    consents = _CONSENTS.validate_json(row.consents)
    return BorrowerDraft(
        external_id=row.external_id,
        kind=BorrowerKind(row.kind),
        given_name=row.given_name,
        family_name=row.family_name,
        legal_name=row.legal_name,
        birth_year=row.birth_year,
        gender=row.gender,
        region_code=row.region_code,
        municipality=row.municipality,
        postal_code=row.postal_code,
        clienteles=tuple(row.clienteles),
        enterprise=enterprise,
        consents=tuple(consents),
    )


def _show(row: Row[tuple[object, ...]]) -> dict[str, JsonValue]:
    enterprise: JsonValue = None
    if row.social_economy is not None:
        enterprise = {
            "name": row.enterprise_name,
            "neq": row.neq,
            "sector_code": row.sector_code,
            "social_economy": row.social_economy,
        }
    plain = {name: _plain(row._mapping[name]) for name in _SHOWN}
    return {**plain, "enterprise": enterprise, "consents": loads(row.consents.encode())}


def _plain(value: object) -> JsonValue:
    return str(value) if isinstance(value, UUID | date) else to_json(value)


_CONSENTS = TypeAdapter(list[ConsentDraft])
_WRITTEN = (
    "external_id",
    "kind",
    "given_name",
    "family_name",
    "legal_name",
    "birth_year",
    "gender",
    "region_code",
    "municipality",
    "postal_code",
    "clienteles",
    "enterprise_name",
    "neq",
    "sector_code",
    "social_economy",
    "consents",
    "fingerprint",
)
_DESCRIPTION = (
    column.name
    for column in table_of(tables.Borrower).columns
    if not column.primary_key and column.name not in ("external_id", "recorded_at")
)
_DESCRIBE_AGAIN = "(organisation_id, external_id) DO UPDATE SET " + ", ".join(
    f"{name} = excluded.{name}" for name in _DESCRIPTION
)
_SHOWN = (
    "borrower_id",
    "external_id",
    "kind",
    "given_name",
    "family_name",
    "legal_name",
    "birth_year",
    "gender",
    "region_code",
    "municipality",
    "postal_code",
    "clienteles",
)
_SELECT = f"""
    SELECT {", ".join(_SHOWN)}, enterprise_name, neq, sector_code, social_economy, consents
    FROM borrowers WHERE organisation_id = :organisation
"""
_KNOWN = text(
    """
    SELECT external_id, borrower_id, is_registered, kind, birth_year, gender, clienteles,
           municipality, region_code, fingerprint
    FROM borrowers
    WHERE organisation_id = :organisation
      AND external_id = ANY(cast(:external_ids AS text[]))
    """
)
_FIND = text(f"{_SELECT} AND external_id = :external_id")
_FIND_BY_ID = text(f"{_SELECT} AND borrower_id = :borrower")
_ON_RECORD = text(f"{_SELECT} AND external_id = ANY(cast(:external_ids AS text[]))")
_ABSENT = text(
    """
    SELECT count(*) FROM borrowers b
    WHERE b.organisation_id = :organisation AND b.is_registered
      AND NOT EXISTS (SELECT FROM unnest(cast(:external_ids AS text[])) AS sent (name)
                      WHERE sent.name = b.external_id)
    """
)
_LIST = text(f"{_SELECT} AND external_id > :after ORDER BY external_id LIMIT :limit")
