"""A month's state, its deadline and its lateness, from what happened to it.

    expected ── the month ends ──> open ── submitted ──> submitted ── approved ──> approved
                                    ^ rejected ────────────┘ <─ submitted ────────────┤ locked
                                    └───────────── reopened, by a second person ── locked

Between a request and its confirmation a locked month stays locked.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from uuid import UUID

from services.common.calendar import add_months
from services.common.errors import JsonValue
from services.common.strict_json import fingerprint

MONTHS_MAX = 120
"""Months one question may span."""


class State(StrEnum):
    EXPECTED = "expected"
    OPEN = "open"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    LOCKED = "locked"


class Step(StrEnum):
    """What may happen to a month."""

    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"
    LOCKED = "locked"
    REOPENING_REQUESTED = "reopening_requested"
    REOPENED = "reopened"


_AFTER: Mapping[tuple[State, Step], State] = {
    (State.OPEN, Step.SUBMITTED): State.SUBMITTED,
    (State.SUBMITTED, Step.SUBMITTED): State.SUBMITTED,
    (State.APPROVED, Step.SUBMITTED): State.SUBMITTED,
    (State.SUBMITTED, Step.APPROVED): State.APPROVED,
    (State.SUBMITTED, Step.REJECTED): State.OPEN,
    (State.APPROVED, Step.REJECTED): State.OPEN,
    (State.APPROVED, Step.LOCKED): State.LOCKED,
    (State.LOCKED, Step.REOPENING_REQUESTED): State.LOCKED,
    (State.LOCKED, Step.REOPENED): State.OPEN,
}

_LED_BY: Mapping[Step, tuple[State, ...]] = {
    Step.SUBMITTED: (State.SUBMITTED, State.APPROVED, State.LOCKED),
    Step.APPROVED: (State.APPROVED, State.LOCKED),
    Step.LOCKED: (State.LOCKED,),
}
"""The states that a submission, an approval, a lock has led to."""


def end_of(month: date) -> date:
    """The last day of the month that begins on `month`."""
    return add_months(month, 1) - timedelta(days=1)


def months_between(first: date, last: date) -> list[date]:
    """The first days of the months from that of `first` to that of `last`."""
    month, months = first.replace(day=1), []
    while month <= last:
        months.append(month)
        month = add_months(month, 1)
    return months


def find_state(month: date, steps: Sequence[Step], today: date) -> State:
    """Where a month stands. Steps that were recorded were allowed: AssertionError for others."""
    state = State.OPEN if steps or end_of(month) < today else State.EXPECTED
    for step in steps:
        assert may_follow(state, step), f"{step} does not follow {state}"
        state = _AFTER[state, step]
    return state


def may_follow(state: State, step: Step) -> bool:
    return (state, step) in _AFTER


@dataclass(frozen=True, slots=True)
class Deadline:
    """For months from `from_on` on: days after the month's end."""

    from_on: date
    days: int


@dataclass(frozen=True, slots=True)
class Start:
    """The first month that the network asks for, as it said on a day."""

    month: date
    asked_on: date


@dataclass(frozen=True, slots=True)
class Asking:
    """What the network asks for: from which month, the newest start holds, and by when."""

    starts: Sequence[Start]
    deadlines: Sequence[Deadline]

    @property
    def first_month(self) -> date:
        return self.starts[-1].month

    def is_asked(self, month: date) -> bool:
        return self.first_month <= month

    def due_on(self, month: date) -> date:
        """The last day on which the month is submitted in time, by the newest deadline begun.

        The days of a month first asked for when it was over run from that day: nobody is late for
        what nobody had asked.
        """
        begun = (each for each in self.deadlines if each.from_on <= month)
        asked = (each.asked_on for each in self.starts if each.month <= month)
        days = max(begun, key=lambda deadline: deadline.from_on).days
        return max(end_of(month), min(asked, default=end_of(month))) + timedelta(days=days)

    def days_late(self, month: date, submitted_on: date | None, today: date) -> int:
        """Days from the due date to the first submission, or to today while there is none."""
        late = ((submitted_on or today) - self.due_on(month)).days
        return max(0, late) if self.is_asked(month) else 0


@dataclass(frozen=True, slots=True)
class Signature:
    """Who submits, in which quality, stating what."""

    name: str
    role: str
    statement: str


@dataclass(frozen=True, slots=True)
class PeriodEvent:
    """One step on record; what is None does not belong to its kind."""

    period_event_id: UUID
    step: Step
    recorded_on: date
    recorded_by: str
    key_made_by: str | None = None
    reason: str | None = None
    request_id: UUID | None = None
    signature: Signature | None = None
    figures: JsonValue = None
    warnings: JsonValue = None
    digest: bytes | None = None


@dataclass(frozen=True, slots=True)
class MonthRecord:
    """What happened to a month of an organisation, and what follows from it today."""

    month: date
    events: tuple[PeriodEvent, ...]
    asking: Asking
    today: date

    @property
    def state(self) -> State:
        return find_state(self.month, [event.step for event in self.events], self.today)

    @property
    def last(self) -> PeriodEvent | None:
        return self.events[-1] if self.events else None

    @property
    def submitted_on(self) -> date | None:
        """Of the first submission: a correction years later makes nobody late."""
        found = (event.recorded_on for event in self.events if event.step is Step.SUBMITTED)
        return next(found, None)

    @property
    def submission(self) -> PeriodEvent | None:
        """The latest one, whatever became of it."""
        found = (event for event in reversed(self.events) if event.step is Step.SUBMITTED)
        return next(found, None)

    def standing(self, step: Step) -> PeriodEvent | None:
        """The latest event of a step that has led to where the month stands; else None."""
        if self.state not in _LED_BY[step]:
            return None
        found = (event for event in reversed(self.events) if event.step is step)
        return next(found, None)

    @property
    def days_late(self) -> int:
        return self.asking.days_late(self.month, self.submitted_on, self.today)

    @property
    def pending_requests(self) -> list[PeriodEvent]:
        """Requests to reopen that await a second person: those since the month was locked."""
        since: list[PeriodEvent] = []
        for event in self.events:
            if event.step is Step.REOPENING_REQUESTED:
                since.append(event)
            else:
                since = []
        return since


def digest_figures(organisation: str, month: date, figures: JsonValue) -> bytes:
    """SHA-256 of what is signed: the figures of one month of one organisation (RFC 8785)."""
    return fingerprint(
        {"organisation": organisation, "month": f"{month:%Y-%m}", "figures": figures}
    )


def add_up(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Figures of one organisation over its regions."""
    total: dict[str, int] = {}
    for part in parts:
        for name, value in part.items():
            total[name] = total.get(name, 0) + value
    return total
