"""Putting a loan's facts on its next revision: those that stand are recorded anew, then reversed.

Each statement does it for all the loans of a batch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Row, text
from sqlmodel import SQLModel

from services.common.database import ReadSession, WriteSession
from services.common.recording import OnRecord
from services.common.tables import table_of
from services.loans import tables
from services.loans.loans.drafts import BorrowerProfile, Funding, LoanDraft, first_of
from services.loans.positions.facts import Accrual, AllocationOrder
from services.loans.positions.queries import parse
from services.loans.schedules.arithmetic import build_schedule
from services.loans.schedules.terms import ScheduleTerms
from services.loans.vocabulary import BorrowerKind


@dataclass(frozen=True, slots=True)
class MoneyFact:
    """A fact that the journal was told of, with the fees a disbursement withheld."""

    loan_id: UUID
    kind: str
    fact_id: UUID
    on: date
    amount_cents: int
    fees_withheld_cents: int


@dataclass(frozen=True, slots=True)
class FollowUp:
    """What a loan's follow-up binds: its first outcome, and whom its sessions coached."""

    first_outcome_on: date | None
    coached_others: bool


@dataclass(frozen=True, slots=True)
class _Dependant:
    kind: str
    declared: type[SQLModel]
    key: str
    condition: str = ""


_DEPENDANTS = (
    _Dependant("disbursement", tables.Disbursement, "disbursement_id", "AND f.number > 1"),
    _Dependant("repayment", tables.Repayment, "repayment_id"),
    _Dependant("fee", tables.Fee, "fee_id"),
    _Dependant("refund", tables.Refund, "refund_id"),
    _Dependant("write_off", tables.WriteOff, "write_off_id"),
    _Dependant("recovery", tables.Recovery, "recovery_id"),
    _Dependant("rescheduling", tables.Rescheduling, "rescheduling_id"),
    _Dependant("moratorium", tables.Moratorium, "moratorium_id"),
    _Dependant("coaching_session", tables.CoachingSession, "coaching_session_id"),
    _Dependant("outcome", tables.Outcome, "outcome_id"),
)
_SET_ANEW = ("organisation_id", "loan_id", "revision", "recorded_at", "recorded_by")


async def find_on_record(
    session: ReadSession, external_ids: Sequence[str]
) -> dict[str, OnRecord[LoanDraft]]:
    """The newest revision of each, as it was posted, with what is known of its borrower."""
    if not external_ids:
        return {}
    rows = await session.connection.execute(
        _ON_RECORD, {"organisation": session.organisation_id, "external_ids": list(external_ids)}
    )
    return {
        row.external_id: OnRecord(row.loan_id, row.revision, row.is_reversed, _to_draft(row))
        for row in rows
    }


def _to_draft(row: Row[tuple[object, ...]]) -> LoanDraft:
    terms = parse(_TERMS, row.terms)
    first = None if row.disbursed_cents == row.principal_cents else row.disbursed_cents
    return LoanDraft(
        external_id=row.external_id,
        borrower_external_id=row.borrower_external_id,
        profile=BorrowerProfile(
            BorrowerKind(row.kind),
            row.gender,
            row.birth_year,
            tuple(row.clienteles),
            row.municipality,
        ),
        product=row.product,
        stage=row.stage,
        purpose=row.purpose,
        sector_code=row.sector_code,
        region_code=row.region_code,
        terms=terms,
        schedule=build_schedule(first_of(terms, first)),
        contracted_on=row.contracted_on,
        disbursed_on=row.disbursed_on,
        funding=Funding(
            row.funding_state_cents, row.funding_community_cents, row.funding_private_cents
        ),
        other_financing_cents=row.other_financing_cents,
        interest_accrual=None if row.interest_accrual is None else Accrual(row.interest_accrual),
        allocation_order=None
        if row.allocation_order is None
        else AllocationOrder(row.allocation_order),
        interest_on_overdue_interest=row.interest_on_overdue_interest,
        first_disbursement_cents=first,
    )


async def find_money_facts(session: ReadSession, loan_ids: Sequence[UUID]) -> list[MoneyFact]:
    """What stands of these loans and moves money, by date."""
    rows = await session.connection.execute(
        _MONEY, {"organisation": session.organisation_id, "loans": list(loan_ids)}
    )
    return [MoneyFact(*row) for row in rows]


async def find_follow_up(session: ReadSession, loans: Mapping[UUID, UUID]) -> dict[UUID, FollowUp]:
    """What binds each loan, given with the borrower it is to have."""
    rows = await session.connection.execute(
        _FOLLOW_UP,
        {
            "organisation": session.organisation_id,
            "loans": list(loans),
            "borrowers": list(loans.values()),
        },
    )
    return {row.loan_id: FollowUp(row.first_outcome_on, row.coached_others) for row in rows}


async def move_facts(
    session: WriteSession, loans: Mapping[UUID, UUID], reason: str, recorded_by: str
) -> None:
    """Record all that stands of each loan on the loan that replaces it, and reverse it there."""
    place = {
        "organisation": session.organisation_id,
        "old": list(loans),
        "new": list(loans.values()),
        "reason": reason,
        "by": recorded_by,
    }
    for statement in _MOVE:
        await session.connection.execute(statement, place)


def _stands(kind: str, key: str) -> str:
    return f"""
        NOT EXISTS (SELECT FROM reversals r
                    WHERE r.organisation_id = f.organisation_id
                      AND r.fact_kind = '{kind}' AND r.fact_id = f.{key})
    """


def _record_again(dependant: _Dependant) -> str:
    table = table_of(dependant.declared)
    kept = [c.name for c in table.columns if c.name not in (*_SET_ANEW, dependant.key)]
    return f"""
        INSERT INTO {table.name}
            (organisation_id, loan_id, revision, recorded_by, {", ".join(kept)})
        SELECT f.organisation_id, moved.new_id, f.revision + 1, cast(:by AS text),
               f.{", f.".join(kept)}
        FROM {table.name} f
        JOIN unnest(cast(:old AS uuid[]), cast(:new AS uuid[])) AS moved (old_id, new_id)
          ON moved.old_id = f.loan_id
        WHERE f.organisation_id = :organisation {dependant.condition}
          AND {_stands(dependant.kind, dependant.key)}
        ON CONFLICT DO NOTHING
    """


def _reverse(kind: str, table: str, key: str, condition: str = "") -> str:
    return f"""
        INSERT INTO reversals (organisation_id, fact_kind, fact_id, reason, recorded_by)
        SELECT f.organisation_id, '{kind}', f.{key}, cast(:reason AS text), cast(:by AS text)
        FROM {table} f
        WHERE f.organisation_id = :organisation AND f.loan_id = ANY(cast(:old AS uuid[]))
          {condition} AND {_stands(kind, key)}
        ON CONFLICT DO NOTHING
    """


_MOVE = (
    *(text(_record_again(each)) for each in _DEPENDANTS),
    *(
        text(_reverse(each.kind, table_of(each.declared).name, each.key, each.condition))
        for each in _DEPENDANTS
    ),
    text(_reverse("loan", "loans", "loan_id")),
)


def _money_of(kind: str, table: str, on: str, fees: str = "0", condition: str = "") -> str:
    return f"""
        SELECT f.loan_id, '{kind}' AS kind, f.{kind}_id AS fact_id, f.{on} AS on_date,
               f.amount_cents, {fees} AS fees_withheld_cents
        FROM {table} f
        WHERE f.organisation_id = :organisation AND f.loan_id = ANY(cast(:loans AS uuid[]))
          AND {_stands(kind, f"{kind}_id")} {condition}
    """


# The first disbursement stands or falls with its loan.
_MONEY = text(
    " UNION ALL ".join(
        (
            _money_of(
                "disbursement",
                "disbursements",
                "disbursed_on",
                "f.fees_withheld_cents",
                f"AND {_stands('loan', 'loan_id')}",
            ),
            _money_of("repayment", "repayments", "paid_on"),
            _money_of("refund", "refunds", "refunded_on"),
            _money_of("write_off", "write_offs", "written_off_on"),
            _money_of("recovery", "recoveries", "recovered_on"),
        )
    )
    + " ORDER BY on_date, fact_id"
)
_FOLLOW_UP = text(
    f"""
    SELECT asked.loan_id,
           (SELECT min(f.observed_on) FROM outcomes f
            WHERE f.organisation_id = :organisation AND f.loan_id = asked.loan_id
              AND {_stands("outcome", "outcome_id")}) AS first_outcome_on,
           EXISTS (SELECT FROM coaching_sessions f
                   WHERE f.organisation_id = :organisation AND f.loan_id = asked.loan_id
                     AND f.borrower_id <> asked.borrower_id
                     AND {_stands("coaching_session", "coaching_session_id")}) AS coached_others
    FROM unnest(cast(:loans AS uuid[]), cast(:borrowers AS uuid[])) AS asked (loan_id, borrower_id)
    """
)
_TERMS = TypeAdapter(ScheduleTerms)
_ON_RECORD = text(
    """
    SELECT l.*, b.external_id AS borrower_external_id, b.kind, b.gender, b.birth_year,
           b.clienteles, b.municipality, d.amount_cents AS disbursed_cents,
           r.fact_id IS NOT NULL AS is_reversed
    FROM loans l
    JOIN borrowers b USING (organisation_id, borrower_id)
    JOIN disbursements d ON d.organisation_id = l.organisation_id AND d.loan_id = l.loan_id
                        AND d.number = 1
    LEFT JOIN reversals r ON r.organisation_id = l.organisation_id
                         AND r.fact_kind = 'loan' AND r.fact_id = l.loan_id
    WHERE l.organisation_id = :organisation
      AND l.external_id = ANY(cast(:external_ids AS text[]))
    ORDER BY l.revision
    """
)
