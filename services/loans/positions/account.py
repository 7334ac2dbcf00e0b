"""What a loan owes, as its facts come by in the order of their dates. Amounts in cents."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

from services.common.money import divide_rounded
from services.common.text import Text
from services.loans.positions.facts import (
    AllocationOrder,
    LoanFacts,
    Moratorium,
    MoratoriumInterest,
    MoratoriumKind,
    Rescheduling,
)
from services.loans.positions.ladder import (
    FEES,
    INTEREST,
    PRINCIPAL,
    Instalment,
    Ladder,
    Order,
    Parts,
    Rungs,
)
from services.loans.schedules.arithmetic import Schedule, build_schedule
from services.loans.schedules.periods import find_anchor, grid_dates, lay_periods
from services.loans.schedules.terms import NonWorkingDays, ScheduleError, ScheduleTerms

LOAN_CLOSED = Text(
    "Ce prêt est soldé à cette date : il ne reste rien à payer.",
    "This loan is closed on this date: nothing is left to pay.",
)
LOAN_ENDED = Text(
    "Ce prêt n'a plus d'échéance après cette date.",
    "This loan has no instalment left after this date.",
)
WRITE_OFF_TOO_LARGE = Text(
    "La radiation dépasse le capital qui restait dû.",
    "The write-off is more than the principal that was still owed.",
)

_ORDERS: dict[AllocationOrder, Order] = {
    AllocationOrder.FEES_INTEREST_PRINCIPAL: (FEES, INTEREST, PRINCIPAL),
    AllocationOrder.FEES_PRINCIPAL_INTEREST: (FEES, PRINCIPAL, INTEREST),
    AllocationOrder.INTEREST_FEES_PRINCIPAL: (INTEREST, FEES, PRINCIPAL),
    AllocationOrder.INTEREST_PRINCIPAL_FEES: (INTEREST, PRINCIPAL, FEES),
    AllocationOrder.PRINCIPAL_FEES_INTEREST: (PRINCIPAL, FEES, INTEREST),
    AllocationOrder.PRINCIPAL_INTEREST_FEES: (PRINCIPAL, INTEREST, FEES),
}
NOTHING = Ladder((), (), (), ())


class Impossible(Exception):
    """A fact that the loan, as it stood on that date, could not take; `term` when one is at fault,
    as `ScheduleError` names it.
    """

    def __init__(self, code: str, on: date, message: Text, term: str | None = None) -> None:
        super().__init__(message.en)
        self.code = code
        self.on = on
        self.message = message
        self.term = term


@dataclass(frozen=True, slots=True)
class Laid:
    """A schedule in force from the evening of `on`."""

    on: date
    ladder: Ladder


class Account:
    """A loan whose interest is what the schedule says."""

    def __init__(self, facts: LoanFacts) -> None:
        self.rungs = Rungs(facts.ladder)
        self.outstanding = facts.principal_cents
        self._order = _ORDERS[facts.conditions.order]
        self._terms = facts.conditions.terms
        self._contract_periods = _read_periods(facts)
        self._periods: _Periods | None = None
        self._carried_interest = 0
        self._interest_paid = 0  # since the schedule was laid

    @property
    def terms(self) -> ScheduleTerms:
        """Those of the schedule in force."""
        assert self._terms is not None, "what needs the terms of a loan loads them"
        return self._terms

    @property
    def is_closed(self) -> bool:
        return not self.outstanding and not any(self.rungs.left())

    # --- what is owed -----------------------------------------------------------------------

    def due(self, day: date) -> Parts:
        """What fell due by the end of `day` and is not paid."""
        return self.rungs.left(day)

    def fees_owed(self) -> int:
        """Fees not paid, due or not."""
        return self.rungs.left()[FEES]

    def interest_owed(self, day: date) -> int:
        """Interest due or run by the end of `day`, not paid.

        An instalment settled before its time keeps its interest.
        """
        return max(0, self._interest_balance(day))

    def unpaid(self, day: date) -> list[Instalment]:
        """What is still asked for, instalment by instalment, as seen at the end of `day`."""
        return self.rungs.unpaid()

    def oldest_unpaid_due_on(self) -> date | None:
        return self.rungs.oldest_due_on()

    def _interest_balance(self, day: date) -> int:
        """Interest due or run by the end of `day`, less what is paid: below zero if paid ahead."""
        left = self.rungs.left()[INTEREST]
        if not self.outstanding:
            return left
        if self._periods is None:
            self._periods = self._contract_periods or _count_periods(self.terms)
        earned = self._carried_interest + self._periods.earned_until(day)
        balance = earned - self._interest_paid
        due = self.due(day)[INTEREST]
        # Of instalments that a write-off took out, interest is no longer asked for.
        return min(left, max(due, balance) if due else balance)

    # --- what happens -----------------------------------------------------------------------

    def pay(self, on: date, cents: int) -> tuple[Parts, int]:
        """Settle what the next instalments ask for: the parts settled, and the surplus."""
        parts, surplus = self.rungs.settle(cents, self._order)
        self._interest_paid += parts[INTEREST]
        self.outstanding -= parts[PRINCIPAL]
        return parts, surplus

    def prepay(self, on: date, cents: int, *, is_shorter: bool) -> tuple[Parts, int, Laid | None]:
        """Settle what is due, what interest has run, then principal; lay anew what is left."""
        due = self.due(on)
        if cents <= sum(due):
            return *self.pay(on, cents), None
        parts, surplus = self._settle_owed(on, cents, due, (FEES, INTEREST, PRINCIPAL))
        if not self.outstanding or parts[PRINCIPAL] <= due[PRINCIPAL] or not self._dates_after(on):
            return parts, surplus, None
        return parts, surplus, self._lay_rest(on, is_shorter=is_shorter)

    def charge(self, on: date, cents: int) -> None:
        """Ask for a fee from `on`."""
        self.rungs.charge(on, cents)

    def advance(self, on: date, cents: int) -> Laid:
        """Lend more: the instalments left are laid anew over all that is owed."""
        if not self.outstanding or not self._dates_after(on):
            raise Impossible("disbursement.loan_ended", on, LOAN_ENDED)
        self.outstanding += cents
        return self._lay_rest(on)

    def reschedule(self, rescheduling: Rescheduling) -> Laid:
        """Lay what is owed by the terms agreed; the first date is a period away unless said."""
        on, agreed, terms = rescheduling.on, rescheduling.agreed, self.terms
        self._require_principal(on)
        return self._lay(
            on,
            replace(
                terms,
                principal_cents=self.outstanding,
                disbursed_on=on,
                instalments=agreed.instalments,
                annual_rate=terms.annual_rate if agreed.annual_rate is None else agreed.annual_rate,
                frequency=agreed.frequency or terms.frequency,
                repay_every=agreed.repay_every or terms.repay_every,
                first_due_on=agreed.first_due_on,
                due_anchor=None,
                principal_grace_periods=agreed.principal_grace_periods or 0,
                interest_grace_periods=agreed.interest_grace_periods or 0,
                interest_free_periods=agreed.interest_free_periods or 0,
                down_payment_percent=None,
                fees=(),
            ),
        )

    def suspend(self, moratorium: Moratorium) -> Laid:
        """Put off the next `periods` instalments; the others follow them."""
        on, periods = moratorium.on, moratorium.periods
        self._require_principal(on)
        is_whole = moratorium.kind is MoratoriumKind.CAPITAL_AND_INTEREST
        is_waived = is_whole and moratorium.interest is MoratoriumInterest.WAIVED
        rest = self._terms_of_rest(on)
        terms = replace(
            rest,
            instalments=rest.instalments + periods,
            principal_grace_periods=rest.principal_grace_periods + periods,
            interest_grace_periods=rest.interest_grace_periods
            + (periods if is_whole and not is_waived else 0),
            interest_free_periods=rest.interest_free_periods + (periods if is_waived else 0),
        )
        return self._lay(on, terms)

    def write_off(self, on: date, cents: int) -> None:
        """Ask no more for so much principal, nor for the instalments it leaves without any."""
        if cents > self.outstanding:
            raise Impossible("write_off.exceeds_balance", on, WRITE_OFF_TOO_LARGE)
        self.outstanding -= cents
        self.rungs.trim(cents)

    # --- inside -----------------------------------------------------------------------------

    def _settle_owed(self, on: date, cents: int, first: Parts, order: Order) -> tuple[Parts, int]:
        """Settle `first`, then by order what is owed on that day: the parts, and the surplus."""
        owed = (self.fees_owed(), self.interest_owed(on), self.outstanding)
        parts = list(first)
        cents -= sum(first)
        for part in order:
            taken = min(cents, owed[part] - first[part])
            parts[part] += taken
            cents -= taken
        settled = (parts[FEES], parts[INTEREST], parts[PRINCIPAL])
        self._take(on, settled)
        if settled == owed:
            self.rungs = Rungs(NOTHING)
        return settled, cents

    def _take(self, on: date, parts: Parts) -> None:
        self.rungs.settle_parts(parts)
        self._interest_paid += parts[INTEREST]
        self.outstanding -= parts[PRINCIPAL]

    def _require_principal(self, on: date) -> None:
        if not self.outstanding:
            raise Impossible("loan.closed", on, LOAN_CLOSED)

    def _dates_after(self, on: date) -> list[date]:
        """The calendar's dates after `on` up to that of the last instalment still asked for."""
        last = max((instalment.number for instalment in self.rungs.unpaid()), default=0)
        if self.terms.down_payment_percent:
            last -= 1  # it was the first row, on no date of the calendar
        due, _ = lay_periods(self.terms)
        dates = zip(grid_dates(self.terms)[: max(0, last)], due, strict=False)
        return [day for day, due_on in dates if min(day, due_on) > on]

    def _terms_of_rest(self, on: date) -> ScheduleTerms:
        """The terms in force for what is owed on `on`, from their next date, with what is left
        of their grace; in one instalment when no date is left.
        """
        terms, dates = self.terms, self._dates_after(on)
        passed = grid_dates(terms).index(dates[0]) if dates else terms.instalments
        count = max(1, len(dates))
        return replace(
            terms,
            principal_cents=self.outstanding,
            instalments=count,
            disbursed_on=on,
            first_due_on=dates[0] if dates else None,
            due_anchor=find_anchor(terms) if dates else None,
            # The last instalment asks for principal: it comes after that grace.
            principal_grace_periods=max(0, terms.principal_grace_periods - passed),
            interest_grace_periods=_left(terms.interest_grace_periods, passed, count - 1),
            interest_free_periods=_left(terms.interest_free_periods, passed, count),
            down_payment_percent=None,
            fees=(),
        )

    def _lay_rest(self, on: date, *, is_shorter: bool = False) -> Laid:
        terms = self._terms_of_rest(on)
        if is_shorter or not _amortises(terms):
            # What is left may be too little for as many instalments, each a multiple of an amount.
            terms = _with_fewest(terms, build_schedule(self.terms).instalment_cents)
        return self._lay(on, terms)

    def _lay(self, on: date, terms: ScheduleTerms) -> Laid:
        """A new schedule from the evening of `on`.

        What is unpaid falls due with the first instalment that asks for interest, and bears none
        itself. Interest paid ahead is taken off what the first instalments ask for.
        """
        fees, interest = self.fees_owed(), self._interest_balance(on)
        try:
            schedule = build_schedule(terms)
        except ScheduleError as error:
            raise Impossible(error.code, on, error.message, error.field) from error
        ladder = lay_ladder(schedule, fees, interest, find_first_asked(terms))
        self.rungs = Rungs(ladder)
        self._terms, self._periods, self._contract_periods = terms, None, None
        self._carried_interest = sum(ladder.interest_cents) - schedule.totals.interest_cents
        self._interest_paid = 0
        return Laid(on, ladder)


def lay_ladder(
    schedule: Schedule, fees_cents: int = 0, interest_cents: int = 0, first_asked: int = 0
) -> Ladder:
    """A schedule by column, with what is carried over added to one of its instalments.

    Interest below zero is paid already: the first instalments ask for so much less, as far as
    they ask for any.
    """
    fees, interest = list(schedule.fees_cents), list(schedule.interest_cents)
    asked = min(first_asked, len(fees) - 1)
    fees[asked] += fees_cents
    interest[asked] += max(0, interest_cents)
    ahead = max(0, -interest_cents)
    for number, cents in enumerate(interest if ahead else ()):
        taken = min(ahead, cents)
        interest[number] -= taken
        ahead -= taken
    return Ladder(list(schedule.due_on), fees, interest, schedule.principal_cents)


def find_first_asked(terms: ScheduleTerms) -> int:
    """The place, from 0, of the first instalment that asks for interest owed before it."""
    is_nothing_asked = min(terms.principal_grace_periods, terms.interest_free_periods)
    return max(terms.interest_grace_periods, is_nothing_asked)


def _left(grace_periods: int, passed: int, most: int) -> int:
    """What is left of a grace; a write-off may have taken out more instalments than it leaves."""
    return max(0, min(grace_periods - passed, most))


def _with_fewest(terms: ScheduleTerms, highest_cents: int) -> ScheduleTerms:
    """The same terms with the fewest instalments that are no higher than this."""
    grace = max(terms.principal_grace_periods, terms.interest_grace_periods)
    low, high = max(1 + grace, terms.interest_free_periods), terms.instalments
    while low < high:
        middle = (low + high) // 2
        tried = replace(terms, instalments=middle)
        # Too many to amortise is too many.
        if not _amortises(tried) or build_schedule(tried).instalment_cents <= highest_cents:
            high = middle
        else:
            low = middle + 1
    return replace(terms, instalments=low)


def _amortises(terms: ScheduleTerms) -> bool:
    try:
        build_schedule(terms)
    except ScheduleError:
        return False
    return True


@dataclass(frozen=True, slots=True)
class _Periods:
    """The interest periods of a schedule: their ends, and what each earns, deferred or not."""

    start: date
    ends: Sequence[date]
    earned_cents: Sequence[int]

    def earned_until(self, day: date) -> int:
        """Interest earned by the end of `day`: whole periods, and the running one by its days."""
        ended = bisect_right(self.ends, day)
        earned = sum(self.earned_cents[:ended])
        if ended == len(self.ends):
            return earned
        start = self.ends[ended - 1] if ended else self.start
        run = max(0, (day - start).days)
        whole = (self.ends[ended] - start).days
        return earned + divide_rounded(self.earned_cents[ended] * run, whole)


def _read_periods(facts: LoanFacts) -> _Periods | None:
    """Those of a contract whose instalments tell them: on the calendar's dates, none deferred.

    Without its terms, nothing is asked of a loan that they would change.
    """
    terms = facts.conditions.terms
    if terms is not None and (
        terms.interest_grace_periods or terms.non_working_days is not NonWorkingDays.KEEP
    ):
        return None
    return _Periods(facts.disbursed_on, facts.ladder.due, facts.ladder.interest_cents)


def _count_periods(terms: ScheduleTerms) -> _Periods:
    schedule = build_schedule(replace(terms, interest_grace_periods=0))
    down = 1 if terms.down_payment_percent else 0  # the first row, of no period
    earned = schedule.interest_cents[down:]
    return _Periods(terms.disbursed_on, grid_dates(terms)[: len(earned)], earned)
