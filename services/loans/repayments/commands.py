"""Recording repayments: one from the JSON API, or a whole sheet; the same function."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from services.common import audit
from services.common.database import WriteSession
from services.common.errors import JsonValue
from services.common.identifiers import new_ids
from services.common.identity import Principal
from services.common.messages import MESSAGES
from services.common.recording import Recorded, refuse, sort_batch
from services.common.text import Text
from services.loans.loans import queries as loans
from services.loans.loans.commands import Refused, require_loan
from services.loans.loans.queries import KnownLoan
from services.loans.positions.arithmetic import Allocation
from services.loans.positions.commands import keep_figures, tell_facts
from services.loans.positions.facts import LoanFacts, Payment
from services.loans.positions.figures import Change
from services.loans.positions.queries import load_facts
from services.loans.repayments import queries
from services.loans.repayments.arithmetic import Offer, add_payments, refuse_offers
from services.loans.repayments.drafts import RepaymentDraft


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
    sound = [row for row in batch.new if row not in refused]
    loan_ids = {row: known[drafts[row].loan_external_id].loan_id for row in sound}
    with_terms = any(drafts[row].purpose for row in sound)
    facts = await load_facts(session, list(set(loan_ids.values())), with_terms=with_terms)
    before = {f.loan_id: f for f in facts}
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
    return batch.conclude(refused)


async def _store(
    session: WriteSession,
    principal: Principal,
    drafts: Sequence[RepaymentDraft],
    loan_ids: Sequence[UUID],
    before: Mapping[UUID, LoanFacts],
) -> None:
    repayment_ids = new_ids(len(drafts))
    added: dict[UUID, list[Payment]] = defaultdict(list)
    for draft, repayment_id, loan_id in zip(drafts, repayment_ids, loan_ids, strict=True):
        added[loan_id].append(to_payment(draft, repayment_id))
    changes = [
        Change(before[loan_id], add_payments(before[loan_id], payments))
        for loan_id, payments in added.items()
    ]
    facts = queries.insert_repayments(session, drafts, repayment_ids, loan_ids, principal.subject)
    figures = await keep_figures(session, changes, principal.subject, facts)
    told = (
        _tell(loan_id, payment, figures.splits[payment.repayment_id])
        for loan_id, payments in added.items()
        for payment in payments
    )
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


def _check(
    draft: RepaymentDraft, row: int, loan: KnownLoan | None, today: date, refused: Refused
) -> None:
    loan = require_loan(refused, row, loan)
    if loan is not None and draft.paid_on < loan.disbursed_on:
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
    """Refuse what a loan could not take, taking payments in order of date."""
    by_loan: dict[UUID, list[int]] = defaultdict(list)
    for row in sorted(loan_ids, key=lambda r: (drafts[r].paid_on, drafts[r].external_id)):
        by_loan[loan_ids[row]].append(row)
    for loan_id, rows in by_loan.items():
        offers = [
            Offer(to_payment(drafts[row], NOT_RECORDED), drafts[row].keeps_surplus) for row in rows
        ]
        for row, error in zip(rows, refuse_offers(before[loan_id], offers), strict=True):
            if error is not None:
                refused.setdefault(row, []).append(error)


NOT_RECORDED = UUID(int=2**128 - 1)
"""Stands for the identifier of a repayment that is not recorded yet."""


def to_payment(draft: RepaymentDraft, repayment_id: UUID) -> Payment:
    return Payment(
        repayment_id, draft.external_id, draft.paid_on, draft.amount_cents, draft.purpose
    )
