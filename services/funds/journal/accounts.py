"""The chart of accounts of a fund.

    cash:capital  cash:operations        money in the fund, by what it is for
    loans:receivable                     principal that borrowers owe
    loans:in_transit                     reserved and posted, its disbursement not yet told by loans
    equity:capital:SOURCE                given to be lent (SOURCE: public, private, community)
    liability:PURPOSE:SOURCE             placed in or lent to the fund, owed back
    liability:borrowers                  received from borrowers beyond what a repayment settles
    income:operations:SOURCE             given to run the organisation
    income:interest  income:fees  income:recoveries      (as received, not as accrued)
    losses:loans                         principal written off
    memorandum:guarantees:SOURCE         promised, not received; against memorandum:guarantors

Balances are written debits positive, so that all accounts of a fund sum to zero.
"""

from services.funds.vocabulary import REPAYABLE, Instrument, Purpose, Source

CASH = {Purpose.CAPITAL: "cash:capital", Purpose.OPERATIONS: "cash:operations"}
CASH_CAPITAL = CASH[Purpose.CAPITAL]
LOANS = "loans:receivable"
IN_TRANSIT = "loans:in_transit"
INTEREST = "income:interest"
FEES = "income:fees"
RECOVERIES = "income:recoveries"
LOSSES = "losses:loans"
OWED_TO_BORROWERS = "liability:borrowers"
GUARANTORS = "memorandum:guarantors"


def is_cash(account: str) -> bool:
    """Cash is moved by loans too; the other accounts of contributions are moved by them alone."""
    return account in CASH.values()


def contribution_accounts(
    instrument: Instrument, purpose: Purpose, source: Source
) -> tuple[str, str]:
    """The accounts that receiving a contribution debits and credits."""
    if instrument is Instrument.GUARANTEE:
        return f"memorandum:guarantees:{source}", GUARANTORS
    if instrument in REPAYABLE:
        return CASH[purpose], f"liability:{purpose}:{source}"
    if purpose is Purpose.CAPITAL:
        return CASH[purpose], f"equity:capital:{source}"
    return CASH[purpose], f"income:operations:{source}"
