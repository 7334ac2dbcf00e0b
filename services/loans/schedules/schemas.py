"""The terms of a schedule as they are posted: alone for a quote, or inside a loan."""

from datetime import date
from typing import Annotated

from pydantic import Field

from services.common.calendar import DayCount, Frequency
from services.common.fields import Amount, Answer, Body, CalendarDate, PositiveAmount, Rate
from services.common.money import Rounding
from services.loans.schedules.apr import RateBasis, Verdict
from services.loans.schedules.terms import (
    Amortisation,
    Fee,
    FeeCharged,
    InterestMethod,
    NonWorkingDays,
    ScheduleTerms,
)
from services.loans.vocabulary import BorrowerKind

Lax = Field(strict=False)
"""For enumerations: JSON has only their text, which strict models would refuse."""

Periods = Annotated[int, Field(ge=0, le=600)]


class FeeBody(Body):
    amount: Amount
    charged: Annotated[FeeCharged, Lax] = FeeCharged.WITHHELD


class GraceBody(Body):
    """Numbers of first periods. Their meaning is told by `ScheduleTerms`."""

    principal_periods: Periods = 0
    interest_periods: Periods = 0
    interest_free_periods: Periods = 0


class TermsBody(Body):
    """The terms of a loan; only `principal`, `annual_rate` and `instalments` are required.

    `disbursed_on` may be left out inside a loan, which has its own.
    """

    principal: PositiveAmount
    annual_rate: Rate
    instalments: Annotated[int, Field(ge=1, le=600)]
    frequency: Annotated[Frequency, Lax] = Frequency.MONTHS
    repay_every: Annotated[int, Field(ge=1, le=366)] = 1
    disbursed_on: CalendarDate | None = None
    first_due_on: CalendarDate | None = None
    interest_method: Annotated[InterestMethod, Lax] = InterestMethod.DECLINING_BALANCE
    amortisation: Annotated[Amortisation, Lax] = Amortisation.EQUAL_INSTALMENTS
    day_count: Annotated[DayCount, Lax] = DayCount.PERIOD_FRACTION
    rounding: Annotated[Rounding, Lax] = Rounding.HALF_UP
    smoothing: bool = False
    instalment_multiple: PositiveAmount | None = None
    grace: GraceBody = GraceBody()
    down_payment_percent: Rate | None = None
    fees: Annotated[list[FeeBody], Field(max_length=20)] = []
    non_working_days: Annotated[NonWorkingDays, Lax] = NonWorkingDays.KEEP

    def to_terms(self, disbursed_on: date) -> ScheduleTerms:
        """The terms the arithmetic takes; whether they can be scheduled is its to say."""
        return ScheduleTerms(
            principal_cents=self.principal,
            annual_rate=self.annual_rate,
            instalments=self.instalments,
            disbursed_on=disbursed_on,
            frequency=self.frequency,
            repay_every=self.repay_every,
            first_due_on=self.first_due_on,
            interest_method=self.interest_method,
            amortisation=self.amortisation,
            day_count=self.day_count,
            rounding=self.rounding,
            smoothing=self.smoothing,
            instalment_multiple_cents=self.instalment_multiple,
            principal_grace_periods=self.grace.principal_periods,
            interest_grace_periods=self.grace.interest_periods,
            interest_free_periods=self.grace.interest_free_periods,
            down_payment_percent=self.down_payment_percent,
            fees=tuple(Fee(fee.amount, fee.charged) for fee in self.fees),
            non_working_days=self.non_working_days,
        )


class AgreedFeeAnswer(Answer):
    amount: Amount
    charged: FeeCharged


class GraceAnswer(Answer):
    """Numbers of first periods, as `GraceBody`."""

    principal_periods: int
    interest_periods: int
    interest_free_periods: int


class TermsAnswer(Answer):
    """The terms of a loan, each of them said: `POST /v1/schedules` takes them as they are."""

    principal: Amount
    annual_rate: str
    instalments: int
    frequency: Frequency
    repay_every: int
    disbursed_on: date
    first_due_on: date | None
    interest_method: InterestMethod
    amortisation: Amortisation
    day_count: DayCount
    rounding: Rounding
    smoothing: bool
    instalment_multiple: Amount | None
    grace: GraceAnswer
    down_payment_percent: str | None
    fees: list[AgreedFeeAnswer]
    non_working_days: NonWorkingDays


class QuoteBody(TermsBody):
    """Terms to be quoted. The criminal rate is that of the day and of the kind of borrower."""

    disbursed_on: CalendarDate
    contracted_on: CalendarDate | None = None
    borrower_kind: Annotated[BorrowerKind, Lax] = BorrowerKind.PERSON


Percent = Annotated[
    str,
    Field(
        pattern=r"^[0-9]+(\.[0-9]+)?$",
        examples=["10.02669124198492525942"],
        description="Pourcentage par année, sans arrondi.",
    ),
]


class RowAnswer(Answer):
    """One instalment; `balance` is the principal still owed once it is paid."""

    number: int
    due_on: date
    principal: Amount
    interest: Amount
    fees: Amount
    payment: Amount
    balance: Amount


class TotalsAnswer(Answer):
    """Sums of the rows: fees withheld from the advance are in no row."""

    principal: Amount
    interest: Amount
    fees: Amount
    payment: Amount


class CriminalRateAnswer(Answer):
    """The limit in percent a year, absent when the law sets none, and how it is measured."""

    limit: Percent | None
    basis: RateBasis
    verdict: Verdict


class QuoteAnswer(Answer):
    """A schedule; `apr` is the annual percentage rate, fees included, not rounded."""

    currency: str
    rows: list[RowAnswer]
    totals: TotalsAnswer
    fees_withheld: Amount
    net_advance: Amount
    apr: Percent
    criminal_rate: CriminalRateAnswer
