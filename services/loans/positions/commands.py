"""Keeping the figures beside the facts, in the transaction that changes the facts."""

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from itertools import chain, islice

from services.common import outbox
from services.common.database import WriteSession
from services.common.errors import JsonValue
from services.loans.positions import queries, schedule_queries
from services.loans.positions.figures import Change, Figures, Move, find_figures

FACTS_PER_EVENT_MAX = 1000


async def keep_figures(
    session: WriteSession,
    changes: Sequence[Change],
    recorded_by: str,
    facts: Awaitable[None] | None = None,
) -> Figures:
    """Rebuild the kept figures of the loans that changed, and write what differs.

    Both take seconds for a large import: `facts`, which PostgreSQL writes first, are awaited while
    the figures are found.
    """
    finding = asyncio.create_task(asyncio.to_thread(find_figures, changes))
    if facts is not None:
        await facts
    figures = await finding
    await queries.put_figures(session, figures.kept)
    await schedule_queries.put_schedules(session, figures.schedules, recorded_by)
    await queries.add_daily_totals(session, figures.days)
    return figures


async def tell_facts(
    session: WriteSession, facts: Iterable[JsonValue], moves: Iterable[Move] = ()
) -> None:
    """Tell the other services what was recorded, and what moved: one event a thousand facts."""
    told = chain(facts, map(_tell_move, moves))
    batches = iter(lambda: list(islice(told, FACTS_PER_EVENT_MAX)), [])
    await outbox.append_all(session, "loans.recorded", ({"facts": batch} for batch in batches))


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
