"""All that a loan's position depends on: its contract schedule, and what happened since."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum
from operator import attrgetter
from typing import NamedTuple
from uuid import UUID

from services.common.calendar import Frequency
from services.loans.positions.ladder import Ladder
from services.loans.schedules.terms import ScheduleTerms


class Accrual(StrEnum):
    """`scheduled`: interest is what the schedule says. `daily`: it runs on the true balance."""

    SCHEDULED = "scheduled"
    DAILY = "daily"


class AllocationOrder(StrEnum):
    """Which part of what is owed a payment settles first."""

    FEES_INTEREST_PRINCIPAL = "fees_interest_principal"
    FEES_PRINCIPAL_INTEREST = "fees_principal_interest"
    INTEREST_FEES_PRINCIPAL = "interest_fees_principal"
    INTEREST_PRINCIPAL_FEES = "interest_principal_fees"
    PRINCIPAL_FEES_INTEREST = "principal_fees_interest"
    PRINCIPAL_INTEREST_FEES = "principal_interest_fees"


class PaymentPurpose(StrEnum):
    """What a payment is for, when it is not simply for the next instalments.

    `prepayment` settles what is due and what interest has run, then principal; the instalments
    left are laid anew, as many and smaller. With `shorter_term` they stay as high and get fewer.
    `payoff` settles the whole loan.
    """

    PREPAYMENT = "prepayment"
    SHORTER_TERM = "shorter_term"
    PAYOFF = "payoff"


class MoratoriumKind(StrEnum):
    """What need not be paid for a time: the principal, or everything."""

    CAPITAL_ONLY = "capital_only"
    CAPITAL_AND_INTEREST = "capital_and_interest"


class MoratoriumInterest(StrEnum):
    """Interest of a moratorium on everything: due after it, without interest on it; or given up."""

    DEFERRED = "deferred"
    WAIVED = "waived"


class Payment(NamedTuple):
    """A repayment that stands (not reversed). `external_id` orders those of one day."""

    repayment_id: UUID
    external_id: str
    paid_on: date
    amount_cents: int
    purpose: PaymentPurpose | None = None


@dataclass(frozen=True, slots=True)
class Loss:
    """A write-off, a recovery, or a refund of a credit balance that stands, in cents."""

    on: date
    amount_cents: int


@dataclass(frozen=True, slots=True)
class Charge:
    """A fee charged during the life of the loan, due the day it is charged."""

    fee_id: UUID
    on: date
    amount_cents: int


@dataclass(frozen=True, slots=True)
class Tranche:
    """A disbursement after the first: the instalments left are laid anew over what is owed.

    Fees withheld from it are owed by nobody: they only lessen what the borrower receives.
    """

    disbursement_id: UUID
    on: date
    amount_cents: int
    fees_withheld_cents: int = 0


@dataclass(frozen=True, slots=True)
class AgreedTerms:
    """What is agreed anew for what is left to pay; what is None stays as it was."""

    instalments: int
    annual_rate: Decimal | None = None
    frequency: Frequency | None = None
    repay_every: int | None = None
    first_due_on: date | None = None
    principal_grace_periods: int | None = None
    interest_grace_periods: int | None = None
    interest_free_periods: int | None = None


@dataclass(frozen=True, slots=True)
class Rescheduling:
    """From the evening of `on`, what is owed is paid by the terms agreed."""

    rescheduling_id: UUID
    on: date
    agreed: AgreedTerms


@dataclass(frozen=True, slots=True)
class Moratorium:
    """Instalments put off: the term gets longer by `periods`."""

    moratorium_id: UUID
    on: date
    kind: MoratoriumKind
    periods: int
    interest: MoratoriumInterest = MoratoriumInterest.DEFERRED


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the contract says beyond its schedule; None for the terms when nothing needs them.

    `interest_on_overdue_interest` goes with daily interest alone.
    """

    terms: ScheduleTerms | None = None
    accrual: Accrual = Accrual.SCHEDULED
    order: AllocationOrder = AllocationOrder.FEES_INTEREST_PRINCIPAL
    interest_on_overdue_interest: bool = False


PLAIN = Conditions()

NOT_RECORDED = UUID(int=2**128 - 1)
"""Stands for the identifier of a fact that is not recorded yet: it comes after those that are."""


@dataclass(frozen=True, slots=True)
class LoanFacts:
    """`principal_cents` is the first disbursement; `payments` in the order of `payment_order`."""

    loan_id: UUID
    region_code: str
    disbursed_on: date
    principal_cents: int
    ladder: Ladder
    payments: tuple[Payment, ...] = ()
    write_offs: tuple[Loss, ...] = ()
    recoveries: tuple[Loss, ...] = ()
    refunds: tuple[Loss, ...] = ()
    charges: tuple[Charge, ...] = ()
    tranches: tuple[Tranche, ...] = ()
    reschedulings: tuple[Rescheduling, ...] = ()
    moratoria: tuple[Moratorium, ...] = ()
    conditions: Conditions = PLAIN

    @property
    def lent_cents(self) -> int:
        return self.principal_cents + sum(tranche.amount_cents for tranche in self.tranches)

    @property
    def paid_cents(self) -> int:
        return sum(payment.amount_cents for payment in self.payments)

    @property
    def written_off_cents(self) -> int:
        return sum(loss.amount_cents for loss in self.write_offs)

    @property
    def recovered_cents(self) -> int:
        return sum(loss.amount_cents for loss in self.recoveries)

    @property
    def is_plain(self) -> bool:
        """Whether what it still takes depends on no date: nothing but payments and recoveries."""
        return self.conditions.accrual is Accrual.SCHEDULED and not (
            self.write_offs
            or self.charges
            or self.tranches
            or self.reschedulings
            or self.moratoria
            or any(payment.purpose for payment in self.payments)
        )


payment_order: Callable[[Payment], tuple[date, str]] = attrgetter("paid_on", "external_id")
"""The order in which payments are allocated: by date, whatever order they came in."""


def facts_until(facts: LoanFacts, as_of: date) -> LoanFacts:
    """The same loan without what happened after `as_of`."""
    return replace(
        facts,
        payments=tuple(p for p in facts.payments if p.paid_on <= as_of),
        write_offs=tuple(w for w in facts.write_offs if w.on <= as_of),
        recoveries=tuple(r for r in facts.recoveries if r.on <= as_of),
        refunds=tuple(r for r in facts.refunds if r.on <= as_of),
        charges=tuple(c for c in facts.charges if c.on <= as_of),
        tranches=tuple(t for t in facts.tranches if t.on <= as_of),
        reschedulings=tuple(r for r in facts.reschedulings if r.on <= as_of),
        moratoria=tuple(m for m in facts.moratoria if m.on <= as_of),
    )
