"""Setting money of a fund aside in two steps, so that two disbursements never take one dollar.

    reserve ──► pending ──► post    the cash leaves for loans:in_transit, until loans tells the
                   │                disbursement of the loan of that identifier
                   └──────► void    the money is available again

Available is the cash of the capital less what is pending; it is computed under the organisation's
write lock. Each step may be sent again and changes nothing the second time.
"""

from dataclasses import replace
from datetime import date

from services.common import audit, outbox
from services.common.database import ReadSession, WriteSession
from services.common.errors import Conflict, not_found
from services.common.identity import Principal
from services.common.money import format_cents
from services.common.text import Text
from services.funds import tenancy
from services.funds.journal.accounts import CASH_CAPITAL, IN_TRANSIT
from services.funds.journal.arithmetic import Kind, Transaction, move
from services.funds.journal.commands import record_transactions
from services.funds.journal.queries import find_disbursed, read_account_balance
from services.funds.reservations import queries
from services.funds.reservations.queries import Decision, Reservation

RESERVATION = Text("Réservation", "Reservation")
OTHER_AMOUNT = Text(
    "Cette réservation existe déjà avec un autre montant ; rien n'a été changé.",
    "This reservation already exists with another amount; nothing was changed.",
)
ALREADY_DECIDED = {
    Decision.POSTED: Text(
        "Cette réservation a déjà servi.", "This reservation has already been posted."
    ),
    Decision.VOIDED: Text(
        "Cette réservation a déjà été annulée.", "This reservation has already been voided."
    ),
}
ALREADY_DISBURSED = Text(
    "Le prêt de cette réservation a été décaissé : elle ne peut plus être annulée.",
    "The loan of this reservation has been disbursed: it can no longer be voided.",
)


async def reserve(
    session: WriteSession, principal: Principal, reservation_id: str, amount_cents: int
) -> tuple[Reservation, bool]:
    """True when the reservation is new. Raises Conflict when the fund has not enough available."""
    known = await queries.find_reservation(session, reservation_id)
    if known is not None:
        if known.amount_cents != amount_cents:
            raise Conflict(OTHER_AMOUNT, code="reservation.conflict")
        return known, False
    available = await read_available(session)
    if amount_cents > available:
        shown = format_cents(max(available, 0))
        raise Conflict(
            Text(
                f"Le fonds n'a que {shown} $ disponibles.", f"The fund has only ${shown} available."
            ),
            code="fund.insufficient",
            extra={"available": shown},
        )
    assert principal.organisation is not None, "an organisation reserves in its own fund"
    await tenancy.record_fund(session, principal.organisation)
    reservation = await queries.insert_reservation(
        session, reservation_id, amount_cents, principal.subject
    )
    await outbox.append(session, "reservation.made", {"reservation_id": reservation_id})
    await audit.append(session, principal, "reservation.make", {"reservation_id": reservation_id})
    return reservation, True


async def decide(
    session: WriteSession,
    principal: Principal,
    reservation_id: str,
    decision: Decision,
    today: date,
) -> tuple[Reservation, bool]:
    """Post or void; True when it was pending. Raises NotFound, Conflict for the other decision."""
    reservation = await queries.find_reservation(session, reservation_id)
    if reservation is None:
        raise not_found(RESERVATION)
    if reservation.decision is decision:
        return reservation, False
    if reservation.decision is not None:
        raise Conflict(
            ALREADY_DECIDED[reservation.decision], code=f"reservation.{reservation.decision}"
        )
    is_disbursed = bool(await find_disbursed(session, [reservation_id]))
    if decision is Decision.VOIDED and is_disbursed:
        raise Conflict(ALREADY_DISBURSED, code="reservation.disbursed")
    await queries.insert_decision(session, reservation_id, decision, today, principal.subject)
    if decision is Decision.POSTED and not is_disbursed:
        postings = move(IN_TRANSIT, CASH_CAPITAL, reservation.amount_cents)
        await record_transactions(
            session, [Transaction(Kind.RESERVATION, today, reservation_id, None, postings)]
        )
    await outbox.append(session, f"reservation.{decision}", {"reservation_id": reservation_id})
    await audit.append(
        session, principal, f"reservation.{decision}", {"reservation_id": reservation_id}
    )
    return replace(reservation, decision=decision, decided_on=today), True


async def read_available(session: ReadSession) -> int:
    """Cents that may be reserved: negative when facts took more than the fund had."""
    cash = await read_account_balance(session, CASH_CAPITAL)
    return cash - await queries.sum_pending(session)
