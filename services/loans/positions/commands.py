"""Keeping the figures beside the facts, in the transaction that changes the facts."""

import asyncio
from collections.abc import Iterable, Sequence

from services.common import outbox
from services.common.database import WriteSession
from services.common.errors import JsonValue
from services.loans.positions import queries, schedule_queries
from services.loans.positions.figures import Change, Figures, Move, find_figures

FACTS_PER_EVENT_MAX = 1000


async def keep_figures(
    session: WriteSession, changes: Sequence[Change], recorded_by: str
) -> Figures:
    """Rebuild the kept figures of the loans that changed, and write what differs."""
    figures = await asyncio.to_thread(find_figures, changes)  # seconds, for a large import
    await queries.put_figures(session, figures.kept)
    await schedule_queries.put_schedules(session, figures.schedules, recorded_by)
    await queries.add_daily_totals(session, figures.days)
    return figures


async def tell_facts(
    session: WriteSession, facts: Iterable[JsonValue], moves: Iterable[Move] = ()
) -> None:
    """Tell the other services what was recorded, and what moved: one event a thousand facts."""
    told = [*facts, *map(_tell_move, moves)]
    batches: list[JsonValue] = [
        {"facts": told[start : start + FACTS_PER_EVENT_MAX]}
        for start in range(0, len(told), FACTS_PER_EVENT_MAX)
    ]
    await outbox.append_all(session, "loans.recorded", batches)


def _tell_move(move: Move) -> JsonValue:
    return {
        "kind": "allocation",
        "id": str(move.repayment_id),
        "loan_id": str(move.loan_id),
        "on": move.paid_on.isoformat(),
        "amount_cents": 0,
        "principal_cents": move.principal_cents,
        "interest_cents": move.interest_cents,
        "fees_cents": move.fees_cents,
    }
