"""Keeping the figures beside the facts, in the transaction that changes the facts."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from services.common import outbox
from services.common.database import WriteSession
from services.loans.positions import queries, schedule_queries
from services.loans.positions.figures import Change, Figures, find_figures
from services.loans.positions.telling import EVENT, Told, list_payloads


async def keep_figures(
    session: WriteSession,
    changes: Iterable[Change],
    recorded_by: str,
    tell: Callable[[Figures], Iterable[Told]],
    facts: Awaitable[None] | None = None,
) -> None:
    """Rebuild the kept figures of the loans that changed, and write what differs.

    The other services hear of the facts that `tell` lists, and of what moved. All of it takes
    seconds for a large import: `facts`, which PostgreSQL writes first, are awaited meanwhile.
    """

    def find() -> tuple[Figures, queries.KeptColumns, list[str]]:
        figures = find_figures(changes)
        payloads = list_payloads(tell(figures), figures.moves)
        columns = queries.list_columns(figures.kept)
        return figures, columns, list(map(outbox.to_text, payloads))

    finding = asyncio.create_task(asyncio.to_thread(find))
    if facts is not None:
        await facts
    figures, columns, events = await finding
    await queries.put_figures(session, columns)
    await queries.forget_figures(session, figures.kept)
    await schedule_queries.put_schedules(session, figures.schedules, recorded_by)
    await queries.add_daily_totals(session, figures.days)
    await outbox.append_texts(session, EVENT, events)
