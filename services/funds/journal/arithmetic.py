"""Double entry: what each fact moves between accounts. Every amount is in cents.

A posting is one amount from one account to another, so a transaction balances by its very form.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import assert_never

from services.funds.journal.accounts import (
    CASH_CAPITAL,
    FEES,
    IN_TRANSIT,
    INTEREST,
    LOANS,
    LOSSES,
    OWED_TO_BORROWERS,
    RECOVERIES,
)


@dataclass(frozen=True, slots=True)
class Posting:
    """Debits one account and credits another by the same amount, above zero."""

    debit: str
    credit: str
    amount_cents: int

    def __post_init__(self) -> None:
        assert self.amount_cents > 0, "a posting moves an amount above zero"
        assert self.debit != self.credit, "a posting has two accounts"


class Kind(StrEnum):
    """What a transaction records."""

    CONTRIBUTION = "contribution"
    CONTRIBUTION_REVERSAL = "contribution_reversal"
    REPAYMENT_TO_CONTRIBUTOR = "repayment_to_contributor"
    REPAYMENT_TO_CONTRIBUTOR_REVERSAL = "repayment_to_contributor_reversal"
    RESERVATION = "reservation"
    DISBURSEMENT = "disbursement"
    REPAYMENT = "repayment"
    ALLOCATION = "allocation"
    REFUND = "refund"
    WRITE_OFF = "write_off"
    RECOVERY = "recovery"
    REVERSAL = "reversal"


@dataclass(frozen=True, slots=True)
class Transaction:
    """One entry of the journal. `subject_id` is the contribution, loan or reservation it is of."""

    kind: Kind
    occurred_on: date
    subject_id: str
    fact_id: str | None
    postings: Sequence[Posting]


class LoanFactKind(StrEnum):
    DISBURSEMENT = "disbursement"
    REPAYMENT = "repayment"
    REFUND = "refund"
    WRITE_OFF = "write_off"
    RECOVERY = "recovery"
    ALLOCATION = "allocation"


@dataclass(frozen=True, slots=True)
class LoanFact:
    """A fact told by loans.

    The parts of a repayment may add up to less than its amount: the rest is owed to the borrower.
    An allocation has no amount of its own, only signed differences between parts. A reversal is the
    fact it takes back, `is_reversal` set.
    """

    kind: LoanFactKind
    fact_id: str
    loan_id: str
    occurred_on: date
    amount_cents: int
    principal_cents: int = 0
    interest_cents: int = 0
    fees_cents: int = 0
    is_reversal: bool = False


def move(debit: str, credit: str, amount_cents: int) -> list[Posting]:
    """The posting of a signed amount: none for zero, the other way round when negative."""
    if amount_cents == 0:
        return []
    if amount_cents < 0:
        debit, credit = credit, debit
    return [Posting(debit, credit, abs(amount_cents))]


def swap(postings: Iterable[Posting]) -> list[Posting]:
    """What takes the postings back."""
    return [Posting(posting.credit, posting.debit, posting.amount_cents) for posting in postings]


def sum_by_account(postings: Iterable[Posting]) -> dict[str, int]:
    """The net amount of each account touched, debits positive; they always sum to zero."""
    amounts: dict[str, int] = {}
    for posting in postings:
        amounts[posting.debit] = amounts.get(posting.debit, 0) + posting.amount_cents
        amounts[posting.credit] = amounts.get(posting.credit, 0) - posting.amount_cents
    assert sum(amounts.values()) == 0, "a transaction sums to zero"
    return amounts


def post_loan_fact(fact: LoanFact, in_transit_cents: int = 0) -> Transaction:
    """The transaction of a fact of a loan.

    `in_transit_cents` is what a posted reservation already took out of the cash for this loan: a
    disbursement gives it back before it takes its own.
    """
    postings = _postings_of(fact)
    if fact.is_reversal:
        postings = swap(postings)
    elif fact.kind is LoanFactKind.DISBURSEMENT:
        postings = move(CASH_CAPITAL, IN_TRANSIT, in_transit_cents) + postings
    kind = Kind.REVERSAL if fact.is_reversal else Kind(fact.kind.value)
    return Transaction(kind, fact.occurred_on, fact.loan_id, fact.fact_id, postings)


def _postings_of(fact: LoanFact) -> list[Posting]:
    match fact.kind:
        case LoanFactKind.DISBURSEMENT:
            # Fees withheld are earned at once: the borrower receives the principal less the fees.
            return [
                *move(LOANS, CASH_CAPITAL, fact.principal_cents - fact.fees_cents),
                *move(LOANS, FEES, fact.fees_cents),
            ]
        case LoanFactKind.REPAYMENT | LoanFactKind.ALLOCATION:
            settled = fact.principal_cents + fact.interest_cents + fact.fees_cents
            return [
                *move(CASH_CAPITAL, LOANS, fact.principal_cents),
                *move(CASH_CAPITAL, INTEREST, fact.interest_cents),
                *move(CASH_CAPITAL, FEES, fact.fees_cents),
                *move(CASH_CAPITAL, OWED_TO_BORROWERS, fact.amount_cents - settled),
            ]
        case LoanFactKind.REFUND:
            return move(OWED_TO_BORROWERS, CASH_CAPITAL, fact.amount_cents)
        case LoanFactKind.WRITE_OFF:
            # Interest and fees due were never booked as income: only principal is lost.
            return move(LOSSES, LOANS, fact.principal_cents)
        case LoanFactKind.RECOVERY:
            return move(CASH_CAPITAL, RECOVERIES, fact.amount_cents)
        case _:
            assert_never(fact.kind)
