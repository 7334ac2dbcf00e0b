"""Recording repayments: one from the JSON API, or a whole sheet; the same function."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

from services.common import audit
from services.common.database import WriteSession
from services.common.errors import JsonValue
from services.common.identity import Principal
from services.common.messages import MESSAGES
from services.common.money import format_cents
from services.common.recording import (
    OnRecord,
    Recorded,
    drafts_of,
    next_revision,
    refuse,
    settle,
    sort_batch,
)
from services.common.text import Text
from services.loans.content import tell_columns
from services.loans.loans import queries as loans
from services.loans.loans.commands import Refused
from services.loans.loans.queries import KnownLoan
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
from services.loans.reversals.queries import count_absent, insert_reversals

LOAN_UNKNOWN = Text("Aucun prêt ne porte cet identifiant.", "No loan has this identifier.")


async def record_repayments(
    session: WriteSession,
    principal: Principal,
    drafts: Sequence[RepaymentDraft],
    today: date,
    reason: str | None = None,
) -> Recorded:
    """Record the repayments that are new and sound; tell what is wrong with each of the others.

    With a `reason`, those that say something else of a repayment on record correct it.
    """
    external_ids = [d.external_id for d in drafts]
    batch = sort_batch(
        external_ids,
        [d.fingerprint for d in drafts],
        await queries.find_known(session, external_ids),
    )
    on_record = await queries.find_on_record(session, [external_ids[r] for r in batch.changed])
    batch = settle(batch, drafts, drafts_of(on_record), tell_columns, reason)
    replaced = {row: on_record[external_ids[row]] for row in batch.changed}
    known = await loans.find_known(
        session,
        list(
            {drafts[row].loan_external_id for row in batch.to_record}
            | {old.draft.loan_external_id for old in replaced.values()}
        ),
    )
    refused: Refused = {}
    for row in batch.to_record:
        _check(drafts[row], row, known.get(drafts[row].loan_external_id), today, refused)
    loan_ids = {
        row: known[drafts[row].loan_external_id].loan_id
        for row in batch.to_record
        if row not in refused
    }
    concerned = {
        *loan_ids.values(),
        *(known[old.draft.loan_external_id].loan_id for old in replaced.values()),
    }
    before = {f.loan_id: f for f in await load_facts(session, list(concerned))}
    _check_sums(drafts, loan_ids, replaced, before, refused)
    good = [row for row in loan_ids if row not in refused]
    if good:
        await _store(
            session,
            principal,
            [drafts[row] for row in good],
            [loan_ids[row] for row in good],
            {external_ids[row]: replaced[row] for row in good if row in replaced},
            before,
            reason,
        )
    absent = await count_absent(session, "repayment", external_ids) if batch.is_resend else 0
    return batch.conclude(refused, absent)


async def _store(
    session: WriteSession,
    principal: Principal,
    drafts: Sequence[RepaymentDraft],
    loan_ids: Sequence[UUID],
    replaced: Mapping[str, OnRecord[RepaymentDraft]],
    before: Mapping[UUID, LoanFacts],
    reason: str | None,
) -> None:
    """Record drafts, each of its loan; what they replace, by `external_id`, is reversed first."""
    gone = {old.fact_id for old in replaced.values() if not old.is_reversed}
    if gone:
        assert reason is not None, "a correction has a reason"
        await insert_reversals(session, "repayment", list(gone), reason, principal.subject)
        corrected: dict[str, JsonValue] = {"kind": "repayment", "count": len(gone)}
        await audit.append(session, principal, "facts.corrected", corrected)
    revisions = [next_revision(replaced.get(draft.external_id)) for draft in drafts]
    repayment_ids = await queries.insert_repayments(
        session, drafts, loan_ids, revisions, principal.subject
    )
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
    removed = [
        (f.loan_id, p) for f in before.values() for p in f.payments if p.repayment_id in gone
    ]
    changes = [
        Change(before[loan_id], add_payments(drop_payments(before[loan_id], gone), added[loan_id]))
        for loan_id in {*added, *(loan_id for loan_id, _ in removed)}
    ]
    figures = await keep_figures(session, changes)
    told = [
        *(_tell_reversal(*each, figures.splits_before[each[1].repayment_id]) for each in removed),
        *(
            _tell(loan_id, payment, figures.splits[payment.repayment_id])
            for loan_id, payments in added.items()
            for payment in payments
        ),
    ]
    await tell_facts(session, told, figures.moves)
    await audit.append(session, principal, "repayments.recorded", {"count": len(drafts)})


def _tell(loan_id: UUID, payment: Payment, split: Allocation) -> dict[str, JsonValue]:
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


def _tell_reversal(loan_id: UUID, payment: Payment, split: Allocation) -> dict[str, JsonValue]:
    """What a repayment was, as it stood before it was reversed."""
    told = _tell(loan_id, payment, split)
    return {**told, "kind": "reversal", "reversed_kind": "repayment"}


def drop_payments(facts: LoanFacts, gone: Collection[UUID]) -> LoanFacts:
    """The loan without these payments."""
    if not gone:
        return facts
    kept = tuple(payment for payment in facts.payments if payment.repayment_id not in gone)
    return replace(facts, payments=kept)


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
    replaced: Mapping[int, OnRecord[RepaymentDraft]],
    before: Mapping[UUID, LoanFacts],
    refused: Refused,
) -> None:
    """Refuse what would pay more than a loan still asks for, taking payments in date order.

    A correction that is refused leaves what is on record in its place: the others are then
    checked beside it.
    """
    is_settled = False
    while not is_settled:
        left = [row for row in loan_ids if row not in refused]
        gone = {replaced[row].fact_id for row in left if row in replaced}
        rooms = {id_: find_rooms(drop_payments(facts, gone)) for id_, facts in before.items()}
        found: Refused = {}
        for row in sorted(left, key=lambda r: (drafts[r].paid_on, drafts[r].external_id)):
            draft, of_loan = drafts[row], rooms[loan_ids[row]]
            room_cents = left_to_pay(of_loan, draft.paid_on)
            if draft.amount_cents > room_cents:
                refuse(found, row, "/amount", "repayment.over_payment", _over_payment(room_cents))
            else:
                take(of_loan, draft.paid_on, draft.amount_cents)
        refused.update(found)
        is_settled = not any(row in replaced for row in found)


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
