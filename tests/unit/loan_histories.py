"""Random loans and histories, small enough to read when one fails."""

import uuid
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st

from services.common.calendar import DayCount, Frequency
from services.common.money import Rounding
from services.loans.positions.account import Impossible, lay_ladder
from services.loans.positions.arithmetic import replay
from services.loans.positions.daily_account import DAILY_DAY_COUNTS
from services.loans.positions.facts import (
    Accrual,
    AgreedTerms,
    AllocationOrder,
    Charge,
    Conditions,
    LoanFacts,
    Loss,
    Moratorium,
    MoratoriumInterest,
    MoratoriumKind,
    Payment,
    PaymentPurpose,
    Rescheduling,
    Tranche,
    payment_order,
)
from services.loans.schedules.arithmetic import build_schedule
from services.loans.schedules.terms import (
    Amortisation,
    Fee,
    FeeCharged,
    InterestMethod,
    ScheduleError,
    ScheduleTerms,
)
from tests.support.properties import examples

MANY = settings(examples(60), suppress_health_check=list(HealthCheck))
FEW = settings(examples(30), suppress_health_check=list(HealthCheck))

START = date(2024, 1, 31)
SPAN_DAYS = 300

Fact = Payment | Charge | Tranche | Rescheduling | Moratorium | tuple[str, Loss]

kinds = st.sampled_from(
    [
        *["payment"] * 4,
        "prepayment",
        "overpayment",
        "fee",
        "fee",
        "tranche",
        "rescheduling",
        "moratorium",
        "write_off",
        "recovery",
        "refund",
    ]
)
days = st.integers(0, SPAN_DAYS).map(lambda number: START + timedelta(days=number))
rates = st.sampled_from(["0", "6", "12.5", "30"]).map(Decimal)


def lay_loan(
    terms: ScheduleTerms,
    accrual: Accrual = Accrual.SCHEDULED,
    order: AllocationOrder = AllocationOrder.FEES_INTEREST_PRINCIPAL,
    *,
    is_compound: bool = False,
) -> LoanFacts:
    """A loan of these terms, without facts."""
    return LoanFacts(
        uuid.UUID(int=7),
        "06",
        terms.disbursed_on,
        terms.principal_cents,
        lay_ladder(build_schedule(terms)),
        conditions=Conditions(terms, accrual, order, is_compound),
    )


@st.composite
def loans(draw: st.DrawFn, accrual: Accrual | None = None) -> LoanFacts:
    if accrual is None:
        accrual = draw(st.sampled_from(Accrual))
    is_daily = accrual is Accrual.DAILY
    count = draw(st.integers(1, 8))
    grace = st.one_of(st.just(0), st.integers(0, count - 1))
    terms = ScheduleTerms(
        principal_cents=draw(st.integers(1_000, 50_000)),
        annual_rate=draw(rates),
        instalments=count,
        disbursed_on=START,
        frequency=draw(st.sampled_from([Frequency.MONTHS, Frequency.MONTHS, Frequency.WEEKS])),
        repay_every=draw(st.sampled_from([1, 1, 1, 2])),
        first_due_on=draw(st.sampled_from([None, None, START + timedelta(days=20)])),
        interest_method=InterestMethod.DECLINING_BALANCE
        if is_daily
        else draw(st.sampled_from(InterestMethod)),
        amortisation=draw(st.sampled_from(Amortisation)),
        day_count=draw(st.sampled_from(DAILY_DAY_COUNTS if is_daily else list(DayCount))),
        rounding=draw(st.sampled_from(Rounding)),
        instalment_multiple_cents=draw(st.sampled_from([None, None, 500])),
        principal_grace_periods=draw(grace),
        interest_grace_periods=draw(grace),
        interest_free_periods=draw(grace),
        down_payment_percent=draw(st.sampled_from([None, None, None, Decimal(10)])),
        fees=(Fee(draw(st.integers(0, 300)), FeeCharged.ADDED),),
    )
    try:
        order = draw(st.sampled_from(AllocationOrder))
        return lay_loan(terms, accrual, order, is_compound=is_daily and draw(st.booleans()))
    except ScheduleError:
        assume(False)
        raise


def agreed_terms() -> st.SearchStrategy[AgreedTerms]:
    return st.builds(
        AgreedTerms,
        instalments=st.integers(3, 6),
        annual_rate=st.sampled_from([None, Decimal(0), Decimal(9)]),
        frequency=st.sampled_from([None, Frequency.WEEKS]),
        principal_grace_periods=st.sampled_from([None, 0, 2]),
        interest_grace_periods=st.sampled_from([None, 2]),
        interest_free_periods=st.sampled_from([None, 1]),
    )


@st.composite
def facts_of_a_life(draw: st.DrawFn, number: int) -> Fact:
    """Any fact; whether the loan can take it is for the loan to say."""
    on, identifier = draw(days), uuid.UUID(int=number)
    kind = draw(kinds)
    cents = draw(st.one_of(st.integers(1, 900), st.integers(1_000, 60_000)))
    match kind:
        case "payment":
            return Payment(identifier, f"R{number:02d}", on, cents)
        case "overpayment":
            return Payment(identifier, f"R{number:02d}", on, 60_000 + cents)
        case "prepayment":
            purpose = draw(st.sampled_from(PaymentPurpose))
            return Payment(identifier, f"R{number:02d}", on, cents, purpose)
        case "fee":
            return Charge(identifier, on, min(cents, 700))
        case "tranche":
            return Tranche(identifier, on, cents)
        case "rescheduling":
            return Rescheduling(identifier, on, draw(agreed_terms()))
        case "moratorium":
            return Moratorium(
                identifier,
                on,
                draw(st.sampled_from(MoratoriumKind)),
                draw(st.integers(1, 3)),
                draw(st.sampled_from(MoratoriumInterest)),
            )
    return kind, Loss(on, min(cents, 4_000))


def add_payment(facts: LoanFacts, payment: Payment) -> LoanFacts:
    return replace(facts, payments=tuple(sorted([*facts.payments, payment], key=payment_order)))


def add_fact(facts: LoanFacts, fact: Fact) -> LoanFacts:
    match fact:
        case Payment():
            return add_payment(facts, fact)
        case Charge():
            return replace(facts, charges=(*facts.charges, fact))
        case Tranche():
            return replace(facts, tranches=(*facts.tranches, fact))
        case Rescheduling():
            return replace(facts, reschedulings=(*facts.reschedulings, fact))
        case Moratorium():
            return replace(facts, moratoria=(*facts.moratoria, fact))
        case ("write_off", loss):
            return replace(facts, write_offs=(*facts.write_offs, loss))
        case ("recovery", loss):
            return replace(facts, recoveries=(*facts.recoveries, loss))
        case (_, loss):
            return replace(facts, refunds=(*facts.refunds, loss))


def can_stand(facts: LoanFacts) -> bool:
    try:
        replay(facts)
    except Impossible:
        return False
    return True


@st.composite
def histories(draw: st.DrawFn, accrual: Accrual | None = None, facts_max: int = 8) -> LoanFacts:
    """A loan with the facts it could take, in the order they came in."""
    facts = draw(loans(accrual))
    for number in range(draw(st.integers(0, facts_max))):
        longer = add_fact(facts, draw(facts_of_a_life(number)))
        if can_stand(longer):
            facts = longer
    return facts
