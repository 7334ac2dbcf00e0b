"""The facts a position depends on, and the figures kept beside them."""

from array import array
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import TypeVar
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import Row, text

from services.common.bulk import insert_columns, insert_rows
from services.common.database import ReadSession, WriteSession
from services.common.tables import table_of
from services.loans import tables
from services.loans.positions.arithmetic import Allocation, CreditUse, LoanState, Replayed
from services.loans.positions.daily_totals import MEASURES, DailyTotals
from services.loans.positions.facts import (
    PLAIN,
    Accrual,
    AgreedTerms,
    AllocationOrder,
    Charge,
    Conditions,
    LoanFacts,
    Loss,
    Moratorium,
    MoratoriumInterest,
    MoratoriumKind,
    Payment,
    PaymentPurpose,
    Rescheduling,
    Tranche,
)
from services.loans.positions.ladder import Ladder
from services.loans.schedules.terms import ScheduleTerms

Read = TypeVar("Read")

_TERMS = TypeAdapter(ScheduleTerms)
_AGREED = TypeAdapter(AgreedTerms)

_Losses = defaultdict[tuple[str, UUID], list[Loss]]
_Changes = defaultdict[tuple[str, UUID], list[Row[tuple[object, ...]]]]
"""By kind and loan."""

KeptColumns = Mapping[str, Sequence[object]]
"""What is kept of loans, column by column of `loan_figures`; most are lists, cents as numbers of
eight bytes: objects would take four times that.
"""


async def load_facts(
    session: ReadSession, loan_ids: Sequence[UUID], *, with_terms: bool = False
) -> list[LoanFacts]:
    """The facts that stand of these loans, in as many statements whatever their number.

    Terms are read where a schedule was laid anew, or may be: `with_terms` says of any.
    """
    if not loan_ids:
        return []
    place = {"organisation": session.organisation_id, "loans": list(loan_ids)}
    days: dict[date, date] = {}  # loans share a few hundred: each is held once
    ladders = {
        row.loan_id: Ladder(
            [days.setdefault(day, day) for day in row.due],
            *(array("q", cents) for cents in (row.fees, row.interest, row.principal)),
        )
        for row in await session.connection.execute(_LADDERS, place)
    }
    payments: dict[UUID, list[Payment]] = defaultdict(list)
    for row in await session.connection.execute(_PAYMENTS, place):
        purpose = None if row.purpose is None else PaymentPurpose(row.purpose)
        paid_on = days.setdefault(row.paid_on, row.paid_on)
        payments[row.loan_id].append(
            Payment(row.repayment_id, row.external_id, paid_on, row.amount_cents, purpose)
        )
    losses: _Losses = defaultdict(list)
    for row in await session.connection.execute(_LOSSES, place):
        losses[row.kind, row.loan_id].append(Loss(row.on_date, row.amount_cents))
    changes: _Changes = defaultdict(list)
    for row in await session.connection.execute(_CHANGES, place):
        changes[row.kind, row.loan_id].append(row)

    def read(row: Row[tuple[object, ...]]) -> LoanFacts:
        facts = LoanFacts(
            loan_id=row.loan_id,
            region_code=row.region_code,
            disbursed_on=row.disbursed_on,
            principal_cents=row.amount_cents,
            ladder=ladders[row.loan_id],
            payments=tuple(payments.get(row.loan_id, ())),
            conditions=_read_conditions(row),
        )
        if row.loan_id not in touched:
            return facts
        return _add_changes(facts, losses, changes)

    touched = {loan_id for _, loan_id in (*losses, *changes)}  # by more than payments
    prepaid = {of for of, made in payments.items() if any(payment.purpose for payment in made)}
    laid_anew = [*prepaid, *(loan_id for kind, loan_id in changes if kind != "fee")]
    terms_of = {**place, "with_terms": with_terms, "laid_anew": laid_anew}
    return [read(row) for row in await session.connection.execute(_LOANS, terms_of)]


def _add_changes(facts: LoanFacts, losses: _Losses, changes: _Changes) -> LoanFacts:
    """The loan with what happened to it beside payments."""
    loan_id = facts.loan_id
    return replace(
        facts,
        write_offs=tuple(losses["write_off", loan_id]),
        recoveries=tuple(losses["recovery", loan_id]),
        refunds=tuple(losses["refund", loan_id]),
        charges=tuple(
            Charge(c.fact_id, c.on_date, c.amount_cents) for c in changes["fee", loan_id]
        ),
        tranches=tuple(
            Tranche(c.fact_id, c.on_date, c.amount_cents, c.fees_withheld_cents)
            for c in changes["disbursement", loan_id]
        ),
        reschedulings=tuple(
            Rescheduling(c.fact_id, c.on_date, parse(_AGREED, c.terms))
            for c in changes["rescheduling", loan_id]
        ),
        moratoria=tuple(
            Moratorium(
                c.fact_id,
                c.on_date,
                MoratoriumKind(c.moratorium_kind),
                c.periods,
                MoratoriumInterest(c.interest),
            )
            for c in changes["moratorium", loan_id]
        ),
    )


def _read_conditions(row: Row[tuple[object, ...]]) -> Conditions:
    """The terms are those of the first disbursement, as its schedule was laid."""
    if row.terms is None and row.interest_accrual is None and row.allocation_order is None:
        return PLAIN
    terms = None
    if row.terms is not None:
        terms = replace(parse(_TERMS, row.terms), principal_cents=row.amount_cents)
    return Conditions(
        terms,
        Accrual(row.interest_accrual or Accrual.SCHEDULED),
        AllocationOrder(row.allocation_order or AllocationOrder.FEES_INTEREST_PRINCIPAL),
        bool(row.interest_on_overdue_interest),
    )


def parse(adapter: TypeAdapter[Read], document: object) -> Read:
    """What a jsonb column holds."""
    if isinstance(document, str):
        return adapter.validate_json(document)
    return adapter.validate_python(document)


async def list_loan_ids(session: ReadSession) -> list[UUID]:
    rows = await session.connection.execute(_LOAN_IDS, {"organisation": session.organisation_id})
    return [row.loan_id for row in rows]


def list_columns(kept: Mapping[UUID, Replayed | None]) -> KeptColumns:
    """The splits and states of these loans, but of those that are None, as they are kept."""
    put = {loan_id: replayed for loan_id, replayed in kept.items() if replayed is not None}
    splits = [replayed.allocations for replayed in put.values()]
    uses = [replayed.credit_uses for replayed in put.values()]
    states = [replayed.states for replayed in put.values()]
    return {
        "loan_id": list(put),
        "repayment_ids": [[a.repayment_id for a in each] for each in splits],
        "fees_cents": [array("q", [a.fees_cents for a in each]) for each in splits],
        "interest_cents": [array("q", [a.interest_cents for a in each]) for each in splits],
        "principal_cents": [array("q", [a.principal_cents for a in each]) for each in splits],
        "credit_repayment_ids": [[u.repayment_id for u in each] for each in uses],
        "credit_fee_ids": [[u.fee_id for u in each] for each in uses],
        "credit_used_on": [[u.on for u in each] for each in uses],
        "credit_used_cents": [[u.amount_cents for u in each] for each in uses],
        "from_on": [[s.from_on for s in each] for each in states],
        "outstanding_principal_cents": [
            array("q", [s.outstanding_principal_cents for s in each]) for each in states
        ],
        "oldest_unpaid_due_on": [[s.oldest_unpaid_due_on for s in each] for each in states],
    }


async def put_figures(session: WriteSession, columns: KeptColumns) -> None:
    """Keep these splits and states instead of those on record."""
    same = {"organisation_id": session.organisation_id}
    await insert_columns(session, tables.LoanFigures, columns, same, on_conflict=PUT_FIGURES)


async def forget_figures(session: WriteSession, loan_ids: Sequence[UUID]) -> None:
    """Take out the figures of these loans."""
    if loan_ids:
        place = {"organisation": session.organisation_id, "loans": loan_ids}
        await session.connection.execute(_FORGET_FIGURES, place)


async def add_daily_totals(session: WriteSession, change: DailyTotals) -> None:
    """Add a change to the totals on record."""
    rows = [
        {
            "organisation_id": session.organisation_id,
            "region_code": region,
            "on_date": day,
            **dict(zip(MEASURES, measures, strict=True)),
        }
        for (region, day), measures in sorted(change.items())
    ]
    await insert_rows(session, tables.DailyTotals, rows, on_conflict=_ADD_MEASURES)


async def load_daily_totals(session: ReadSession) -> DailyTotals:
    rows = await session.connection.execute(
        _DAILY_TOTALS, {"organisation": session.organisation_id}
    )
    totals = {(row.region_code, row.on_date): list(row[2:]) for row in rows}
    return {day: measures for day, measures in totals.items() if any(measures)}


async def load_allocations(session: ReadSession) -> dict[UUID, list[Allocation]]:
    found: dict[UUID, list[Allocation]] = defaultdict(list)
    for row in await session.connection.execute(
        _ALLOCATIONS, {"organisation": session.organisation_id}
    ):
        found[row.loan_id].append(
            Allocation(row.repayment_id, row.fees_cents, row.interest_cents, row.principal_cents)
        )
    return found


async def load_credit_uses(session: ReadSession) -> dict[UUID, list[CreditUse]]:
    found: dict[UUID, list[CreditUse]] = defaultdict(list)
    for row in await session.connection.execute(
        _CREDIT_USES, {"organisation": session.organisation_id}
    ):
        found[row.loan_id].append(
            CreditUse(row.repayment_id, row.fee_id, row.used_on, row.amount_cents)
        )
    return found


async def load_states(session: ReadSession) -> dict[UUID, list[LoanState]]:
    found: dict[UUID, list[LoanState]] = defaultdict(list)
    for row in await session.connection.execute(_STATES, {"organisation": session.organisation_id}):
        found[row.loan_id].append(
            LoanState(
                row.from_on,
                row.until_on,
                row.outstanding_principal_cents,
                row.oldest_unpaid_due_on,
            )
        )
    return found


_ADD_MEASURES = "(organisation_id, region_code, on_date) DO UPDATE SET " + ", ".join(
    f"{name} = daily_totals.{name} + excluded.{name}" for name in MEASURES
)
OF_LOANS = "organisation_id = :organisation AND loan_id = ANY(cast(:loans AS uuid[]))"

STANDS = """
    NOT EXISTS (SELECT FROM reversals r
                WHERE r.organisation_id = f.organisation_id
                  AND r.fact_kind = '{kind}' AND r.fact_id = f.{kind}_id)
"""
# LATERAL: of tables just filled PostgreSQL has no statistics yet, and a join may pass over all the
# disbursements for each loan.
FIRST_DISBURSEMENT = """
    CROSS JOIN LATERAL (
        SELECT disbursed_on, amount_cents FROM disbursements d
        WHERE d.organisation_id = f.organisation_id AND d.loan_id = f.loan_id AND d.number = 1
        LIMIT 1
    ) AS d
"""
_LOANS = text(
    f"""
    SELECT f.loan_id, f.region_code, d.disbursed_on, d.amount_cents,
           f.interest_accrual, f.allocation_order, f.interest_on_overdue_interest,
           CASE WHEN :with_terms OR f.interest_accrual = 'daily'
                     OR f.loan_id = ANY(cast(:laid_anew AS uuid[]))
                THEN f.terms END AS terms
    FROM loans f {FIRST_DISBURSEMENT}
    WHERE {OF_LOANS} AND {STANDS.format(kind="loan")} ORDER BY f.loan_id
    """
)
# One row a loan: a column of its instalments is an array.
_LADDERS = text(
    f"""
    SELECT loan_id, array_agg(due_on ORDER BY number) AS due,
           array_agg(fees_cents ORDER BY number) AS fees,
           array_agg(interest_cents ORDER BY number) AS interest,
           array_agg(principal_cents ORDER BY number) AS principal
    FROM instalments WHERE {OF_LOANS} AND version = 1 GROUP BY loan_id
    """
)
# external_id orders one day's payments as Python does: by code point, hence COLLATE "C".
_PAYMENTS = text(
    f"""
    SELECT f.loan_id, f.repayment_id, f.external_id, f.paid_on, f.amount_cents, f.purpose
    FROM repayments f WHERE {OF_LOANS} AND {STANDS.format(kind="repayment")}
    ORDER BY f.loan_id, f.paid_on, f.external_id COLLATE "C"
    """
)
_LOSSES = text(
    f"""
    SELECT 'write_off' AS kind, f.loan_id, f.written_off_on AS on_date, f.amount_cents
    FROM write_offs f WHERE {OF_LOANS} AND {STANDS.format(kind="write_off")}
    UNION ALL
    SELECT 'recovery', f.loan_id, f.recovered_on, f.amount_cents
    FROM recoveries f WHERE {OF_LOANS} AND {STANDS.format(kind="recovery")}
    UNION ALL
    SELECT 'refund', f.loan_id, f.refunded_on, f.amount_cents
    FROM refunds f WHERE {OF_LOANS} AND {STANDS.format(kind="refund")}
    ORDER BY 1, 2, 3, 4
    """
)
_CHANGES = text(
    f"""
    SELECT 'fee' AS kind, f.loan_id, f.fee_id AS fact_id, f.charged_on AS on_date, f.amount_cents,
           0 AS fees_withheld_cents,
           cast(NULL AS jsonb) AS terms, cast(NULL AS text) AS moratorium_kind,
           cast(NULL AS integer) AS periods, cast(NULL AS text) AS interest
    FROM fees f WHERE {OF_LOANS} AND {STANDS.format(kind="fee")}
    UNION ALL
    SELECT 'disbursement', f.loan_id, f.disbursement_id, f.disbursed_on, f.amount_cents,
           f.fees_withheld_cents, NULL, NULL, NULL, NULL
    FROM disbursements f
    WHERE {OF_LOANS} AND f.number > 1 AND {STANDS.format(kind="disbursement")}
    UNION ALL
    SELECT 'rescheduling', f.loan_id, f.rescheduling_id, f.rescheduled_on, 0, 0,
           f.terms, NULL, NULL, NULL
    FROM reschedulings f WHERE {OF_LOANS} AND {STANDS.format(kind="rescheduling")}
    UNION ALL
    SELECT 'moratorium', f.loan_id, f.moratorium_id, f.starts_on, 0, 0,
           NULL, f.kind, f.periods, f.interest
    FROM moratoria f WHERE {OF_LOANS} AND {STANDS.format(kind="moratorium")}
    """
)
_LOAN_IDS = text(
    f"""
    SELECT f.loan_id FROM loans f
    WHERE f.organisation_id = :organisation AND {STANDS.format(kind="loan")} ORDER BY f.loan_id
    """
)
PUT_FIGURES = "(organisation_id, loan_id) DO UPDATE SET " + ", ".join(
    f"{column.name} = excluded.{column.name}"
    for column in table_of(tables.LoanFigures).columns
    if not column.primary_key
)
_FORGET_FIGURES = text(f"DELETE FROM loan_figures WHERE {OF_LOANS}")
_DAILY_TOTALS = text(
    f"SELECT region_code, on_date, {', '.join(MEASURES)} FROM daily_totals"
    " WHERE organisation_id = :organisation"
)
_ALLOCATIONS = text(
    """
    SELECT a.loan_id, a.repayment_id, a.fees_cents, a.interest_cents, a.principal_cents
    FROM allocations a JOIN repayments f USING (organisation_id, loan_id, repayment_id)
    WHERE a.organisation_id = :organisation
    ORDER BY a.loan_id, f.paid_on, f.external_id COLLATE "C"
    """
)
_CREDIT_USES = text(
    """
    SELECT loan_id, repayment_id, fee_id, used_on, amount_cents FROM credit_uses
    WHERE organisation_id = :organisation ORDER BY loan_id, number
    """
)
_STATES = text(
    """
    SELECT loan_id, from_on, until_on, outstanding_principal_cents, oldest_unpaid_due_on
    FROM loan_states WHERE organisation_id = :organisation ORDER BY loan_id, from_on
    """
)
