"""The totals an import is answered with, before and after."""

from datetime import date

from sqlalchemy import text

from services.common.database import ReadSession
from services.common.money import format_cents


async def read_totals(session: ReadSession, today: date) -> dict[str, int | str]:
    """What is on record of the organisation at the end of `today`, in two statements."""
    place = {"organisation": session.organisation_id}
    money = (await session.connection.execute(_MONEY, {**place, "today": today})).one()
    follow_up = (await session.connection.execute(_COUNTS, place)).one()
    return {
        "borrowers": int(follow_up.borrowers),
        "loans": int(money.loans_count),
        "loans_amount": format_cents(int(money.loans_cents)),
        "outstanding_principal": format_cents(int(money.outstanding_cents)),
        "repayments": int(money.repayments_count),
        "repayments_amount": format_cents(int(money.repayments_cents)),
        "coaching_sessions": int(follow_up.coaching_sessions),
        "outcomes": int(follow_up.outcomes),
    }


_MONEY = text(
    """
    SELECT coalesce(sum(loans_count), 0) AS loans_count,
           coalesce(sum(loans_cents), 0) AS loans_cents,
           coalesce(sum(outstanding_change_cents), 0) AS outstanding_cents,
           coalesce(sum(repayments_count), 0) AS repayments_count,
           coalesce(sum(repayments_cents), 0) AS repayments_cents
    FROM daily_totals WHERE organisation_id = :organisation AND on_date <= :today
    """
)
# Reversals of follow-up facts are few: subtracting them is a count of their own.
_COUNTS = text(
    """
    SELECT (SELECT count(*) FROM borrowers WHERE organisation_id = :organisation) AS borrowers,
           (SELECT count(*) FROM coaching_sessions WHERE organisation_id = :organisation)
           - count(*) FILTER (WHERE fact_kind = 'coaching_session') AS coaching_sessions,
           (SELECT count(*) FROM outcomes WHERE organisation_id = :organisation)
           - count(*) FILTER (WHERE fact_kind = 'outcome') AS outcomes
    FROM reversals WHERE organisation_id = :organisation
    """
)
