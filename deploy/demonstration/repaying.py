"""What is repaid on a loan: on time, late, in parts, early, or no longer.

Payments follow the real schedule, the oldest instalment first, so that a loan paid up closes to
the cent.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from deploy.demonstration.draws import stream
from deploy.demonstration.lending import Manner, PlannedLoan
from deploy.demonstration.rows import RepaymentRow
from services.common.money import format_cents
from services.loans.schedules.arithmetic import ScheduleRow

METHODS = ("preauthorized_debit", "transfer", "cheque", "cash")
METHOD_WEIGHTS = (60, 25, 12, 3)
DAYS_FROM_LAST_SIGN_TO_WRITE_OFF = 365


@dataclass(frozen=True, slots=True)
class Payment:
    paid_on: date
    amount_cents: int


@dataclass(frozen=True, slots=True)
class WriteOff:
    """No import kind exists for it: posted to the loan. The whole outstanding principal."""

    organisation: str
    external_id: str
    loan_external_id: str
    written_off_on: date
    amount_cents: int
    reason: str


def draw_payments(seed: int, slug: str, loan: PlannedLoan) -> list[Payment]:
    """Every payment the loan will ever see, in order of date."""
    draw = stream(seed, slug, "payments", loan.external_id)
    rows = loan.schedule.rows
    match loan.manner:
        case Manner.REGULAR:
            payments = [_pay(row, draw.choice((0, 0, 0, 0, 1, 2))) for row in rows]
        case Manner.LATE:
            payments = list(_pay_late(rows, draw))
        case Manner.IRREGULAR:
            payments = list(_pay_in_parts(rows, draw))
        case Manner.EARLY:
            payments = list(_pay_early(rows, draw))
        case Manner.DEFAULT:
            payments = list(_stop_paying(loan, draw))
    paid = (payment for payment in payments if payment.amount_cents > 0)
    return sorted(paid, key=lambda payment: payment.paid_on)


def _pay(row: ScheduleRow, days_after: int) -> Payment:
    return Payment(row.due_on + timedelta(days=days_after), row.payment_cents)


def _pay_late(rows: Sequence[ScheduleRow], draw: Random) -> Iterator[Payment]:
    """Some days late each time; now and then an instalment waits and is paid with the next."""
    waiting_cents = 0
    for row in rows:
        waits = row is not rows[-1] and draw.random() < 0.08
        if waits:
            waiting_cents += row.payment_cents
        else:
            paid_on = row.due_on + timedelta(days=draw.randrange(0, 22))
            yield Payment(paid_on, row.payment_cents + waiting_cents)
            waiting_cents = 0


def _pay_in_parts(rows: Sequence[ScheduleRow], draw: Random) -> Iterator[Payment]:
    """Round amounts below what is owed, made up later; the last payment settles everything."""
    owed_cents = 0
    for row in rows:
        owed_cents += row.payment_cents
        if draw.random() < 0.35:
            part_cents = owed_cents * draw.randrange(40, 90) // 100 // 1_000 * 1_000
        else:
            part_cents = owed_cents
        owed_cents -= part_cents
        yield Payment(row.due_on + timedelta(days=draw.randrange(0, 6)), part_cents)
    yield Payment(rows[-1].due_on + timedelta(days=draw.randrange(10, 50)), owed_cents)


def _pay_early(rows: Sequence[ScheduleRow], draw: Random) -> Iterator[Payment]:
    """Instalments on their day, then all the others with one of them."""
    last = max(1, round(len(rows) * draw.uniform(0.4, 0.85)))
    for row in rows[: last - 1]:
        yield _pay(row, 0)
    rest_cents = sum(row.payment_cents for row in rows[last - 1 :])
    yield Payment(rows[last - 1].due_on, rest_cents)


def _stop_paying(loan: PlannedLoan, draw: Random) -> Iterator[Payment]:
    """Instalments until the enterprise closes, or part of the way; then at most a few remnants."""
    rows = loan.schedule.rows
    if loan.closes_on < loan.last_due_on:
        paid = sum(row.due_on <= loan.closes_on for row in rows)
    else:
        paid = round(len(rows) * draw.uniform(0.1, 0.7))
    for row in rows[:paid]:
        yield _pay(row, draw.choice((0, 0, 3, 8, 15)))
    for row in rows[paid : paid + draw.randrange(4)]:
        yield Payment(row.due_on + timedelta(days=20), row.payment_cents // 3_000 * 1_000)


def write_off(slug: str, loan: PlannedLoan, payments: Sequence[Payment]) -> WriteOff | None:
    """A loan in default is written off a year after its last payment, or its first due date."""
    if loan.manner is not Manner.DEFAULT:
        return None
    last_sign_on = payments[-1].paid_on if payments else loan.schedule.rows[0].due_on
    outstanding_cents = outstanding_principal(loan.schedule.rows, payments)
    if outstanding_cents == 0:
        return None
    return WriteOff(
        organisation=slug,
        external_id=f"{loan.external_id}-RAD",
        loan_external_id=loan.external_id,
        written_off_on=last_sign_on + timedelta(days=DAYS_FROM_LAST_SIGN_TO_WRITE_OFF),
        amount_cents=outstanding_cents,
        reason="Aucun versement depuis un an; décision du conseil d'administration.",
    )


def outstanding_principal(rows: Sequence[ScheduleRow], payments: Sequence[Payment]) -> int:
    """Cents of principal left when payments meet the oldest instalment's interest first."""
    left_cents = sum(payment.amount_cents for payment in payments)
    outstanding_cents = 0
    for row in rows:
        charges_cents = min(left_cents, row.fees_cents + row.interest_cents)
        principal_cents = min(left_cents - charges_cents, row.principal_cents)
        left_cents -= charges_cents + principal_cents
        outstanding_cents += row.principal_cents - principal_cents
    return outstanding_cents


def write_repayments(
    seed: int, slug: str, loan: PlannedLoan, payments: Sequence[Payment]
) -> Iterator[RepaymentRow]:
    method = stream(seed, slug, "method", loan.external_id).choices(METHODS, METHOD_WEIGHTS)[0]
    for number, payment in enumerate(payments, start=1):
        yield RepaymentRow(
            external_id=f"{loan.external_id}-R{number:02d}",
            loan_external_id=loan.external_id,
            paid_on=payment.paid_on.isoformat(),
            amount=format_cents(payment.amount_cents),
            method=method,
        )
