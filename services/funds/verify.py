"""Rebuilding what is kept beside the facts, and comparing the two books of contributions.

The facts of contributors and the journal are written together but added up apart: the balance by
source comes from the first, the balance by account from the second.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from datetime import date

from pydantic import SecretStr

from services.common.database import ReadSession
from services.common.import_replays import find_damage
from services.common.verification import verify_organisations
from services.funds.contributions.arithmetic import Movement
from services.funds.contributions.queries import sum_movements
from services.funds.journal.accounts import contribution_accounts, is_cash
from services.funds.journal.queries import find_day_differences, read_balances
from services.funds.vocabulary import SOURCES

_EVER = date(2199, 12, 31)


async def verify(database_url: SecretStr, totals_database_url: SecretStr) -> list[str]:
    """The differences, one sentence each; empty when every kept figure follows from the facts."""
    checks = (find_differences, find_damage)
    return await verify_organisations(database_url, totals_database_url, *checks)


async def find_differences(session: ReadSession) -> AsyncIterator[str]:
    """What does not hold in one organisation's fund."""
    for difference in await find_day_differences(session):
        yield difference
    movements = await sum_movements(session, _EVER)
    for difference in _compare(movements, await read_balances(session, _EVER)):
        yield difference


def _compare(movements: Sequence[Movement], balances: Mapping[str, int]) -> Iterator[str]:
    """Contributions as the facts add up, against the accounts that only contributions move."""
    expected: dict[str, int] = {}
    for movement in movements:
        source = SOURCES[movement.contributor_kind]
        debit, credit = contribution_accounts(movement.instrument, movement.purpose, source)
        expected[debit] = expected.get(debit, 0) + movement.amount_cents
        expected[credit] = expected.get(credit, 0) - movement.amount_cents
    for account, amount_cents in expected.items():
        kept = balances.get(account, 0)
        if not is_cash(account) and kept != amount_cents:
            yield f"account {account}: {kept} cents in the journal, {amount_cents} from the facts"
    if sum(balances.values()) != 0:
        yield f"the journal is out of balance by {sum(balances.values())} cents"
