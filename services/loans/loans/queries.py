"""Every SQL statement about loans themselves."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain
from uuid import UUID

from sqlalchemy import Row, text

from services.common.bulk import insert_columns
from services.common.database import ReadSession, WriteSession, driver
from services.common.errors import JsonValue
from services.common.money import format_cents
from services.common.strict_json import canonical
from services.loans import tables
from services.loans.content import read_content
from services.loans.loans.drafts import (
    LoanDraft,
    disbursed_cents,
)
from services.loans.positions.facts import Accrual, AllocationOrder
from services.loans.positions.ladder import Instalment
from services.loans.positions.views import show_instalment


@dataclass(frozen=True, slots=True)
class KnownLoan:
    loan_id: UUID
    borrower_id: UUID
    region_code: str
    disbursed_on: date
    fingerprint: bytes
    is_reversed: bool


async def find_known(session: ReadSession, external_ids: Sequence[str]) -> dict[str, KnownLoan]:
    """Loans on record, by the member's identifier."""
    connection = await driver(session)
    rows = await connection.fetch(_KNOWN, session.organisation_id, list(external_ids))
    return {external_id: KnownLoan(*known) for external_id, *known in rows}


@dataclass(frozen=True, slots=True)
class NamedLoan:
    external_id: str
    is_reversed: bool


async def find_name(session: ReadSession, loan_id: UUID) -> NamedLoan | None:
    row = (
        await session.connection.execute(
            _NAME, {"organisation": session.organisation_id, "loan": loan_id}
        )
    ).first()
    return None if row is None else NamedLoan(*row)


async def insert_loans(
    session: WriteSession,
    drafts: Sequence[LoanDraft],
    loan_ids: Sequence[UUID],
    borrower_ids: Mapping[str, UUID],
    regions: Sequence[str],
    revisions: Sequence[int],
    versions: Sequence[int | None],
    recorded_by: str,
) -> None:
    """Insert loans, new or revised, under these identifiers."""
    await insert_columns(
        session,
        tables.Loan,
        {
            "loan_id": loan_ids,
            "external_id": [draft.external_id for draft in drafts],
            "borrower_id": [borrower_ids[draft.borrower_external_id] for draft in drafts],
            "product": [draft.product for draft in drafts],
            "stage": [draft.stage for draft in drafts],
            "purpose": [draft.purpose for draft in drafts],
            "sector_code": [draft.sector_code for draft in drafts],
            "region_code": regions,
            "principal_cents": [draft.terms.principal_cents for draft in drafts],
            "terms": [canonical(read_content(draft.terms)).decode() for draft in drafts],
            "contracted_on": [draft.contracted_on for draft in drafts],
            "disbursed_on": [draft.disbursed_on for draft in drafts],
            "funding_state_cents": [draft.funding.state_cents for draft in drafts],
            "funding_community_cents": [draft.funding.community_cents for draft in drafts],
            "funding_private_cents": [draft.funding.private_cents for draft in drafts],
            "other_financing_cents": [draft.other_financing_cents for draft in drafts],
            "interest_accrual": [draft.interest_accrual for draft in drafts],
            "allocation_order": [draft.allocation_order for draft in drafts],
            "interest_on_overdue_interest": [d.interest_on_overdue_interest for d in drafts],
            "revision": revisions,
            "product_version": versions,
            "fingerprint": [draft.fingerprint for draft in drafts],
        },
        {"organisation_id": session.organisation_id, "recorded_by": recorded_by},
    )


async def insert_openings(
    session: WriteSession,
    drafts: Sequence[LoanDraft],
    loan_ids: Sequence[UUID],
    disbursement_ids: Sequence[UUID],
    recorded_by: str,
) -> None:
    """Insert the disbursement, under these identifiers, and the first schedule of each loan."""
    same = {"organisation_id": session.organisation_id, "recorded_by": recorded_by}
    await insert_columns(
        session,
        tables.Disbursement,
        {
            "disbursement_id": disbursement_ids,
            "loan_id": loan_ids,
            "disbursed_on": [draft.disbursed_on for draft in drafts],
            "amount_cents": [disbursed_cents(draft) for draft in drafts],
            "fees_withheld_cents": [draft.terms.fees_withheld_cents for draft in drafts],
        },
        same,
    )
    await insert_columns(
        session,
        tables.ScheduleVersion,
        {"loan_id": loan_ids, "effective_on": [draft.contracted_on for draft in drafts]},
        {**same, "version": 1, "reason": "contract"},
    )
    await _insert_instalments(session, drafts, loan_ids)


async def _insert_instalments(
    session: WriteSession, drafts: Sequence[LoanDraft], loan_ids: Sequence[UUID]
) -> None:
    schedules = [draft.schedule for draft in drafts]
    await insert_columns(
        session,
        tables.Instalment,
        {
            "loan_id": [
                loan_id
                for schedule, loan_id in zip(schedules, loan_ids, strict=True)
                for _ in schedule.due_on
            ],
            "number": [n for each in schedules for n in range(1, len(each.due_on) + 1)],
            "due_on": list(chain.from_iterable(s.due_on for s in schedules)),
            "principal_cents": list(chain.from_iterable(s.principal_cents for s in schedules)),
            "interest_cents": list(chain.from_iterable(s.interest_cents for s in schedules)),
            "fees_cents": list(chain.from_iterable(s.fees_cents for s in schedules)),
        },
        {"organisation_id": session.organisation_id, "version": 1},
    )


async def find_loan(session: ReadSession, loan_id: UUID) -> dict[str, JsonValue] | None:
    """A loan as it was agreed, with its first schedule; None when there is none."""
    place = {"organisation": session.organisation_id, "loan": loan_id}
    row = (await session.connection.execute(_FIND, place)).first()
    if row is None:
        return None
    schedule = await session.connection.execute(_FIRST_SCHEDULE, place)
    return {**_show(row), "schedule": [show_instalment(Instalment(*row)) for row in schedule]}


async def find_reversal(session: ReadSession, loan_id: UUID) -> str | None:
    """Why the loan was reversed; None when it stands."""
    place = {"organisation": session.organisation_id, "loan": loan_id}
    row = (await session.connection.execute(_REVERSAL, place)).first()
    return None if row is None else str(row.reason)


async def list_loans(
    session: ReadSession, external_id: str | None, after: str, limit: int
) -> list[dict[str, JsonValue]]:
    rows = await session.connection.execute(
        _LIST,
        {
            "organisation": session.organisation_id,
            "external_id": external_id,
            "after": after,
            "limit": limit,
        },
    )
    return [_show(row) for row in rows]


@dataclass(frozen=True, slots=True)
class FactRow:
    """A fact of a loan; `reversed_for` is the reason of its reversal.

    The first disbursement came with the loan, and has its `external_id`.
    """

    kind: str
    fact_id: UUID
    external_id: str
    on: date
    amount_cents: int | None
    fees_withheld_cents: int | None
    reason: str | None
    agreed: object
    reversed_for: str | None


async def list_facts(session: ReadSession, loan_id: UUID) -> list[FactRow]:
    """Everything that happened to a loan, reversed or not."""
    rows = await session.connection.execute(
        _FACTS, {"organisation": session.organisation_id, "loan": loan_id}
    )
    return [FactRow(*row) for row in rows]


def _show(row: Row[tuple[object, ...]]) -> dict[str, JsonValue]:
    terms = row.terms if isinstance(row.terms, dict) else json.loads(row.terms)
    sources = (
        ("state", row.funding_state_cents),
        ("community", row.funding_community_cents),
        ("private", row.funding_private_cents),
    )
    return {
        "loan_id": str(row.loan_id),
        "external_id": row.external_id,
        "borrower": {"external_id": row.borrower_external_id},
        "product": row.product,
        "product_version": row.product_version,
        "stage": row.stage,
        "purpose": row.purpose,
        "sector_code": row.sector_code,
        "region_code": row.region_code,
        "principal": format_cents(row.principal_cents),
        "annual_rate": terms["annual_rate"],
        "instalments": terms["instalments"],
        "frequency": terms["frequency"],
        "contracted_on": row.contracted_on.isoformat(),
        "disbursed_on": row.disbursed_on.isoformat(),
        "funding": [
            {"source": source, "amount": format_cents(cents)} for source, cents in sources if cents
        ],
        "other_financing": format_cents(row.other_financing_cents),
        "interest_accrual": row.interest_accrual or Accrual.SCHEDULED,
        "allocation_order": row.allocation_order or AllocationOrder.FEES_INTEREST_PRINCIPAL,
        "interest_on_overdue_interest": bool(row.interest_on_overdue_interest),
        "currency": "CAD",
    }


def show_fact(
    fact: FactRow,
    allocations: Mapping[UUID, dict[str, JsonValue]],
    credit_uses: Mapping[UUID, list[JsonValue]],
) -> dict[str, JsonValue]:
    return {
        "kind": fact.kind,
        "id": str(fact.fact_id),
        "external_id": fact.external_id,
        "on": fact.on.isoformat(),
        "amount": None if fact.amount_cents is None else format_cents(fact.amount_cents),
        "fees_withheld": (
            None if fact.fees_withheld_cents is None else format_cents(fact.fees_withheld_cents)
        ),
        "reason": fact.reason,
        "agreed": _show_agreed(fact.agreed),
        "allocation": allocations.get(fact.fact_id),
        "credit_used": credit_uses.get(fact.fact_id, []),
        "reversed": None if fact.reversed_for is None else {"reason": fact.reversed_for},
    }


def _show_agreed(agreed: object) -> JsonValue:
    """What was said of new terms, or of a moratorium."""
    said = json.loads(agreed) if isinstance(agreed, str) else agreed
    if not isinstance(said, dict):
        return None
    return {name: value for name, value in said.items() if value is not None}


_IS_REVERSED = """
    EXISTS (SELECT FROM reversals r WHERE r.organisation_id = l.organisation_id
            AND r.fact_kind = 'loan' AND r.fact_id = l.loan_id) AS is_reversed
"""
_KNOWN = f"""
    SELECT l.external_id, l.loan_id, l.borrower_id, l.region_code, l.disbursed_on, l.fingerprint,
           {_IS_REVERSED}
    FROM loans l
    WHERE l.organisation_id = $1 AND l.external_id = ANY($2::text[])
    ORDER BY l.revision
"""
_NAME = text(
    f"""
    SELECT l.external_id, {_IS_REVERSED} FROM loans l
    WHERE l.organisation_id = :organisation AND l.loan_id = :loan
    """
)
_SELECT = """
    SELECT DISTINCT ON (l.external_id)
           l.loan_id, l.external_id, b.external_id AS borrower_external_id, l.product, l.stage,
           l.purpose, l.sector_code, l.region_code, l.principal_cents, l.terms, l.contracted_on,
           l.disbursed_on, l.funding_state_cents, l.funding_community_cents,
           l.funding_private_cents, l.other_financing_cents, l.interest_accrual,
           l.allocation_order, l.interest_on_overdue_interest, l.product_version
    FROM loans l JOIN borrowers b USING (organisation_id, borrower_id)
    WHERE l.organisation_id = :organisation
"""
_FIND = text(f"{_SELECT} AND l.loan_id = :loan")
_LIST = text(
    f"""
    {_SELECT} AND l.external_id > :after
    AND l.external_id = coalesce(cast(:external_id AS text), l.external_id)
    ORDER BY l.external_id, l.revision DESC LIMIT :limit
    """
)
_FIRST_SCHEDULE = text(
    """
    SELECT number, due_on, fees_cents, interest_cents, principal_cents FROM instalments
    WHERE organisation_id = :organisation AND loan_id = :loan AND version = 1 ORDER BY number
    """
)


_AGREED = {
    "rescheduling": "terms",
    "moratorium": "jsonb_build_object('kind', kind, 'periods', periods, 'interest', interest)",
}


def _facts_of(kind: str, table: str, on: str, amount: str = "amount_cents") -> str:
    reason = "NULL" if kind in ("disbursement", "repayment") else "reason"
    withheld = "fees_withheld_cents" if kind == "disbursement" else "NULL"
    agreed = _AGREED.get(kind, "cast(NULL AS jsonb)")
    return f"""
        SELECT organisation_id, '{kind}' AS kind, {kind}_id AS fact_id, external_id,
               {on} AS on_date, {amount} AS amount_cents, {withheld} AS fees_withheld_cents,
               {reason} AS reason, {agreed} AS agreed
        FROM {table} WHERE organisation_id = :organisation AND loan_id = :loan
    """


_FACTS = text(
    f"""
    WITH facts AS (
        {_facts_of("disbursement", "disbursements", "disbursed_on")}
        UNION ALL {_facts_of("repayment", "repayments", "paid_on")}
        UNION ALL {_facts_of("fee", "fees", "charged_on")}
        UNION ALL {_facts_of("refund", "refunds", "refunded_on")}
        UNION ALL {_facts_of("write_off", "write_offs", "written_off_on")}
        UNION ALL {_facts_of("recovery", "recoveries", "recovered_on")}
        UNION ALL {_facts_of("rescheduling", "reschedulings", "rescheduled_on", "NULL")}
        UNION ALL {_facts_of("moratorium", "moratoria", "starts_on", "NULL")}
    )
    SELECT f.kind, f.fact_id, coalesce(f.external_id, l.external_id), f.on_date, f.amount_cents,
           f.fees_withheld_cents, f.reason, f.agreed, r.reason AS reversed_for
    FROM facts f
    JOIN loans l ON l.organisation_id = f.organisation_id AND l.loan_id = :loan
    LEFT JOIN reversals r ON r.organisation_id = f.organisation_id
                         AND r.fact_kind = f.kind AND r.fact_id = f.fact_id
    ORDER BY f.on_date, f.external_id COLLATE "C" NULLS FIRST
    """
)
_REVERSAL = text(
    """
    SELECT reason FROM reversals
    WHERE organisation_id = :organisation AND fact_kind = 'loan' AND fact_id = :loan
    """
)
