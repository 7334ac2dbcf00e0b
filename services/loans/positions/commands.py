"""Keeping the figures beside the facts, in the transaction that changes the facts."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from uuid import UUID

from services.common import outbox
from services.common.database import WriteSession
from services.loans.positions import queries, schedule_queries
from services.loans.positions.daily_totals import DailyTotals, add_days
from services.loans.positions.figures import Change, Figures, Relaid, find_figures
from services.loans.positions.plain import (
    PlainFigures,
    PlainLoans,
    PlainPayments,
    find_plain_figures,
)
from services.loans.positions.plain_queries import encode_figures, put_plain_figures
from services.loans.positions.telling import (
    EVENT,
    Told,
    list_payloads,
    list_plain_payloads,
    tell_move,
)

LOANS_AT_ONCE = 500
"""The replays of so many loans are held together: those of a large import would fill the memory."""


@dataclass(slots=True)
class _Found:
    """What is to be written of all the loans that changed."""

    columns: dict[str, list[object]] = field(default_factory=lambda: defaultdict(list))
    gone: list[UUID] = field(default_factory=list)
    days: DailyTotals = field(default_factory=dict)
    schedules: dict[UUID, Relaid] = field(default_factory=dict)
    events: list[str] = field(default_factory=list)
    encoded: bytes = b""

    def add(self, figures: Figures) -> None:
        for name, values in queries.list_columns(figures.kept).items():
            self.columns[name].extend(values)
        self.gone += [loan_id for loan_id, replayed in figures.kept.items() if replayed is None]
        add_days(self.days, figures.days)
        self.schedules |= figures.schedules

    def add_plain(self, figures: PlainFigures) -> None:
        self.encoded = encode_figures(figures)
        add_days(self.days, figures.days)
        self.events += map(outbox.to_text, list_plain_payloads(figures))
        self.events += map(outbox.to_text, list_payloads(map(tell_move, figures.moves)))


async def keep_figures(
    session: WriteSession,
    changes: Iterable[Change],
    recorded_by: str,
    tell: Callable[[Figures], Iterable[Told]],
    facts: Awaitable[object] | None = None,
    plain: tuple[PlainLoans, PlainPayments] | None = None,
) -> None:
    """Rebuild the kept figures of the loans that changed, and write what differs.

    The other services hear of the facts that `tell` lists, and of what moved; it is asked for those
    of some loans after the other. All of it takes seconds for a large import: `facts`, which
    PostgreSQL writes first, are awaited meanwhile.
    """
    finding = asyncio.create_task(asyncio.to_thread(_find, changes, tell, plain))
    if facts is not None:
        await facts
    found = await finding
    await queries.put_figures(session, found.columns)
    if found.encoded:
        await put_plain_figures(session, found.encoded)
    await queries.forget_figures(session, found.gone)
    await schedule_queries.put_schedules(session, found.schedules, recorded_by)
    await queries.add_daily_totals(session, found.days)
    await outbox.append_texts(session, EVENT, found.events)


def _find(
    changes: Iterable[Change],
    tell: Callable[[Figures], Iterable[Told]],
    plain: tuple[PlainLoans, PlainPayments] | None,
) -> _Found:
    found = _Found()

    def tell_in_turn() -> Iterator[Told]:
        left = iter(changes)
        while some := list(islice(left, LOANS_AT_ONCE)):
            figures = find_figures(some)
            found.add(figures)
            yield from tell(figures)
            yield from map(tell_move, figures.moves)

    found.events = list(map(outbox.to_text, list_payloads(tell_in_turn())))
    if plain is not None:
        found.add_plain(find_plain_figures(*plain))
    return found
