"""A month's state, deadline, lateness and digest."""

from dataclasses import replace
from datetime import date
from itertools import product
from uuid import UUID

import pytest

from services.common.errors import JsonValue
from services.loans.periods.arithmetic import (
    Asking,
    Deadline,
    MonthRecord,
    PeriodEvent,
    Start,
    State,
    Step,
    add_up,
    digest_figures,
    end_of,
    find_state,
    may_follow,
    months_between,
)

MARCH = date(2026, 3, 1)
LATER = date(2026, 5, 1)
ALWAYS = Start(date(1900, 1, 1), date(1900, 1, 1))
FIFTEEN_DAYS = Asking([ALWAYS], [Deadline(date(1900, 1, 1), 15)])
SUBMITTED, APPROVED, REJECTED = Step.SUBMITTED, Step.APPROVED, Step.REJECTED
LOCKED, REQUESTED, REOPENED = Step.LOCKED, Step.REOPENING_REQUESTED, Step.REOPENED


@pytest.mark.parametrize(
    ("steps", "state"),
    [
        ([], State.OPEN),
        ([SUBMITTED], State.SUBMITTED),
        ([SUBMITTED, SUBMITTED], State.SUBMITTED),
        ([SUBMITTED, REJECTED], State.OPEN),
        ([SUBMITTED, APPROVED], State.APPROVED),
        ([SUBMITTED, APPROVED, SUBMITTED], State.SUBMITTED),
        ([SUBMITTED, APPROVED, REJECTED], State.OPEN),
        ([SUBMITTED, APPROVED, LOCKED], State.LOCKED),
        ([SUBMITTED, APPROVED, LOCKED, REQUESTED], State.LOCKED),
        ([SUBMITTED, APPROVED, LOCKED, REQUESTED, REOPENED], State.OPEN),
    ],
)
def test_state_follows_from_the_steps(steps: list[Step], state: State) -> None:
    assert find_state(MARCH, steps, LATER) is state


def test_a_month_is_expected_until_it_is_over() -> None:
    assert find_state(MARCH, [], date(2026, 3, 31)) is State.EXPECTED
    assert find_state(MARCH, [], date(2026, 4, 1)) is State.OPEN
    assert find_state(MARCH, [SUBMITTED], date(2026, 3, 31)) is State.SUBMITTED


def test_what_may_follow_what() -> None:
    """Every pair but these is refused."""
    allowed = {pair for pair in product(State, Step) if may_follow(*pair)}
    assert allowed == {
        (State.OPEN, SUBMITTED),
        (State.SUBMITTED, SUBMITTED),
        (State.APPROVED, SUBMITTED),
        (State.SUBMITTED, APPROVED),
        (State.SUBMITTED, REJECTED),
        (State.APPROVED, REJECTED),
        (State.APPROVED, LOCKED),
        (State.LOCKED, REQUESTED),
        (State.LOCKED, REOPENED),
    }
    with pytest.raises(AssertionError):
        find_state(MARCH, [APPROVED], LATER)


def test_the_deadline_in_force_for_the_month() -> None:
    deadlines = [Deadline(date(1900, 1, 1), 15), Deadline(date(2026, 4, 1), 20)]
    asking = Asking([ALWAYS], deadlines)
    assert asking.due_on(MARCH) == date(2026, 4, 15)
    assert asking.due_on(date(2026, 4, 1)) == date(2026, 5, 20)
    at_once = Asking([ALWAYS], [Deadline(date(1900, 1, 1), 0)])
    assert at_once.due_on(date(2028, 2, 1)) == date(2028, 2, 29)


def test_nobody_is_late_for_what_nobody_had_asked() -> None:
    """Asked in October from October on; in November from August on, then from September on."""
    october = Start(date(2026, 10, 1), date(2026, 10, 5))
    august = Start(date(2026, 8, 1), date(2026, 11, 22))
    september = Start(date(2026, 9, 1), date(2026, 12, 1))
    first = replace(FIFTEEN_DAYS, starts=[october])
    moved = replace(FIFTEEN_DAYS, starts=[october, august])
    today = date(2027, 1, 31)
    assert first.due_on(october.month) == moved.due_on(october.month) == date(2026, 11, 15)
    assert not first.is_asked(september.month)
    assert first.days_late(september.month, None, today) == 0
    for month in (august.month, september.month):
        assert moved.is_asked(month)
        assert moved.due_on(month) == date(2026, 12, 7)  # 15 days after 22 November
        assert moved.days_late(month, date(2026, 12, 8), today) == 1
    last = replace(FIFTEEN_DAYS, starts=[october, august, september])
    assert (last.is_asked(august.month), last.days_late(august.month, None, today)) == (False, 0)
    assert last.due_on(september.month) == date(2026, 12, 7)


@pytest.mark.parametrize(
    ("submitted_on", "today", "days"),
    [
        (date(2026, 4, 10), date(2027, 1, 1), 0),
        (date(2026, 4, 15), date(2027, 1, 1), 0),
        (date(2026, 4, 16), date(2027, 1, 1), 1),
        (None, date(2026, 4, 15), 0),
        (None, date(2026, 4, 25), 10),
    ],
)
def test_days_late(submitted_on: date | None, today: date, days: int) -> None:
    assert FIFTEEN_DAYS.days_late(MARCH, submitted_on, today) == days


def event(step: Step, day: int, number: int) -> PeriodEvent:
    return PeriodEvent(UUID(int=number), step, date(2026, 4, day), "key")


def test_a_record_of_a_month() -> None:
    steps = (SUBMITTED, REJECTED, SUBMITTED, APPROVED, LOCKED, REQUESTED, REQUESTED)
    events = tuple(event(step, 10 + n, n) for n, step in enumerate(steps))
    month = MonthRecord(MARCH, events, FIFTEEN_DAYS, LATER)
    assert month.submitted_on == date(2026, 4, 10)
    assert month.submission == events[2]
    assert month.pending_requests == list(events[5:])
    assert (month.days_late, month.last) == (0, events[-1])
    reopened = MonthRecord(MARCH, (*events, event(REOPENED, 20, 8)), month.asking, LATER)
    assert reopened.pending_requests == []
    assert reopened.state is State.OPEN
    empty = MonthRecord(MARCH, (), month.asking, LATER)
    assert (empty.last, empty.submission, empty.submitted_on, empty.days_late) == (
        None,
        None,
        None,
        16,
    )


def test_months_of_a_range() -> None:
    assert months_between(date(2025, 11, 30), date(2026, 2, 1)) == [
        date(2025, 11, 1),
        date(2025, 12, 1),
        date(2026, 1, 1),
        date(2026, 2, 1),
    ]
    assert months_between(date(2026, 2, 2), date(2026, 1, 31)) == []
    assert end_of(date(2028, 2, 1)) == date(2028, 2, 29)


def test_the_digest_names_organisation_month_and_figures() -> None:
    figures: JsonValue = {"loans": {"count": 1, "amount": "10.00"}}
    same = digest_figures("montreal", MARCH, {"loans": {"amount": "10.00", "count": 1}})
    assert digest_figures("montreal", MARCH, figures) == same
    # printf '{"figures":{"loans":{"amount":"10.00","count":1}},"month":"2026-03",
    # "organisation":"montreal"}' | sha256sum, on one line
    assert same.hex() == "cec9577a9ee564e3090b32a58acbe50b34b83ba4c9b36e8d1cc0d0ff01c61e9c"
    assert digest_figures("laval", MARCH, figures) != same
    assert digest_figures("montreal", date(2026, 4, 1), figures) != same


def test_figures_add_up_over_regions() -> None:
    assert add_up([{"a": 1, "b": 2}, {"a": 3}]) == {"a": 4, "b": 2}
