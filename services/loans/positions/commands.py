"""Keeping the figures beside the facts, in the transaction that changes the facts."""

import asyncio
from collections.abc import Awaitable, Iterable, Mapping, Sequence
from datetime import date
from itertools import chain, islice
from uuid import UUID

from services.common import outbox
from services.common.database import WriteSession
from services.common.errors import JsonValue
from services.loans.positions import queries, schedule_queries
from services.loans.positions.arithmetic import Allocation
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


def tell_fact(
    kind: str,
    fact_id: UUID,
    loan_id: UUID,
    on: date,
    amount_cents: int,
    split: Allocation | Move | None = None,
    fees_cents: int = 0,
) -> dict[str, JsonValue]:
    """A fact as other services hear of it; without a split, all of it is principal."""
    return {
        "kind": kind,
        "id": str(fact_id),
        "loan_id": str(loan_id),
        "on": on.isoformat(),
        "amount_cents": amount_cents,
        "principal_cents": amount_cents if split is None else split.principal_cents,
        "interest_cents": 0 if split is None else split.interest_cents,
        "fees_cents": fees_cents if split is None else split.fees_cents,
    }


def tell_reversal(told: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """The same fact taken back, as it stood."""
    return {**told, "kind": "reversal", "reversed_kind": told["kind"]}


def _tell_move(move: Move) -> JsonValue:
    return tell_fact("allocation", move.repayment_id, move.loan_id, move.on, 0, move)
