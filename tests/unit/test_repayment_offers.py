"""Which payments a loan can take, and which facts cannot stand together."""

from dataclasses import replace
from datetime import date
from itertools import starmap
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.common.calendar import DayCount
from services.common.errors import InputError
from services.common.text import Text
from services.loans.positions.arithmetic import REFUND_TOO_LARGE, find_position
from services.loans.positions.contradictions import find_contradiction
from services.loans.positions.facts import (
    Accrual,
    AgreedTerms,
    Charge,
    LoanFacts,
    Loss,
    PaymentPurpose,
    Rescheduling,
    payment_order,
)
from services.loans.positions.ladder import DAY
from services.loans.repayments.arithmetic import (
    Offer,
    add_payments,
    drop_payments,
    refuse_offers,
    refuse_together,
    takes_all,
)
from tests.unit.loan_histories import add_fact, lay_loan
from tests.unit.three_instalments import TERMS, THREE, lost, paid, pay


def offer(
    facts: LoanFacts,
    on: date,
    cents: int,
    purpose: PaymentPurpose | None = None,
    *,
    keeps_surplus: bool = False,
) -> InputError | None:
    [error] = refuse_offers(facts, [Offer(pay(on, cents, purpose), keeps_surplus)])
    return error


def code_of(error: InputError | None) -> str | None:
    return None if error is None else error.code


PAYMENTS = st.lists(
    st.tuples(st.dates(date(2025, 1, 1), date(2025, 12, 31)), st.integers(1, 150_00)), max_size=5
)


@given(PAYMENTS, PAYMENTS)
def test_a_glance_sees_what_a_look_at_each_payment_does(
    before: list[tuple[date, int]], new: list[tuple[date, int]]
) -> None:
    facts = THREE
    for payment in before:
        if offer(facts, *payment) is None:
            facts = paid(facts, payment)
    offers = [Offer(payment) for payment in sorted(starmap(pay, new), key=payment_order)]
    in_all = sum(cents for _, cents in new)
    assert takes_all(facts, in_all) == (refuse_offers(facts, offers) == [None] * len(new))


def test_a_loan_takes_exactly_what_its_schedule_asks_for() -> None:
    offers = [Offer(pay(date(2025, 2, day), 100_00)) for day in (1, 2, 3, 4)]
    errors = refuse_offers(THREE, [*offers, Offer(pay(date(2025, 2, 5), 35_00))])
    assert [code_of(error) for error in errors] == [
        None,
        None,
        None,
        "repayment.over_payment",
        None,
    ]
    assert errors[3] == InputError(
        "/amount",
        "repayment.over_payment",
        Text(
            "Ce montant dépasse ce qu'il reste à payer sur ce prêt : 35.00.",
            "This amount is more than what is left to pay on this loan: 35.00.",
        ),
    )
    begun = paid(THREE, (date(2025, 2, 1), 35_00))
    assert [takes_all(begun, cents) for cents in (300_00, 300_01)] == [True, False]
    charged = add_fact(begun, Charge(UUID(int=1), date(2025, 2, 2), 1_00))
    assert not takes_all(charged, 1), "more than payments has happened: it is looked at"
    whole = paid(THREE, (date(2025, 2, 1), 335_00))
    assert offer(whole, date(2025, 2, 2), 1) == InputError(
        "/amount",
        "loan.closed",
        Text(
            "Ce prêt est soldé à cette date : il ne reste rien à payer. "
            "Ce qui rentre après une radiation s'inscrit comme recouvrement.",
            "This loan is closed on this date: nothing is left to pay. "
            "What comes in after a write-off is recorded as a recovery.",
        ),
    )


def test_what_is_paid_too_much_is_kept_only_when_said() -> None:
    day = date(2025, 2, 1)
    assert offer(THREE, day, 340_00, keeps_surplus=True) is None
    error = offer(THREE, day, 340_00, PaymentPurpose.PREPAYMENT)
    assert code_of(error) is not None
    # A loan that holds a credit asks for nothing.
    rich = paid(THREE, (day, 340_00))
    assert find_position(rich, day).credit_cents == 5_00
    assert code_of(offer(rich, day + DAY, 1)) == "loan.closed"
    assert code_of(offer(rich, day + DAY, 1, keeps_surplus=True)) == "loan.closed"


def test_a_payment_that_comes_late_leaves_the_surplus_to_those_after_it() -> None:
    """A loan repaid in March can still be told of 5.00 paid in February; not of 5.00 in April."""
    whole = paid(THREE, (date(2025, 3, 1), 335_00))
    forgotten, after = date(2025, 2, 1), date(2025, 4, 1)
    assert code_of(offer(whole, forgotten, 5_00)) == "loan.closed"
    assert offer(whole, forgotten, 5_00, keeps_surplus=True) is None
    assert code_of(offer(whole, after, 5_00, keeps_surplus=True)) == "loan.closed"
    told = add_payments(whole, [pay(forgotten, 5_00)])
    assert find_position(told, date(2025, 2, 28)).credit_cents == 0
    assert find_position(told, after).credit_cents == 5_00


def test_a_payment_before_those_that_settle_the_loan_is_told_of_them() -> None:
    """335.00 are all there is; on 20 January the loan is open, and on 1 February it is closed."""
    whole = paid(THREE, (date(2025, 2, 1), 335_00))
    for facts in (whole, add_fact(whole, Charge(UUID(int=7), date(2025, 1, 10), 0))):
        before = offer(facts, date(2025, 1, 20), 10_00)
        since = offer(facts, date(2025, 2, 2), 10_00)
        assert (code_of(before), code_of(since)) == ("loan.closed", "loan.closed")
        assert before is not None
        assert since is not None
        assert "Repayments on record after this date" in before.message.en
        assert "closed on this date" in since.message.en
        assert offer(facts, date(2025, 1, 20), 10_00, keeps_surplus=True) is None
        assert before == offer(facts, date(2025, 1, 20), 1)
        # By the evening of the day that settles it, the loan is closed.
        assert since == offer(facts, date(2025, 2, 1), 10_00)
    day = date(2025, 2, 1)
    offers = [Offer(pay(day, cents)) for cents in (100_00, 235_00, 10_00)]
    assert refuse_offers(THREE, offers) == [None, None, since]
    # A cent that comes later leaves it open until then.
    almost = paid(THREE, (day, 334_99), (date(2025, 3, 1), 1))
    assert offer(almost, date(2025, 2, 2), 10_00) == before


def test_a_fee_after_a_refund_is_paid_like_any_other() -> None:
    """335.00 closes the loan; 5.00 too much is given back; 2.00 of fee are then owed, no more."""
    day = date(2025, 2, 1)
    given_back = replace(paid(THREE, (day, 340_00)), refunds=(Loss(day + DAY, 5_00),))
    charged = add_fact(given_back, Charge(UUID(int=7), date(2025, 2, 10), 2_00))
    assert offer(charged, date(2025, 2, 11), 2_00) is None
    error = offer(charged, date(2025, 2, 11), 2_01)
    assert code_of(error) == "repayment.over_payment"
    assert error is not None
    assert "2.00" in error.message.en


def test_a_credit_of_one_cent_pays_a_cent_of_a_fee() -> None:
    rich = paid(THREE, (date(2025, 2, 1), 335_01))
    charged = add_fact(rich, Charge(UUID(int=7), date(2025, 2, 10), 2))
    position = find_position(charged, date(2025, 2, 10))
    assert (position.credit_cents, position.fees_due_cents) == (0, 1)


def test_a_payoff_is_of_what_closes_the_loan() -> None:
    """3.00 due on 1 February with 100.00; 1.00 of the 2.00 of February by the 15th."""
    facts, day = lay_loan(TERMS), date(2025, 2, 15)
    payoff = PaymentPurpose.PAYOFF
    assert offer(facts, day, 304_00, payoff) is None
    for cents in (303_99, 304_01):
        assert offer(facts, day, cents, payoff) == InputError(
            "/amount",
            "repayment.payoff_differs",
            Text(
                "Pour solder ce prêt le 2025-02-15, il faut 304.00.",
                "To close this loan on 2025-02-15 takes 304.00.",
            ),
        )
    # Among others of one batch: what comes after it finds a closed loan.
    errors = refuse_offers(facts, [Offer(pay(day, 304_00, payoff)), Offer(pay(day + DAY, 1))])
    assert [code_of(error) for error in errors] == [None, "loan.closed"]
    # One that is too small is refused among others too, though the loan could take its sum.
    errors = refuse_offers(facts, [Offer(pay(day, 200_00, payoff)), Offer(pay(day + DAY, 1_00))])
    assert [code_of(error) for error in errors] == ["repayment.payoff_differs", None]
    # A payment before it leaves too much in it.
    closed = add_payments(facts, [pay(day, 304_00, payoff)])
    assert code_of(offer(closed, date(2025, 2, 1), 10_00)) == "loan.closed"


def test_a_prepayment_over_what_is_owed_tells_how_much_is() -> None:
    error = offer(lay_loan(TERMS), date(2025, 2, 15), 310_00, PaymentPurpose.PREPAYMENT)
    assert code_of(error) == "repayment.over_payment"
    assert error is not None
    assert "304.00" in error.message.en


def test_many_payments_of_a_loan_by_the_day_are_judged_together_or_one_by_one() -> None:
    """300.00 at 12 %, one dollar a day: 31 payments settle what they can; 400.00 is too much."""
    terms = replace(TERMS, day_count=DayCount.ACTUAL_365)
    facts = lay_loan(terms, Accrual.DAILY)
    offers = [Offer(pay(date(2025, 1, day), 1_00)) for day in range(1, 32)]
    assert refuse_offers(facts, offers) == [None] * 31
    errors = refuse_offers(facts, [Offer(pay(date(2025, 1, 1), 400_00)), *offers])
    assert code_of(errors[0]) == "repayment.over_payment"
    assert errors[1:] == [None] * 31


def test_a_payoff_of_a_closed_loan_is_of_nothing() -> None:
    closed = paid(THREE, (date(2025, 2, 1), 335_00))
    error = offer(closed, date(2025, 2, 2), 1_00, PaymentPurpose.PAYOFF)
    assert code_of(error) == "loan.closed"


def test_after_a_write_off_a_loan_takes_what_is_left_of_it() -> None:
    facts = lost(paid(THREE, (date(2025, 2, 1), 115_00)), date(2025, 6, 1), 200_00)
    assert code_of(offer(facts, date(2025, 6, 2), 1)) == "loan.closed"
    # Until that day, only the interest of the second instalment could still have been paid.
    assert offer(facts, date(2025, 5, 31), 10_00) is None
    error = offer(facts, date(2025, 5, 31), 10_01)
    assert code_of(error) == "fact.contradicts_another"
    assert error is not None
    assert error.pointer == "/amount"
    french, english = error.message.fr, error.message.en
    assert french.startswith("Avec ce paiement, un fait inscrit le 2025-06-01 ne tiendrait plus. ")
    assert english.startswith("With this repayment, a fact recorded on 2025-06-01 would no longer ")
    partly = lost(THREE, date(2025, 2, 10), 150_00)
    assert offer(partly, date(2025, 2, 11), 175_00) is None
    error = offer(partly, date(2025, 2, 11), 175_01)
    assert code_of(error) == "repayment.over_payment"
    assert error is not None
    assert "175.00" in error.message.en


def test_payments_are_replaced_together() -> None:
    day = date(2025, 2, 1)
    facts = paid(THREE, (day, 100_00), (day + DAY, 50_00))
    gone = {payment.repayment_id for payment in facts.payments}
    assert drop_payments(facts, ()) is facts
    kept = drop_payments(facts, {facts.payments[0].repayment_id})
    assert kept == paid(THREE, (day + DAY, 50_00))
    assert drop_payments(facts, gone) == THREE
    whole, more = Offer(pay(day, 335_00)), Offer(pay(day + DAY, 1))
    assert refuse_together(facts, THREE, [whole]) is None
    assert code_of(refuse_together(facts, THREE, [whole, more])) == "fact.leaves_surplus"
    kept_more = replace(more, keeps_surplus=True)
    assert refuse_together(facts, THREE, [whole, kept_more]) is None
    # What was written off since is not paid as well.
    before = lost(facts, date(2025, 3, 1), 100_00)
    without = drop_payments(before, gone)
    error = refuse_together(before, without, [Offer(pay(day, 250_00), keeps_surplus=True)])
    assert code_of(error) == "fact.contradicts_another"
    assert error is not None
    assert error.pointer == "/amount"


def test_a_contradiction_says_on_which_day() -> None:
    day = date(2025, 2, 1)
    refund = replace(THREE, refunds=(Loss(day, 1),))
    [own] = find_contradiction("/amount", THREE, refund, day)
    assert own == InputError("/amount", "refund.exceeds_balance", REFUND_TOO_LARGE)
    [other] = find_contradiction("/fact", THREE, refund)
    assert (other.pointer, other.code) == ("/fact", "fact.contradicts_another")
    assert other.message.fr.startswith("Un fait inscrit le 2025-02-01 ne tiendrait plus. ")
    assert other.message.en.startswith("A fact recorded on 2025-02-01 would no longer stand. ")
    # Terms that cannot be laid are at fault where the fact tells them.
    agreed = AgreedTerms(instalments=3, first_due_on=day)
    loan = lay_loan(TERMS)
    again = add_fact(loan, Rescheduling(UUID(int=7), day, agreed))
    [laid] = find_contradiction("/fact", loan, again, day, "/fact/terms/{term}")
    assert (laid.pointer, laid.code) == (
        "/fact/terms/first_due_on",
        "schedule.first_due_before_disbursement",
    )
    [laid] = find_contradiction("/fact", loan, again, day)
    assert laid.pointer == "/fact"
    rich = paid(THREE, (day, 335_01))
    [surplus] = find_contradiction("/fact", THREE, rich)
    assert surplus == InputError(
        "/fact",
        "fact.leaves_surplus",
        Text(
            "Des paiements inscrits dépasseraient de 0.01 ce que le prêt demande.",
            "Repayments on record would exceed what the loan asks for by 0.01.",
        ),
    )
    assert find_contradiction("/fact", rich, THREE) == []
    assert find_contradiction("/fact", rich, rich) == []
