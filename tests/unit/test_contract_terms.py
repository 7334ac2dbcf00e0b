"""What the law asks of a contract: the criminal rate, the yearly rate, prescription."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.calendar import Frequency
from services.loans.loans.contract_terms import (
    check_criminal_rate,
    find_prescription,
    state_yearly_rate,
)
from services.loans.schedules import apr
from services.loans.schedules.apr import CashFlows
from services.loans.schedules.arithmetic import build_schedule
from services.loans.schedules.terms import Fee, InterestMethod, ScheduleTerms
from services.loans.vocabulary import BorrowerKind

PERSON, COMPANY = BorrowerKind.PERSON, BorrowerKind.LEGAL_PERSON
SIGNED_ON = date(2026, 1, 15)


def terms(principal: int, rate: str, instalments: int, fee: int = 0) -> ScheduleTerms:
    """In dollars."""
    fees = (Fee(fee * 100),) if fee else ()
    return ScheduleTerms(principal * 100, Decimal(rate), instalments, SIGNED_ON, fees=fees)


def check(
    loan: ScheduleTerms, signed_on: date = SIGNED_ON, kind: BorrowerKind = PERSON
) -> tuple[str, str] | None:
    limit = apr.criminal_rate_limit(signed_on, kind, loan.principal_cents)
    found = check_criminal_rate(loan, build_schedule(loan), limit)
    return None if found is None else (found.pointer, found.message.en)


@pytest.mark.parametrize(
    ("loan", "shown"),
    [
        (terms(5000, "7", 24), None),
        (terms(5000, "7", 24, 150), None),
        (terms(500, "5", 6, 25), None),
        (terms(500, "5", 6, 50), "42.436066"),
        (terms(300, "0", 3, 25), "53.760344"),
        (terms(10_000, "35", 36), None),
    ],
)
def test_fees_count(loan: ScheduleTerms, shown: str | None) -> None:
    found = check(loan)
    if shown is None:
        assert found is None
    else:
        assert found is not None
        assert found[0] == "/fee"
        assert f"is {shown} %" in found[1]
        assert "limits it to 35 %" in found[1]


def test_a_rate_over_the_limit_never_reads_as_equal_to_it() -> None:
    loan = terms(1_000_000_000, "35.0000001", 1)
    assert check(loan) is not None
    pointer, message = check(loan) or ("", "")
    assert pointer == "/annual_rate"
    assert "is 35.000001 %" in message


@pytest.mark.parametrize(
    ("principal_cents", "kind", "is_lawful"),
    [
        (10_000_00, COMPANY, False),
        (10_000_01, COMPANY, True),
        (10_000_01, PERSON, False),
        (500_000_01, PERSON, False),
        (500_000_01, COMPANY, True),
    ],
)
def test_forty_percent_by_kind_of_borrower(
    principal_cents: int, kind: BorrowerKind, is_lawful: bool
) -> None:
    loan = replace(terms(1, "40", 12), principal_cents=principal_cents)
    assert (check(loan, kind=kind) is None) is is_lawful


def test_the_former_limit_until_the_last_day_of_2024() -> None:
    loan = terms(1000, "40", 12)
    assert check(loan, date(2024, 12, 31)) is None
    assert check(loan, date(2025, 1, 1)) is not None
    _, message = check(terms(1000, "60", 12), date(2024, 12, 31)) or ("", "")
    assert "an effective rate over 60 %" in message


flows = st.integers(1, 600).flatmap(
    lambda count: st.builds(
        CashFlows,
        advance_cents=st.integers(1, 10**7),
        payments_cents=st.lists(st.integers(0, 10**7 // count), min_size=count, max_size=count).map(
            lambda payments: (*payments[:-1], payments[-1] + 1)
        ),
        period_parts=st.lists(st.integers(1, 4000), min_size=count, max_size=count).map(tuple),
        parts_in_year=st.just(4380),
    )
)


@given(flows)
def test_what_is_surely_below_a_limit_is_never_above_it(some: CashFlows) -> None:
    assert not (apr._is_surely_below(some, Decimal(35)) and apr._is_apr_above(some, Decimal(35)))
    assert not (
        apr._is_surely_below(some, apr._NOMINAL_UNDER_FORMER_LIMIT)
        and apr._is_effective_rate_above(some, Decimal(60))
    )


def test_ordinary_loans_need_no_more_than_that() -> None:
    loan = terms(5000, "12", 36, 50)
    assert apr._is_surely_below(apr.cash_flows(loan, build_schedule(loan)), Decimal(35))


@pytest.mark.parametrize(
    ("loan", "periods", "effective"),
    [
        (terms(5000, "12", 24), "12", "12.68250301319697206612"),
        (replace(terms(5000, "12", 8), repay_every=3), "4", "12.550881"),
        (replace(terms(5000, "0", 10), frequency=Frequency.WEEKS), "52", "0"),
    ],
)
def test_the_yearly_rate_and_how_it_compounds(
    loan: ScheduleTerms, periods: str, effective: str
) -> None:
    stated = state_yearly_rate(loan)
    assert (stated.nominal, stated.periods_a_year) == (loan.annual_rate, Decimal(periods))
    assert stated.effective == Decimal(effective)


def test_the_yearly_rate_in_words() -> None:
    assert state_yearly_rate(terms(5000, "7.25", 24)).text.fr == (
        "7.25 % par année (taux nominal), calculé sur le solde et payable chaque mois, "
        "soit 7.49583 % par année (taux effectif)."
    )
    every_two_weeks = replace(terms(5000, "7", 24), frequency=Frequency.WEEKS, repay_every=2)
    assert "payable toutes les 2 semaines" in state_yearly_rate(every_two_weeks).text.fr
    flat = replace(terms(5000, "7", 24), interest_method=InterestMethod.FLAT)
    assert state_yearly_rate(flat).effective is None
    assert state_yearly_rate(flat).text.en == "7 % a year on the sum lent, payable every month."
    plain = state_yearly_rate(terms(5000, "7.25", 24))
    compound = state_yearly_rate(terms(5000, "7.25", 24), is_compound=True)
    assert compound == replace(plain, text=compound.text)
    assert compound.text.fr == plain.text.fr + (
        " L'intérêt échu et non payé porte intérêt au même taux, par jour, dès le soir de son "
        "échéance (Code civil, art. 1620)."
    )
    assert compound.text.en == plain.text.en + (
        " Interest that fell due and is not paid bears interest at the same rate, by the day, from "
        "the evening of its due date (Civil Code, art. 1620)."
    )


@pytest.mark.parametrize(
    ("oldest", "acknowledged", "expected"),
    [
        (None, [date(2025, 1, 1)], None),
        (date(2024, 2, 29), [], date(2027, 2, 28)),
        (date(2024, 3, 1), [date(2024, 2, 1)], date(2027, 3, 1)),
        (date(2024, 3, 1), [date(2025, 5, 6), date(2024, 4, 1)], date(2028, 5, 6)),
    ],
)
def test_prescription_begins_again_with_each_payment(
    oldest: date | None, acknowledged: list[date], expected: date | None
) -> None:
    assert find_prescription(oldest, acknowledged) == expected
