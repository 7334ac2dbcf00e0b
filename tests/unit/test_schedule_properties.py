"""What holds for any schedule, and the slow model that lays out the same one."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from services.common.calendar import DayCount, Frequency
from services.common.money import Rounding
from services.loans.schedules.arithmetic import Schedule, build_schedule
from services.loans.schedules.terms import (
    Amortisation,
    Fee,
    FeeCharged,
    InterestMethod,
    NonWorkingDays,
    ScheduleError,
    ScheduleTerms,
)
from tests.support.properties import examples
from tests.unit.schedule_model import model_rows


@st.composite
def random_terms(draw: st.DrawFn) -> ScheduleTerms:
    """Any loan of a community lender, and many that none would make."""
    instalments = draw(st.integers(1, 40) | st.integers(1, 200))
    disbursed_on = draw(st.dates(date(2015, 1, 1), date(2035, 12, 31)))
    graces = st.integers(0, min(6, instalments - 1))
    return ScheduleTerms(
        principal_cents=draw(st.integers(100, 5_000_000) | st.integers(1, 500)),
        annual_rate=draw(st.decimals(0, 60, places=4) | st.just(Decimal(0))),
        instalments=instalments,
        disbursed_on=disbursed_on,
        frequency=draw(st.sampled_from(Frequency)),
        repay_every=draw(st.integers(1, 3)),
        first_due_on=draw(
            st.none() | st.dates(date(2036, 1, 1), date(2036, 6, 1))
            if disbursed_on.year == 2035
            else st.none()
        ),
        interest_method=draw(st.sampled_from(InterestMethod)),
        amortisation=draw(st.sampled_from(Amortisation)),
        day_count=draw(st.sampled_from(DayCount)),
        rounding=draw(st.sampled_from(Rounding)),
        smoothing=draw(st.booleans()),
        instalment_multiple_cents=draw(st.sampled_from([None, None, 5, 100, 500])),
        principal_grace_periods=draw(st.just(0) | graces),
        interest_grace_periods=draw(st.just(0) | graces),
        interest_free_periods=draw(st.just(0) | graces),
        down_payment_percent=draw(st.none() | st.sampled_from([Decimal("12.5"), Decimal(30)])),
        fees=draw(st.sampled_from([(), (Fee(1_000, FeeCharged.ADDED),)])),
        non_working_days=draw(st.just(NonWorkingDays.KEEP) | st.sampled_from(NonWorkingDays)),
    )


def built(terms: ScheduleTerms) -> Schedule | None:
    try:
        return build_schedule(terms)
    except ScheduleError as error:
        if error.code in ("schedule.never_amortises", "schedule.down_payment_out_of_range"):
            return None
        raise


@given(random_terms())
@examples(300)
def test_what_holds_for_any_schedule(terms: ScheduleTerms) -> None:
    schedule = built(terms)
    if schedule is None:
        return
    rows, totals = schedule.rows, schedule.totals
    assert sum(row.principal_cents for row in rows) == totals.principal_cents
    assert totals.principal_cents == terms.principal_cents
    assert sum(row.interest_cents for row in rows) == totals.interest_cents
    assert sum(row.fees_cents for row in rows) == totals.fees_cents == terms.fees_added_cents
    assert sum(row.payment_cents for row in rows) == totals.payment_cents
    assert rows[-1].balance_cents == 0
    assert [row.number for row in rows] == list(range(1, len(rows) + 1))
    assert all(earlier.due_on < later.due_on for earlier, later in pairwise(rows))
    assert all(value >= 0 for row in rows for value in amounts_of(row))
    balances = [terms.principal_cents, *(row.balance_cents for row in rows)]
    for row, (before, after) in zip(rows, pairwise(balances), strict=True):
        assert after == before - row.principal_cents
        assert row.payment_cents == row.principal_cents + row.interest_cents + row.fees_cents


def amounts_of(row: object) -> Iterator[int]:
    for name in ("principal_cents", "interest_cents", "fees_cents", "balance_cents"):
        yield getattr(row, name)


@given(random_terms())
@examples(400)
def test_the_slow_model_agrees(terms: ScheduleTerms) -> None:
    terms = replace(terms, non_working_days=NonWorkingDays.KEEP)
    schedule = built(terms)
    if terms.down_payment_percent and schedule is None:
        return
    rows = schedule and [
        (row.due_on, row.principal_cents, row.interest_cents) for row in schedule.rows
    ]
    assert rows == model_rows(terms)


@given(random_terms())
def test_equal_instalments_are_equal(terms: ScheduleTerms) -> None:
    terms = replace(
        terms,
        interest_method=InterestMethod.DECLINING_BALANCE,
        amortisation=Amortisation.EQUAL_INSTALMENTS,
        first_due_on=None,
        interest_grace_periods=0,
        down_payment_percent=None,
        fees=(),
    )
    schedule = built(terms)
    if schedule is None:
        return
    amortising = schedule.rows[terms.principal_grace_periods : -1]
    assert {row.payment_cents for row in amortising} <= {schedule.instalment_cents}
