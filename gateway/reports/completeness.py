"""Who has sent what, how late, and against last year: the register joined with the loans. Pure.

A month is expected of an organisation that was a member on any of its days, from the first month
that the network asks for. It is due from its due date on: one not submitted by then is missing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Sent:
    """Facts dated in a month, by kind."""

    loans: int = 0
    repayments: int = 0
    coaching_sessions: int = 0
    outcomes: int = 0


NOTHING_SENT = Sent()


@dataclass(frozen=True, slots=True)
class MonthSaid:
    """What the loans service says of a month, of one organisation or of none in particular."""

    month: str
    state: str
    due_on: date
    submitted_on: date | None
    days_late: int


@dataclass(frozen=True, slots=True)
class Membership:
    """Who was a member, from when until when; both days included."""

    organisation_id: UUID
    slug: str
    periods: Sequence[tuple[date, date | None]]

    def was_in(self, month: str) -> bool:
        """Whether it was a member on any day of the month."""
        return any(
            f"{first:%Y-%m}" <= month and (last is None or month <= f"{last:%Y-%m}")
            for first, last in self.periods
        )


@dataclass(frozen=True, slots=True)
class MonthLine:
    said: MonthSaid
    is_expected: bool
    sent: Sent
    sent_last_year: Sent


@dataclass(frozen=True, slots=True)
class Tally:
    """Months, counted. `due` are the expected ones whose due date has passed or was met.

    `open_again` are those submitted that were given back or reopened, to submit anew.
    """

    expected: int
    due: int
    submitted: int
    on_time: int
    late: int
    missing: int
    open_again: int


@dataclass(frozen=True, slots=True)
class OrganisationLines:
    slug: str
    months: Sequence[MonthLine]
    tally: Tally
    last_year: Tally


@dataclass(frozen=True, slots=True)
class Completeness:
    organisations: Sequence[OrganisationLines]
    total: Tally
    last_year: Tally


Rows = Mapping[tuple[UUID, str], tuple[MonthSaid, Sent]]
"""What was sent and submitted, by organisation and month."""


@dataclass(frozen=True, slots=True)
class Said:
    """What the loans service says of months whoever they are of.

    `asked_from` is the first month that the network asks for; `blank` says what holds where an
    organisation submitted nothing.
    """

    asked_from: str
    blank: Mapping[str, MonthSaid]

    def is_expected(self, member: Membership, month: str) -> bool:
        return self.asked_from <= month and member.was_in(month)


def year_before(month: str) -> str:
    return f"{int(month[:4]) - 1:04d}{month[4:]}"


def join_completeness(
    members: Sequence[Membership], said: Said, rows: Rows, today: date
) -> Completeness:
    """Those months of `said.blank` are shown whose month a year before is there too."""
    months = [month for month in said.blank if year_before(month) in said.blank]
    lines = [
        _lines(member, months, said, rows, today)
        for member in members
        if any(
            said.is_expected(member, month) or (member.organisation_id, month) in rows
            for month in months
        )
    ]
    return Completeness(
        lines,
        add_tallies(line.tally for line in lines),
        add_tallies(line.last_year for line in lines),
    )


def _lines(
    member: Membership, months: Sequence[str], said: Said, rows: Rows, today: date
) -> OrganisationLines:
    def read(month: str) -> tuple[MonthSaid, Sent]:
        return rows.get((member.organisation_id, month), (said.blank[month], NOTHING_SENT))

    lines = []
    for month in months:
        found, sent = read(month)
        _, sent_last_year = read(year_before(month))
        lines.append(MonthLine(found, said.is_expected(member, month), sent, sent_last_year))
    before = [year_before(month) for month in months]
    last_year = [read(month)[0] for month in before if said.is_expected(member, month)]
    return OrganisationLines(
        member.slug,
        lines,
        count((line.said for line in lines if line.is_expected), today),
        count(last_year, today),
    )


def count(expected: Iterable[MonthSaid], today: date) -> Tally:
    """Expected months by what became of them."""
    months = list(expected)
    submitted = [month for month in months if month.submitted_on is not None]
    late = [month for month in submitted if month.days_late]
    missing = [m for m in months if m.submitted_on is None and m.due_on < today]
    return Tally(
        expected=len(months),
        due=len(submitted) + len(missing),
        submitted=len(submitted),
        on_time=len(submitted) - len(late),
        late=len(late),
        missing=len(missing),
        open_again=sum(month.state == "open" for month in submitted),
    )


def add_tallies(tallies: Iterable[Tally]) -> Tally:
    known = list(tallies)
    return Tally(
        expected=sum(t.expected for t in known),
        due=sum(t.due for t in known),
        submitted=sum(t.submitted for t in known),
        on_time=sum(t.on_time for t in known),
        late=sum(t.late for t in known),
        missing=sum(t.missing for t in known),
        open_again=sum(t.open_again for t in known),
    )
