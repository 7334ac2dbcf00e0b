"""A second calculator of positions: slow, obvious, written apart from the first.

It walks the days one by one and writes down every evening where the loan stands. A loan with daily
interest adds that of each night to an exact sum. Interest on overdue interest, where it is agreed,
runs on what the evening shows as due.
"""

from collections.abc import Iterator
from datetime import date
from fractions import Fraction

from services.loans.positions.facts import LoanFacts
from services.loans.schedules.terms import ScheduleTerms
from tests.unit.schedule_model import periods, round_half_up, years_between
from tests.unit.scheduled_position_model import DAY, Due, Evening, Walk


class DailyWalk(Walk):
    """Interest runs every night on the principal, and on overdue interest where it is agreed."""

    def __init__(self, facts: LoanFacts) -> None:
        super().__init__(facts)
        self.earned = Fraction(0)
        self.earned_by: dict[date, Fraction] = {}
        self.fees = [(due.due_on, due.fees) for due in self.dues]
        self.fees_paid = 0
        self.dates = [due.due_on for due in self.dues]
        self.free_until = self.find_free_until()
        self.asked_from = self.find_asked_from()

    def find_asked_from(self) -> date:
        """The first due date that asks for interest; a down payment never does."""
        assert self.terms is not None
        terms, dates = self.terms, [day for day in self.dates if day > self.terms.disbursed_on]
        put_off = terms.interest_grace_periods
        while put_off < min(terms.principal_grace_periods, terms.interest_free_periods):
            put_off += 1
        return dates[put_off] if put_off < len(dates) else dates[-1]

    def find_free_until(self) -> date:
        assert self.terms is not None
        free = self.terms.interest_free_periods
        return periods(self.terms)[0][free - 1] if free else self.start

    def take_night(self, day: date) -> None:
        """The night before `day`."""
        assert self.terms is not None
        if day > self.free_until:
            part = years_between(self.terms.day_count, day - DAY, day)
            bearing = self.outstanding
            if self.facts.conditions.interest_on_overdue_interest:
                bearing += self.due(day - DAY)["interest"]
            self.earned += bearing * Fraction(self.terms.annual_rate) / 100 * part
        if day in self.dates:
            self.earned_by[day] = self.earned

    def take_day(self, day: date) -> None:
        if day > self.facts.disbursed_on:
            self.take_night(day)
        super().take_day(day)

    def fees_owed(self) -> int:
        return sum(cents for _, cents in self.fees) - self.fees_paid

    def interest_balance(self, day: date) -> int:
        return round_half_up(self.earned) - self.interest_paid

    def due(self, day: date) -> dict[str, int]:
        passed = [due_on for due_on in self.dates if due_on <= day]
        asked = [due_on for due_on in passed if due_on >= self.asked_from]
        earned = self.earned_by.get(asked[-1], Fraction(0)) if asked else Fraction(0)
        interest = max(0, round_half_up(earned) - self.interest_paid)
        fees = max(0, sum(cents for on, cents in self.fees if on <= day) - self.fees_paid)
        expected = sum(due.left for due in self.dues if due.due_on <= day)
        if passed == self.dates:
            expected = fees + interest + self.outstanding
        fees = min(expected, fees)
        interest = min(expected - fees, interest)
        principal = min(expected - fees - interest, self.outstanding)
        return {"fees": fees, "interest": interest, "principal": principal}

    def oldest(self) -> date | None:
        return super().oldest() or (self.dates[-1] if self.dues else None)

    def note(self, part: str, cents: int) -> None:
        super().note(part, cents)
        if part == "fees":
            self.fees_paid += cents

    def pay(self, on: date, cents: int) -> int:
        owed, parts = self.owed(on), {}
        for part in self.order:
            parts[part] = min(cents, owed[part])
            cents -= parts[part]
        self.settle(parts)
        if parts == owed:
            self.dues = []
        return cents

    def settle(self, parts: dict[str, int]) -> None:
        cents = sum(parts.values())
        for due in self.dues:
            for part in self.order:
                settled = min(cents, getattr(due, part))
                setattr(due, part, getattr(due, part) - settled)
                cents -= settled
        for part, settled in parts.items():
            self.note(part, settled)

    def charge(self, on: date, cents: int) -> None:
        self.fees.append((on, cents))
        super().charge(on, cents)

    def write_off(self, on: date, cents: int) -> None:
        self.outstanding -= cents
        last = self.dues[-1:]
        self.take_off(min(cents, sum(due.principal for due in self.dues)))
        # What is owed beside all that was expected is still asked for.
        self.dues = self.dues or [Due(due.number, due.due_on, 0, 0, 0) for due in last]
        if not self.outstanding:
            self.dues, self.fees, self.fees_paid = [], [], 0
            self.earned, self.interest_paid = Fraction(0), 0
            self.earned_by = {}

    def lay(self, on: date, terms: ScheduleTerms) -> None:
        earned = self.earned - self.interest_paid
        super().lay(on, terms)
        self.earned = earned
        self.fees = [(due.due_on, due.fees) for due in self.dues]
        self.fees_paid, self.earned_by = 0, {}
        self.dates = [due.due_on for due in self.dues]
        self.free_until = self.find_free_until()
        self.asked_from = self.find_asked_from()


def walk(facts: LoanFacts, last: date) -> Iterator[tuple[date, Evening]]:
    """Every evening from the disbursement to `last`."""
    loan = DailyWalk(facts) if facts.conditions.accrual == "daily" else Walk(facts)
    day = facts.disbursed_on
    while day <= last:
        loan.take_day(day)
        yield day, loan.look(day)
        day += DAY
