"""Keeping the figures beside the facts, in the transaction that changes the facts."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from services.common import outbox
from services.common.database import WriteSession
from services.common.errors import JsonValue
from services.loans.positions import queries
from services.loans.positions.arithmetic import Allocation, LoanFacts, replay
from services.loans.positions.daily_totals import subtract_days, sum_days

FACTS_PER_EVENT_MAX = 1000


@dataclass(frozen=True, slots=True)
class Change:
    """A loan as it stood and as it stands with the new facts; `before` is None for a new loan."""

    before: LoanFacts | None
    after: LoanFacts


async def keep_figures(session: WriteSession, changes: Sequence[Change]) -> list[JsonValue]:
    """Rebuild the kept figures of the loans that changed, and add the difference to the days.

    Returns, for the funds' journal, how the split of repayments already on record moved: signed
    differences in cents.
    """
    if not changes:
        return []
    before = [(c.before, replay(c.before)) for c in changes if c.before is not None]
    after = [(c.after, replay(c.after)) for c in changes]
    await queries.replace_allocations(
        session, {facts.loan_id: replayed.allocations for facts, replayed in after}
    )
    await queries.replace_states(
        session, {facts.loan_id: replayed.states for facts, replayed in after}
    )
    await queries.add_daily_totals(session, subtract_days(sum_days(after), sum_days(before)))
    split_before = {a.repayment_id: a for _, replayed in before for a in replayed.allocations}
    return [
        _tell_move(facts, allocation, split_before[allocation.repayment_id])
        for facts, replayed in after
        for allocation in replayed.allocations
        if split_before.get(allocation.repayment_id, allocation) != allocation
    ]


def _tell_move(facts: LoanFacts, after: Allocation, before: Allocation) -> JsonValue:
    return {
        "kind": "allocation",
        "id": str(after.repayment_id),
        "loan_id": str(facts.loan_id),
        "on": next(
            p.paid_on.isoformat() for p in facts.payments if p.repayment_id == after.repayment_id
        ),
        "amount_cents": 0,
        "principal_cents": after.principal_cents - before.principal_cents,
        "interest_cents": after.interest_cents - before.interest_cents,
        "fees_cents": after.fees_cents - before.fees_cents,
    }


async def tell_facts(session: WriteSession, facts: Sequence[JsonValue]) -> None:
    """Tell the other services what was recorded: one event a thousand facts."""
    batches: list[JsonValue] = [
        {"facts": list(facts[start : start + FACTS_PER_EVENT_MAX])}
        for start in range(0, len(facts), FACTS_PER_EVENT_MAX)
    ]
    await outbox.append_all(session, "loans.recorded", batches)


def allocations_by_repayment(facts: Sequence[LoanFacts]) -> dict[UUID, Allocation]:
    """The split of every repayment of these loans."""
    return {a.repayment_id: a for of_loan in facts for a in replay(of_loan).allocations}
