"""The facts a position depends on, and the figures kept beside them."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import text

from services.common.bulk import insert_rows
from services.common.database import ReadSession, WriteSession
from services.loans import tables
from services.loans.positions.arithmetic import (
    Allocation,
    LoanFacts,
    LoanState,
    Loss,
    Payment,
)
from services.loans.positions.daily_totals import MEASURES, DailyTotals
from services.loans.positions.ladder import Ladder


async def load_facts(session: ReadSession, loan_ids: Sequence[UUID]) -> list[LoanFacts]:
    """The facts that stand of these loans, in four statements whatever their number."""
    place = {"organisation": session.organisation_id, "loans": list(loan_ids)}
    ladders = {
        row.loan_id: Ladder(row.due, row.fees, row.interest, row.principal)
        for row in await session.connection.execute(_LADDERS, place)
    }
    payments: dict[UUID, list[Payment]] = defaultdict(list)
    for row in (await session.connection.execute(_PAYMENTS, place)).all():
        payments[row.loan_id].append(Payment(*row[1:]))
    losses: dict[tuple[str, UUID], list[Loss]] = defaultdict(list)
    for row in await session.connection.execute(_LOSSES, place):
        losses[row.kind, row.loan_id].append(Loss(row.on_date, row.amount_cents))
    return [
        LoanFacts(
            loan_id=row.loan_id,
            region_code=row.region_code,
            disbursed_on=row.disbursed_on,
            principal_cents=row.amount_cents,
            ladder=ladders[row.loan_id],
            payments=tuple(payments[row.loan_id]),
            write_offs=tuple(losses["write_off", row.loan_id]),
            recoveries=tuple(losses["recovery", row.loan_id]),
        )
        for row in await session.connection.execute(_LOANS, place)
    ]


async def list_loan_ids(session: ReadSession) -> list[UUID]:
    rows = await session.connection.execute(_LOAN_IDS, {"organisation": session.organisation_id})
    return [row.loan_id for row in rows]


async def put_allocations(
    session: WriteSession, allocations: Sequence[tuple[UUID, Allocation]]
) -> None:
    """Keep these splits, each with its loan, instead of those on record for the same repayments."""
    rows = [
        {
            "organisation_id": session.organisation_id,
            "loan_id": loan_id,
            "repayment_id": a.repayment_id,
            "fees_cents": a.fees_cents,
            "interest_cents": a.interest_cents,
            "principal_cents": a.principal_cents,
        }
        for loan_id, a in allocations
    ]
    await insert_rows(session, tables.Allocation, rows, on_conflict=_PUT_ALLOCATION)


async def forget_allocations(session: WriteSession, gone: Sequence[tuple[UUID, UUID]]) -> None:
    """Take out the splits of these repayments, each named after its loan."""
    if gone:
        await session.connection.execute(_FORGET_ALLOCATIONS, _name(session, gone))


async def put_states(session: WriteSession, states: Sequence[tuple[UUID, LoanState]]) -> None:
    """Keep these states, each with its loan, instead of those on record from the same days."""
    rows = [
        {
            "organisation_id": session.organisation_id,
            "loan_id": loan_id,
            "from_on": s.from_on,
            "until_on": s.until_on,
            "outstanding_principal_cents": s.outstanding_principal_cents,
            "oldest_unpaid_due_on": s.oldest_unpaid_due_on,
        }
        for loan_id, s in states
    ]
    await insert_rows(session, tables.LoanState, rows, on_conflict=_PUT_STATE)


async def forget_states(session: WriteSession, gone: Sequence[tuple[UUID, date]]) -> None:
    """Take out the states that begin on these days, each named after its loan."""
    if gone:
        await session.connection.execute(_FORGET_STATES, _name(session, gone))


def _name(session: WriteSession, gone: Sequence[tuple[UUID, UUID | date]]) -> dict[str, object]:
    return {
        "organisation": session.organisation_id,
        "loans": [loan_id for loan_id, _ in gone],
        "keys": [key for _, key in gone],
    }


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
_OF_LOANS = "organisation_id = :organisation AND loan_id = ANY(cast(:loans AS uuid[]))"

_LOANS = text(
    f"""
    SELECT l.loan_id, l.region_code, d.disbursed_on, d.amount_cents
    FROM loans l JOIN disbursements d USING (organisation_id, loan_id)
    WHERE {_OF_LOANS} ORDER BY l.loan_id
    """
)
# One row a loan: a column of its instalments is an array.
_LADDERS = text(
    f"""
    WITH newest AS (
        SELECT organisation_id, loan_id, max(version) AS version
        FROM schedule_versions WHERE {_OF_LOANS} GROUP BY 1, 2
    )
    SELECT i.loan_id, array_agg(i.due_on ORDER BY i.number) AS due,
           array_agg(i.fees_cents ORDER BY i.number) AS fees,
           array_agg(i.interest_cents ORDER BY i.number) AS interest,
           array_agg(i.principal_cents ORDER BY i.number) AS principal
    FROM newest JOIN instalments i USING (organisation_id, loan_id, version)
    GROUP BY i.loan_id
    """
)
_STANDS = """
    NOT EXISTS (SELECT FROM reversals r
                WHERE r.organisation_id = f.organisation_id
                  AND r.fact_kind = '{kind}' AND r.fact_id = f.{kind}_id)
"""
# external_id orders one day's payments as Python does: by code point, hence COLLATE "C".
_PAYMENTS = text(
    f"""
    SELECT f.loan_id, f.repayment_id, f.external_id, f.paid_on, f.amount_cents
    FROM repayments f WHERE {_OF_LOANS} AND {_STANDS.format(kind="repayment")}
    ORDER BY f.loan_id, f.paid_on, f.external_id COLLATE "C"
    """
)
_LOSSES = text(
    f"""
    SELECT 'write_off' AS kind, f.loan_id, f.written_off_on AS on_date, f.amount_cents
    FROM write_offs f WHERE {_OF_LOANS} AND {_STANDS.format(kind="write_off")}
    UNION ALL
    SELECT 'recovery', f.loan_id, f.recovered_on, f.amount_cents
    FROM recoveries f WHERE {_OF_LOANS} AND {_STANDS.format(kind="recovery")}
    ORDER BY 1, 2, 3, 4
    """
)
_LOAN_IDS = text("SELECT loan_id FROM loans WHERE organisation_id = :organisation ORDER BY loan_id")
_PUT_ALLOCATION = """(organisation_id, loan_id, repayment_id) DO UPDATE SET
    fees_cents = excluded.fees_cents, interest_cents = excluded.interest_cents,
    principal_cents = excluded.principal_cents"""
_PUT_STATE = """(organisation_id, loan_id, from_on) DO UPDATE SET
    until_on = excluded.until_on,
    outstanding_principal_cents = excluded.outstanding_principal_cents,
    oldest_unpaid_due_on = excluded.oldest_unpaid_due_on"""
_FORGET_ALLOCATIONS = text(
    """
    DELETE FROM allocations WHERE organisation_id = :organisation
      AND (loan_id, repayment_id) IN (
          SELECT * FROM unnest(cast(:loans AS uuid[]), cast(:keys AS uuid[])))
    """
)
_FORGET_STATES = text(
    """
    DELETE FROM loan_states WHERE organisation_id = :organisation
      AND (loan_id, from_on) IN (
          SELECT * FROM unnest(cast(:loans AS uuid[]), cast(:keys AS date[])))
    """
)
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
_STATES = text(
    """
    SELECT loan_id, from_on, until_on, outstanding_principal_cents, oldest_unpaid_due_on
    FROM loan_states WHERE organisation_id = :organisation ORDER BY loan_id, from_on
    """
)
