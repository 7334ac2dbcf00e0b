"""Plain loans by column say what `find_figures` says loan by loan."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from operator import attrgetter
from uuid import UUID

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from services.loans.positions.arithmetic import END_OF_TIME, LoanState
from services.loans.positions.daily_totals import PRINCIPAL, REPAYMENTS
from services.loans.positions.facts import LoanFacts, Payment
from services.loans.positions.figures import Change, find_figures
from services.loans.positions.ladder import Ladder
from services.loans.positions.plain import (
    NO_DAY,
    PlainFigures,
    PlainLoans,
    PlainPayments,
    States,
    find_left,
    find_plain_figures,
    in_order,
)
from services.loans.repayments.arithmetic import add_payments, takes_all
from tests.unit.three_instalments import THREE

START = date(2025, 1, 31)


@dataclass(frozen=True, slots=True)
class History:
    """A loan with its payments on record, and those that are new."""

    before: LoanFacts
    new: Sequence[Payment]

    @property
    def after(self) -> LoanFacts:
        return add_payments(self.before, self.new)


def lay_out(histories: Sequence[History]) -> tuple[PlainLoans, PlainPayments, list[str]]:
    """By column, the payments in no particular order; and the name of each."""
    loans = [history.before for history in histories]
    ladders = [loan.ladder for loan in loans]
    known = [(place, each) for place, of in enumerate(histories) for each in of.before.payments]
    new = [(place, each) for place, of in enumerate(histories) for each in of.new]
    return (
        PlainLoans(
            [loan.loan_id for loan in loans],
            [loan.region_code for loan in loans],
            np.array([loan.disbursed_on.toordinal() for loan in loans]),
            np.array([loan.principal_cents for loan in loans]),
            np.cumsum([0, *(len(ladder.due) for ladder in ladders)]),
            np.array([day.toordinal() for ladder in ladders for day in ladder.due]),
            np.array(
                [
                    parts
                    for ladder in ladders
                    for parts in zip(
                        ladder.fees_cents,
                        ladder.interest_cents,
                        ladder.principal_cents,
                        strict=True,
                    )
                ]
            ),
        ),
        to_columns(known, is_new=False).join(to_columns(new, is_new=True)),
        [payment.external_id for _, payment in [*known, *new]],
    )


def to_columns(payments: Sequence[tuple[int, Payment]], *, is_new: bool) -> PlainPayments:
    return PlainPayments(
        np.array([place for place, _ in payments], dtype=np.int64),
        np.array([payment.repayment_id.bytes for _, payment in payments], dtype="V16"),
        np.array([payment.paid_on.toordinal() for _, payment in payments], dtype=np.int64),
        np.array([payment.amount_cents for _, payment in payments], dtype=np.int64),
        np.full(len(payments), is_new),
    )


def find(histories: Sequence[History]) -> PlainFigures:
    loans, payments, names = lay_out(histories)
    return find_plain_figures(loans, in_order(payments, names))


def list_states(loans: PlainLoans, states: States) -> list[tuple[UUID, LoanState]]:
    def to_day(day: int) -> date | None:
        return None if day == NO_DAY else date.fromordinal(day)

    columns = (states.from_on, states.until_on, states.outstanding_cents, states.oldest_due_on)
    return [
        (
            loans.loan_ids[place],
            LoanState(date.fromordinal(on), date.fromordinal(until), cents, to_day(oldest)),
        )
        for place, on, until, cents, oldest in zip(
            states.loans.tolist(), *(column.tolist() for column in columns), strict=True
        )
    ]


@st.composite
def histories(draw: st.DrawFn) -> list[History]:
    """Up to four loans, of instalments that may ask for nothing; each takes all its payments."""
    found: list[History] = []
    for number in range(draw(st.integers(1, 4))):
        spans = draw(st.lists(st.integers(1, 60), min_size=1, max_size=4))
        due = [START + timedelta(days=sum(spans[: n + 1])) for n in range(len(spans))]
        parts = st.lists(st.sampled_from([0, 0, 7, 100]), min_size=len(due), max_size=len(due))
        fees, interest, principal = draw(parts), draw(parts), draw(parts)
        principal[-1] += 50
        left = sum(fees) + sum(interest) + sum(principal)
        payments: list[Payment] = []
        for place in range(draw(st.integers(1, 5))):
            cents = draw(st.integers(1, left))
            left -= cents
            on = START + timedelta(days=draw(st.sampled_from([0, 1, 30, 31, 32, 91, 92, 200])))
            name = f"R{draw(st.integers(0, 9))}-{place}"
            payments.append(Payment(UUID(int=100 * number + place), name, on, cents))
            if not left:
                break
        known = draw(st.integers(0, len(payments) - 1))
        loan = replace(
            THREE,
            loan_id=UUID(int=number),
            region_code=draw(st.sampled_from(["01", "06"])),
            disbursed_on=START,
            principal_cents=sum(principal),
            ladder=Ladder(due, fees, interest, principal),
            payments=(),
        )
        found.append(History(add_payments(loan, payments[:known]), payments[known:]))
    return found


@given(histories())
def test_what_is_found_is_what_is_found_loan_by_loan(drawn: list[History]) -> None:
    figures = find(drawn)
    expected = find_figures([Change(each.before, each.after) for each in drawn])
    by_loan = {
        (UUID(bytes=repayment_id), *split)
        for repayment_id, split in zip(
            figures.payments.repayment_ids.tolist(), figures.splits.tolist(), strict=True
        )
    }
    assert by_loan == {split for _, now in expected.after for split in now.allocations}
    assert list_states(figures.loans, figures.states) == [
        (loan.loan_id, state) for loan, now in expected.after for state in now.states
    ]
    assert figures.days == expected.days
    by_id = attrgetter("repayment_id")
    assert sorted(figures.moves, key=by_id) == sorted(expected.moves, key=by_id)


@given(histories(), st.integers(-1, 1))
def test_what_is_left_says_whether_a_loan_takes_all(drawn: list[History], extra: int) -> None:
    loans, payments, _ = lay_out(drawn)
    left = find_left(loans, payments).tolist()
    for history, cents in zip(drawn, left, strict=True):
        offered = sum(payment.amount_cents for payment in history.new) + cents + extra
        assert takes_all(history.before, offered) == (extra <= 0)


def test_payments_of_a_day_go_by_their_names() -> None:
    """The fee and the interest of the first instalment go to whichever comes first."""
    on = date(2025, 2, 1)
    named = [Payment(UUID(int=n), name, on, 20_00) for n, name in enumerate(["b", "a", "c"])]
    figures = find([History(THREE, named)])
    order = [UUID(bytes=each).int for each in figures.payments.repayment_ids.tolist()]
    assert order == [1, 0, 2]
    assert figures.splits.tolist() == [[5_00, 10_00, 5_00], [0, 0, 20_00], [0, 0, 20_00]]


def test_a_late_payment_moves_those_after_it() -> None:
    known = add_payments(THREE, [Payment(UUID(int=2), "R2", date(2025, 3, 1), 15_00)])
    late = Payment(UUID(int=1), "R1", date(2025, 2, 1), 10_00)
    [move] = find([History(known, [late])]).moves
    assert (move.repayment_id, move.on) == (UUID(int=2), date(2025, 3, 1))
    assert (move.fees_cents, move.interest_cents, move.principal_cents) == (-5_00, -5_00, 10_00)


def test_no_cent_is_lost_in_sums_beyond_what_fractions_hold() -> None:
    """A fraction of 64 bits holds whole numbers up to 2^53 alone."""
    large = 2**53 + 1
    ladder = replace(THREE.ladder, principal_cents=(large, 100_00, 100_00))
    loan = replace(THREE, ladder=ladder, principal_cents=large + 200_00)
    histories = [
        History(
            replace(loan, loan_id=UUID(int=number)),
            [Payment(UUID(int=number), "R", date(2025, 2, 1), large + 15_00)],
        )
        for number in (1, 2)
    ]
    figures = find(histories)
    assert figures.splits.tolist() == [[5_00, 10_00, large], [5_00, 10_00, large]]
    day = figures.days["06", date(2025, 2, 1)]
    assert (day[REPAYMENTS], day[PRINCIPAL]) == (2 * large + 30_00, 2 * large)


def test_a_loan_settled_on_the_day_it_is_lent() -> None:
    """One state: nothing is left from the disbursement on."""
    whole = Payment(UUID(int=1), "R1", THREE.disbursed_on, 335_00)
    figures = find([History(THREE, [whole])])
    [(_, state)] = list_states(figures.loans, figures.states)
    assert state == LoanState(THREE.disbursed_on, END_OF_TIME, 0, None)
