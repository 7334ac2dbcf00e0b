"""A loan whose interest runs day by day on the principal truly owed. Amounts in cents.

A payment settles what has run by its date. The schedule only tells what was expected by when: all
that is paid covers its instalments in the order of their dates, so that days past due mean the
same as for any other loan. The interest of the days is exact; what is owed of it is rounded once.
Where the contract says so, interest shown as due bears interest too (Civil Code, art. 1620).
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import takewhile

from services.common.calendar import DayCount, year_parts
from services.common.money import divide_rounded
from services.loans.positions.account import (
    NOTHING,
    WRITE_OFF_TOO_LARGE,
    Account,
    Impossible,
    Laid,
    find_first_asked,
)
from services.loans.positions.facts import LoanFacts
from services.loans.positions.ladder import (
    DAY,
    FEES,
    INTEREST,
    PRINCIPAL,
    Instalment,
    Ladder,
    Parts,
    Rungs,
)
from services.loans.schedules.periods import grid_dates
from services.loans.schedules.terms import ScheduleTerms

DAILY_DAY_COUNTS = (
    DayCount.ACTUAL_365,
    DayCount.ACTUAL_360,
    DayCount.ACTUAL_364,
    DayCount.ACTUAL_ACTUAL_ISDA,
    DayCount.ACTUAL_ACTUAL_31DEC,
)
"""Those under which a span of days counts as the sum of its parts."""


@dataclass(frozen=True, slots=True)
class _Run:
    """From the evening of `on`, interest runs on both sums; `earned` before it, exact."""

    on: date
    earned: Fraction
    principal_cents: int
    overdue_cents: int = 0  # interest that bears interest


class DailyAccount(Account):
    def __init__(self, facts: LoanFacts) -> None:
        super().__init__(facts)
        self._is_compound = facts.conditions.interest_on_overdue_interest
        self._free_until = _free_until(self.terms)
        self._dates = facts.ladder.due  # of the instalments, without those of later fees
        self._asked = _list_asked(self.terms, self._dates)
        self._runs = [_Run(facts.disbursed_on, Fraction(0), self.outstanding)]
        self._ask_fees(_list_fees(facts.ladder))

    @property
    def is_closed(self) -> bool:
        return not self.rungs.due

    def fees_owed(self) -> int:
        return self._fees_asked - self._fees_paid

    def _interest_balance(self, day: date) -> int:
        return _round(self._earned_until(day)) - self._interest_paid

    def due(self, day: date) -> Parts:
        """What was expected by `day`, as far as it is owed; after the last date, all that is."""
        asked = bisect_right(self._asked, day)
        return self._due(day, self.interest_owed(self._asked[asked - 1]) if asked else 0)

    def _due(self, day: date, interest: int) -> Parts:
        """`interest` has run by the last date that asks for it, and is not paid."""
        if self._dates[-1] <= day:
            return self._fees_due(day), interest, self.outstanding
        # What is paid ahead lets less interest run than the schedule said: it then expects, in its
        # last instalments, what nobody owes.
        expected = sum(self.rungs.left(day))
        fees = min(expected, self._fees_due(day))
        interest = min(expected - fees, interest)
        return fees, interest, min(expected - fees - interest, self.outstanding)

    def unpaid(self, day: date) -> list[Instalment]:
        """What is expected: as far as it is owed where it is late, and as it will be settled if
        each is then paid on its date; the last takes what is owed beside it.
        """
        if self.is_closed:
            return []
        expected, last = self.rungs.unpaid(), self._dates[-1]
        if not expected or expected[-1].due_on < last:
            expected.append(Instalment(len(self._dates), last, 0, 0, 0))
        late = bisect_left(expected, day, key=lambda instalment: instalment.due_on)
        arrears = self.due(day - DAY)
        shown = [*self._spread(expected[:late], arrears)]
        account = self._copy()
        account.pay(day, sum(arrears))
        shown += account._foresee(expected[late:])
        # The oldest is late though nothing of it may be due yet: interest that has run since.
        return [*shown[:1], *(instalment for instalment in shown[1:] if instalment.total_cents)]

    def oldest_unpaid_due_on(self) -> date | None:
        if self.is_closed:
            return None
        return self.rungs.oldest_due_on() or self._dates[-1]

    def pay(self, on: date, cents: int) -> tuple[Parts, int]:
        return self._settle_owed(on, cents, (0, 0, 0), self._order)

    def charge(self, on: date, cents: int) -> None:
        super().charge(on, cents)
        insort(self._fees, (on, cents))
        self._fees_asked += cents

    def write_off(self, on: date, cents: int) -> None:
        if cents > self.outstanding:
            raise Impossible("write_off.exceeds_balance", on, WRITE_OFF_TOO_LARGE)
        self._pass_dates(on)
        self.outstanding -= cents
        self.rungs.trim(min(cents, self.rungs.left()[PRINCIPAL]))
        self._run(on)
        if not self.outstanding:
            self._give_up(on)

    def _spread(self, late: Sequence[Instalment], arrears: Parts) -> Iterator[Instalment]:
        """What is late over the instalments that expected it, the oldest first."""
        left = list(arrears)
        for instalment in late:
            cents = sum(left) if instalment is late[-1] else instalment.total_cents
            parts: dict[int, int] = {}
            for part in self._order:
                parts[part] = min(cents, left[part])
                left[part] -= parts[part]
                cents -= parts[part]
            fees, interest, principal = parts[FEES], parts[INTEREST], parts[PRINCIPAL]
            yield Instalment(instalment.number, instalment.due_on, fees, interest, principal)

    def _foresee(self, coming: Sequence[Instalment]) -> Iterator[Instalment]:
        """What each will settle, paid on its date; the account is of no use after it."""
        for instalment in coming:
            if self.is_closed:
                return
            on, cents = instalment.due_on, instalment.total_cents
            if instalment is coming[-1]:
                cents = self.fees_owed() + self.interest_owed(on) + self.outstanding
            parts, _ = self.pay(on, cents)
            yield Instalment(instalment.number, on, *parts)

    def _copy(self) -> "DailyAccount":
        account = copy(self)
        account.rungs = self.rungs.copy()
        account._runs, account._fees = [*self._runs], [*self._fees]
        return account

    def _take(self, on: date, parts: Parts) -> None:
        self._pass_dates(on)
        self.rungs.settle(sum(parts), self._order)
        self._fees_paid += parts[FEES]
        self._interest_paid += parts[INTEREST]
        self.outstanding -= parts[PRINCIPAL]
        self._run(on)

    def _lay(self, on: date, terms: ScheduleTerms) -> Laid:
        earned = self._earned_until(on) - self._interest_paid
        laid = super()._lay(on, terms)
        self._free_until, self._dates = _free_until(terms), laid.ladder.due
        self._asked = _list_asked(terms, self._dates)
        self._runs = [_Run(on, earned, self.outstanding)]
        self._ask_fees(_list_fees(laid.ladder))
        return laid

    def _run(self, on: date) -> None:
        """From this evening, interest runs on what is now outstanding, and overdue."""
        overdue = self.due(on)[INTEREST] if self._is_compound else 0
        self._runs.append(_Run(on, self._earned_until(on), self.outstanding, overdue))

    def _pass_dates(self, day: date) -> None:
        """Before a fact of `day` changes what is owed: what fell due before it is overdue."""
        self._runs += self._fall_due(day)

    def _fall_due(self, day: date) -> list[_Run]:
        """On the due dates between the last fact and `day`, more interest becomes overdue."""
        if not self._is_compound:
            return []
        run = self._runs[-1]
        later: list[_Run] = []
        asked = slice(bisect_right(self._asked, run.on), bisect_left(self._asked, day))
        for due_on in self._asked[asked]:
            earned = self._earn(run, due_on)
            interest = max(0, _round(earned) - self._interest_paid)
            overdue = self._due(due_on, interest)[INTEREST]
            run = _Run(due_on, earned, run.principal_cents, overdue)
            later.append(run)
        return later

    def _earned_until(self, day: date) -> Fraction:
        """Interest of every day until the end of `day` since the schedule was laid, in cents."""
        later = self._fall_due(day)
        if later:
            return self._earn(later[-1], day)
        number = bisect_right(self._runs, day, key=lambda run: run.on) - 1
        return self._earn(self._runs[max(0, number)], day)

    def _earn(self, run: _Run, day: date) -> Fraction:
        """The same, with `run` the last that began before the end of `day`."""
        start = max(run.on, self._free_until)
        if day <= start:
            return run.earned
        count, parts_in_year = year_parts(self.terms.day_count)
        rate, denominator = self.terms.annual_rate.as_integer_ratio()
        earned = rate * (run.principal_cents + run.overdue_cents) * count(start, day)
        return run.earned + Fraction(earned, 100 * denominator * parts_in_year)

    def _fees_due(self, day: date) -> int:
        """Facts come by date: few fees, if any, are asked for after them."""
        later = takewhile(lambda fee: fee[0] > day, reversed(self._fees))
        return max(0, self._fees_asked - sum(cents for _, cents in later) - self._fees_paid)

    def _ask_fees(self, fees: list[tuple[date, int]]) -> None:
        """These alone, in the order of their dates, none paid."""
        self._fees, self._fees_paid = fees, 0
        self._fees_asked = sum(cents for _, cents in fees)

    def _give_up(self, on: date) -> None:
        """Nothing more is asked for: the whole principal left is written off."""
        self.rungs = Rungs(NOTHING)
        self._runs = [_Run(on, Fraction(0), 0)]
        self._ask_fees([])


def _round(earned: Fraction) -> int:
    return divide_rounded(earned.numerator, earned.denominator)


def _list_asked(terms: ScheduleTerms, dates: Sequence[date]) -> Sequence[date]:
    """The dates on which interest falls due: not those of a grace, nor of a down payment."""
    dates = dates[bisect_right(dates, terms.disbursed_on) :]
    return dates[min(find_first_asked(terms), len(dates) - 1) :]


def _list_fees(ladder: Ladder) -> list[tuple[date, int]]:
    return [(i.due_on, i.fees_cents) for i in ladder.instalments if i.fees_cents]


def _free_until(terms: ScheduleTerms) -> date:
    """The day from whose evening interest runs."""
    free = terms.interest_free_periods
    return grid_dates(terms)[free - 1] if free else terms.disbursed_on
