"""Positions from the facts, one core, in process: a long loan, and many loans on one date."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from statistics import median
from uuid import UUID

from services.common.calendar import DayCount, Frequency
from services.loans.positions.account import lay_ladder
from services.loans.positions.arithmetic import find_position, replay
from services.loans.positions.facts import Accrual, Conditions, LoanFacts, Payment
from services.loans.positions.figures import Change, find_figures
from services.loans.repayments.arithmetic import Offer, add_payments, refuse_offers
from services.loans.schedules.arithmetic import build_schedule
from services.loans.schedules.terms import ScheduleTerms

PAYMENTS = 2400
LATE_FACT_MS_MAX = 1000
REPLAYS_MAX = 6
"""A late fact is one replay to accept it and two to compare; the rest is for the comparison."""
LOANS = 10_000
ROUNDS = 5
START = date(2016, 1, 4)


def measure() -> Iterator[str]:
    """A fact dated before 2,400 others, and the positions of 10,000 loans as of one date."""
    for accrual in Accrual:
        yield _measure_late_fact(accrual)
    yield _measure_portfolio()


def _measure_late_fact(accrual: Accrual) -> str:
    """From the payment offered to the rows to write, on a loan paid every day."""
    loan = _lay_loan(accrual, PAYMENTS * 10_00, 600, 1)
    payments = [
        Payment(UUID(int=number), f"R{number:04d}", START + timedelta(days=number), 9_00)
        for number in range(2, PAYMENTS + 2)
    ]
    loan = add_payments(loan, payments)
    late = Payment(UUID(int=1), "LATE", START + timedelta(days=1), 5_00)

    def insert() -> None:
        assert refuse_offers(loan, [Offer(late)]) == [None]
        figures = find_figures([Change(loan, add_payments(loan, [late]))])
        [kept] = figures.kept.values()
        assert kept is not None
        assert len(kept.states) >= PAYMENTS

    late_ms, replay_ms = _time_ms(insert), _time_ms(lambda: replay(loan))
    return (
        f"a payment before {PAYMENTS} others, {accrual} interest: {late_ms:.0f} ms (at most"
        f" {LATE_FACT_MS_MAX}), {late_ms / replay_ms:.1f} replays (at most {REPLAYS_MAX})"
    )


def _measure_portfolio() -> str:
    """Loans of 36 months, each paid for a different time, on one evening."""
    model = _lay_loan(Accrual.SCHEDULED, 5_000_00, 36, 30)
    instalment = model.ladder.interest_cents[0] + model.ladder.principal_cents[0]
    payments = tuple(
        Payment(UUID(int=number), f"R{number:02d}", day, instalment)
        for number, day in enumerate(model.ladder.due[:35])
    )
    loans = [replace(model, payments=payments[: number % 35]) for number in range(LOANS)]
    as_of = START + timedelta(days=700)
    pass_ms = _time_ms(lambda: [find_position(loan, as_of) for loan in loans])
    return f"positions of {LOANS} loans on one date: {pass_ms:.0f} ms"


def _lay_loan(accrual: Accrual, principal_cents: int, instalments: int, days: int) -> LoanFacts:
    terms = ScheduleTerms(
        principal_cents=principal_cents,
        annual_rate=Decimal("7.25"),
        instalments=instalments,
        disbursed_on=START,
        frequency=Frequency.DAYS,
        repay_every=days,
        day_count=DayCount.ACTUAL_365,
    )
    ladder = lay_ladder(build_schedule(terms))
    conditions = Conditions(terms, accrual)
    return LoanFacts(UUID(int=0), "06", START, principal_cents, ladder, conditions=conditions)


def _time_ms(work: Callable[[], object]) -> float:
    """The median of a few rounds, in processor time."""
    times = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        times.append(1000 * (time.process_time() - began))
    return median(times)
