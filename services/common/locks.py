"""Refusing facts dated in a locked month. The caller holds the organisation's write lock, and so
does whoever locks a month: one of them comes first, and the other sees it.

Each service reads its own table `period_events`: the loans service writes what happens to a month,
the funds service what it is told of locks and reopenings (services/funds/locks).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date

from sqlalchemy import text

from services.common.database import ReadSession, WriteSession
from services.common.errors import InputError
from services.common.recording import Draft, Known, Sorted, to_problem
from services.common.text import Text

CODE = "reporting_period.locked"


async def refuse_locked(
    session: WriteSession,
    pointer: str,
    dates: Iterable[tuple[int, date]],
    refused: dict[int, list[InputError]],
) -> None:
    """Refuse the rows of a batch with a date in a locked month: one statement for all of them.

    A row has the date it counts on; one that corrects a fact, that fact's date too.
    """
    found = list(dates)
    months = {day.replace(day=1) for day in {day for _, day in found}}
    locked = await find_locked(session, months) if months else set()
    if locked:
        for row, month in dict.fromkeys((row, day.replace(day=1)) for row, day in found):
            if month in locked:
                refused.setdefault(row, []).append(_refusal(pointer, month))


def list_dates(
    batch: Sorted,
    drafts: Sequence[Draft],
    on_record: Mapping[str, Known[Draft]],
    day_of: Callable[[Draft], date],
) -> list[tuple[int, date]]:
    """The dates of the rows to record, and of the standing facts that corrections replace."""
    replaced = {row: on_record[drafts[row].external_id] for row in batch.changed}
    return [
        *((row, day_of(drafts[row])) for row in batch.to_record),
        *list_replaced_dates(replaced, day_of),
    ]


def list_replaced_dates(
    replaced: Mapping[int, Known[Draft]], day_of: Callable[[Draft], date]
) -> Iterator[tuple[int, date]]:
    """The dates of the facts, by the row that replaces each, that still stand."""
    return ((row, day_of(old.draft)) for row, old in replaced.items() if not old.is_reversed)


async def require_unlocked(session: WriteSession, pointer: str, day: date) -> None:
    """For one fact. Raises Unprocessable."""
    if await find_locked(session, [day.replace(day=1)]):
        raise to_problem([_refusal(pointer, day)])


def _refusal(pointer: str, day: date) -> InputError:
    """`day` is any of the locked month."""
    month = f"{day:%Y-%m}"
    message = Text(
        f"Le mois {month} est verrouillé : demandez sa réouverture, ou corrigez par un fait daté "
        "d'un mois ouvert.",
        f"The month {month} is locked: ask for its reopening, or correct with a fact dated in an "
        "open month.",
    )
    return InputError(pointer, CODE, message)


async def find_locked(session: ReadSession, months: Iterable[date]) -> set[date]:
    """Of these months, each by its first day, those that are locked."""
    rows = await session.connection.execute(
        _LOCKED, {"organisation": session.organisation_id, "months": list(months)}
    )
    return {row.month_on for row in rows}


# A lock holds until the reopening that follows it. Where nothing was ever locked, the primary key
# answers at once.
_LOCKED = text(
    """
    SELECT month_on FROM (
        SELECT DISTINCT ON (month_on) month_on, kind FROM period_events
        WHERE organisation_id = :organisation
          AND month_on = ANY(cast(:months AS date[])) AND kind IN ('locked', 'reopened')
        ORDER BY month_on, event_number DESC
    ) AS latest WHERE kind = 'locked'
    """
)
