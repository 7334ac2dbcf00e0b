"""What new facts change in the figures kept beside them; all of it follows from the facts alone."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from services.loans.positions.arithmetic import (
    Allocation,
    LaidSchedule,
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
    """How much more of a repayment settles each part from `on`: signed differences in cents.

    On its own date, of one already on record; on a fee's, what the fee takes of its surplus.
    """

    loan_id: UUID
    repayment_id: UUID
    on: date
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
    """What to write and what to take out.

    `before` are the loans as they stood, with `splits_before` of their repayments; `after` as they
    stand. `kept` are the loans whose replay changed; None takes the figures of a loan out.
    """

    before: Replays
    splits_before: Mapping[UUID, Allocation]
    after: Replays
    moves: Sequence[Move]
    kept: Mapping[UUID, Replayed | None]
    days: DailyTotals
    schedules: Mapping[UUID, Relaid]


def find_figures(changes: Sequence[Change]) -> Figures:
    """Replay each loan before and after, and keep the differences."""
    before = [(c.before, replay(c.before)) for c in changes if c.before is not None]
    after = [(c.after, replay(c.after)) for c in changes if c.after is not None]
    splits_before = {a.repayment_id: a for _, replayed in before for a in replayed.allocations}
    return Figures(
        before=before,
        splits_before=splits_before,
        after=after,
        moves=[*_find_moves(after, splits_before), *_find_moves_of_credit(before, after)],
        kept=_find_kept(before, after),
        days=subtract_days(sum_days(after), sum_days(before)),
        schedules=_find_relaid(before, after),
    )


def _find_kept(before: Replays, after: Replays) -> dict[UUID, Replayed | None]:
    then = {facts.loan_id: replayed for facts, replayed in before}
    now = {facts.loan_id: replayed for facts, replayed in after}
    gone = dict.fromkeys(then.keys() - now.keys())
    return gone | {loan_id: new for loan_id, new in now.items() if then.get(loan_id) != new}


def _find_relaid(before: Replays, after: Replays) -> dict[UUID, Relaid]:
    """A loan that is reversed has no schedule in force any more."""
    then = {facts.loan_id: replayed.schedules for facts, replayed in before}
    now = {facts.loan_id: replayed.schedules for facts, replayed in after}
    return {
        loan_id: Relaid(then.get(loan_id, ()), now.get(loan_id, ()))
        for loan_id in {**then, **now}
        if then.get(loan_id, ()) != now.get(loan_id, ())
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


def _find_moves_of_credit(before: Replays, after: Replays) -> Iterator[Move]:
    """Of every repayment, those that come and those that go too: they are told without it."""
    then, now = _sum_uses(before), _sum_uses(after)
    for use in {**then, **now}:
        cents = now[use] - then[use]
        if cents:
            yield Move(*use, fees_cents=cents, interest_cents=0, principal_cents=0)


def _sum_uses(replays: Replays) -> Counter[tuple[UUID, UUID, date]]:
    """What fees took of credits, in cents, by loan, repayment and date."""
    uses: Counter[tuple[UUID, UUID, date]] = Counter()
    for facts, replayed in replays:
        for use in replayed.credit_uses:
            uses[facts.loan_id, use.repayment_id, use.on] += use.amount_cents
    return uses
