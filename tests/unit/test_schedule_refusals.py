"""Terms that cannot be scheduled, each with its code and the field at fault."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from services.common.calendar import DayCount, Frequency
from services.common.money import Rounding
from services.common.text import Text
from services.loans.schedules.arithmetic import build_schedule
from services.loans.schedules.terms import (
    Amortisation,
    Fee,
    InterestMethod,
    ScheduleError,
    ScheduleTerms,
)

PLAIN = ScheduleTerms(500_000, Decimal(7), 24, date(2026, 1, 15))

REFUSALS = [
    ("schedule.principal_out_of_range", "principal", {"principal_cents": 0}),
    ("schedule.principal_out_of_range", "principal", {"principal_cents": -1}),
    ("schedule.principal_out_of_range", "principal", {"principal_cents": 10**15}),
    ("schedule.annual_rate_out_of_range", "annual_rate", {"annual_rate": Decimal("-0.01")}),
    ("schedule.annual_rate_out_of_range", "annual_rate", {"annual_rate": Decimal("100.01")}),
    ("schedule.annual_rate_out_of_range", "annual_rate", {"annual_rate": Decimal("NaN")}),
    ("schedule.annual_rate_out_of_range", "annual_rate", {"annual_rate": Decimal("Infinity")}),
    ("schedule.annual_rate_too_precise", "annual_rate", {"annual_rate": Decimal("7.123456789")}),
    ("schedule.instalments_out_of_range", "instalments", {"instalments": 0}),
    ("schedule.instalments_out_of_range", "instalments", {"instalments": 601}),
    ("schedule.repay_every_out_of_range", "repay_every", {"repay_every": 0}),
    ("schedule.term_too_long", "repay_every", {"repay_every": 51}),
    ("schedule.term_too_long", "first_due_on", {"first_due_on": date(2126, 1, 1)}),
    ("schedule.term_too_long", "repay_every", {"disbursed_on": date(9998, 1, 1)}),
    (  # 13 months are two years begun: the last could be due in 9999
        "schedule.term_too_long",
        "repay_every",
        {"disbursed_on": date(9997, 1, 1), "instalments": 13},
    ),
    (  # a day and a week over a hundred years
        "schedule.term_too_long",
        "repay_every",
        {"frequency": Frequency.DAYS, "instalments": 69, "repay_every": 529},
    ),
    (
        "schedule.term_too_long",
        "repay_every",
        {"frequency": Frequency.WEEKS, "instalments": 7, "repay_every": 743},
    ),
    (
        "schedule.first_due_before_disbursement",
        "first_due_on",
        {"first_due_on": date(2026, 1, 14)},
    ),
    (
        "schedule.first_due_before_disbursement",
        "first_due_on",
        {"first_due_on": date(2026, 1, 15)},
    ),
    ("schedule.grace_too_long", "grace/principal_periods", {"principal_grace_periods": 24}),
    ("schedule.grace_too_long", "grace/interest_periods", {"interest_grace_periods": 24}),
    ("schedule.grace_too_long", "grace/interest_free_periods", {"interest_free_periods": 25}),
    (
        "schedule.grace_too_long",
        "grace/principal_periods",
        {"instalments": 1, "principal_grace_periods": 1},
    ),
    ("schedule.grace_negative", "grace/principal_periods", {"principal_grace_periods": -1}),
    (
        "schedule.instalment_multiple_out_of_range",
        "instalment_multiple",
        {"instalment_multiple_cents": 0},
    ),
    (
        "schedule.down_payment_out_of_range",
        "down_payment_percent",
        {"down_payment_percent": Decimal("-0.1")},
    ),
    (
        "schedule.down_payment_out_of_range",
        "down_payment_percent",
        {"down_payment_percent": Decimal(100)},
    ),
    (
        "schedule.down_payment_out_of_range",
        "down_payment_percent",
        {"down_payment_percent": Decimal("0.00001")},
    ),
    (  # 0.00 of 0.05
        "schedule.down_payment_out_of_range",
        "down_payment_percent",
        {"principal_cents": 5, "down_payment_percent": Decimal(9)},
    ),
    (  # 0.05 of 0.05
        "schedule.down_payment_out_of_range",
        "down_payment_percent",
        {"principal_cents": 5, "down_payment_percent": Decimal(99)},
    ),
    ("schedule.fee_negative", "fees", {"fees": (Fee(-1),)}),
    ("schedule.nothing_advanced", "fees", {"fees": (Fee(500_000),)}),
    ("schedule.never_amortises", "instalments", {"instalment_multiple_cents": 1_000_000}),
    (
        "schedule.never_amortises",
        "instalments",
        {"principal_cents": 5, "annual_rate": Decimal(0)},
    ),
    (
        "schedule.never_amortises",
        "instalments",
        {
            "annual_rate": Decimal(60),
            "instalments": 600,
            "day_count": DayCount.ACTUAL_365,
        },
    ),
    (  # 0.80 a month; January's interest is 0.81
        "schedule.never_amortises",
        "instalments",
        {
            "principal_cents": 16_05,
            "annual_rate": Decimal("59.7"),
            "instalments": 240,
            "disbursed_on": date(2026, 1, 1),
            "day_count": DayCount.ACTUAL_365,
        },
    ),
    (  # half a cent, twice: none, then all
        "schedule.never_amortises",
        "instalments",
        {
            "principal_cents": 1,
            "annual_rate": Decimal(0),
            "instalments": 2,
            "rounding": Rounding.HALF_EVEN,
        },
    ),
    (  # 1.01 of interest a month, and 0.02 of principal: 1.03 rounds to 1.00
        "schedule.never_amortises",
        "instalments",
        {
            "principal_cents": 12_12,
            "annual_rate": Decimal(100),
            "instalments": 600,
            "interest_method": InterestMethod.FLAT,
            "instalment_multiple_cents": 1_00,
        },
    ),
    (  # 6.06 and 1.01 round to no 100.00
        "schedule.never_amortises",
        "instalments",
        {
            "principal_cents": 12_12,
            "annual_rate": Decimal(100),
            "instalments": 2,
            "interest_method": InterestMethod.FLAT,
            "instalment_multiple_cents": 100_00,
        },
    ),
    (
        "schedule.never_amortises",
        "instalments",
        {"interest_method": InterestMethod.FLAT, "instalment_multiple_cents": 1_000_000},
    ),
    (
        "schedule.never_amortises",
        "instalments",
        {"amortisation": Amortisation.EQUAL_PRINCIPAL, "instalment_multiple_cents": 1_000_000},
    ),
]


SAID = {
    "schedule.principal_out_of_range": [
        Text("Le capital prêté doit être supérieur à zéro.", "The principal must be above zero.")
    ],
    "schedule.annual_rate_out_of_range": [
        Text(
            "Le taux annuel doit être entre 0 % et 100 %.",
            "The annual rate must lie between 0 % and 100 %.",
        )
    ],
    "schedule.annual_rate_too_precise": [
        Text("Le taux annuel a au plus 8 décimales.", "The annual rate has at most 8 decimals.")
    ],
    "schedule.instalments_out_of_range": [
        Text(
            "Le nombre de versements doit être entre 1 et 600.",
            "The number of instalments must lie between 1 and 600.",
        )
    ],
    "schedule.repay_every_out_of_range": [
        Text(
            "L’intervalle entre deux versements doit être d’au moins une période.",
            "The interval between two instalments must be at least one period.",
        )
    ],
    "schedule.term_too_long": [
        Text(
            "Le prêt doit être remboursé en 100 ans au plus.",
            "The loan must be repaid within 100 years.",
        )
    ],
    "schedule.first_due_before_disbursement": [
        Text(
            "Le premier versement doit être dû après le déboursement.",
            "The first instalment must be due after the disbursement.",
        )
    ],
    "schedule.grace_too_long": [
        Text(
            f"Le différé doit être entre 0 et {periods} périodes pour ce prêt.",
            f"The grace must lie between 0 and {periods} periods for this loan.",
        )
        for periods in (0, 23, 24)
    ],
    "schedule.grace_negative": [
        Text(
            "Le différé doit être entre 0 et 23 périodes pour ce prêt.",
            "The grace must lie between 0 and 23 periods for this loan.",
        )
    ],
    "schedule.instalment_multiple_out_of_range": [
        Text(
            "Le multiple du versement doit être supérieur à zéro.",
            "The instalment multiple must be above zero.",
        )
    ],
    "schedule.down_payment_out_of_range": [
        Text(
            "La mise de fonds doit être d’au moins 0 % et de moins de 100 %.",
            "The down payment must be at least 0 % and under 100 %.",
        ),
        Text(
            "La mise de fonds ne fait pas un montant entre zéro et le capital.",
            "The down payment is not an amount between zero and the principal.",
        ),
    ],
    "schedule.fee_negative": [
        Text("Des frais ne peuvent pas être négatifs.", "A fee cannot be negative.")
    ],
    "schedule.nothing_advanced": [
        Text(
            "Les frais retenus ne laissent rien à verser à l’emprunteur.",
            "The fees withheld leave nothing to advance to the borrower.",
        )
    ],
    "schedule.never_amortises": [
        Text(
            "Le versement ne couvre pas les intérêts : le prêt ne serait jamais remboursé.",
            "The instalment does not cover the interest: the loan would never be repaid.",
        )
    ],
}


@pytest.mark.parametrize(("code", "field", "changes"), REFUSALS)
def test_terms_that_cannot_be_scheduled(code: str, field: str, changes: dict[str, object]) -> None:
    values = {name: getattr(PLAIN, name) for name in PLAIN.__slots__} | changes
    with pytest.raises(ScheduleError) as caught:
        build_schedule(ScheduleTerms(**values))
    assert (caught.value.code, caught.value.field) == (code, field)
    assert caught.value.message in SAID[code]
    assert str(caught.value) == caught.value.message.en


@pytest.mark.parametrize(
    ("percent", "text"), [("-0.1", 0), ("100", 0), ("NaN", 0), ("0.00001", 1), ("99.99999999", 1)]
)
def test_a_down_payment_out_of_bounds_or_of_no_amount(percent: str, text: int) -> None:
    with pytest.raises(ScheduleError) as caught:
        build_schedule(replace(PLAIN, down_payment_percent=Decimal(percent)))
    assert caught.value.message == SAID["schedule.down_payment_out_of_range"][text]


@pytest.mark.parametrize(
    "changes",
    [
        {"principal_cents": 10**15 - 1},
        {"annual_rate": Decimal(100)},
        {"annual_rate": Decimal("7.12345678")},
        {"instalments": 600, "repay_every": 2},
        {"disbursed_on": date(9996, 1, 1)},
        {"frequency": Frequency.DAYS, "instalments": 500, "repay_every": 73},
        {"frequency": Frequency.WEEKS, "instalments": 520, "repay_every": 10},
        {"fees": (Fee(0),)},
    ],
)
def test_terms_at_their_bounds_can_be_scheduled(changes: dict[str, object]) -> None:
    values = {name: getattr(PLAIN, name) for name in PLAIN.__slots__} | changes
    assert build_schedule(ScheduleTerms(**values)).rows[-1].balance_cents == 0
