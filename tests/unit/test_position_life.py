"""The figures kept beside a loan's facts, while facts arrive in any order and are reversed."""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.loans.loan_facts.arithmetic import without_fact
from services.loans.positions.arithmetic import (
    END_OF_TIME,
    Allocation,
    CreditUse,
    LaidSchedule,
    LoanState,
    find_position,
    left_to_recover,
    replay,
)
from services.loans.positions.daily_totals import (
    FEES,
    INTEREST,
    PRINCIPAL,
    DailyTotals,
    subtract_days,
    sum_days,
)
from services.loans.positions.facts import (
    Charge,
    LoanFacts,
    Moratorium,
    Payment,
    Rescheduling,
    Tranche,
)
from services.loans.positions.figures import Change, Figures, Move, find_figures
from tests.support.properties import examples
from tests.unit.loan_histories import (
    FEW,
    SPAN_DAYS,
    START,
    Fact,
    add_fact,
    can_stand,
    facts_of_a_life,
    histories,
    loans,
)
from tests.unit.test_positions import check_position


class Kept:
    """The figures beside the facts, written difference after difference as the database is."""

    def __init__(self) -> None:
        self.allocations: Sequence[Allocation] = ()
        self.credit_uses: Sequence[CreditUse] = ()
        self.told: Counter[tuple[date, int]] = Counter()
        self.states: Sequence[LoanState] = ()
        self.days: DailyTotals = {}
        self.schedules: Sequence[LaidSchedule] = ()

    def write(self, change: Change) -> None:
        figures = find_figures([change])
        for kept in figures.kept.values():
            assert kept is not None
            self.allocations, self.states = kept.allocations, kept.states
            self.credit_uses = kept.credit_uses
        minus = {day: [-measure for measure in row] for day, row in figures.days.items()}
        self.days = subtract_days(self.days, minus)
        for relaid in figures.schedules.values():
            assert self.schedules == relaid.before
            self.schedules = relaid.after
        self.tell(change, figures)

    def tell(self, change: Change, figures: Figures) -> None:
        """As the journal hears it: repayments that go and come with their splits, and the moves."""
        then = {} if change.before is None else {p.repayment_id: p for p in change.before.payments}
        now = {} if change.after is None else {p.repayment_id: p for p in change.after.payments}
        come = {a.repayment_id: a for _, replayed in figures.after for a in replayed.allocations}
        for sign, payments, others, splits in (
            (-1, then, now, figures.splits_before),
            (1, now, then, come),
        ):
            for repayment_id in payments.keys() - others.keys():
                self.add(payments[repayment_id].paid_on, splits[repayment_id], sign)
        for move in figures.moves:
            self.add(move.on, move, 1)

    def add(self, on: date, parts: Allocation | Move, sign: int) -> None:
        cents = (parts.fees_cents, parts.interest_cents, parts.principal_cents)
        for part, amount in enumerate(cents):
            self.told[on, part] += sign * amount

    def check(self, facts: LoanFacts) -> None:
        replayed = replay(facts)
        assert self.allocations == replayed.allocations
        assert self.credit_uses == replayed.credit_uses
        assert self.states == replayed.states
        assert self.days == sum_days([(facts, replayed)])
        assert self.schedules == replayed.schedules
        for (_, day), totals in self.days.items():
            told = (self.told[day, part] for part in range(3))
            assert tuple(told) == (totals[FEES], totals[INTEREST], totals[PRINCIPAL])
        assert not any(
            cents for (day, _), cents in self.told.items() if ("06", day) not in self.days
        )


def find_key(fact: Fact) -> tuple[str, UUID, date, int]:
    """What a reversal says of a fact: its kind, its identifier, its date and its amount."""
    match fact:
        case Payment():
            return "repayment", fact.repayment_id, fact.paid_on, fact.amount_cents
        case Charge():
            return "fee", fact.fee_id, fact.on, fact.amount_cents
        case Tranche():
            return "disbursement", fact.disbursement_id, fact.on, fact.amount_cents
        case Rescheduling():
            return "rescheduling", fact.rescheduling_id, fact.on, 0
        case Moratorium():
            return "moratorium", fact.moratorium_id, fact.on, 0
        case (kind, loss):
            return kind, UUID(int=10**9), loss.on, loss.amount_cents


class LifeOfALoan(RuleBasedStateMachine):
    """Facts arrive in any order and are reversed; the figures kept are those of the facts."""

    @initialize(facts=loans())
    def sign(self, facts: LoanFacts) -> None:
        self.signed = self.facts = facts
        self.arrived: list[Fact] = []
        self.number = 0
        self.kept = Kept()
        self.kept.write(Change(None, facts))

    @rule(data=st.data())
    def record(self, data: st.DataObject) -> None:
        self.number += 1
        fact = data.draw(facts_of_a_life(self.number))
        self._change(add_fact(self.facts, fact), [*self.arrived, fact])

    @precondition(lambda self: self.arrived)
    @rule(data=st.data())
    def reverse(self, data: st.DataObject) -> None:
        fact = data.draw(st.sampled_from(self.arrived))
        arrived = [other for other in self.arrived if other is not fact]
        self._change(without_fact(self.facts, *find_key(fact)), arrived)

    def _change(self, after: LoanFacts, arrived: list[Fact]) -> None:
        if can_stand(after):
            self.kept.write(Change(self.facts, after))
            self.facts, self.arrived = after, arrived

    @invariant()
    def the_order_of_arrival_does_not_matter(self) -> None:
        again = self.signed
        for fact in sorted(self.arrived, key=lambda f: (find_key(f)[2], str(find_key(f)))):
            again = add_fact(again, fact)
        self.kept.check(again)
        for number in (0, 60, 150, SPAN_DAYS):
            day = START + timedelta(days=number)
            assert find_position(self.facts, day) == find_position(again, day)

    @invariant()
    def nothing_is_lost(self) -> None:
        for number in (0, 45, SPAN_DAYS + 400):
            check_position(self.facts, START + timedelta(days=number))
        assert left_to_recover(self.facts, END_OF_TIME) >= 0


LifeOfALoan.TestCase.settings = settings(
    examples(40), stateful_step_count=12, suppress_health_check=list(HealthCheck)
)
TestLifeOfALoan = LifeOfALoan.TestCase


@FEW
@given(facts=histories())
def test_a_loan_that_goes_takes_its_figures_with_it(facts: LoanFacts) -> None:
    kept = Kept()
    kept.write(Change(None, facts))
    kept.check(facts)
    figures = find_figures([Change(facts, None)])
    assert figures.kept == {facts.loan_id: None}
    assert figures.days == subtract_days({}, kept.days)
    again = find_figures([Change(facts, facts)])
    assert (again.kept, again.days, again.schedules) == ({}, {}, {})
