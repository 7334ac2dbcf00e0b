"""A loan of three instalments of 110.00, whose figures are easily worked out by hand."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from services.loans.positions.facts import LoanFacts, Loss, Payment, PaymentPurpose
from services.loans.positions.ladder import Ladder
from services.loans.repayments.arithmetic import add_payments
from services.loans.schedules.terms import Amortisation, ScheduleTerms
from tests.unit.loan_histories import add_fact

# 10.00 of interest and 100.00 of principal in each; 5.00 of fees in the first.
THREE = LoanFacts(
    UUID(int=1),
    "06",
    date(2025, 1, 1),
    300_00,
    Ladder(
        (date(2025, 2, 1), date(2025, 3, 1), date(2025, 4, 1)),
        (5_00, 0, 0),
        (10_00, 10_00, 10_00),
        (100_00, 100_00, 100_00),
    ),
)


def pay(on: date, cents: int, purpose: PaymentPurpose | None = None) -> Payment:
    return Payment(UUID(int=on.toordinal()), f"R{on}", on, cents, purpose)


def paid(facts: LoanFacts, *payments: tuple[date, int]) -> LoanFacts:
    return add_payments(facts, [pay(on, cents) for on, cents in payments])


def lost(facts: LoanFacts, on: date, cents: int) -> LoanFacts:
    return add_fact(facts, ("write_off", Loss(on, cents)))


# The like with terms: 100.00 of principal in each, 3.00, 2.00 and 1.00 of interest.
TERMS = ScheduleTerms(
    300_00, Decimal(12), 3, date(2025, 1, 1), amortisation=Amortisation.EQUAL_PRINCIPAL
)
