"""Positions: random loans and histories against a model that walks the days, and properties."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import pairwise
from uuid import UUID

from hypothesis import assume, given
from hypothesis import strategies as st

from services.loans.positions.arithmetic import (
    END_OF_TIME,
    Position,
    find_position,
    replay,
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
    sum_days,
)
from services.loans.positions.explanation import explain
from services.loans.positions.facts import (
    Accrual,
    LoanFacts,
    Payment,
    PaymentPurpose,
    facts_until,
)
from tests.unit.loan_histories import (
    FEW,
    MANY,
    SPAN_DAYS,
    START,
    add_payment,
    days,
    histories,
)
from tests.unit.position_model import walk
from tests.unit.scheduled_position_model import Evening

DAY = timedelta(days=1)


def at_risk(position: Position, days_past_due: int) -> int:
    late = position.days_past_due > days_past_due
    return position.outstanding_principal_cents if late else 0


def sum_until(totals: DailyTotals, as_of: date) -> list[int]:
    rows = [measures for (_, day), measures in totals.items() if day <= as_of]
    return [sum(column) for column in zip(*rows, strict=True)] if rows else [0] * 13


def days_to_watch(facts: LoanFacts) -> list[date]:
    """Those on which something happens or falls due, the days beside them, and a few others."""
    replayed = replay(facts)
    due = {day for laid in replayed.schedules for day in laid.laid.ladder.due}
    turns = {*facts.ladder.due, *due, *(state.from_on for state in replayed.states)}
    beside = {day + DAY * offset for day in turns for offset in (-1, 0, 1)}
    others = {START + timedelta(days=number) for number in range(0, SPAN_DAYS, 41)}
    return sorted(day for day in beside | others if day >= START)


def see(position: Position) -> Evening:
    """The position as the model writes it down."""
    return Evening(
        outstanding=position.outstanding_principal_cents,
        days_past_due=position.days_past_due,
        fees_paid=position.fees_paid_cents,
        interest_paid=position.interest_paid_cents,
        principal_paid=position.principal_paid_cents,
        written_off=position.written_off_cents,
        recovered=position.recovered_cents,
        interest_due=position.interest_due_cents,
        arrears=position.arrears.total_cents,
        accrued=position.interest_accrued_cents,
        fees_due=position.fees_due_cents,
        credit=position.credit_cents,
        payoff=position.payoff_cents,
    )


def check_against_the_model(facts: LoanFacts) -> None:
    watched = days_to_watch(facts)
    totals = sum_days([(facts, replay(facts))])
    for day, evening in walk(facts, watched[-1]):
        if day in watched:
            assert see(find_position(facts, day)) == evening, day
            summed = sum_until(totals, day)
            assert summed[OUTSTANDING] == evening.outstanding
            assert summed[ACTIVE] == (evening.outstanding > 0)
            assert (summed[PAR30], summed[PAR90]) == (evening.at_risk(30), evening.at_risk(90))
            paid = (evening.fees_paid, evening.interest_paid, evening.principal_paid)
            assert (summed[FEES], summed[INTEREST], summed[PRINCIPAL]) == paid


@MANY
@given(facts=histories(Accrual.SCHEDULED))
def test_the_model_that_walks_the_days_agrees(facts: LoanFacts) -> None:
    check_against_the_model(facts)


@MANY
@given(facts=histories(Accrual.DAILY))
def test_the_model_that_adds_the_interest_of_each_night_agrees(facts: LoanFacts) -> None:
    check_against_the_model(facts)


def check_position(facts: LoanFacts, day: date) -> None:
    """Nothing is lost, nothing is negative, and every figure is the sum of what explains it."""
    position = find_position(facts, day)
    known = facts_until(facts, day)
    paid_off = position.principal_paid_cents + position.written_off_cents
    assert paid_off + position.outstanding_principal_cents == known.lent_cents
    settled = position.interest_paid_cents + position.fees_paid_cents
    credit_paid = known.paid_cents - position.principal_paid_cents - settled
    assert credit_paid == position.credit_cents + sum(r.amount_cents for r in known.refunds)
    arrears = position.arrears
    amounts = (
        position.outstanding_principal_cents,
        position.interest_due_cents,
        position.interest_accrued_cents,
        position.fees_due_cents,
        arrears.fees_cents,
        arrears.interest_cents,
        arrears.principal_cents,
        position.written_off_cents - position.recovered_cents,
        position.credit_cents,
        *(part for i in position.unpaid for part in (i.fees_cents, i.interest_cents)),
        *(i.principal_cents for i in position.unpaid),
    )
    assert min(amounts) >= 0
    assert bool(position.days_past_due) == bool(arrears.instalments)
    assert position.is_closed == (position.payoff_cents == 0)
    assert position.next_due is None or position.next_due.due_on > day
    unpaid = position.unpaid
    if facts.conditions.accrual is Accrual.SCHEDULED or not any(i.due_on <= day for i in unpaid):
        # By the day, what is due is paid after what is not: interest run since, fees to come.
        assert sum(i.principal_cents for i in unpaid) == position.outstanding_principal_cents
        assert sum(i.fees_cents for i in unpaid) == position.fees_owed_cents
    explained = {
        "outstanding_principal": position.outstanding_principal_cents,
        "interest_due": position.interest_due_cents,
        "interest_accrued": position.interest_accrued_cents,
        "fees_due": position.fees_due_cents,
        "arrears": arrears.total_cents,
        "credit_balance": position.credit_cents,
        "payoff": position.payoff_cents,
    }
    why = explain(facts, position)
    for figure, amount in explained.items():
        assert sum(part.amount_cents for part in why[figure].parts) == amount, figure
    assert why.keys() - explained.keys() == {"days_past_due", "par30", "par90"}


@MANY
@given(facts=histories(), day=days)
def test_nothing_is_lost_and_every_figure_is_explained(facts: LoanFacts, day: date) -> None:
    check_position(facts, day)


@MANY
@given(facts=histories())
def test_what_is_allocated_is_what_was_paid(facts: LoanFacts) -> None:
    replayed = replay(facts)
    for payment, allocation in zip(facts.payments, replayed.allocations, strict=True):
        parts = (allocation.fees_cents, allocation.interest_cents, allocation.principal_cents)
        assert min(parts) >= 0
        assert allocation.total_cents <= payment.amount_cents
        assert allocation.repayment_id == payment.repayment_id
        assert replayed.settled_by(payment.repayment_id) <= payment.amount_cents
    allocated = sum(allocation.total_cents for allocation in replayed.allocations)
    used = sum(use.amount_cents for use in replayed.credit_uses)
    assert allocated + used + replayed.surplus_cents == facts.paid_cents
    paid_on = {payment.repayment_id: payment.paid_on for payment in facts.payments}
    charged = {charge.fee_id: charge for charge in facts.charges}
    for use in replayed.credit_uses:
        assert paid_on[use.repayment_id] < use.on == charged[use.fee_id].on
        assert 0 < use.amount_cents <= charged[use.fee_id].amount_cents


@MANY
@given(facts=histories())
def test_states_tile_the_time_line(facts: LoanFacts) -> None:
    replayed = replay(facts)
    states = replayed.states
    assert states[0].from_on == facts.disbursed_on
    assert states[-1].until_on == END_OF_TIME
    for state, following in pairwise(states):
        assert state.from_on < state.until_on == following.from_on
    for state in states:
        position = find_position(facts, state.from_on)
        assert state.outstanding_principal_cents == position.outstanding_principal_cents
        assert (state.oldest_unpaid_due_on is None) == position.is_closed


@MANY
@given(facts=histories())
def test_one_schedule_is_in_force_and_repays_what_was_owed(facts: LoanFacts) -> None:
    """Schedules follow each other by date; each asks for the whole principal, to the cent."""
    schedules = replay(facts).schedules
    laid_on = [schedule.laid.on for schedule in schedules]
    assert laid_on == sorted(laid_on)
    for number, (day, schedule) in enumerate(zip(laid_on, schedules, strict=True), 1):
        evening = find_position(facts, day)
        assert evening.schedules[:number] == schedules[:number]
        ladder = schedule.laid.ladder
        assert all(day < due_on for due_on in ladder.due)
        assert list(ladder.due) == sorted(set(ladder.due))
        assert min(*ladder.fees_cents, *ladder.interest_cents, *ladder.principal_cents) >= 0
        is_followed = any(w.on == day for w in facts.write_offs)
        is_followed |= sum(p.paid_on == day for p in facts.payments) > 1
        if schedule == evening.schedules[-1] and not is_followed:
            assert sum(ladder.principal_cents) == evening.outstanding_principal_cents
            assert sum(ladder.fees_cents) == evening.fees_owed_cents


def takes_a_payment_last(facts: LoanFacts, day: date) -> bool:
    """Whether nothing of that day comes after its payments."""
    of_the_evening = [
        *(fact.on for fact in facts.tranches),
        *(fact.on for fact in facts.reschedulings),
        *(fact.on for fact in facts.moratoria),
        *(fact.on for fact in (*facts.write_offs, *facts.refunds)),
    ]
    return day not in of_the_evening


@MANY
@given(facts=histories(facts_max=5), day=days)
def test_paying_each_instalment_as_it_is_shown_closes_the_loan(facts: LoanFacts, day: date) -> None:
    """What fell due that day, and the others on their dates: none is more than what is owed.

    After the last date, interest runs by the day on what is due: then only a payoff closes it.
    """
    assume(takes_a_payment_last(facts, day))
    paid = known = facts_until(facts, day)
    position = find_position(known, day)
    assume(position.next_due)
    for number, instalment in enumerate(position.unpaid):
        on, cents = max(day, instalment.due_on), instalment.total_cents
        if cents:
            assert not find_position(paid, on).is_closed
            paid = add_payment(paid, Payment(UUID(int=90 + number), f"Z{number:02d}", on, cents))
    assert replay(paid).surplus_cents == replay(known).surplus_cents
    assert find_position(paid, date(2030, 1, 1)).is_closed


@MANY
@given(facts=histories(facts_max=5), day=days)
def test_paying_the_payoff_closes_the_loan(facts: LoanFacts, day: date) -> None:
    assume(takes_a_payment_last(facts, day))
    known = facts_until(facts, day)
    payoff = find_position(known, day).payoff_cents
    assume(payoff)
    paid = add_payment(known, Payment(UUID(int=99), "Z", day, payoff, PaymentPurpose.PAYOFF))
    assert replay(paid).surplus_cents == replay(known).surplus_cents
    for later in (day, day + DAY, date(2030, 1, 1)):
        position = find_position(paid, later)
        assert position.is_closed
        assert (position.payoff_cents, position.outstanding_principal_cents) == (0, 0)
        assert (position.arrears.total_cents, position.days_past_due) == (0, 0)
        assert (position.next_due, position.unpaid) == (None, ())


@FEW
@given(facts=histories(), more=st.lists(histories(), max_size=2), as_of=days)
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
    assert summed[LOANS] == sum(each.lent_cents for each in known)
    assert summed[REPAYMENTS_COUNT] == len(splits)
    assert summed[REPAYMENTS] == sum(each.paid_cents for each in known)
    assert summed[PRINCIPAL] == sum(a.principal_cents for a in splits)
    assert summed[INTEREST] == sum(a.interest_cents for a in splits)
    assert summed[FEES] == sum(p.fees_paid_cents for p in positions)
    assert summed[WRITTEN_OFF] == sum(each.written_off_cents for each in known)
    assert summed[RECOVERED] == sum(each.recovered_cents for each in known)
    assert summed[ACTIVE] == sum(p.outstanding_principal_cents > 0 for p in positions)
    assert summed[OUTSTANDING] == sum(p.outstanding_principal_cents for p in positions)
    assert summed[PAR30] == sum(at_risk(p, 30) for p in positions)
    assert summed[PAR90] == sum(at_risk(p, 90) for p in positions)
