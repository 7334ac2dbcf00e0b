"""A loan's position, from its facts alone, and how each payment is split.

The facts are taken in the order of their dates, whatever order they came in: one that arrives late
changes what comes after it and nothing before.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache, partial
from operator import attrgetter, itemgetter
from typing import NamedTuple
from uuid import UUID

from services.common.text import Text
from services.loans.positions.account import Account, Impossible, Laid
from services.loans.positions.daily_account import DailyAccount
from services.loans.positions.facts import (
    Accrual,
    Charge,
    LoanFacts,
    Loss,
    Moratorium,
    Payment,
    PaymentPurpose,
    Rescheduling,
    Tranche,
    facts_until,
)
from services.loans.positions.ladder import DAY, FEES, INTEREST, Instalment
from services.loans.schedules.terms import ScheduleTerms

END_OF_TIME = date(9999, 12, 31)
"""The open end of a loan's last state."""

RECOVERY_TOO_LARGE = Text(
    "Le recouvrement dépasse ce qui était radié.",
    "The recovery is more than what was written off.",
)
REFUND_TOO_LARGE = Text(
    "Le retour à l'emprunteur dépasse le trop-perçu.",
    "The refund is more than the credit balance.",
)


class Allocation(NamedTuple):
    """How one repayment was split on its day, in cents; what its parts leave is surplus.

    A tuple, as a state is: an import makes a hundred thousand of each, in half the time.
    """

    repayment_id: UUID
    fees_cents: int
    interest_cents: int
    principal_cents: int

    @property
    def total_cents(self) -> int:
        return self.fees_cents + self.interest_cents + self.principal_cents


@dataclass(frozen=True, slots=True)
class CreditUse:
    """What a later fee took of a repayment's surplus, in cents: it counts on the fee's date."""

    repayment_id: UUID
    fee_id: UUID
    on: date
    amount_cents: int


class LoanState(NamedTuple):
    """What holds at the end of each day from `from_on` until the day before `until_on`.

    On a day D of that span the loan is past due by D - `oldest_unpaid_due_on` days when that is
    above zero; None says that nothing is left to pay.
    """

    from_on: date
    until_on: date
    outstanding_principal_cents: int
    oldest_unpaid_due_on: date | None


@dataclass(frozen=True, slots=True)
class LaidSchedule:
    """A schedule laid during the life of the loan, by the fact that made it."""

    cause_kind: str
    cause_id: UUID
    laid: Laid


@dataclass(frozen=True, slots=True)
class Replayed:
    """`allocations` are one a payment, in its order; `schedules` come after the contract's, and of
    those of one day the last is in force.
    """

    allocations: tuple[Allocation, ...]
    credit_uses: tuple[CreditUse, ...]
    states: tuple[LoanState, ...]
    schedules: tuple[LaidSchedule, ...]
    surplus_cents: int

    def settled_by(self, repayment_id: UUID) -> int:
        """What a repayment settled, on its day and since, in cents."""
        return sum(
            split.total_cents for split in self.allocations if split.repayment_id == repayment_id
        ) + sum(use.amount_cents for use in self.credit_uses if use.repayment_id == repayment_id)


@dataclass(slots=True)
class _Surplus:
    """What a payment left and no fee has taken since."""

    repayment_id: UUID
    cents: int


class _Run:
    """A loan while its facts are taken one by one."""

    def __init__(self, facts: LoanFacts) -> None:
        is_daily = facts.conditions.accrual is Accrual.DAILY
        self.account = DailyAccount(facts) if is_daily else Account(facts)
        self.allocations: list[Allocation] = []
        self.surpluses: list[_Surplus] = []
        self.credit_uses: list[CreditUse] = []
        self.schedules: list[LaidSchedule] = []
        self.written_off_cents = self.recovered_cents = self.refunded_cents = 0

    @property
    def credit_cents(self) -> int:
        """What was paid beyond what the loan asks for, and not given back."""
        return self.surplus_cents - self.refunded_cents

    @property
    def surplus_cents(self) -> int:
        return sum(surplus.cents for surplus in self.surpluses)

    def take_payment(self, payment: Payment) -> None:
        on, cents = payment.paid_on, payment.amount_cents
        if payment.purpose is None:
            parts, surplus = self.account.pay(on, cents)
        else:
            is_shorter = payment.purpose is PaymentPurpose.SHORTER_TERM
            parts, surplus, laid = self.account.prepay(on, cents, is_shorter=is_shorter)
            if laid is not None:
                self._note("repayment", payment.repayment_id, laid)
        self.allocations.append(Allocation(payment.repayment_id, *parts))
        if surplus:
            self.surpluses.append(_Surplus(payment.repayment_id, surplus))

    def take_tranche(self, tranche: Tranche) -> None:
        laid = self.account.advance(tranche.on, tranche.amount_cents)
        self._note("disbursement", tranche.disbursement_id, laid)

    def take_charge(self, charge: Charge) -> None:
        """A fee takes first from what was paid too much before it, the latest payment first.

        Nothing else can: a payment leaves a surplus only once nothing is owed, and what would make
        more owed than a fee (a disbursement, new terms) needs principal outstanding.
        """
        self.account.charge(charge.on, charge.amount_cents)
        for surplus in reversed(self.surpluses):
            taken = min(surplus.cents, self.credit_cents, self.account.fees_owed())
            if taken > 0:
                parts, _ = self.account.pay(charge.on, taken)
                assert parts == (taken, 0, 0), "beside a credit balance only a fee is owed"
                surplus.cents -= taken
                self.credit_uses.append(
                    CreditUse(surplus.repayment_id, charge.fee_id, charge.on, taken)
                )

    def take_rescheduling(self, rescheduling: Rescheduling) -> None:
        laid = self.account.reschedule(rescheduling)
        self._note("rescheduling", rescheduling.rescheduling_id, laid)

    def take_moratorium(self, moratorium: Moratorium) -> None:
        self._note("moratorium", moratorium.moratorium_id, self.account.suspend(moratorium))

    def take_write_off(self, loss: Loss) -> None:
        self.account.write_off(loss.on, loss.amount_cents)
        self.written_off_cents += loss.amount_cents

    def take_recovery(self, loss: Loss) -> None:
        self.recovered_cents += loss.amount_cents
        if self.recovered_cents > self.written_off_cents:
            raise Impossible("recovery.exceeds_balance", loss.on, RECOVERY_TOO_LARGE)

    def take_refund(self, loss: Loss) -> None:
        self.refunded_cents += loss.amount_cents
        if self.credit_cents < 0:
            raise Impossible("refund.exceeds_balance", loss.on, REFUND_TOO_LARGE)

    def _note(self, cause_kind: str, cause_id: UUID, laid: Laid) -> None:
        self.schedules.append(LaidSchedule(cause_kind, cause_id, laid))


_Event = tuple[date, Callable[[], None]]


def _list_events(run: _Run, facts: LoanFacts) -> list[_Event]:
    """Everything that happened, by date; of one day, in the order written here, then by identifier.

    A fee comes before what may pay it. A payment settles the schedule of the morning: what lays
    another comes after it, and a write-off too, which is decided in the evening.
    """
    payments: list[_Event] = [(p.paid_on, partial(run.take_payment, p)) for p in facts.payments]
    if facts.is_plain and not (facts.recoveries or facts.refunds):
        return payments
    charges = sorted(facts.charges, key=attrgetter("fee_id"))
    tranches = sorted(facts.tranches, key=attrgetter("disbursement_id"))
    reschedulings = sorted(facts.reschedulings, key=attrgetter("rescheduling_id"))
    moratoria = sorted(facts.moratoria, key=attrgetter("moratorium_id"))
    events: list[_Event] = [
        *((c.on, partial(run.take_charge, c)) for c in charges),
        *payments,
        *((t.on, partial(run.take_tranche, t)) for t in tranches),
        *((r.on, partial(run.take_rescheduling, r)) for r in reschedulings),
        *((m.on, partial(run.take_moratorium, m)) for m in moratoria),
        *((w.on, partial(run.take_write_off, w)) for w in facts.write_offs),
        *((r.on, partial(run.take_recovery, r)) for r in facts.recoveries),
        *((r.on, partial(run.take_refund, r)) for r in facts.refunds),
    ]
    return sorted(events, key=itemgetter(0))


def replay(facts: LoanFacts) -> Replayed:
    """Split every payment, and lay out the loan's schedules and states from its disbursement on.

    Raises Impossible for facts that do not fit each other: such a fact is never recorded.
    """
    run = _Run(facts)
    account = run.account
    evenings = {facts.disbursed_on: (account.outstanding, account.oldest_unpaid_due_on())}
    for day, take in _list_events(run, facts):
        take()
        evenings[day] = account.outstanding, account.oldest_unpaid_due_on()
    _, *ends = [*evenings, END_OF_TIME]
    return Replayed(
        allocations=tuple(run.allocations),
        credit_uses=tuple(run.credit_uses),
        states=tuple(
            LoanState(day, end, outstanding, oldest)
            for (day, (outstanding, oldest)), end in zip(evenings.items(), ends, strict=True)
        ),
        schedules=tuple(run.schedules),
        surplus_cents=run.surplus_cents,
    )


def at_risk_from(state: LoanState, days: int) -> date | None:
    """The first day of the state on which the loan is in PAR(`days`), if there is one.

    PAR(n) holds the whole outstanding principal of loans more than n days past due.
    """
    oldest = state.oldest_unpaid_due_on
    if oldest is None or not state.outstanding_principal_cents:
        return None
    first = max(state.from_on, oldest + _days(days + 1))
    return first if first < state.until_on else None


_days = cache(timedelta)
"""The same few spans, asked for by the hundred thousand."""


def left_to_recover(facts: LoanFacts, on: date) -> int:
    """The largest recovery, in cents, that may be dated `on`; negative when too much already was.

    By the end of no day is more recovered than was written off by then.
    """
    return min(
        _sum_until(facts.write_offs, day) - _sum_until(facts.recoveries, day)
        for day in (on, *(max(on, r.on) for r in facts.recoveries))
    )


def _sum_until(losses: Iterable[Loss], day: date) -> int:
    return sum(loss.amount_cents for loss in losses if loss.on <= day)


@dataclass(frozen=True, slots=True)
class Arrears:
    """What is due and unpaid on a date, in cents; `instalments` counts those not fully paid."""

    fees_cents: int
    interest_cents: int
    principal_cents: int
    instalments: int

    @property
    def total_cents(self) -> int:
        return self.fees_cents + self.interest_cents + self.principal_cents


@dataclass(frozen=True, slots=True)
class Position:
    """A loan on the evening of `as_of`; amounts in cents.

    `interest_accrued_cents` has run since the last due date and is not due yet. `payoff_cents`
    closes the loan that day. `schedule` is what is in force, `unpaid` what it still asks for.
    """

    as_of: date
    outstanding_principal_cents: int
    interest_due_cents: int
    interest_accrued_cents: int
    fees_due_cents: int
    days_past_due: int
    arrears: Arrears
    principal_paid_cents: int
    interest_paid_cents: int
    fees_paid_cents: int
    written_off_cents: int
    recovered_cents: int
    credit_cents: int
    fees_owed_cents: int
    payoff_cents: int
    next_due: Instalment | None
    unpaid: tuple[Instalment, ...]
    schedules: tuple[LaidSchedule, ...]
    allocations: tuple[Allocation, ...]
    credit_uses: tuple[CreditUse, ...]
    is_closed: bool


def list_schedules(facts: LoanFacts) -> list[tuple[LaidSchedule, ScheduleTerms]]:
    """The schedules laid during the life of the loan, each with its terms."""
    run = _Run(facts)
    found: list[tuple[LaidSchedule, ScheduleTerms]] = []
    for _, take in _list_events(run, facts):
        take()
        if len(run.schedules) > len(found):
            found.append((run.schedules[-1], run.account.terms))
    return found


def _run_until(facts: LoanFacts, as_of: date) -> _Run:
    known = facts_until(facts, as_of)
    run = _Run(known)
    for _, take in _list_events(run, known):
        take()
    return run


def find_position(facts: LoanFacts, as_of: date) -> Position:
    """Where the loan stands at the end of `as_of`, with the facts dated up to that day.

    Interest and fees are due once their instalment's date has come. Before the disbursement,
    and once nothing is left to pay, nothing is due.
    """
    run = _run_until(facts, as_of)
    account = run.account
    is_lent = facts.disbursed_on <= as_of
    due, late = account.due(as_of), account.due(as_of - DAY)
    oldest = account.oldest_unpaid_due_on()
    owed = account.interest_owed(as_of)
    unpaid = tuple(account.unpaid(as_of)) if is_lent else ()
    fees = account.fees_owed() if is_lent else 0
    outstanding = account.outstanding if is_lent else 0
    return Position(
        as_of=as_of,
        outstanding_principal_cents=outstanding,
        interest_due_cents=due[INTEREST],
        interest_accrued_cents=max(0, owed - due[INTEREST]),
        fees_due_cents=due[FEES],
        days_past_due=max(0, (as_of - oldest).days) if oldest else 0,
        arrears=Arrears(*late, instalments=sum(i.due_on < as_of for i in unpaid)),
        principal_paid_cents=sum(split.principal_cents for split in run.allocations),
        interest_paid_cents=sum(split.interest_cents for split in run.allocations),
        fees_paid_cents=sum(split.fees_cents for split in run.allocations)
        + sum(use.amount_cents for use in run.credit_uses),
        written_off_cents=run.written_off_cents,
        recovered_cents=run.recovered_cents,
        credit_cents=run.credit_cents,
        fees_owed_cents=fees,
        payoff_cents=outstanding + owed + fees,
        next_due=next((i for i in unpaid if i.due_on > as_of), None),
        unpaid=unpaid,
        schedules=tuple(run.schedules),
        allocations=tuple(run.allocations),
        credit_uses=tuple(run.credit_uses),
        is_closed=is_lent and account.is_closed,
    )
