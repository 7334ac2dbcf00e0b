"""Comparing the two independent books: what the loans say borrowers owe, what the journal says.

Each service wrote its own; they agree to the cent once the journal has posted every event.
"""

import uuid
from dataclasses import dataclass

from pydantic import SecretStr
from sqlalchemy import TextClause, text

from services.common.database import open_database
from services.common.outbox import read_positions


@dataclass(frozen=True, slots=True)
class _Book:
    """By organisation: how far its events go, and the principal borrowers owe, in cents."""

    positions: dict[uuid.UUID, int]
    owed_cents: dict[uuid.UUID, int]


_OWED_BY_LOANS = text(
    "SELECT organisation_id, sum(outstanding_change_cents) AS owed_cents FROM daily_totals"
    " GROUP BY organisation_id"
)
_OWED_BY_JOURNAL = text(
    "SELECT organisation_id, sum(amount_cents) AS owed_cents FROM account_days"
    " WHERE account = 'loans:receivable' GROUP BY organisation_id"
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
    return [
        f"organisation {organisation}: {loans.owed_cents.get(organisation, 0)} cents owed by the"
        f" loans, {journal.owed_cents.get(organisation, 0)} receivable in the journal"
        for organisation, number in loans.positions.items()
        if journal.positions.get(organisation, 0) == number
        and journal.owed_cents.get(organisation, 0) != loans.owed_cents.get(organisation, 0)
    ]


async def _read(url: SecretStr, owed: TextClause, positions: TextClause | None) -> _Book:
    database = open_database(url, 1)
    try:
        async with database.read_totals("verify") as session:
            rows = await session.connection.execute(owed)
            owed_cents = {row.organisation_id: int(row.owed_cents) for row in rows}
            if positions is None:
                return _Book(await read_positions(session), owed_cents)
            posted = await session.connection.execute(positions)
            return _Book({r.organisation_id: r.last_event_number for r in posted}, owed_cents)
    finally:
        await database.close()
