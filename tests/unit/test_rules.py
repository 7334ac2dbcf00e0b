"""Rules as data: what holds, which version is in force, what is no rule."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.text import Text
from services.loans.rules.arithmetic import (
    FIELDS,
    Condition,
    Facts,
    Operator,
    Rule,
    Severity,
    Value,
    compare,
    find_broken,
    read_condition,
    rules_on,
    to_dollars,
)

LOAN: Facts = {
    "contracted_on": date(2025, 1, 31),
    "disbursed_on": date(2025, 2, 28),
    "first_due_on": date(2026, 2, 28),
    "principal": Decimal("20000.00"),
    "other_financing": Decimal(0),
    "annual_rate": Decimal("12"),
    "instalments": 24,
    "product": "individual_loan",
    "borrower_kind": "person",
    "gender": None,
}


def rule(
    *conditions: Condition,
    version: int = 1,
    severity: Severity = "warning",
    from_on: date = date(1900, 1, 1),
    until_on: date | None = None,
) -> Rule:
    message = Text("Trop.", "Too much.")
    return Rule(
        "rule.some", version, "loans", severity, "principal", conditions, message, from_on, until_on
    )


@pytest.mark.parametrize(
    ("written", "holds"),
    [
        ({"field": "principal", "operator": "greater_than", "value": "20000"}, False),
        ({"field": "principal", "operator": "greater_than", "value": "19999.99"}, True),
        ({"field": "principal", "operator": "at_least", "value": "20000"}, True),
        ({"field": "principal", "operator": "at_most", "value": "20000"}, True),
        ({"field": "principal", "operator": "less_than", "value": "20000"}, False),
        ({"field": "principal", "operator": "equal", "value": "20000.0"}, True),
        ({"field": "principal", "operator": "not_equal", "value": "20000.0"}, False),
        ({"field": "instalments", "operator": "equal", "value": "24"}, True),
        ({"field": "product", "operator": "equal", "value": "individual_loan"}, True),
        ({"field": "product", "operator": "not_equal", "value": "circle_loan"}, True),
        ({"field": "gender", "operator": "is_missing"}, True),
        ({"field": "gender", "operator": "is_present"}, False),
        ({"field": "gender", "operator": "equal", "value": "woman"}, False),
        ({"field": "gender", "operator": "not_equal", "value": "woman"}, False),
        ({"field": "product", "operator": "is_present"}, True),
        ({"field": "stage", "operator": "is_missing"}, True),
        ({"field": "disbursed_on", "operator": "greater_than", "value": "2025-02-27"}, True),
        (
            {"field": "disbursed_on", "operator": "greater_than", "other_field": "contracted_on"},
            True,
        ),
        (
            {
                "field": "disbursed_on",
                "operator": "greater_than",
                "other_field": "contracted_on",
                "value": "28",
                "unit": "days",
            },
            False,
        ),
        (
            {
                "field": "disbursed_on",
                "operator": "equal",
                "other_field": "contracted_on",
                "value": "1",
                "unit": "months",
            },
            True,
        ),
        (
            {
                "field": "first_due_on",
                "operator": "greater_than",
                "other_field": "disbursed_on",
                "value": "12",
                "unit": "months",
            },
            False,
        ),
        (
            {
                "field": "principal",
                "operator": "at_least",
                "other_field": "other_financing",
                "value": "20000.01",
            },
            False,
        ),
        ({"field": "principal", "operator": "greater_than", "other_field": "birth_year"}, False),
    ],
)
def test_a_condition_holds(written: dict[str, object], holds: bool) -> None:
    assert read_condition("loans", written).holds(LOAN) is holds


@pytest.mark.parametrize(
    "written",
    [
        {"field": "nothing", "operator": "is_missing"},
        {"field": "principal", "operator": "eval", "value": "1"},
        {"field": "principal", "operator": "equal"},
        {"field": "principal", "operator": "equal", "value": "many"},
        {"field": "principal", "operator": "equal", "value": "NaN"},
        {"field": "principal", "operator": "equal", "value": "Infinity"},
        {"field": "principal", "operator": "equal", "value": "1", "unit": "days"},
        {"field": "principal", "operator": "is_missing", "value": "1"},
        {"field": "principal", "operator": "is_missing", "other_field": "annual_rate"},
        {"field": "principal", "operator": "equal", "other_field": "product"},
        {"field": "principal", "operator": "equal", "other_field": "nothing"},
        {"field": "disbursed_on", "operator": "equal", "value": "yesterday"},
        {
            "field": "disbursed_on",
            "operator": "equal",
            "other_field": "contracted_on",
            "value": "1",
        },
        {"field": "product", "operator": "equal", "other_field": "stage", "value": "1"},
        *(
            {
                "field": "disbursed_on",
                "operator": "equal",
                "other_field": "contracted_on",
                "value": value,
                "unit": unit,
            }
            for value, unit in (
                ("1.5", "days"),
                ("-1", "days"),
                ("36501", "days"),
                ("1E+999999", "months"),
                ("1", "years"),
                (None, "days"),
            )
        ),
        {"operator": "is_missing"},
    ],
)
def test_what_is_no_condition(written: dict[str, object]) -> None:
    with pytest.raises((ValueError, KeyError, ArithmeticError)):
        read_condition("loans", written)


def test_a_rule_breaks_when_all_its_conditions_hold() -> None:
    person = Condition("borrower_kind", Operator.EQUAL, "person")
    company = Condition("borrower_kind", Operator.EQUAL, "legal_person")
    nobody = Condition("gender", Operator.IS_MISSING)
    assert rule(nobody, person).is_broken(LOAN)
    assert not rule(nobody, company).is_broken(LOAN)


def test_the_newest_version_begun_is_in_force() -> None:
    first = rule(version=1)
    second = rule(version=2, from_on=date(2026, 4, 1), until_on=date(2026, 12, 31))
    versions = [second, first]
    assert rules_on(versions, date(2026, 3, 31)) == [first]
    assert rules_on(versions, date(2026, 4, 1)) == [second]
    assert rules_on(versions, date(2026, 12, 31)) == [second]
    assert rules_on(versions, date(2027, 1, 1)) == []  # ended: the first does not come back


def test_each_row_has_the_rules_of_its_day() -> None:
    always = Condition("principal", Operator.IS_PRESENT)
    first = rule(always)
    second = rule(always, version=2, from_on=date(2026, 4, 1), severity="error")
    days = (date(2026, 4, 1), date(2026, 3, 31), date(2026, 4, 1))
    assert find_broken([first, second], [(day, LOAN) for day in days]) == [
        [second],
        [first],
        [second],
    ]
    assert first.to_error().pointer == "/principal"


values = st.one_of(
    st.dates(), st.decimals(allow_nan=False, allow_infinity=False), st.integers(), st.text()
)


@given(values, values)
def test_comparing_is_an_order(left: Value, right: Value) -> None:
    numbers = (int, Decimal)
    if type(left) is type(right) or (isinstance(left, numbers) and isinstance(right, numbers)):
        assert compare(left, right) == -compare(right, left)
        assert (compare(left, right) == 0) == (left == right)
    else:
        with pytest.raises(AssertionError):
            compare(left, right)


def test_amounts_are_dollars() -> None:
    assert to_dollars(None) is None
    assert str(to_dollars(2_000_001)) == "20000.01"


def test_every_kind_names_its_fields() -> None:
    assert set(FIELDS) == {"loans", "repayments", "coaching-sessions", "outcomes", "period"}
