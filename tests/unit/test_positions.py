"""Positions: random loans against a model that walks the days, and cases worked out by hand."""

import uuid
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.loans.positions.arithmetic import (
    END_OF_TIME,
    Allocation,
    LoanFacts,
    LoanState,
    Loss,
    Payment,
    Position,
    at_risk_from,
    facts_until,
    find_position,
    find_rooms,
    left_to_pay,
    left_to_recover,
    left_to_write_off,
    payment_order,
    replay,
    take,
)
from services.loans.positions.daily_totals import (
    ACTIVE,
    FEES,
    INTEREST,
    LOANS,
    LOANS_COUNT,
    OUTSTANDING,
    PAR30,
    PAR90,
    PRINCIPAL,
    RECOVERED,
    REPAYMENTS,
    REPAYMENTS_COUNT,
    WRITTEN_OFF,
    DailyTotals,
    subtract_days,
    sum_days,
)
from services.loans.positions.figures import Change, find_figures
from services.loans.positions.ladder import Ladder
from tests.unit.position_model import walk

START = date(2025, 1, 15)
DAY = timedelta(days=1)
SPAN_DAYS = 250

days = st.integers(0, SPAN_DAYS).map(lambda number: START + timedelta(days=number))


def lay_loan(
    loan_id: uuid.UUID, disbursed_on: date, instalments: Sequence[tuple[date, int, int, int]]
) -> LoanFacts:
    """A loan of these instalments: due date, fees, interest and principal of each."""
    due, fees, interest, principal = zip(*instalments, strict=True)
    ladder = Ladder(due, fees, interest, principal)
    return LoanFacts(loan_id, "06", disbursed_on, sum(principal), ladder)


def add_payment(facts: LoanFacts, paid_on: date, amount_cents: int) -> LoanFacts:
    number = len(facts.payments)
    payment = Payment(uuid.UUID(int=number), f"R{number:03d}", paid_on, amount_cents)
    return replace(facts, payments=tuple(sorted([*facts.payments, payment], key=payment_order)))


def add_write_off(facts: LoanFacts, on: date, amount_cents: int) -> LoanFacts:
    return replace(facts, write_offs=(*facts.write_offs, Loss(on, amount_cents)))


@st.composite
def schedules(draw: st.DrawFn) -> LoanFacts:
    """A loan without facts. Some instalments have no principal (grace), the last always has."""
    count = draw(st.integers(1, 6))
    due_on = START
    instalments = []
    for number in range(1, count + 1):
        due_on += timedelta(days=draw(st.integers(0 if number == 1 else 1, 45)))
        fees = draw(st.integers(0, 3)) if number == 1 else 0
        principal = draw(st.integers(1 if number == count else 0, 30))
        instalments.append((due_on, fees, draw(st.integers(0, 9)), principal))
    return lay_loan(uuid.UUID(int=7), START, instalments)


KINDS = st.sampled_from(("payment", "payment", "payment", "write_off", "recovery"))


@st.composite
def histories(draw: st.DrawFn, *, is_in_order: bool = False) -> LoanFacts:
    """A loan with facts that arrived in any order, each only as far as it could be taken."""
    facts = draw(schedules())
    arrivals = draw(st.lists(st.tuples(days, KINDS), max_size=8))
    for on, kind in sorted(arrivals) if is_in_order else arrivals:
        if kind == "payment":
            room = left_to_pay(find_rooms(facts), on)
        elif kind == "write_off":
            room = left_to_write_off(facts)
        else:
            room = left_to_recover(facts, on)
        if room <= 0:
            continue
        cents = draw(st.one_of(st.just(room), st.integers(1, room)))
        if kind == "payment":
            facts = add_payment(facts, on, cents)
        elif kind == "write_off":
            facts = add_write_off(facts, on, cents)
        else:
            facts = replace(facts, recoveries=(*facts.recoveries, Loss(on, cents)))
    return facts


def at_risk(position: Position, days_past_due: int) -> int:
    late = position.days_past_due > days_past_due
    return position.outstanding_principal_cents if late else 0


def sum_until(totals: DailyTotals, as_of: date) -> list[int]:
    rows = [measures for (_, day), measures in totals.items() if day <= as_of]
    return [sum(column) for column in zip(*rows, strict=True)] if rows else [0] * 13


@given(facts=histories())
def test_the_model_that_walks_the_days_agrees(facts: LoanFacts) -> None:
    totals = sum_days([(facts, replay(facts))])
    last = START + timedelta(days=SPAN_DAYS + 5)
    for day, evening in walk(facts, last):
        position = find_position(facts, day)
        arrears = position.arrears
        assert position.outstanding_principal_cents == evening.outstanding, day
        assert position.days_past_due == evening.days_past_due, day
        assert position.principal_paid_cents == evening.principal_paid
        assert position.interest_paid_cents == evening.interest_paid
        assert position.fees_paid_cents == evening.fees_paid
        assert position.written_off_cents == evening.written_off
        assert position.recovered_cents == evening.recovered
        assert position.interest_due_cents == evening.interest_due
        owed = arrears.fees_cents + arrears.interest_cents + arrears.principal_cents
        assert owed == evening.arrears
    for day, evening in list(walk(facts, last))[::13]:
        summed = sum_until(totals, day)
        assert summed[OUTSTANDING] == evening.outstanding
        assert summed[ACTIVE] == (evening.outstanding > 0)
        assert (summed[PAR30], summed[PAR90]) == (evening.at_risk(30), evening.at_risk(90))
        assert summed[PRINCIPAL] == evening.principal_paid


@given(facts=histories(), day=days)
def test_nothing_is_lost_and_nothing_is_negative(facts: LoanFacts, day: date) -> None:
    position = find_position(facts, day)
    assert (
        position.principal_paid_cents
        + position.outstanding_principal_cents
        + position.written_off_cents
        == facts.principal_cents
    )
    amounts = (
        position.outstanding_principal_cents,
        position.interest_due_cents,
        position.fees_due_cents,
        position.days_past_due,
        position.arrears.fees_cents,
        position.arrears.interest_cents,
        position.arrears.principal_cents,
        position.written_off_cents - position.recovered_cents,
        left_to_write_off(facts),
        left_to_pay(find_rooms(facts), day),
    )
    assert min(amounts) >= 0
    assert bool(position.days_past_due) == bool(position.arrears.instalments)


@given(facts=histories())
def test_what_is_allocated_is_what_was_paid(facts: LoanFacts) -> None:
    allocations = replay(facts).allocations
    for payment, allocation in zip(facts.payments, allocations, strict=True):
        parts = (allocation.fees_cents, allocation.interest_cents, allocation.principal_cents)
        assert min(parts) >= 0
        assert sum(parts) == payment.amount_cents
        assert allocation.repayment_id == payment.repayment_id
    settled = find_position(facts, END_OF_TIME - DAY)
    assert sum(a.principal_cents for a in allocations) == settled.principal_paid_cents
    assert sum(a.interest_cents for a in allocations) == settled.interest_paid_cents
    assert sum(a.fees_cents for a in allocations) == settled.fees_paid_cents


@given(facts=histories())
def test_states_tile_the_time_line(facts: LoanFacts) -> None:
    states = replay(facts).states
    assert states[0].from_on == facts.disbursed_on
    assert states[-1].until_on == END_OF_TIME
    for state, following in pairwise(states):
        assert state.from_on < state.until_on == following.from_on
    for state in states:
        position = find_position(facts, state.from_on)
        assert state.outstanding_principal_cents == position.outstanding_principal_cents
        has_arrears = state.oldest_unpaid_due_on is not None
        assert has_arrears == (state.outstanding_principal_cents > 0)


@given(facts=histories(), more=st.lists(histories(), max_size=3), as_of=days)
def test_daily_totals_up_to_a_date_are_the_positions_of_that_date(
    facts: LoanFacts, more: Sequence[LoanFacts], as_of: date
) -> None:
    """Flows are those dated until then; positions those of the evening; past or to come."""
    loans = [facts, *more]
    known = [facts_until(each, as_of) for each in loans]
    splits = [a for each in known for a in replay(each).allocations]
    positions = [find_position(each, as_of) for each in loans]
    summed = sum_until(sum_days([(each, replay(each)) for each in loans]), as_of)
    assert summed[LOANS_COUNT] == len(loans)
    assert summed[LOANS] == sum(each.principal_cents for each in loans)
    assert summed[REPAYMENTS_COUNT] == len(splits)
    assert summed[REPAYMENTS] == sum(each.paid_cents for each in known)
    assert summed[PRINCIPAL] == sum(a.principal_cents for a in splits)
    assert summed[INTEREST] == sum(a.interest_cents for a in splits)
    assert summed[FEES] == sum(a.fees_cents for a in splits)
    assert summed[WRITTEN_OFF] == sum(each.written_off_cents for each in known)
    assert summed[RECOVERED] == sum(each.recovered_cents for each in known)
    assert summed[ACTIVE] == sum(p.outstanding_principal_cents > 0 for p in positions)
    assert summed[OUTSTANDING] == sum(p.outstanding_principal_cents for p in positions)
    assert summed[PAR30] == sum(at_risk(p, 30) for p in positions)
    assert summed[PAR90] == sum(at_risk(p, 90) for p in positions)


@given(facts=histories(is_in_order=True), data=st.data())
def test_the_order_of_arrival_does_not_matter(facts: LoanFacts, data: st.DataObject) -> None:
    """What is taken in the order of its dates is taken in any other, and gives the same figures."""
    facts = replace(facts, recoveries=())
    arrivals: list[Payment | Loss] = [*facts.payments, *facts.write_offs]
    again = replace(facts, payments=(), write_offs=())
    kept = Kept()
    kept.write(Change(None, again))
    for arrival in data.draw(st.permutations(arrivals)):
        before = again
        if isinstance(arrival, Payment):
            rooms = find_rooms(again)
            assert arrival.amount_cents <= left_to_pay(rooms, arrival.paid_on)
            payments = sorted([*again.payments, arrival], key=payment_order)
            again = replace(again, payments=tuple(payments))
            take(rooms, arrival.paid_on, arrival.amount_cents)
            last = END_OF_TIME - DAY
            assert left_to_pay(rooms, last) == left_to_pay(find_rooms(again), last)
        else:
            assert arrival.amount_cents <= left_to_write_off(again)
            again = replace(again, write_offs=(*again.write_offs, arrival))
        kept.write(Change(before, again))
    assert replay(again) == replay(facts)
    kept.check(facts)


class Kept:
    """The figures beside the facts, written difference after difference as the database is."""

    def __init__(self) -> None:
        self.allocations: dict[uuid.UUID, Allocation] = {}
        self.states: dict[date, LoanState] = {}
        self.days: DailyTotals = {}

    def write(self, change: Change) -> None:
        figures = find_figures([change])
        self.allocations |= {a.repayment_id: a for _, a in figures.new_allocations}
        self.states |= {state.from_on: state for _, state in figures.new_states}
        for _, repayment_id in figures.gone_allocations:
            del self.allocations[repayment_id]
        for _, from_on in figures.gone_states:
            del self.states[from_on]
        minus = {day: [-measure for measure in row] for day, row in figures.days.items()}
        self.days = subtract_days(self.days, minus)
        # What is told to the journal moves the splits there as they moved here.
        for move in figures.moves:
            then, now = (
                splits[move.repayment_id] for splits in (figures.splits_before, figures.splits)
            )
            assert move.principal_cents == now.principal_cents - then.principal_cents
            assert move.fees_cents + move.interest_cents + move.principal_cents == 0

    def check(self, facts: LoanFacts) -> None:
        replayed = replay(facts)
        assert self.allocations == {a.repayment_id: a for a in replayed.allocations}
        assert [self.states[day] for day in sorted(self.states)] == list(replayed.states)
        assert self.days == sum_days([(facts, replayed)])


@given(facts=histories(), data=st.data())
def test_reversing_is_as_if_it_had_never_been(facts: LoanFacts, data: st.DataObject) -> None:
    """Whatever payment or write-off is taken out, what is left is a loan like any other."""
    facts = replace(facts, recoveries=())
    reversible: list[Payment | Loss] = [*facts.payments, *facts.write_offs]
    if not reversible:
        return
    out = data.draw(st.sampled_from(reversible))
    if isinstance(out, Payment):
        without = replace(facts, payments=tuple(p for p in facts.payments if p != out))
    else:
        place = facts.write_offs.index(out)
        write_offs = (*facts.write_offs[:place], *facts.write_offs[place + 1 :])
        without = replace(facts, write_offs=write_offs)
    kept = Kept()
    kept.write(Change(None, facts))
    kept.write(Change(facts, without))
    kept.check(without)
    for day, evening in list(walk(without, START + timedelta(days=SPAN_DAYS)))[::17]:
        assert find_position(without, day).outstanding_principal_cents == evening.outstanding


@settings(max_examples=50)
@given(facts=schedules(), data=st.data())
def test_a_loan_takes_exactly_what_its_schedule_asks_for(
    facts: LoanFacts, data: st.DataObject
) -> None:
    total = sum(i.total_cents for i in facts.ladder.instalments)
    first = data.draw(st.integers(1, total))
    partly = add_payment(facts, data.draw(days), first)
    assert left_to_pay(find_rooms(partly), data.draw(days)) == total - first


# --- by hand --------------------------------------------------------------------------------------

# Three instalments of 110.00: 10.00 of interest and 100.00 of principal; 5.00 of fees in the first.
THREE = lay_loan(
    uuid.UUID(int=1),
    date(2025, 1, 1),
    [
        (date(2025, 2, 1), 5_00, 10_00, 100_00),
        (date(2025, 3, 1), 0, 10_00, 100_00),
        (date(2025, 4, 1), 0, 10_00, 100_00),
    ],
)


def split(facts: LoanFacts) -> list[tuple[int, int, int]]:
    """Fees, interest and principal of each payment."""
    return [(a.fees_cents, a.interest_cents, a.principal_cents) for a in replay(facts).allocations]


def test_a_partial_payment_settles_fees_then_interest_then_principal() -> None:
    facts = add_payment(THREE, date(2025, 2, 1), 3_00)
    facts = add_payment(facts, date(2025, 2, 2), 7_00)
    facts = add_payment(facts, date(2025, 2, 3), 25_00)
    assert split(facts) == [(3_00, 0, 0), (2_00, 5_00, 0), (0, 5_00, 20_00)]
    position = find_position(facts, date(2025, 2, 3))
    assert position.outstanding_principal_cents == 280_00
    assert position.days_past_due == 2
    assert position.arrears.principal_cents == 80_00
    assert (position.arrears.interest_cents, position.arrears.fees_cents) == (0, 0)
    assert position.arrears.instalments == 1
    assert position.next_due is not None
    assert position.next_due.number == 2


def test_an_early_payment_settles_the_next_instalments_in_their_order() -> None:
    facts = add_payment(THREE, date(2025, 1, 10), 230_00)
    assert split(facts) == [(5_00, 25_00, 200_00)]
    position = find_position(facts, date(2025, 3, 31))
    assert (position.days_past_due, position.interest_due_cents) == (0, 0)
    assert position.next_due is not None
    assert position.next_due.number == 3


def test_the_day_due_is_not_late_and_the_day_after_is_one_day_late() -> None:
    assert find_position(THREE, date(2025, 2, 1)).days_past_due == 0
    assert find_position(THREE, date(2025, 2, 1)).interest_due_cents == 10_00
    assert find_position(THREE, date(2025, 2, 2)).days_past_due == 1


@pytest.mark.parametrize(
    ("as_of", "is_at_risk"),
    [
        (date(2025, 3, 3), False),  # 30 days past due
        (date(2025, 3, 4), True),  # 31 days
    ],
)
def test_par30_is_more_than_thirty_days(as_of: date, is_at_risk: bool) -> None:
    summed = sum_until(sum_days([(THREE, replay(THREE))]), as_of)
    assert summed[PAR30] == (300_00 if is_at_risk else 0)
    assert at_risk_from(replay(THREE).states[0], 30) == date(2025, 3, 4)


def test_before_its_disbursement_a_loan_is_nothing() -> None:
    position = find_position(THREE, date(2024, 12, 31))
    assert position.outstanding_principal_cents == 0
    assert position.next_due is None
    assert sum_until(sum_days([(THREE, replay(THREE))]), date(2024, 12, 31)) == [0] * 13


def test_a_whole_write_off_leaves_nothing_to_pay_and_all_to_recover() -> None:
    facts = add_payment(THREE, date(2025, 2, 1), 115_00)
    facts = add_write_off(facts, date(2025, 6, 1), left_to_write_off(facts))
    assert facts.written_off_cents == 200_00
    assert left_to_write_off(facts) == 0
    assert left_to_pay(find_rooms(facts), date(2025, 6, 2)) == 0
    position = find_position(facts, date(2025, 6, 1))
    assert position.outstanding_principal_cents == 0
    assert (position.days_past_due, position.arrears.instalments) == (0, 0)
    assert find_position(facts, date(2025, 5, 31)).days_past_due == 91
    # Until that day, only the interest that was due could still have been paid.
    assert left_to_pay(find_rooms(facts), date(2025, 6, 1)) == 10_00
    assert left_to_recover(facts, date(2025, 5, 31)) == 0
    assert left_to_recover(facts, date(2025, 6, 1)) == 200_00


def test_a_partial_write_off_is_taken_off_the_last_instalments() -> None:
    facts = add_write_off(THREE, date(2025, 2, 10), 150_00)
    # The third instalment is no longer asked for; of the second, half its principal.
    assert left_to_pay(find_rooms(facts), date(2025, 2, 10)) == 5_00 + 20_00 + 150_00
    paid = add_payment(facts, date(2025, 2, 11), 5_00 + 20_00 + 150_00)
    assert split(paid) == [(5_00, 20_00, 150_00)]
    position = find_position(paid, date(2025, 12, 31))
    assert position.outstanding_principal_cents == 0
    assert position.arrears.instalments == 0
    late = find_position(facts, date(2025, 12, 31))
    assert late.arrears.instalments == 2
    assert late.arrears.principal_cents == 150_00
    assert late.arrears.interest_cents == 20_00


def test_a_payment_dated_before_a_write_off_leaves_what_was_written_off_unpaid() -> None:
    facts = add_write_off(THREE, date(2025, 6, 1), 200_00)
    early = date(2025, 5, 1)
    # 115.00 for the first instalment, and the interest of the second: not a cent of its principal.
    assert left_to_pay(find_rooms(facts), early) == 125_00
    facts = add_payment(facts, early, 125_00)
    assert split(facts) == [(5_00, 20_00, 100_00)]
    assert find_position(facts, early).outstanding_principal_cents == 200_00
    assert find_position(facts, date(2025, 6, 1)).outstanding_principal_cents == 0


def test_recoveries_never_run_before_write_offs() -> None:
    facts = add_write_off(THREE, date(2025, 6, 1), 100_00)
    facts = add_write_off(facts, date(2025, 8, 1), 50_00)
    facts = replace(facts, recoveries=(Loss(date(2025, 8, 2), 120_00),))
    assert left_to_recover(facts, date(2025, 7, 1)) == 30_00
    assert left_to_recover(facts, date(2025, 9, 1)) == 30_00
    without = replace(facts, write_offs=(Loss(date(2025, 8, 1), 50_00),))
    assert left_to_recover(without, date.min) == -70_00


def test_a_late_fact_moves_the_split_of_those_after_it_and_nothing_else() -> None:
    facts = add_payment(THREE, date(2025, 2, 1), 5_00)
    facts = add_payment(facts, date(2025, 3, 1), 10_00)
    assert split(facts) == [(5_00, 0, 0), (0, 10_00, 0)]
    late = add_payment(facts, date(2025, 2, 15), 10_00)
    assert split(late) == [(5_00, 0, 0), (0, 10_00, 0), (0, 0, 10_00)]


def test_a_loan_repaid_is_never_late() -> None:
    facts = add_payment(THREE, date(2025, 4, 1), 335_00)
    last = replay(facts).states[-1]
    assert (last.outstanding_principal_cents, last.oldest_unpaid_due_on) == (0, None)
    assert left_to_pay(find_rooms(facts), date(2026, 1, 1)) == 0
    assert find_position(facts, date(2026, 1, 1)).next_due is None
