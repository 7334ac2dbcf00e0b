"""What a matrix sets aside: on and beside each bound, and to the cent."""

from datetime import date
from decimal import Decimal

import pytest
from pydantic import ValidationError

from services.loans.provisions.arithmetic import Matrix, Provision, find_provision
from services.loans.provisions.rules import MatrixRules

RULES = MatrixRules.model_validate(
    {
        "current_rate": "1",
        "rescheduled_rate_min": "50",
        "classes": [
            {"days_over": days, "rate": rate}
            for days, rate in ((0, "10"), (30, "25"), (60, "50"), (90, "75"), (180, "100"))
        ],
    }
)
MATRIX = Matrix(date(2020, 1, 1), RULES)


@pytest.mark.parametrize(
    ("days", "rate"),
    [(0, 1), (1, 10), (30, 10), (31, 25), (60, 25), (61, 50), (91, 75), (180, 75), (181, 100)],
)
def test_the_class_of_a_delay(days: int, rate: int) -> None:
    found = find_provision(MATRIX, 1_000_00, days, is_rescheduled=False)
    assert found == Provision(Decimal(rate), rate * 10_00)


@pytest.mark.parametrize(("days", "rate"), [(0, 50), (31, 50), (61, 50), (91, 75)])
def test_a_rescheduled_loan_is_never_under_its_minimum(days: int, rate: int) -> None:
    assert find_provision(MATRIX, 1_00, days, is_rescheduled=True).rate == rate


@pytest.mark.parametrize(("cents", "provision"), [(49, 0), (50, 1), (150, 2), (0, 0)])
def test_half_a_cent_goes_up(cents: int, provision: int) -> None:
    assert find_provision(MATRIX, cents, 0, is_rescheduled=False).amount_cents == provision


@pytest.mark.parametrize("days", [(30, 0), (0, 30, 30)])
def test_classes_out_of_order_are_refused(days: tuple[int, ...]) -> None:
    classes = [{"days_over": each, "rate": "1"} for each in days]
    with pytest.raises(ValidationError) as refused:
        MatrixRules.model_validate({"classes": classes})
    assert [error["type"] for error in refused.value.errors()] == ["provision.classes_disordered"]
