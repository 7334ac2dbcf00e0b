"""Writing the journal: in the transaction of the fact, and from the events of the loans service.

Those events also tell which months are locked; facts of loans are posted whatever the locks say:
the loans service recorded them under its own.
"""

from collections.abc import Sequence
from datetime import date

from services.common.database import WriteSession
from services.common.outbox import Event
from services.funds.journal import queries
from services.funds.journal.arithmetic import (
    LoanFact,
    LoanFactKind,
    Transaction,
    post_loan_fact,
    sum_by_account,
)
from services.funds.journal.events import read_facts
from services.funds.locks.events import LockStep, read_steps
from services.funds.locks.queries import insert_steps

LOANS_SOURCE = "loans"


class EventsOutOfOrder(Exception):
    """An event is missing before one that was sent, or is another organisation's."""


async def record_transactions(session: WriteSession, transactions: Sequence[Transaction]) -> None:
    """Number the transactions, insert them, and add them to the kept daily amounts.

    The number of statements does not grow with the number of transactions. One that moves nothing
    is left out.
    """
    moving = [transaction for transaction in transactions if transaction.postings]
    if not moving:
        return
    last = await queries.read_last_number(session)
    await queries.insert_transactions(session, dict(enumerate(moving, last + 1)))
    amounts: dict[tuple[str, date], int] = {}
    for transaction in moving:
        for account, amount_cents in sum_by_account(transaction.postings).items():
            place = (account, transaction.occurred_on)
            amounts[place] = amounts.get(place, 0) + amount_cents
    await queries.add_to_account_days(session, amounts)


async def post_events(session: WriteSession, events: Sequence[Event]) -> int:
    """Post the events of loans not posted before, in their order; returns how many were new.

    The place reached is kept in the same transaction, so that whatever is sent twice or cut short
    is posted once. Raises EventsOutOfOrder, and pydantic's ValidationError for a payload that is
    not as agreed.
    """
    reached = await queries.read_cursor(session, LOANS_SOURCE)
    facts: list[LoanFact] = []
    steps: list[LockStep] = []
    new = 0
    for event in sorted(events, key=lambda event: event.number):
        if event.organisation_id != session.organisation_id:
            raise EventsOutOfOrder(f"event {event.number} belongs to another organisation")
        if event.number <= reached:
            continue
        if event.number != reached + 1:
            raise EventsOutOfOrder(f"event {reached + 1} is missing before event {event.number}")
        facts.extend(read_facts(event))
        steps.extend(read_steps(event))
        reached = event.number
        new += 1
    if new == 0:
        return 0
    await _post_facts(session, facts)
    await insert_steps(session, steps)
    await queries.advance_cursor(session, LOANS_SOURCE, reached)
    return new


async def _post_facts(session: WriteSession, facts: Sequence[LoanFact]) -> None:
    disbursed = {fact.loan_id for fact in facts if fact.kind is LoanFactKind.DISBURSEMENT}
    in_transit = await queries.read_in_transit(session, disbursed) if disbursed else {}
    transactions = []
    for fact in facts:
        is_settled = fact.kind is LoanFactKind.DISBURSEMENT and not fact.is_reversal
        held = in_transit.pop(fact.loan_id, 0) if is_settled else 0
        transactions.append(post_loan_fact(fact, held))
    await record_transactions(session, transactions)
