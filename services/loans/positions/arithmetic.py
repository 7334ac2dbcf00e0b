"""A loan's position, from its instalments and its facts alone.

What is due is what the schedule says. A payment settles the oldest instalment first and, within it,
fees, then interest, then principal; paid early, it settles the next instalments in their order. So
how a payment is split depends only on the sum paid before it, and a fact that arrives late changes
the split of those after it and nothing else.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID

from services.loans.positions.ladder import Instalment, Ladder

END_OF_TIME = date(9999, 12, 31)
"""The open end of a loan's last state."""


@dataclass(frozen=True, slots=True)
class Payment:
    """A repayment that stands (not reversed). `external_id` orders those of one day."""

    repayment_id: UUID
    external_id: str
    paid_on: date
    amount_cents: int


@dataclass(frozen=True, slots=True)
class Loss:
    """A write-off or a recovery that stands, in cents."""

    on: date
    amount_cents: int


@dataclass(frozen=True, slots=True)
class LoanFacts:
    """All that a loan's position depends on; `payments` in the order of `payment_order`."""

    loan_id: UUID
    region_code: str
    disbursed_on: date
    principal_cents: int
    ladder: Ladder
    payments: tuple[Payment, ...] = ()
    write_offs: tuple[Loss, ...] = ()
    recoveries: tuple[Loss, ...] = ()

    @property
    def paid_cents(self) -> int:
        return sum(payment.amount_cents for payment in self.payments)

    @property
    def written_off_cents(self) -> int:
        return sum(loss.amount_cents for loss in self.write_offs)

    @property
    def recovered_cents(self) -> int:
        return sum(loss.amount_cents for loss in self.recoveries)


@dataclass(frozen=True, slots=True)
class Allocation:
    """How one repayment was split, in cents; the three parts add up to its amount."""

    repayment_id: UUID
    fees_cents: int
    interest_cents: int
    principal_cents: int


@dataclass(frozen=True, slots=True)
class LoanState:
    """What holds at the end of each day from `from_on` until the day before `until_on`.

    On a day D of that span the loan is past due by D - `oldest_unpaid_due_on` days when that is
    above zero; None says that nothing is left to pay.
    """

    from_on: date
    until_on: date
    outstanding_principal_cents: int
    oldest_unpaid_due_on: date | None


@dataclass(frozen=True, slots=True)
class Replayed:
    allocations: tuple[Allocation, ...]
    states: tuple[LoanState, ...]


def payment_order(payment: Payment) -> tuple[date, str]:
    """The order in which payments settle instalments: by date, whatever order they came in."""
    return payment.paid_on, payment.external_id


@dataclass(slots=True)
class Room:
    """How much more payments dated after `after` and up to `until` may add up to."""

    after: date
    until: date
    left_cents: int


def find_rooms(facts: LoanFacts) -> list[Room]:
    """What a loan can still take beside every payment on record.

    A payment must fit every room it is in. It leaves unpaid the principal that is written off
    that evening or later. After the last write-off, payments settle the principal that is left
    and no more: what comes in on a loan wholly written off is a recovery.
    """
    rooms: list[Room] = []
    written_off = paid = 0
    for day, cents in _sum_by_day(facts.write_offs):
        ladder = facts.ladder.trim(written_off)
        written_off += cents
        paid = sum(p.amount_cents for p in facts.payments if p.paid_on <= day)
        reach = ladder.reach(facts.principal_cents - written_off)
        rooms.append(Room(date.min, day, reach - paid))
    asked = facts.ladder.trim(written_off).asked_cents()
    # Payments after the last write-off settled what came before them: they bind earlier ones too.
    is_bound = not rooms or facts.paid_cents > paid
    after = date.min if is_bound else rooms[-1].until
    return [*rooms, Room(after, END_OF_TIME, asked - facts.paid_cents)]


def left_to_pay(rooms: Sequence[Room], on: date) -> int:
    """The largest payment, in cents, that may be dated `on`."""
    return max(0, min(room.left_cents for room in rooms if room.after < on <= room.until))


def take(rooms: Sequence[Room], on: date, amount_cents: int) -> None:
    """Leave the rooms as they are once a payment is taken; payments come in order of date."""
    for room in rooms:
        if on <= room.until:
            room.left_cents -= amount_cents


def left_to_write_off(facts: LoanFacts) -> int:
    """Principal, in cents, neither paid by any payment on record nor written off."""
    ladder = facts.ladder.trim(facts.written_off_cents)
    return ladder.principal_cents - ladder.split(facts.paid_cents)[2]


def left_to_recover(facts: LoanFacts, on: date) -> int:
    """The largest recovery, in cents, that may be dated `on`; negative when too much already was.

    By the end of no day is more recovered than was written off by then.
    """
    return min(
        _sum_until(facts.write_offs, day) - _sum_until(facts.recoveries, day)
        for day in (on, *(r.on for r in facts.recoveries if r.on > on))
    )


def _sum_until(losses: Iterable[Loss], day: date) -> int:
    return sum(loss.amount_cents for loss in losses if loss.on <= day)


def _sum_by_day(losses: Iterable[Loss]) -> list[tuple[date, int]]:
    by_day: dict[date, int] = {}
    for loss in losses:
        by_day[loss.on] = by_day.get(loss.on, 0) + loss.amount_cents
    return sorted(by_day.items())


def replay(facts: LoanFacts) -> Replayed:
    """Split every payment and lay out the loan's states from its disbursement on.

    A payment above `left_to_pay` is refused before it is recorded; asserted here.
    """
    ladder = facts.ladder.trim(facts.written_off_cents)
    allocations: list[Allocation] = []
    paid, split = 0, (0, 0, 0)
    paid_by_day: dict[date, tuple[int, int]] = {}
    for payment in facts.payments:
        paid += payment.amount_cents
        after = ladder.split(paid)
        fees, interest, principal = (a - b for a, b in zip(after, split, strict=True))
        assert fees + interest + principal == payment.amount_cents, "a payment lost cents"
        allocations.append(Allocation(payment.repayment_id, fees, interest, principal))
        paid_by_day[payment.paid_on] = (paid, after[2])
        split = after
    return Replayed(tuple(allocations), tuple(_lay_states(facts, paid_by_day)))


def _lay_states(
    facts: LoanFacts, paid_by_day: Mapping[date, tuple[int, int]]
) -> Iterator[LoanState]:
    """One state from each day on which something was paid or written off, the first at 0 paid."""
    written_off_by_day = dict(_sum_by_day(facts.write_offs))
    days = sorted({facts.disbursed_on, *paid_by_day, *written_off_by_day})
    paid = principal_paid = written_off = 0
    ladder = facts.ladder
    for day, next_day in zip(days, [*days[1:], END_OF_TIME], strict=True):
        paid, principal_paid = paid_by_day.get(day, (paid, principal_paid))
        if day in written_off_by_day:
            written_off += written_off_by_day[day]
            ladder = facts.ladder.trim(written_off)
        outstanding = facts.principal_cents - principal_paid - written_off
        assert outstanding >= 0, "more principal settled than was lent"
        oldest = ladder.oldest_unpaid_due_on(paid) if outstanding else None
        yield LoanState(day, next_day, outstanding, oldest)


def at_risk_from(state: LoanState, days: int) -> date | None:
    """The first day of the state on which the loan is in PAR(`days`), if there is one.

    PAR(n) holds the whole outstanding principal of loans more than n days past due.
    """
    if state.oldest_unpaid_due_on is None or not state.outstanding_principal_cents:
        return None
    first = max(state.from_on, state.oldest_unpaid_due_on + timedelta(days=days + 1))
    return first if first < state.until_on else None


@dataclass(frozen=True, slots=True)
class Arrears:
    """What is due and unpaid on a date, in cents; `instalments` counts those not fully paid."""

    fees_cents: int
    interest_cents: int
    principal_cents: int
    instalments: int


@dataclass(frozen=True, slots=True)
class Position:
    """A loan on the evening of `as_of`; amounts in cents."""

    as_of: date
    outstanding_principal_cents: int
    interest_due_cents: int
    fees_due_cents: int
    days_past_due: int
    arrears: Arrears
    principal_paid_cents: int
    interest_paid_cents: int
    fees_paid_cents: int
    written_off_cents: int
    recovered_cents: int
    next_due: Instalment | None


def facts_until(facts: LoanFacts, as_of: date) -> LoanFacts:
    """The same loan without what happened after `as_of`."""
    return replace(
        facts,
        payments=tuple(p for p in facts.payments if p.paid_on <= as_of),
        write_offs=tuple(w for w in facts.write_offs if w.on <= as_of),
        recoveries=tuple(r for r in facts.recoveries if r.on <= as_of),
    )


def find_position(facts: LoanFacts, as_of: date) -> Position:
    """Where the loan stands at the end of `as_of`, with the facts dated up to that day.

    Interest and fees are due once their instalment's date has come. Before the disbursement,
    and once nothing of the principal is left, nothing is due.
    """
    known = facts_until(facts, as_of)
    ladder = facts.ladder.trim(known.written_off_cents)
    paid = known.paid_cents
    paid_fees, paid_interest, paid_principal = ladder.split(paid)
    lent = facts.principal_cents if facts.disbursed_on <= as_of else 0
    outstanding = max(0, lent - paid_principal - known.written_off_cents)
    settled = ladder.count_settled(paid)
    unpaid = ladder.instalments[settled : ladder.count_asked()] if outstanding else ()
    due = [i for i in unpaid if i.due_on <= as_of]
    late = [i for i in unpaid if i.due_on < as_of]
    # What the oldest unpaid instalment has already received counts against what is due.
    fees_before, interest_before, principal_before = ladder.sums(settled)
    part_fees = paid_fees - fees_before
    part_interest = paid_interest - interest_before
    part_principal = paid_principal - principal_before
    return Position(
        as_of=as_of,
        outstanding_principal_cents=outstanding,
        interest_due_cents=max(0, sum(i.interest_cents for i in due) - part_interest),
        fees_due_cents=max(0, sum(i.fees_cents for i in due) - part_fees),
        days_past_due=(as_of - late[0].due_on).days if late else 0,
        arrears=Arrears(
            fees_cents=max(0, sum(i.fees_cents for i in late) - part_fees),
            interest_cents=max(0, sum(i.interest_cents for i in late) - part_interest),
            principal_cents=max(0, sum(i.principal_cents for i in late) - part_principal),
            instalments=len(late),
        ),
        principal_paid_cents=paid_principal,
        interest_paid_cents=paid_interest,
        fees_paid_cents=paid_fees,
        written_off_cents=known.written_off_cents,
        recovered_cents=known.recovered_cents,
        next_due=next((i for i in unpaid if i.due_on > as_of), None),
    )
