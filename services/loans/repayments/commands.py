"""Recording repayments: one from the JSON API, or a whole sheet; the same function."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

from services.common import audit
from services.common.database import WriteSession
from services.common.errors import InputError, JsonValue
from services.common.identifiers import new_ids
from services.common.identity import Principal
from services.common.locks import list_dates, refuse_locked
from services.common.messages import MESSAGES
from services.common.recording import (
    OnRecord,
    Recorded,
    Sorted,
    drafts_of,
    next_revision,
    refuse,
    settle,
    sort_batch,
)
from services.common.text import Text
from services.loans.content import tell_columns
from services.loans.loans import queries as loans
from services.loans.loans.commands import require_loan
from services.loans.loans.profiles import Refused
from services.loans.loans.queries import KnownLoan
from services.loans.positions.arithmetic import Allocation
from services.loans.positions.commands import keep_figures
from services.loans.positions.facts import LoanFacts, Payment, payment_order
from services.loans.positions.figures import Change, Figures
from services.loans.positions.queries import load_facts
from services.loans.positions.telling import Told, tell_fact, tell_reversal
from services.loans.repayments import queries
from services.loans.repayments.arithmetic import (
    Offer,
    add_payments,
    drop_payments,
    refuse_offers,
    refuse_together,
    takes_all,
)
from services.loans.repayments.drafts import RepaymentDraft
from services.loans.reversals.queries import count_absent, insert_reversals
from services.loans.rules.arithmetic import Facts, to_dollars
from services.loans.rules.commands import check_rows


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
    drafts = [_keep_untold(draft, on_record) for draft in drafts] if on_record else drafts
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
    warned = await _check_dates(session, batch, drafts, on_record, refused)
    rows = [row for row in batch.to_record if row not in refused]
    names = {drafts[row].loan_external_id for row in rows}
    names |= {old.draft.loan_external_id for old in replaced.values()}
    with_terms = bool(replaced) or any(drafts[row].purpose for row in rows)
    concerned = [known[name].loan_id for name in names]
    facts = await load_facts(session, concerned, with_terms=with_terms)
    before = {f.loan_id: f for f in facts}
    loan_ids = [known[drafts[row].loan_external_id].loan_id for row in rows]
    good, loan_ids, payments = _take_sound(drafts, rows, loan_ids, replaced, before, refused)
    if good:
        await _store(
            session,
            principal,
            [drafts[row] for row in good],
            payments,
            loan_ids,
            {external_ids[row]: replaced[row] for row in good if row in replaced},
            before,
            reason,
        )
    absent = await count_absent(session, "repayment", external_ids) if batch.is_resend else 0
    return batch.conclude(refused, absent, warned)


async def _check_dates(
    session: WriteSession,
    batch: Sorted,
    drafts: Sequence[RepaymentDraft],
    on_record: Mapping[str, OnRecord[RepaymentDraft]],
    refused: Refused,
) -> Mapping[int, Sequence[InputError]]:
    """Refuse those of locked months, or that break a rule in force on their date; warnings."""
    dates = list_dates(batch, drafts, on_record, lambda draft: draft.paid_on)
    await refuse_locked(session, "/paid_on", dates, refused)
    paid_on = {row: drafts[row].paid_on for row in batch.to_record}
    return await check_rows(
        session, "repayments", paid_on, lambda row: describe(drafts[row]), refused
    )


def _keep_untold(
    draft: RepaymentDraft, on_record: Mapping[str, OnRecord[RepaymentDraft]]
) -> RepaymentDraft:
    """A sheet cannot tell what a payment is for: what is on record stays when nothing is told."""
    known = on_record.get(draft.external_id)
    if known is None or draft.purpose is not None or draft.keeps_surplus:
        return draft
    return replace(draft, purpose=known.draft.purpose, keeps_surplus=known.draft.keeps_surplus)


def describe(draft: RepaymentDraft) -> Facts:
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
    payments: Sequence[Payment],
    loan_ids: Sequence[UUID],
    replaced: Mapping[str, OnRecord[RepaymentDraft]],
    before: Mapping[UUID, LoanFacts],
    reason: str | None,
) -> None:
    """Record drafts, each a payment of its loan.

    What they replace, by `external_id`, is reversed first.
    """
    gone = {old.fact_id for old in replaced.values() if not old.is_reversed}
    if gone:
        assert reason is not None, "a correction has a reason"
        await insert_reversals(session, "repayment", list(gone), reason, principal.subject)
        corrected: dict[str, JsonValue] = {"kind": "repayment", "count": len(gone)}
        await audit.append(session, principal, "facts.corrected", corrected)
    added: dict[UUID, list[Payment]] = defaultdict(list)
    for payment, loan_id in zip(payments, loan_ids, strict=True):
        added[loan_id].append(payment)
    lost = {f.loan_id for f in before.values() if any(p.repayment_id in gone for p in f.payments)}
    changes = (
        Change(facts, add_payments(drop_payments(facts, gone), added[facts.loan_id]))
        for facts in before.values()
        if facts.loan_id in added or facts.loan_id in lost
    )
    revisions = [next_revision(replaced.get(draft.external_id)) for draft in drafts]
    insertion = queries.insert_repayments(
        session,
        drafts,
        [payment.repayment_id for payment in payments],
        loan_ids,
        revisions,
        principal.subject,
    )

    def tell(figures: Figures) -> Iterator[Told]:
        for facts, then in figures.before:
            for payment, split in zip(facts.payments, then.allocations, strict=True):
                if payment.repayment_id in gone:
                    yield tell_reversal(_tell(facts.loan_id, payment, split))
        for facts, now in figures.after:
            for payment, split in zip(facts.payments, now.allocations, strict=True):
                if payment.repayment_id not in figures.splits_before:
                    yield _tell(facts.loan_id, payment, split)

    await keep_figures(session, changes, principal.subject, tell, insertion)
    await audit.append(session, principal, "repayments.recorded", {"count": len(drafts)})


def _tell(loan_id: UUID, payment: Payment, split: Allocation) -> Told:
    on, cents = payment.paid_on, payment.amount_cents
    return tell_fact("repayment", payment.repayment_id, loan_id, on, cents, split)


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


def _take_sound(
    drafts: Sequence[RepaymentDraft],
    rows: Sequence[int],
    loan_ids: Sequence[UUID],
    replaced: Mapping[int, OnRecord[RepaymentDraft]],
    before: Mapping[UUID, LoanFacts],
    refused: Refused,
) -> tuple[list[int], list[UUID], list[Payment]]:
    """The rows that their loans can take, with their loans and payments; `loan_ids` are of `rows`.

    What is made of each row is large for two hundred thousand, and gone at the end.
    """
    loan_of = dict(zip(rows, loan_ids, strict=True))
    ids = new_ids(len(rows))
    payments = {row: to_payment(drafts[row], i) for row, i in zip(rows, ids, strict=True)}
    doubtful = _find_doubtful(drafts, loan_of, replaced, before)
    if doubtful:
        _check_sums(drafts, payments, doubtful, replaced, before, refused)
    good = [row for row in rows if row not in refused]
    return good, [loan_of[row] for row in good], [payments[row] for row in good]


def _find_doubtful(
    drafts: Sequence[RepaymentDraft],
    loan_of: Mapping[int, UUID],
    replaced: Mapping[int, OnRecord[RepaymentDraft]],
    before: Mapping[UUID, LoanFacts],
) -> Mapping[int, UUID]:
    """Of the rows, those whose loans need more than a glance."""
    if replaced or any(drafts[row].purpose or drafts[row].keeps_surplus for row in loan_of):
        return loan_of
    offered: Counter[UUID] = Counter()
    for row, loan_id in loan_of.items():
        offered[loan_id] += drafts[row].amount_cents
    sound = {loan_id for loan_id, cents in offered.items() if takes_all(before[loan_id], cents)}
    return {row: loan_id for row, loan_id in loan_of.items() if loan_id not in sound}


def _check_sums(
    drafts: Sequence[RepaymentDraft],
    payments: Mapping[int, Payment],
    loan_ids: Mapping[int, UUID],
    replaced: Mapping[int, OnRecord[RepaymentDraft]],
    before: Mapping[UUID, LoanFacts],
    refused: Refused,
) -> None:
    """Refuse what a loan could not take, taking payments in order of date; `loan_ids` names the
    rows to look at.

    A correction that is refused leaves what is on record in its place: the others are then
    checked beside it.
    """
    is_settled = False
    while not is_settled:
        left = {row: loan_id for row, loan_id in loan_ids.items() if row not in refused}
        gone = {replaced[row].fact_id: row for row in left if row in replaced}
        found = _find_refused(drafts, payments, left, gone, before)
        refused.update({row: [error] for row, error in found.items()})
        is_settled = not found.keys() & gone.values()


def _find_refused(
    drafts: Sequence[RepaymentDraft],
    payments: Mapping[int, Payment],
    loan_ids: Mapping[int, UUID],
    gone: Mapping[UUID, int],
    before: Mapping[UUID, LoanFacts],
) -> dict[int, InputError]:
    """`gone` are the repayments on record that rows would replace, with their rows."""
    by_loan: dict[UUID, list[int]] = defaultdict(list)
    for row, loan_id in loan_ids.items():
        by_loan[loan_id].append(row)
    found: dict[int, InputError] = {}
    for loan_id, facts in before.items():
        rows = sorted(by_loan.get(loan_id, ()), key=lambda row: payment_order(payments[row]))
        offered = [Offer(payments[row], drafts[row].keeps_surplus) for row in rows]
        leaving = [p.repayment_id for p in facts.payments if p.repayment_id in gone]
        kept = drop_payments(facts, leaving)
        if leaving and not kept.is_plain:
            error = refuse_together(facts, kept, offered)
            if error is not None:
                found |= {gone[fact_id]: error for fact_id in leaving}
            continue
        for row, refusal in zip(rows, refuse_offers(kept, offered), strict=True):
            if refusal is not None:
                found[row] = refusal
    return found


def to_payment(draft: RepaymentDraft, repayment_id: UUID) -> Payment:
    return Payment(
        repayment_id, draft.external_id, draft.paid_on, draft.amount_cents, draft.purpose
    )
