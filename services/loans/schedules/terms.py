"""The terms of a repayment schedule, and the refusal of terms that cannot be scheduled."""

from dataclasses import dataclass
from datetime import MAXYEAR, date
from decimal import Decimal
from enum import StrEnum

from services.common.calendar import DayCount, Frequency
from services.common.money import AMOUNT_CENTS_MAX, Rounding
from services.common.text import Text

INSTALMENTS_MAX = 600
ANNUAL_RATE_MAX = 100
"""Percent a year. A quote may pass the criminal rate: the answer then says so, with its APR."""
ANNUAL_RATE_DECIMALS_MAX = 8
TERM_YEARS_MAX = 100


class InterestMethod(StrEnum):
    """`flat` charges the whole term on the sum lent, however much is already repaid."""

    DECLINING_BALANCE = "declining_balance"
    FLAT = "flat"


class Amortisation(StrEnum):
    EQUAL_INSTALMENTS = "equal_instalments"
    EQUAL_PRINCIPAL = "equal_principal"


class FeeCharged(StrEnum):
    """`withheld` is kept from the advance; `added` is due with the first instalment."""

    WITHHELD = "withheld"
    ADDED = "added"


class NonWorkingDays(StrEnum):
    """What becomes of a due date on a weekend or a public holiday of Québec."""

    KEEP = "keep"
    MOVE_LATER = "move_later"
    MOVE_EARLIER = "move_earlier"


@dataclass(frozen=True, slots=True)
class Fee:
    amount_cents: int
    charged: FeeCharged = FeeCharged.WITHHELD


@dataclass(frozen=True, slots=True)
class ScheduleTerms:
    """Everything a schedule depends on. The annual rate is a percentage: 7.25 is 7.25 % a year.

    Grace counts from the first instalment. In `principal_grace_periods` only interest is due.
    In `interest_grace_periods` interest accrues, bears none itself, and falls due after them.
    In `interest_free_periods` none accrues. `instalments` includes all of these.

    Moving a due date to a working day changes when an amount is due, never how much: interest
    runs to the date the calendar gave.

    `due_anchor` is for a schedule laid anew during the life of a loan: due dates are counted from
    it in whole periods, as those of the first schedule were, and `first_due_on` is one of them.
    """

    principal_cents: int
    annual_rate: Decimal
    instalments: int
    disbursed_on: date
    frequency: Frequency = Frequency.MONTHS
    repay_every: int = 1
    first_due_on: date | None = None
    interest_method: InterestMethod = InterestMethod.DECLINING_BALANCE
    amortisation: Amortisation = Amortisation.EQUAL_INSTALMENTS
    day_count: DayCount = DayCount.PERIOD_FRACTION
    rounding: Rounding = Rounding.HALF_UP
    smoothing: bool = False
    instalment_multiple_cents: int | None = None
    principal_grace_periods: int = 0
    interest_grace_periods: int = 0
    interest_free_periods: int = 0
    down_payment_percent: Decimal | None = None
    fees: tuple[Fee, ...] = ()
    non_working_days: NonWorkingDays = NonWorkingDays.KEEP
    due_anchor: date | None = None

    @property
    def fees_withheld_cents(self) -> int:
        return sum(fee.amount_cents for fee in self.fees if fee.charged is FeeCharged.WITHHELD)

    @property
    def fees_added_cents(self) -> int:
        return sum(fee.amount_cents for fee in self.fees if fee.charged is FeeCharged.ADDED)


class ScheduleError(Exception):
    """Terms that cannot be scheduled: a stable code, the field at fault, and why.

    `field` is named as the contract names it, nested ones with a slash: `grace/interest_periods`.
    """

    def __init__(self, code: str, field: str, message: Text) -> None:
        super().__init__(message.en)
        self.code = code
        self.field = field
        self.message = message


def check_terms(terms: ScheduleTerms) -> None:
    """Raise ScheduleError for the first term out of its bounds."""
    _check_sum(terms)
    _check_rate(terms.annual_rate)
    _check_calendar(terms)
    _check_grace(terms)


def _check_sum(terms: ScheduleTerms) -> None:
    if not 0 < terms.principal_cents <= AMOUNT_CENTS_MAX:
        raise ScheduleError(
            "schedule.principal_out_of_range",
            "principal",
            Text(
                "Le capital prêté doit être supérieur à zéro.",
                "The principal must be above zero.",
            ),
        )
    multiple = terms.instalment_multiple_cents
    if multiple is not None and multiple <= 0:
        raise ScheduleError(
            "schedule.instalment_multiple_out_of_range",
            "instalment_multiple",
            Text(
                "Le multiple du versement doit être supérieur à zéro.",
                "The instalment multiple must be above zero.",
            ),
        )
    percent = terms.down_payment_percent
    if percent is not None and not (percent.is_finite() and 0 <= percent < 100):
        raise ScheduleError(
            "schedule.down_payment_out_of_range",
            "down_payment_percent",
            Text(
                "La mise de fonds doit être d’au moins 0 % et de moins de 100 %.",
                "The down payment must be at least 0 % and under 100 %.",
            ),
        )
    if any(fee.amount_cents < 0 for fee in terms.fees):
        raise ScheduleError(
            "schedule.fee_negative",
            "fees",
            Text(
                "Des frais ne peuvent pas être négatifs.",
                "A fee cannot be negative.",
            ),
        )


def _check_rate(annual_rate: Decimal) -> None:
    if not (annual_rate.is_finite() and 0 <= annual_rate <= ANNUAL_RATE_MAX):
        raise ScheduleError(
            "schedule.annual_rate_out_of_range",
            "annual_rate",
            Text(
                f"Le taux annuel doit être entre 0 % et {ANNUAL_RATE_MAX} %.",
                f"The annual rate must lie between 0 % and {ANNUAL_RATE_MAX} %.",
            ),
        )
    exponent = annual_rate.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > ANNUAL_RATE_DECIMALS_MAX:
        raise ScheduleError(
            "schedule.annual_rate_too_precise",
            "annual_rate",
            Text(
                f"Le taux annuel a au plus {ANNUAL_RATE_DECIMALS_MAX} décimales.",
                f"The annual rate has at most {ANNUAL_RATE_DECIMALS_MAX} decimals.",
            ),
        )


def _check_calendar(terms: ScheduleTerms) -> None:
    if not 1 <= terms.instalments <= INSTALMENTS_MAX:
        raise ScheduleError(
            "schedule.instalments_out_of_range",
            "instalments",
            Text(
                f"Le nombre de versements doit être entre 1 et {INSTALMENTS_MAX}.",
                f"The number of instalments must lie between 1 and {INSTALMENTS_MAX}.",
            ),
        )
    if terms.repay_every < 1:
        raise ScheduleError(
            "schedule.repay_every_out_of_range",
            "repay_every",
            Text(
                "L’intervalle entre deux versements doit être d’au moins une période.",
                "The interval between two instalments must be at least one period.",
            ),
        )
    if terms.first_due_on is not None and terms.first_due_on <= terms.disbursed_on:
        raise ScheduleError(
            "schedule.first_due_before_disbursement",
            "first_due_on",
            Text(
                "Le premier versement doit être dû après le déboursement.",
                "The first instalment must be due after the disbursement.",
            ),
        )
    term_years = _term_years(terms)
    if term_years > TERM_YEARS_MAX or terms.disbursed_on.year + term_years >= MAXYEAR:
        raise ScheduleError(
            "schedule.term_too_long",
            "first_due_on" if terms.first_due_on is not None else "repay_every",
            Text(
                f"Le prêt doit être remboursé en {TERM_YEARS_MAX} ans au plus.",
                f"The loan must be repaid within {TERM_YEARS_MAX} years.",
            ),
        )


def _term_years(terms: ScheduleTerms) -> int:
    """Whole years the schedule spans, rounded up, without building a date that may not exist."""
    periods = terms.instalments * terms.repay_every
    per_year = {Frequency.DAYS: 365, Frequency.WEEKS: 52, Frequency.MONTHS: 12}[terms.frequency]
    first_due_on = terms.first_due_on or terms.disbursed_on
    return first_due_on.year - terms.disbursed_on.year + -(-periods // per_year)


def _check_grace(terms: ScheduleTerms) -> None:
    graces = (
        ("grace/principal_periods", terms.principal_grace_periods, terms.instalments - 1),
        ("grace/interest_periods", terms.interest_grace_periods, terms.instalments - 1),
        ("grace/interest_free_periods", terms.interest_free_periods, terms.instalments),
    )
    for field, periods, periods_max in graces:
        if not 0 <= periods <= periods_max:
            raise ScheduleError(
                "schedule.grace_too_long" if periods > 0 else "schedule.grace_negative",
                field,
                Text(
                    f"Le différé doit être entre 0 et {periods_max} périodes pour ce prêt.",
                    f"The grace must lie between 0 and {periods_max} periods for this loan.",
                ),
            )
