"""The rules of a product: as they are posted, kept and held against a loan. Pure.

What a rule leaves out is free. Names are those of the contract's schedules.
"""

from typing import Annotated, TypeVar

from pydantic import Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from services.common.calendar import DayCount, Frequency
from services.common.fields import Amount, Body, Name, PositiveAmount, Rate
from services.common.money import Rounding
from services.loans.positions.facts import Accrual, AllocationOrder, MoratoriumKind
from services.loans.schedules.schemas import Lax
from services.loans.schedules.terms import Amortisation, InterestMethod, NonWorkingDays
from services.loans.vocabulary import BorrowerKind, Stage

TERM_MONTHS_MAX = 600

Value = TypeVar("Value")

Months = Annotated[int, Field(ge=0, le=TERM_MONTHS_MAX)]
Rank = Annotated[int, Field(ge=1, le=1000)]
Periods = Annotated[int, Field(ge=1, le=TERM_MONTHS_MAX)]


def _not_under_minimum(maximum: Value, info: ValidationInfo) -> Value:
    """A maximum `x_max` is not under its `x_min`."""
    minimum = info.data.get(f"{str(info.field_name).removesuffix('_max')}_min")
    if maximum is not None and minimum is not None and minimum > maximum:
        raise PydanticCustomError("range.reversed", "refused")
    return maximum


class Names(Body):
    fr: Name
    en: Name


class Limits(Body):
    """The principal, the term from disbursement to last instalment, the yearly rate."""

    amount_min: PositiveAmount | None = None
    amount_max: PositiveAmount | None = None
    term_months_min: Months | None = None
    term_months_max: Months | None = None
    annual_rate_min: Rate | None = None
    annual_rate_max: Rate | None = None

    _ordered = field_validator("amount_max", "term_months_max", "annual_rate_max")(
        _not_under_minimum
    )


class Conventions(Body):
    """How the schedule is laid out."""

    frequency: Annotated[Frequency, Lax] | None = None
    interest_method: Annotated[InterestMethod, Lax] | None = None
    amortisation: Annotated[Amortisation, Lax] | None = None
    day_count: Annotated[DayCount, Lax] | None = None
    rounding: Annotated[Rounding, Lax] | None = None
    smoothing: bool | None = None
    instalment_multiple: PositiveAmount | None = None
    non_working_days: Annotated[NonWorkingDays, Lax] | None = None


class MoratoriumRule(Body):
    kind: Annotated[MoratoriumKind, Lax]
    periods_max: Periods


class Moratoria(Body):
    """Kinds not listed are not allowed; `periods_max` bounds all moratoria of a loan together."""

    allowed: Annotated[list[MoratoriumRule], Field(max_length=2)] = []
    periods_max: Periods | None = None


class FeeLimits(Body):
    """All fees of the contract together."""

    amount_max: Amount | None = None
    percent_max: Rate | None = None


class Eligibility(Body):
    """`cycle` is the rank of the loan for its borrower, from 1."""

    cycle_min: Rank | None = None
    cycle_max: Rank | None = None
    previous_loan_closed: bool = False
    borrower_kinds: Annotated[list[Annotated[BorrowerKind, Lax]], Field(min_length=1)] | None = None
    stages: Annotated[list[Stage], Field(min_length=1, max_length=50)] | None = None

    _ordered = field_validator("cycle_max")(_not_under_minimum)

    @property
    def asks_for_cycle(self) -> bool:
        """Whether the borrower's other loans matter."""
        return self.previous_loan_closed or (self.cycle_min, self.cycle_max) != (None, None)


class ProductRules(Body):
    """`binding`: a loan that departs from the rules is refused; else it is recorded, and told.

    `interest_on_overdue_interest`: interest that fell due and is not paid bears interest (Civil
    Code, art. 1620); of daily interest alone.
    """

    names: Names
    binding: bool = False
    limits: Limits = Limits()
    conventions: Conventions = Conventions()
    interest_accrual: Annotated[Accrual, Lax] = Accrual.SCHEDULED
    allocation_order: Annotated[AllocationOrder, Lax] = AllocationOrder.FEES_INTEREST_PRINCIPAL
    interest_on_overdue_interest: bool = False
    moratoria: Moratoria = Moratoria()
    fees: FeeLimits = FeeLimits()
    eligibility: Eligibility = Eligibility()

    @field_validator("interest_on_overdue_interest")
    @classmethod
    def _only_daily(cls, is_agreed: bool, info: ValidationInfo) -> bool:
        if is_agreed and info.data.get("interest_accrual") is Accrual.SCHEDULED:
            raise PydanticCustomError("loan.overdue_interest_not_daily", "refused")
        return is_agreed
