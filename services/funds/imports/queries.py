"""The totals an import is answered with, before and after."""

from datetime import date

from sqlalchemy import text

from services.common.database import ReadSession
from services.common.money import format_cents


async def read_totals(session: ReadSession, today: date) -> dict[str, int | str]:
    """What contributors put into the fund up to `today`, reversals taken out."""
    row = (
        await session.connection.execute(
            _CONTRIBUTIONS, {"organisation": session.organisation_id, "today": today}
        )
    ).one()
    return {
        "contributions": int(row.contributions_count),
        "contributions_amount": format_cents(int(row.contributions_cents)),
    }


_CONTRIBUTIONS = text(
    """
    SELECT count(*) AS contributions_count,
           coalesce(sum(amount_cents), 0) AS contributions_cents
    FROM contributions c
    WHERE organisation_id = :organisation AND received_on <= :today
      AND NOT EXISTS (SELECT FROM contribution_reversals s
                      WHERE s.organisation_id = c.organisation_id
                        AND s.contribution_id = c.contribution_id)
    """
)
