"""What is answered about a fund."""

from datetime import date
from typing import Literal

from services.common.fields import Answer, SignedAmount


class SourceAmounts(Answer):
    """An amount for each side of the partnership."""

    public: SignedAmount
    private: SignedAmount
    community: SignedAmount


class FundItem(Answer):
    slug: str
    name: str


class FundPage(Answer):
    items: list[FundItem]
    next: str | None


class FundAnswer(FundItem):
    """A fund today. Guarantees are promised, not received: they are in no other figure."""

    currency: Literal["CAD"] = "CAD"
    as_of: date
    capital: SourceAmounts
    operations: SourceAmounts
    guarantees: SourceAmounts
    cash: SignedAmount
    reserved: SignedAmount
    available: SignedAmount


class AccountBalance(Answer):
    """The balance of an account, debits positive: all of them sum to zero."""

    account: str
    balance: SignedAmount


class BalanceAnswer(Answer):
    """A fund at the end of a day.

    By source: contributions less reversals and repayments to contributors. By account: journal.
    """

    fund: str
    as_of: date
    currency: Literal["CAD"] = "CAD"
    capital: SourceAmounts
    operations: SourceAmounts
    guarantees: SourceAmounts
    accounts: list[AccountBalance]
