"""Comparing what two services keep apart: what borrowers owe, and which months are locked.

Each wrote its own; they agree once the funds have followed every event of the loans.
"""

import uuid
from dataclasses import dataclass

from pydantic import SecretStr
from sqlalchemy import TextClause, text

from services.common.database import open_database
from services.common.outbox import read_positions


@dataclass(frozen=True, slots=True)
class _Book:
    """By organisation: how far its events go, what each side owes the other, locked months."""

    positions: dict[uuid.UUID, int]
    owed: dict[uuid.UUID, "_Owed"]
    locked: dict[uuid.UUID, list[str]]


@dataclass(frozen=True, slots=True)
class _Owed:
    """Cents of principal that borrowers owe, and of what they paid beyond what is asked."""

    by_borrowers: int = 0
    to_borrowers: int = 0


_OWED_BY_LOANS = text(
    """
    WITH refunded AS (
        SELECT f.organisation_id, sum(f.amount_cents) AS cents FROM refunds f
        WHERE NOT EXISTS (SELECT FROM reversals r
                          WHERE r.organisation_id = f.organisation_id
                            AND r.fact_kind = 'refund' AND r.fact_id = f.refund_id)
        GROUP BY 1
    )
    SELECT t.organisation_id, sum(t.outstanding_change_cents) AS by_borrowers,
           sum(t.repayments_cents - t.principal_cents - t.interest_cents - t.fees_cents)
               - coalesce(max(r.cents), 0) AS to_borrowers
    FROM daily_totals t LEFT JOIN refunded r USING (organisation_id)
    GROUP BY 1
    """
)
_OWED_BY_JOURNAL = text(
    """
    SELECT organisation_id,
           coalesce(sum(amount_cents) FILTER (WHERE account = 'loans:receivable'), 0)
               AS by_borrowers,
           coalesce(-sum(amount_cents) FILTER (WHERE account = 'liability:borrowers'), 0)
               AS to_borrowers
    FROM account_days GROUP BY organisation_id
    """
)
_LOCKED = text(
    """
    SELECT organisation_id, array_agg(to_char(month_on, 'YYYY-MM') ORDER BY month_on) AS months
    FROM (
        SELECT DISTINCT ON (organisation_id, month_on) organisation_id, month_on, kind
        FROM period_events WHERE kind IN ('locked', 'reopened')
        ORDER BY organisation_id, month_on, event_number DESC
    ) AS latest WHERE kind = 'locked' GROUP BY organisation_id
    """
)
_POSTED = text(
    "SELECT organisation_id, last_event_number FROM journal_cursors WHERE source = 'loans'"
)


async def reconcile(loans_totals_url: SecretStr, funds_totals_url: SecretStr) -> list[str]:
    """The differences, one sentence each.

    An organisation whose latest events are still on their way is compared once they are posted.
    """
    loans = await _read(loans_totals_url, _OWED_BY_LOANS, None)
    journal = await _read(funds_totals_url, _OWED_BY_JOURNAL, _POSTED)
    nothing = _Owed()
    told = [
        organisation
        for organisation, number in loans.positions.items()
        if journal.positions.get(organisation, 0) == number
    ]
    return [
        *(
            f"organisation {organisation}: the loans say {said}, the journal {posted} (cents)"
            for organisation in told
            if (said := loans.owed.get(organisation, nothing))
            != (posted := journal.owed.get(organisation, nothing))
        ),
        *(
            f"organisation {organisation}: locked in the loans {closed}, in the funds {kept}"
            for organisation in told
            if (closed := loans.locked.get(organisation, []))
            != (kept := journal.locked.get(organisation, []))
        ),
    ]


async def _read(url: SecretStr, owed: TextClause, positions: TextClause | None) -> _Book:
    database = open_database(url, 1)
    try:
        async with database.read_totals("verify") as session:
            rows = await session.connection.execute(owed)
            found = {
                row.organisation_id: _Owed(int(row.by_borrowers), int(row.to_borrowers))
                for row in rows
            }
            months = await session.connection.execute(_LOCKED)
            locked = {row.organisation_id: list(row.months) for row in months}
            if positions is None:
                return _Book(await read_positions(session), found, locked)
            posted = await session.connection.execute(positions)
            reached = {row.organisation_id: row.last_event_number for row in posted}
            return _Book(reached, found, locked)
    finally:
        await database.close()
