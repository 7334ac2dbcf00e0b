"""The half of the `position_model` for loans whose interest is what the schedule says.

It holds what each instalment still asks for, and looks where the loan stands in the evening.
Schedules laid anew are those of the independent `schedule_model`.
"""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from fractions import Fraction

from services.loans.positions.facts import (
    LoanFacts,
    Moratorium,
    Payment,
    Rescheduling,
    Tranche,
)
from services.loans.schedules.terms import ScheduleTerms
from tests.unit.schedule_model import (
    equal_part,
    model_rows,
    periods,
    round_half_up,
)

DAY = timedelta(days=1)


@dataclass
class Due:
    """What an instalment still asks for; number 0 is a fee of its own."""

    number: int
    due_on: date
    fees: int
    interest: int
    principal: int
    asked: int = 0
    """Of the principal, what was not written off, paid or not."""

    @property
    def left(self) -> int:
        return self.fees + self.interest + self.principal


@dataclass(frozen=True)
class Evening:
    outstanding: int
    days_past_due: int
    fees_paid: int
    interest_paid: int
    principal_paid: int
    written_off: int
    recovered: int
    interest_due: int
    arrears: int
    accrued: int = 0
    fees_due: int = 0
    credit: int = 0
    payoff: int = 0

    def at_risk(self, days: int) -> int:
        return self.outstanding if self.days_past_due > days else 0


class Walk:
    """A loan whose interest is what the schedule says."""

    def __init__(self, facts: LoanFacts) -> None:
        self.facts = facts
        self.order = facts.conditions.order.split("_")
        self.terms = facts.conditions.terms
        self.dues = [
            Due(n, i.due_on, i.fees_cents, i.interest_cents, i.principal_cents, i.principal_cents)
            for n, i in enumerate(facts.ladder.instalments, 1)
        ]
        self.outstanding = facts.principal_cents
        self.paid = {"fees": 0, "interest": 0, "principal": 0}
        self.credit = self.written_off = self.recovered = 0
        self.interest_before = self.interest_paid = 0
        self.rows = [(due.due_on, due.interest) for due in self.dues]
        self.start = facts.disbursed_on
        if self.terms is not None:
            self.rows = run_of(self.terms)

    # --- what is owed ---

    def fees_owed(self) -> int:
        return sum(due.fees for due in self.dues)

    def interest_balance(self, day: date) -> int:
        left = sum(due.interest for due in self.dues)
        if not self.outstanding:
            return left
        due = self.due(day)["interest"]
        run, start = self.interest_before - self.interest_paid, self.start
        for end, interest in self.rows:
            if end > day:
                run += round_half_up(Fraction(interest * (day - start).days, (end - start).days))
                break
            run, start = run + interest, end
        return min(left, max(due, run) if due else run)

    def interest_owed(self, day: date) -> int:
        return max(0, self.interest_balance(day))

    def due(self, day: date) -> dict[str, int]:
        fallen = [due for due in self.dues if due.due_on <= day]
        return {part: sum(getattr(due, part) for due in fallen) for part in self.paid}

    def oldest(self) -> date | None:
        return next((due.due_on for due in self.dues if due.left), None)

    # --- what happens ---

    def note(self, part: str, cents: int) -> None:
        self.paid[part] += cents
        if part == "interest":
            self.interest_paid += cents
        if part == "principal":
            self.outstanding -= cents

    def pay(self, on: date, cents: int) -> int:
        """Returns what is left of it."""
        for due in self.dues:
            for part in self.order:
                settled = min(cents, getattr(due, part))
                setattr(due, part, getattr(due, part) - settled)
                self.note(part, settled)
                cents -= settled
        return cents

    def settle(self, parts: dict[str, int]) -> None:
        """Take these parts off, the oldest first."""
        for part, cents in parts.items():
            self.note(part, cents)
            for due in self.dues:
                settled = min(cents, getattr(due, part))
                setattr(due, part, getattr(due, part) - settled)
                cents -= settled

    def owed(self, on: date) -> dict[str, int]:
        interest = self.interest_owed(on)
        return {"fees": self.fees_owed(), "interest": interest, "principal": self.outstanding}

    def take_payment(self, payment: Payment) -> int:
        """Returns the surplus."""
        on, cents = payment.paid_on, payment.amount_cents
        due = self.due(on)
        if payment.purpose is None or cents <= sum(due.values()):
            return self.pay(on, cents)
        parts = dict(due)
        cents -= sum(due.values())
        owed = self.owed(on)
        for part in parts:
            more = min(cents, owed[part] - due[part])
            parts[part] += more
            cents -= more
        self.settle(parts)
        if parts == owed:
            self.dues = []
        if self.outstanding and parts["principal"] > due["principal"] and self.dates_left(on):
            self.lay_rest(on, is_shorter=payment.purpose == "shorter_term")
        return cents

    def charge(self, on: date, cents: int) -> None:
        place = sum(due.due_on < on for due in self.dues)
        self.dues.insert(place, Due(0, on, cents, 0, 0))
        self.credit = self.pay(on, self.credit)

    def write_off(self, on: date, cents: int) -> None:
        self.outstanding -= cents
        self.take_off(cents)

    def take_off(self, cents: int) -> None:
        for due in reversed(self.dues):
            lost = min(cents, due.principal)
            due.principal -= lost
            due.asked -= lost
            cents -= lost
        if not any(due.principal for due in self.dues):
            self.dues = []
        while any(due.number for due in self.dues):
            last = max(n for n, due in enumerate(self.dues) if due.number)
            if self.dues[last].asked:
                break
            del self.dues[last]

    def advance(self, tranche: Tranche) -> None:
        self.outstanding += tranche.amount_cents
        self.lay_rest(tranche.on)

    def reschedule(self, fact: Rescheduling) -> None:
        assert self.terms is not None
        agreed = fact.agreed
        rate = self.terms.annual_rate if agreed.annual_rate is None else agreed.annual_rate
        terms = replace(
            self.rest(fact.on),
            instalments=agreed.instalments,
            annual_rate=rate,
            frequency=agreed.frequency or self.terms.frequency,
            repay_every=agreed.repay_every or self.terms.repay_every,
            first_due_on=agreed.first_due_on,
            due_anchor=None,
            principal_grace_periods=agreed.principal_grace_periods or 0,
            interest_grace_periods=agreed.interest_grace_periods or 0,
            interest_free_periods=agreed.interest_free_periods or 0,
        )
        self.lay(fact.on, terms)

    def suspend(self, fact: Moratorium) -> None:
        rest, more = self.rest(fact.on), fact.periods
        is_whole = fact.kind == "capital_and_interest"
        is_waived = is_whole and fact.interest == "waived"
        is_deferred = is_whole and not is_waived
        terms = replace(
            rest,
            instalments=rest.instalments + more,
            principal_grace_periods=rest.principal_grace_periods + more,
            interest_grace_periods=rest.interest_grace_periods + more * is_deferred,
            interest_free_periods=rest.interest_free_periods + more * is_waived,
        )
        self.lay(fact.on, terms)

    # --- schedules laid anew ---

    def dates_left(self, on: date) -> list[date]:
        assert self.terms is not None
        numbers = [due.number for due in self.dues if due.left]
        last = max(numbers, default=0) - bool(self.terms.down_payment_percent)
        return [day for day in periods(self.terms)[0][: max(0, last)] if day > on]

    def rest(self, on: date) -> ScheduleTerms:
        """The terms in force for what is owed, over the dates left."""
        terms, left = self.terms, self.dates_left(on)
        assert terms is not None
        count = max(1, len(left))
        passed = sum(day <= on for day in periods(terms)[0]) if left else terms.instalments
        anchor = terms.due_anchor or terms.first_due_on or terms.disbursed_on
        if terms.due_anchor is None and terms.first_due_on == periods(usual(terms))[0][0]:
            anchor = terms.disbursed_on
        return replace(
            terms,
            principal_cents=self.outstanding,
            instalments=count,
            disbursed_on=on,
            first_due_on=left[0] if left else None,
            due_anchor=anchor if left else None,
            principal_grace_periods=max(0, min(terms.principal_grace_periods - passed, count - 1)),
            interest_grace_periods=max(0, min(terms.interest_grace_periods - passed, count - 1)),
            interest_free_periods=max(0, min(terms.interest_free_periods - passed, count)),
            down_payment_percent=None,
            fees=(),
        )

    def lay_rest(self, on: date, *, is_shorter: bool = False) -> None:
        assert self.terms is not None
        terms = self.rest(on)
        if is_shorter or model_rows(terms) is None:
            highest = instalment_of(self.terms)
            grace = max(terms.principal_grace_periods, terms.interest_grace_periods)
            fewest = max(1 + grace, terms.interest_free_periods)
            for count in range(fewest, terms.instalments + 1):
                tried = replace(terms, instalments=count)
                if model_rows(tried) is None or instalment_of(tried) <= highest:
                    break
            terms = tried
        self.lay(on, terms)

    def lay(self, on: date, terms: ScheduleTerms) -> None:
        fees, interest = self.fees_owed(), self.interest_balance(on)
        rows = model_rows(terms)
        assert rows is not None, "the engine refuses what cannot be laid"
        self.dues = [Due(n, day, 0, i, p, p) for n, (day, p, i) in enumerate(rows, 1)]
        nothing_asked = min(terms.principal_grace_periods, terms.interest_free_periods)
        asked = self.dues[min(max(terms.interest_grace_periods, nothing_asked), len(rows) - 1)]
        asked.fees += fees
        self.interest_before = max(0, interest)
        asked.interest += self.interest_before
        ahead = max(0, -interest)
        for due in self.dues:
            less = min(ahead, due.interest)
            due.interest -= less
            ahead -= less
            self.interest_before -= less
        self.terms, self.start, self.rows = terms, on, run_of(terms)
        self.interest_paid = 0

    # --- the days ---

    def take_day(self, day: date) -> None:
        facts = self.facts
        for fee in sorted(facts.charges, key=lambda c: str(c.fee_id)):
            if fee.on == day:
                self.charge(day, fee.amount_cents)
        for payment in sorted(facts.payments, key=lambda p: p.external_id):
            if payment.paid_on == day:
                self.credit += self.take_payment(payment)
        for tranche in sorted(facts.tranches, key=lambda t: str(t.disbursement_id)):
            if tranche.on == day:
                self.advance(tranche)
        for change in sorted(facts.reschedulings, key=lambda r: str(r.rescheduling_id)):
            if change.on == day:
                self.reschedule(change)
        for put_off in sorted(facts.moratoria, key=lambda m: str(m.moratorium_id)):
            if put_off.on == day:
                self.suspend(put_off)
        for loss in facts.write_offs:
            if loss.on == day:
                self.write_off(day, loss.amount_cents)
                self.written_off += loss.amount_cents
        self.recovered += sum(loss.amount_cents for loss in facts.recoveries if loss.on == day)
        self.credit -= sum(loss.amount_cents for loss in facts.refunds if loss.on == day)

    def look(self, day: date) -> Evening:
        due, late, oldest = self.due(day), self.due(day - DAY), self.oldest()
        owed = self.interest_owed(day)
        return Evening(
            outstanding=self.outstanding,
            days_past_due=max(0, (day - oldest).days) if oldest else 0,
            fees_paid=self.paid["fees"],
            interest_paid=self.paid["interest"],
            principal_paid=self.paid["principal"],
            written_off=self.written_off,
            recovered=self.recovered,
            interest_due=due["interest"],
            arrears=sum(late.values()),
            accrued=max(0, owed - due["interest"]),
            fees_due=due["fees"],
            credit=self.credit,
            payoff=self.outstanding + owed + self.fees_owed(),
        )


def usual(terms: ScheduleTerms) -> ScheduleTerms:
    return replace(terms, first_due_on=None)


def run_of(terms: ScheduleTerms) -> list[tuple[date, int]]:
    """Each period's end and interest, whenever it is due; a down payment ends none."""
    rows = model_rows(replace(terms, interest_grace_periods=0))
    assert rows is not None
    return [(day, interest) for day, _, interest in rows[bool(terms.down_payment_percent) :]]


def instalment_of(terms: ScheduleTerms) -> int:
    percent = Fraction(terms.down_payment_percent or 0) / 100
    lent = terms.principal_cents - round_half_up(terms.principal_cents * percent)
    rates = [Fraction(terms.annual_rate) / 100 * part for part in periods(terms)[1]]
    return equal_part(terms, lent, rates, terms.principal_grace_periods)
