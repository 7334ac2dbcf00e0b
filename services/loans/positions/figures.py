"""What new facts change in the figures kept beside them; all of it follows from the facts alone."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.loans.positions.arithmetic import (
    Allocation,
    LaidSchedule,
    LoanState,
    Replayed,
    replay,
)
from services.loans.positions.daily_totals import DailyTotals, subtract_days, sum_days
from services.loans.positions.facts import LoanFacts

Replays = Sequence[tuple[LoanFacts, Replayed]]


@dataclass(frozen=True, slots=True)
class Change:
    """A loan as it stood and as it stands now; None before it was recorded, or once reversed."""

    before: LoanFacts | None
    after: LoanFacts | None


@dataclass(frozen=True, slots=True)
class Move:
    """How the split of a repayment already on record moved: signed differences in cents."""

    loan_id: UUID
    repayment_id: UUID
    paid_on: date
    fees_cents: int
    interest_cents: int
    principal_cents: int


@dataclass(frozen=True, slots=True)
class Relaid:
    """The schedules of a loan after its contract's, as they were and as they are."""

    before: Sequence[LaidSchedule]
    after: Sequence[LaidSchedule]


@dataclass(frozen=True, slots=True)
class Figures:
    """What to write and what to take out: rows with their loan's identifier, and their keys.

    `splits_before` and `splits` are those of every repayment of the loans that changed.
    """

    splits_before: Mapping[UUID, Allocation]
    splits: Mapping[UUID, Allocation]
    moves: Sequence[Move]
    new_allocations: Sequence[tuple[UUID, Allocation]]
    gone_allocations: Sequence[tuple[UUID, UUID]]
    new_states: Sequence[tuple[UUID, LoanState]]
    gone_states: Sequence[tuple[UUID, date]]
    days: DailyTotals
    schedules: Mapping[UUID, Relaid]


def find_figures(changes: Sequence[Change]) -> Figures:
    """Replay each loan before and after, and keep the differences."""
    before = [(c.before, replay(c.before)) for c in changes if c.before is not None]
    after = [(c.after, replay(c.after)) for c in changes if c.after is not None]
    splits_before = {a.repayment_id: a for _, replayed in before for a in replayed.allocations}
    splits = {a.repayment_id: a for _, replayed in after for a in replayed.allocations}
    states_before, states = _key_states(before), _key_states(after)
    return Figures(
        splits_before=splits_before,
        splits=splits,
        moves=list(_find_moves(after, splits_before)),
        new_allocations=[
            (facts.loan_id, a)
            for facts, replayed in after
            for a in replayed.allocations
            if splits_before.get(a.repayment_id) != a
        ],
        gone_allocations=[
            (facts.loan_id, a.repayment_id)
            for facts, replayed in before
            for a in replayed.allocations
            if a.repayment_id not in splits
        ],
        new_states=[
            (loan_id, state)
            for (loan_id, from_on), state in states.items()
            if states_before.get((loan_id, from_on)) != state
        ],
        gone_states=[key for key in states_before if key not in states],
        days=subtract_days(sum_days(after), sum_days(before)),
        schedules=_find_relaid(before, after),
    )


def _find_relaid(before: Replays, after: Replays) -> dict[UUID, Relaid]:
    schedules = {facts.loan_id: replayed.schedules for facts, replayed in before}
    return {
        facts.loan_id: Relaid(schedules.get(facts.loan_id, ()), replayed.schedules)
        for facts, replayed in after
        if replayed.schedules != schedules.get(facts.loan_id, ())
    }


def _key_states(replays: Replays) -> dict[tuple[UUID, date], LoanState]:
    return {
        (facts.loan_id, state.from_on): state
        for facts, replayed in replays
        for state in replayed.states
    }


def _find_moves(after: Replays, splits_before: Mapping[UUID, Allocation]) -> Iterator[Move]:
    for facts, replayed in after:
        for payment, now in zip(facts.payments, replayed.allocations, strict=True):
            then = splits_before.get(now.repayment_id, now)
            if then != now:
                yield Move(
                    facts.loan_id,
                    now.repayment_id,
                    payment.paid_on,
                    now.fees_cents - then.fees_cents,
                    now.interest_cents - then.interest_cents,
                    now.principal_cents - then.principal_cents,
                )
