"""Positions by hand, and which payments a loan can take: three instalments of 110.00."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from services.common.calendar import DayCount
from services.loans.loan_facts.arithmetic import with_fact, without_fact
from services.loans.loan_facts.drafts import FactDraft, FactKind, Suspension
from services.loans.positions.account import lay_ladder
from services.loans.positions.arithmetic import (
    END_OF_TIME,
    Arrears,
    CreditUse,
    LaidSchedule,
    LoanState,
    at_risk_from,
    find_position,
    left_to_recover,
    replay,
)
from services.loans.positions.daily_totals import (
    ACTIVE,
    FEES,
    LOANS,
    MEASURES,
    PAR30,
    PAR90,
    DailyTotals,
    add_days,
    sum_days,
)
from services.loans.positions.explanation import Part, explain
from services.loans.positions.facts import (
    Accrual,
    AgreedTerms,
    AllocationOrder,
    Charge,
    Conditions,
    LoanFacts,
    Loss,
    Moratorium,
    MoratoriumInterest,
    MoratoriumKind,
    Payment,
    PaymentPurpose,
    Rescheduling,
    Tranche,
    facts_until,
    payment_order,
)
from services.loans.positions.figures import Change, find_figures
from services.loans.positions.ladder import DAY, Instalment, Ladder, Rungs
from services.loans.repayments.arithmetic import add_payments
from services.loans.schedules.arithmetic import build_schedule
from services.loans.schedules.terms import Fee, FeeCharged
from tests.unit.loan_histories import Fact, add_fact, lay_loan
from tests.unit.test_positions import sum_until
from tests.unit.three_instalments import TERMS, THREE, lost, paid, pay


def split(facts: LoanFacts) -> list[tuple[int, int, int]]:
    """Fees, interest and principal of each payment."""
    return [(a.fees_cents, a.interest_cents, a.principal_cents) for a in replay(facts).allocations]


# --- what a payment settles -----------------------------------------------------------------------


def test_a_partial_payment_settles_fees_then_interest_then_principal() -> None:
    facts = paid(
        THREE, (date(2025, 2, 3), 25_00), (date(2025, 2, 1), 3_00), (date(2025, 2, 2), 7_00)
    )
    assert split(facts) == [(3_00, 0, 0), (2_00, 5_00, 0), (0, 5_00, 20_00)]
    position = find_position(facts, date(2025, 2, 3))
    assert position.outstanding_principal_cents == 280_00
    assert position.days_past_due == 2
    assert (position.arrears.principal_cents, position.arrears.instalments) == (80_00, 1)
    assert (position.arrears.interest_cents, position.arrears.fees_cents) == (0, 0)
    assert position.next_due == Instalment(2, date(2025, 3, 1), 0, 10_00, 100_00)
    assert position.next_due.total_cents == 110_00
    assert [instalment.number for instalment in THREE.ladder.instalments] == [1, 2, 3]


@pytest.mark.parametrize(
    ("order", "parts"),
    [
        (AllocationOrder.FEES_INTEREST_PRINCIPAL, (5_00, 2_00, 0)),
        (AllocationOrder.FEES_PRINCIPAL_INTEREST, (5_00, 0, 2_00)),
        (AllocationOrder.INTEREST_FEES_PRINCIPAL, (0, 7_00, 0)),
        (AllocationOrder.INTEREST_PRINCIPAL_FEES, (0, 7_00, 0)),
        (AllocationOrder.PRINCIPAL_FEES_INTEREST, (0, 0, 7_00)),
        (AllocationOrder.PRINCIPAL_INTEREST_FEES, (0, 0, 7_00)),
    ],
)
def test_each_order_settles_its_first_part_first(
    order: AllocationOrder, parts: tuple[int, int, int]
) -> None:
    facts = replace(THREE, conditions=Conditions(order=order))
    assert split(paid(facts, (date(2025, 2, 1), 7_00))) == [parts]
    # The whole instalment, whatever the order, then the next.
    fees, interest, principal = split(paid(facts, (date(2025, 2, 1), 115_01)))[0]
    assert sum((fees, interest, principal)) == 115_01
    assert min(fees - 5_00, interest - 10_00, principal - 100_00) == 0


def test_an_early_payment_settles_the_next_instalments_and_keeps_their_interest() -> None:
    facts = paid(THREE, (date(2025, 1, 10), 230_00))
    assert split(facts) == [(5_00, 25_00, 200_00)]
    position = find_position(facts, date(2025, 3, 31))
    assert (position.days_past_due, position.interest_due_cents) == (0, 0)
    assert position.next_due is not None
    assert position.next_due.number == 3


def test_interest_accrues_by_the_days_of_its_period() -> None:
    """10.00 over the 31 days of January: 10 x 16/31 = 5.16 by the 17th."""
    position = find_position(THREE, date(2025, 1, 17))
    assert (position.interest_due_cents, position.interest_accrued_cents) == (0, 5_16)
    # Fees are owed before they are due.
    assert (position.fees_due_cents, position.payoff_cents) == (0, 300_00 + 5_16 + 5_00)
    assert find_position(THREE, date(2026, 1, 1)).payoff_cents == 335_00


def test_a_late_fact_moves_the_split_of_those_after_it_and_nothing_else() -> None:
    facts = paid(THREE, (date(2025, 2, 1), 5_00), (date(2025, 3, 1), 10_00))
    assert split(facts) == [(5_00, 0, 0), (0, 10_00, 0)]
    late = paid(facts, (date(2025, 2, 15), 10_00))
    assert split(late) == [(5_00, 0, 0), (0, 10_00, 0), (0, 0, 10_00)]
    figures = find_figures([Change(facts, late)])
    assert (figures.before, figures.after) == ([(facts, replay(facts))], [(late, replay(late))])
    [move] = figures.moves
    assert (move.loan_id, move.on) == (THREE.loan_id, date(2025, 3, 1))
    assert move.repayment_id == facts.payments[1].repayment_id
    assert (move.fees_cents, move.interest_cents, move.principal_cents) == (0, -10_00, 10_00)


def test_a_fee_takes_the_latest_credit_first_on_its_own_date() -> None:
    """5.00 and 10.00 are paid too much; of them a fee of 12.00 takes 10.00, then 2.00."""
    first, second, charged_on = date(2025, 2, 1), date(2025, 2, 2), date(2025, 2, 10)
    rich = paid(THREE, (first, 340_00), (second, 10_00))
    charged = add_fact(rich, Charge(UUID(int=4), charged_on, 12_00))
    assert split(charged) == split(rich) == [(5_00, 30_00, 300_00), (0, 0, 0)]
    settled = [replay(charged).settled_by(payment.repayment_id) for payment in charged.payments]
    assert settled == [335_00 + 2_00, 10_00]
    ids = [payment.repayment_id for payment in charged.payments]
    assert replay(charged).credit_uses == (
        CreditUse(ids[1], UUID(int=4), charged_on, 10_00),
        CreditUse(ids[0], UUID(int=4), charged_on, 2_00),
    )
    for day, fees, credit in ((charged_on - DAY, 5_00, 15_00), (charged_on, 17_00, 3_00)):
        position = find_position(charged, day)
        assert (position.fees_paid_cents, position.credit_cents) == (fees, credit)
    moved = find_figures([Change(rich, charged)])
    assert {(m.repayment_id, m.on, m.fees_cents) for m in moved.moves} == {
        (ids[1], charged_on, 10_00),
        (ids[0], charged_on, 2_00),
    }
    [(place, measures)] = moved.days.items()
    assert (place, measures[FEES], sum(measures)) == (("06", charged_on), 12_00, 12_00)
    both = [Charge(UUID(int=number), charged_on, number * 1_00) for number in (3, 4)]
    [together] = find_figures([Change(rich, replace(rich, charges=tuple(both)))]).moves
    assert (together.repayment_id, together.fees_cents) == (ids[1], 7_00)
    # A fee that the latest credit pays leaves the other alone.
    less = add_fact(rich, Charge(UUID(int=4), charged_on, 10_00))
    assert replay(less).credit_uses == (CreditUse(ids[1], UUID(int=4), charged_on, 10_00),)
    # Without the second payment, the fee takes all of the first's credit, and 7.00 are owed.
    poorer = find_figures(
        [Change(charged, without_fact(charged, "repayment", ids[1], second, 10_00))]
    )
    assert {(m.repayment_id, m.on, m.fees_cents) for m in poorer.moves} == {
        (ids[1], charged_on, -10_00),
        (ids[0], charged_on, 3_00),
    }


# --- days past due --------------------------------------------------------------------------------


def test_the_day_due_is_not_late_and_the_day_after_is_one_day_late() -> None:
    assert find_position(THREE, date(2025, 2, 1)).days_past_due == 0
    assert find_position(THREE, date(2025, 2, 1)).arrears.instalments == 0
    following = find_position(THREE, date(2025, 2, 1)).next_due
    assert following is not None
    assert following.number == 2
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
    assert summed[PAR90] == 0
    assert at_risk_from(replay(THREE).states[0], 30) == date(2025, 3, 4)


def test_a_payment_settles_part_by_part_and_leaves_the_rest() -> None:
    rungs = Rungs(Ladder([date(2025, 2, 1)], [1_00], [2_00], [3_00]))
    order = (0, 1, 2)
    assert rungs.settle(4_00, order) == ((1_00, 2_00, 1_00), 0)
    assert rungs.settle(5_00, order) == ((0, 0, 2_00), 3_00)


def test_a_state_is_at_risk_from_a_day_within_it() -> None:
    start, end = date(2025, 5, 1), date(2025, 6, 1)
    assert at_risk_from(LoanState(start, end, 1, start), 30) is None
    assert at_risk_from(LoanState(start, end, 1, start - DAY), 30) == date(2025, 5, 31)
    assert at_risk_from(LoanState(start, end, 1, date(2025, 1, 1)), 30) == start
    assert at_risk_from(LoanState(start, end, 0, date(2025, 1, 1)), 30) is None
    assert at_risk_from(LoanState(start, end, 1, None), 30) is None


def test_before_its_disbursement_a_loan_is_nothing() -> None:
    position = find_position(THREE, date(2024, 12, 31))
    assert position.outstanding_principal_cents == position.payoff_cents == 0
    assert (position.next_due, position.unpaid, position.is_closed) == (None, (), False)
    assert (position.interest_due_cents, position.interest_accrued_cents) == (0, 0)
    assert (position.fees_due_cents, position.fees_owed_cents, position.days_past_due) == (0, 0, 0)
    assert position.arrears == Arrears(0, 0, 0, 0)
    assert explain(THREE, position)["outstanding_principal"].parts == ()
    assert sum_until(sum_days([(THREE, replay(THREE))]), date(2024, 12, 31)) == [0] * len(MEASURES)


def test_a_loan_repaid_is_never_late() -> None:
    facts = paid(THREE, (date(2025, 4, 1), 335_00))
    last = replay(facts).states[-1]
    assert (last.outstanding_principal_cents, last.oldest_unpaid_due_on) == (0, None)
    assert find_position(facts, date(2026, 1, 1)).next_due is None


def test_why_names_what_adds_up() -> None:
    facts = lost(paid(THREE, (date(2025, 2, 1), 50_00)), date(2025, 2, 5), 20_00)
    facts = add_fact(facts, Charge(UUID(int=4), date(2025, 2, 3), 2_00))
    why = explain(facts, find_position(facts, date(2025, 2, 10)))
    assert why["outstanding_principal"].parts == (
        Part("disbursement", None, date(2025, 1, 1), 300_00),
        Part("repayment", "R2025-02-01", date(2025, 2, 1), -35_00),
        Part("write_off", None, date(2025, 2, 5), -20_00),
    )
    assert why["arrears"].parts == (
        Part("instalment", "1", date(2025, 2, 1), 65_00),
        Part("fee", None, date(2025, 2, 3), 2_00),
    )
    assert why["days_past_due"].parts == (Part("instalment", "1", date(2025, 2, 1), 65_00),)
    assert why["fees_due"].parts == (Part("fee", None, date(2025, 2, 3), 2_00),)
    # 10.00 x 9/28 since 1 February.
    assert why["interest_accrued"].parts == (
        Part("interest_accrued", None, date(2025, 2, 10), 3_21),
    )
    assert [part.what for part in why["payoff"].parts] == [
        "outstanding_principal",
        "interest_accrued",
        "fees",
    ]


# --- write-offs and recoveries --------------------------------------------------------------------


def test_why_names_refunds_days_and_what_runs() -> None:
    day, rich = date(2025, 2, 1), paid(THREE, (date(2025, 2, 1), 340_00))
    back = replace(rich, refunds=(Loss(day + DAY, 2_00),))
    why = explain(back, find_position(back, day + DAY))["credit_balance"]
    assert [(part.what, part.amount_cents) for part in why.parts] == [
        ("repayment", 5_00),
        ("refund", -2_00),
    ]
    # What falls due is due that very day.
    why = explain(THREE, find_position(THREE, day))["interest_due"]
    assert why.parts == (Part("instalment", "1", day, 10_00),)
    # 31 days of 300.00 at 12 %: 3.06 have run; 100.00 of principal are late with them.
    daily = lay_loan(replace(TERMS, day_count=DayCount.ACTUAL_365), Accrual.DAILY)
    whys = explain(daily, find_position(daily, day + DAY))
    assert whys["interest_due"].parts == (Part("interest_run", None, day + DAY, 3_06),)
    assert whys["interest_due"].rule != why.rule
    assert whys["arrears"].parts == (Part("arrears", None, day + DAY, 103_06),)
    assert [part.what for part in whys["payoff"].parts][1] == "interest_due"


def test_a_whole_write_off_leaves_nothing_to_pay_and_all_to_recover() -> None:
    facts = lost(paid(THREE, (date(2025, 2, 1), 115_00)), date(2025, 6, 1), 200_00)
    assert facts.written_off_cents == 200_00
    position = find_position(facts, date(2025, 6, 1))
    assert (position.outstanding_principal_cents, position.payoff_cents) == (0, 0)
    assert (position.days_past_due, position.arrears.instalments) == (0, 0)
    assert find_position(facts, date(2025, 5, 31)).days_past_due == 91
    assert left_to_recover(facts, date(2025, 5, 31)) == 0
    assert left_to_recover(facts, date(2025, 6, 1)) == 200_00


def test_a_partial_write_off_is_taken_off_the_last_instalments() -> None:
    facts = lost(THREE, date(2025, 2, 10), 150_00)
    # The third instalment is no longer asked for; of the second, half its principal.
    whole = paid(facts, (date(2025, 2, 11), 175_00))
    assert split(whole) == [(5_00, 20_00, 150_00)]
    assert find_position(whole, date(2025, 12, 31)).is_closed
    late = find_position(facts, date(2025, 12, 31))
    assert (late.arrears.instalments, late.arrears.total_cents) == (2, 175_00)
    # What was the third period's interest does not run: what closes the loan is what is due.
    assert late.payoff_cents == 175_00


def test_a_fee_of_its_own_outlives_the_instalments_written_off() -> None:
    facts = add_fact(THREE, Charge(UUID(int=4), date(2025, 5, 1), 2_00))
    facts = lost(facts, date(2025, 5, 2), 200_00)
    unpaid = find_position(facts, date(2025, 5, 3)).unpaid
    assert unpaid == (
        Instalment(1, date(2025, 2, 1), 5_00, 10_00, 100_00),
        Instalment(0, date(2025, 5, 1), 2_00, 0, 0),
    )
    # Not the whole principal: then nothing is asked for.
    assert find_position(lost(facts, date(2025, 5, 2), 100_00), date(2025, 5, 3)).is_closed


def test_recoveries_never_run_before_write_offs() -> None:
    facts = lost(lost(THREE, date(2025, 6, 1), 100_00), date(2025, 8, 1), 50_00)
    facts = replace(facts, recoveries=(Loss(date(2025, 8, 2), 120_00),))
    assert facts.recovered_cents == 120_00
    assert left_to_recover(facts, date(2025, 7, 1)) == 30_00
    assert left_to_recover(facts, date(2025, 9, 1)) == 30_00
    without = replace(facts, write_offs=(Loss(date(2025, 8, 1), 50_00),))
    assert left_to_recover(without, date.min) == -70_00


def test_flows_of_a_day_and_the_standing_of_its_evening() -> None:
    """Written off on 1 June with 115.00 paid on 1 February; 50.00 recovered a month later."""
    facts = lost(paid(THREE, (date(2025, 2, 1), 115_00)), date(2025, 6, 1), 200_00)
    facts = replace(facts, recoveries=(Loss(date(2025, 7, 1), 50_00),))
    totals = sum_days([(facts, replay(facts))])
    days = {day: dict(zip(MEASURES, row, strict=True)) for (_, day), row in totals.items()}
    shown = {
        day: {name: value for name, value in measures.items() if value}
        for day, measures in days.items()
    }
    assert shown == {
        date(2025, 1, 1): {
            "loans_count": 1,
            "loans_cents": 300_00,
            "active_loans_change": 1,
            "outstanding_change_cents": 300_00,
        },
        date(2025, 2, 1): {
            "repayments_count": 1,
            "repayments_cents": 115_00,
            "principal_cents": 100_00,
            "interest_cents": 10_00,
            "fees_cents": 5_00,
            "outstanding_change_cents": -100_00,
        },
        # Due on 1 March: 31 days late on 1 April, 91 on 31 May.
        date(2025, 4, 1): {"par30_change_cents": 200_00},
        date(2025, 5, 31): {"par90_change_cents": 200_00},
        date(2025, 6, 1): {
            "written_off_cents": 200_00,
            "active_loans_change": -1,
            "outstanding_change_cents": -200_00,
            "par30_change_cents": -200_00,
            "par90_change_cents": -200_00,
        },
        date(2025, 7, 1): {"recovered_cents": 50_00},
    }
    assert {region for region, _ in totals} == {"06"}


def test_what_loans_do_on_one_day_adds_up() -> None:
    day = date(2025, 2, 1)
    facts = add_fact(lay_loan(TERMS), Tranche(UUID(int=3), day, 30_00))
    facts = add_fact(facts, Charge(UUID(int=4), day, 2_00))
    facts = lost(paid(facts, (day, 105_00)), day, 50_00)
    facts = replace(facts, recoveries=(Loss(day, 20_00),))
    loan = (facts, replay(facts))
    once = sum_days([loan])
    twice = {key: [2 * each for each in row] for key, row in once.items()}
    assert sum_days([loan, loan]) == twice
    added: DailyTotals = {}
    for _ in range(2):
        add_days(added, once)
    assert added == twice
    assert sum_days([loan]) == once, "what is added stays as it is"
    assert sum(row[LOANS] for row in once.values()) == facts.lent_cents == 330_00
    # What is still owed at the end of time is in no day's totals.
    assert max(on for _, on in once) < END_OF_TIME


def test_a_loan_of_one_cent_is_active_until_it_is_paid() -> None:
    ladder = Ladder((date(2025, 2, 1),), (0,), (0,), (1,))
    cent = replace(THREE, principal_cents=1, ladder=ladder)
    assert sum_until(sum_days([(cent, replay(cent))]), date(2025, 1, 1))[ACTIVE] == 1
    repaid = paid(cent, (date(2025, 1, 2), 1))
    assert sum_until(sum_days([(repaid, replay(repaid))]), date(2025, 1, 2))[ACTIVE] == 0


# --- facts added, taken out, and left for later ---------------------------------------------------


def draft(kind: FactKind) -> FactDraft:
    suspension = Suspension(MoratoriumKind.CAPITAL_AND_INTEREST, 2, MoratoriumInterest.WAIVED)
    return FactDraft(
        kind,
        "F",
        THREE.loan_id,
        date(2025, 2, 5),
        amount_cents=7_00,
        terms=AgreedTerms(4),
        suspension=suspension,
    )


def test_a_fact_added_and_taken_out_again_leaves_the_loan_as_it_was() -> None:
    fact_id, on = UUID(int=9), date(2025, 2, 5)
    loss = (Loss(on, 7_00),)
    everything = MoratoriumKind.CAPITAL_AND_INTEREST
    added = {
        FactKind.DISBURSEMENT: replace(THREE, tranches=(Tranche(fact_id, on, 7_00),)),
        FactKind.FEE: replace(THREE, charges=(Charge(fact_id, on, 7_00),)),
        FactKind.REFUND: replace(THREE, refunds=loss),
        FactKind.WRITE_OFF: replace(THREE, write_offs=loss),
        FactKind.RECOVERY: replace(THREE, recoveries=loss),
        FactKind.RESCHEDULING: replace(
            THREE, reschedulings=(Rescheduling(fact_id, on, AgreedTerms(4)),)
        ),
        FactKind.MORATORIUM: replace(
            THREE,
            moratoria=(Moratorium(fact_id, on, everything, 2, MoratoriumInterest.WAIVED),),
        ),
    }
    assert added.keys() == set(FactKind)
    for kind, expected in added.items():
        assert with_fact(THREE, draft(kind), fact_id) == expected
        assert without_fact(expected, kind, fact_id, on, 7_00) == THREE
        # Another fact of the same kind stays.
        twice = with_fact(expected, draft(kind), UUID(int=10))
        once = without_fact(twice, kind, UUID(int=10), on, 7_00)
        assert once == expected
        assert facts_until(twice, on) == twice
        assert facts_until(twice, on - DAY) == THREE
    payments = paid(THREE, (on, 1), (on + DAY, 2))
    out = without_fact(payments, "repayment", payments.payments[1].repayment_id, on + DAY, 2)
    assert out == paid(THREE, (on, 1)) == facts_until(payments, on)


def test_a_disbursement_keeps_what_was_withheld_of_it() -> None:
    withheld = replace(draft(FactKind.DISBURSEMENT), fees_withheld_cents=50)
    [tranche] = with_fact(THREE, withheld, UUID(int=9)).tranches
    assert tranche.fees_withheld_cents == 50


def test_only_payments_and_recoveries_leave_a_loan_plain() -> None:
    on = date(2025, 2, 5)
    plain = replace(paid(THREE, (on, 1)), recoveries=(Loss(on, 1),), refunds=(Loss(on, 1),))
    assert plain.is_plain
    others = (
        replace(THREE, conditions=Conditions(accrual=Accrual.DAILY)),
        add_payments(THREE, [pay(on, 1, PaymentPurpose.PREPAYMENT)]),
        *(
            with_fact(THREE, draft(kind), UUID(int=9))
            for kind in FactKind
            if kind not in (FactKind.RECOVERY, FactKind.REFUND)
        ),
    )
    assert not any(facts.is_plain for facts in others)


def test_payments_of_one_day_are_taken_by_their_identifier() -> None:
    day = date(2025, 2, 1)
    second, first = Payment(UUID(int=1), "B", day, 1), Payment(UUID(int=2), "A", day, 2)
    assert add_payments(THREE, [second, first]).payments == (first, second)
    assert payment_order(first) < payment_order(second) < payment_order(pay(day + DAY, 1))


def test_what_happens_on_one_day_has_its_order() -> None:
    """A fee before a payment that settles it; a write-off in the evening, of what is left."""
    day = date(2025, 2, 1)
    facts = lost(paid(THREE, (day, 117_00)), day, 200_00)
    facts = add_fact(facts, Charge(UUID(int=1), day, 2_00))
    facts = replace(facts, recoveries=(Loss(day, 200_00),))
    assert split(facts) == [(7_00, 10_00, 100_00)]
    assert find_position(facts, day).is_closed
    assert [state.from_on for state in replay(facts).states] == [date(2025, 1, 1), day]
    # On the first day there is one state, that of its evening.
    first = paid(THREE, (date(2025, 1, 1), 1))
    assert replay(first).states == (
        LoanState(date(2025, 1, 1), END_OF_TIME, 300_00, date(2025, 2, 1)),
    )


def test_a_loan_that_comes_or_goes_with_its_contract_alone_has_no_schedule_laid_anew() -> None:
    assert find_figures([Change(None, THREE)]).schedules == {}
    assert find_figures([Change(THREE, None)]).schedules == {}


def test_fees_of_the_contract_are_due_with_its_first_instalment() -> None:
    terms = replace(TERMS, fees=(Fee(5_00, FeeCharged.ADDED),))
    assert lay_ladder(build_schedule(terms)).fees_cents == [5_00, 0, 0]


def test_a_schedule_laid_says_what_made_it() -> None:
    day = date(2025, 2, 1)
    facts = lay_loan(TERMS)
    causes: dict[str, Fact] = {
        "repayment": pay(day, 203_00, PaymentPurpose.PREPAYMENT),
        "disbursement": Tranche(UUID(int=3), day, 10_00),
        "rescheduling": Rescheduling(UUID(int=4), day, AgreedTerms(2)),
        "moratorium": Moratorium(UUID(int=5), day, MoratoriumKind.CAPITAL_ONLY, 1),
    }
    for kind, cause in causes.items():
        changed = add_fact(facts, cause)
        [schedule] = replay(changed).schedules
        assert isinstance(schedule, LaidSchedule)
        assert (schedule.cause_kind, schedule.laid.on) == (kind, day)
        assert isinstance(schedule.cause_id, UUID)
        assert str(schedule.cause_id) in str(cause)
        relaid = find_figures([Change(facts, changed)]).schedules[facts.loan_id]
        assert (relaid.before, relaid.after) == ((), (schedule,))
        gone = find_figures([Change(changed, None)]).schedules[facts.loan_id]
        assert (gone.before, gone.after) == ((schedule,), ())
        assert find_position(changed, day - timedelta(days=1)).schedules == ()
