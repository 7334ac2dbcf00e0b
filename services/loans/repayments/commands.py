"""Recording repayments: one from the JSON API, or a whole sheet; the same function."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

from services.common import audit
from services.common.database import WriteSession
from services.common.errors import JsonValue
from services.common.identity import Principal
from services.common.messages import MESSAGES
from services.common.money import format_cents
from services.common.recording import Recorded, refuse, sort_batch
from services.common.text import Text
from services.loans.loans import queries as loans
from services.loans.loans.commands import Refused
from services.loans.loans.queries import KnownLoan
from services.loans.locks.commands import refuse_locked
from services.loans.positions.arithmetic import (
    Allocation,
    LoanFacts,
    Payment,
    find_rooms,
    left_to_pay,
    payment_order,
    take,
)
from services.loans.positions.commands import keep_figures, tell_facts
from services.loans.positions.figures import Change
from services.loans.positions.queries import load_facts
from services.loans.repayments import queries
from services.loans.repayments.drafts import RepaymentDraft
from services.loans.rules.arithmetic import Facts, to_dollars
from services.loans.rules.commands import check_rows

LOAN_UNKNOWN = Text("Aucun prêt ne porte cet identifiant.", "No loan has this identifier.")


async def record_repayments(
    session: WriteSession, principal: Principal, drafts: Sequence[RepaymentDraft], today: date
) -> Recorded:
    """Record the repayments that are new and sound; tell what is wrong with each of the others."""
    batch = sort_batch(
        [d.external_id for d in drafts],
        [d.fingerprint for d in drafts],
        await queries.find_known(session, [d.external_id for d in drafts]),
    )
    known = await loans.find_known(
        session, list({drafts[row].loan_external_id for row in batch.new})
    )
    refused: Refused = {}
    for row in batch.new:
        _check(drafts[row], row, known.get(drafts[row].loan_external_id), today, refused)
    dates = {row: drafts[row].paid_on for row in batch.new}
    await refuse_locked(session, "/paid_on", dates, refused)
    warned = await check_rows(
        session, "repayments", dates, lambda row: _describe(drafts[row]), refused
    )
    sound = [row for row in batch.new if row not in refused]
    loan_ids = {row: known[drafts[row].loan_external_id].loan_id for row in sound}
    before = {f.loan_id: f for f in await load_facts(session, list(set(loan_ids.values())))}
    _check_sums(drafts, loan_ids, before, refused)
    good = [row for row in sound if row not in refused]
    if good:
        await _store(
            session,
            principal,
            [drafts[row] for row in good],
            [loan_ids[row] for row in good],
            before,
        )
    return batch.conclude(refused, warned)


def _describe(draft: RepaymentDraft) -> Facts:
    """As rules see it."""
    return {
        "paid_on": draft.paid_on,
        "amount": to_dollars(draft.amount_cents),
        "method": draft.method,
    }


async def _store(
    session: WriteSession,
    principal: Principal,
    drafts: Sequence[RepaymentDraft],
    loan_ids: Sequence[UUID],
    before: Mapping[UUID, LoanFacts],
) -> None:
    repayment_ids = await queries.insert_repayments(session, drafts, loan_ids, principal.subject)
    added: dict[UUID, list[Payment]] = defaultdict(list)
    for draft, loan_id in zip(drafts, loan_ids, strict=True):
        added[loan_id].append(
            Payment(
                repayment_ids[draft.external_id],
                draft.external_id,
                draft.paid_on,
                draft.amount_cents,
            )
        )
    changes = [
        Change(before[loan_id], add_payments(before[loan_id], payments))
        for loan_id, payments in added.items()
    ]
    figures = await keep_figures(session, changes)
    told = [
        _tell(loan_id, payment, figures.splits[payment.repayment_id])
        for loan_id, payments in added.items()
        for payment in payments
    ]
    await tell_facts(session, told, figures.moves)
    await audit.append(session, principal, "repayments.recorded", {"count": len(drafts)})


def _tell(loan_id: UUID, payment: Payment, split: Allocation) -> JsonValue:
    return {
        "kind": "repayment",
        "id": str(payment.repayment_id),
        "loan_id": str(loan_id),
        "on": payment.paid_on.isoformat(),
        "amount_cents": payment.amount_cents,
        "principal_cents": split.principal_cents,
        "interest_cents": split.interest_cents,
        "fees_cents": split.fees_cents,
    }


def add_payments(facts: LoanFacts, payments: Sequence[Payment]) -> LoanFacts:
    """The loan with more payments, each inserted where its date says."""
    return replace(facts, payments=tuple(sorted([*facts.payments, *payments], key=payment_order)))


def _check(
    draft: RepaymentDraft, row: int, loan: KnownLoan | None, today: date, refused: Refused
) -> None:
    if loan is None:
        refuse(refused, row, "/loan_external_id", "loan.unknown", LOAN_UNKNOWN)
    elif draft.paid_on < loan.disbursed_on:
        message = Text(
            f"Ce paiement précède le versement du prêt ({loan.disbursed_on}).",
            f"This repayment comes before the loan's disbursement ({loan.disbursed_on}).",
        )
        refuse(refused, row, "/paid_on", "repayment.before_disbursement", message)
    if draft.paid_on > today:
        refuse(refused, row, "/paid_on", "date.future", MESSAGES["date.future"])


def _check_sums(
    drafts: Sequence[RepaymentDraft],
    loan_ids: Mapping[int, UUID],
    before: Mapping[UUID, LoanFacts],
    refused: Refused,
) -> None:
    """Refuse what would pay more than a loan still asks for, taking payments in date order."""
    rooms = {loan_id: find_rooms(facts) for loan_id, facts in before.items()}
    for row in sorted(loan_ids, key=lambda r: (drafts[r].paid_on, drafts[r].external_id)):
        draft, of_loan = drafts[row], rooms[loan_ids[row]]
        left = left_to_pay(of_loan, draft.paid_on)
        if draft.amount_cents > left:
            refuse(refused, row, "/amount", "repayment.over_payment", _over_payment(left))
        else:
            take(of_loan, draft.paid_on, draft.amount_cents)


def _over_payment(left_cents: int) -> Text:
    if not left_cents:
        return Text(
            "Il ne reste rien à payer sur ce prêt. Ce qui rentre après une radiation "
            "s'inscrit comme recouvrement.",
            "Nothing is left to pay on this loan. What comes in after a write-off "
            "is recorded as a recovery.",
        )
    left = format_cents(left_cents)
    return Text(
        f"Ce montant dépasse ce qu'il reste à payer sur ce prêt : {left}.",
        f"This amount is more than what is left to pay on this loan: {left}.",
    )
