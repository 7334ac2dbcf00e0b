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
from services.common.locks import list_replaced_dates, refuse_locked
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
from services.loans.repayments.drafts import RepaymentDraft, RepaymentDrafts, by_column
from services.loans.repayments.plain_loans import Rows, set_apart
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
    sent = by_column(drafts)
    known = await queries.find_known(session, sent.external_ids)
    batch = sort_batch(sent.external_ids, sent.fingerprints, known)
    changed = [sent.external_ids[row] for row in batch.changed]
    on_record = await queries.find_on_record(session, changed)
    sent = _keep_untold(sent, batch.changed, on_record)
    batch = settle(batch, sent, drafts_of(on_record), tell_columns, reason)
    refused: Refused = {}
    replaced = {row: on_record[sent.external_ids[row]] for row in batch.changed}
    names = {sent.loan_external_ids[row] for row in batch.to_record}
    names |= {old.draft.loan_external_id for old in replaced.values()}
    by_name = await loans.find_known(session, list(names))
    _check(sent, batch.to_record, by_name, today, refused)
    warned = await _check_dates(session, batch, sent, on_record, refused)
    loan_of = {
        row: by_name[sent.loan_external_ids[row]].loan_id
        for row in batch.to_record
        if row not in refused
    }
    left = {row: by_name[old.draft.loan_external_id].loan_id for row, old in replaced.items()}
    await _record_sound(session, principal, Rows(sent, loan_of, replaced, left), refused, reason)
    absent = 0
    if batch.is_resend:
        absent = await count_absent(session, "repayment", sent.external_ids)
    return batch.conclude(refused, absent, warned)


def _check(
    drafts: RepaymentDrafts,
    rows: Sequence[int],
    by_name: Mapping[str, KnownLoan],
    today: date,
    refused: Refused,
) -> None:
    """Refuse rows whose loan is not known, or that are dated before it or to come."""
    for row in rows:
        loan, paid_on = by_name.get(drafts.loan_external_ids[row]), drafts.paid_on[row]
        if loan is not None and not loan.is_reversed and loan.disbursed_on <= paid_on <= today:
            continue
        loan = require_loan(refused, row, loan)
        if loan is not None and paid_on < loan.disbursed_on:
            message = Text(
                f"Ce paiement précède le versement du prêt ({loan.disbursed_on}).",
                f"This repayment comes before the loan's disbursement ({loan.disbursed_on}).",
            )
            refuse(refused, row, "/paid_on", "repayment.before_disbursement", message)
        if paid_on > today:
            refuse(refused, row, "/paid_on", "date.future", MESSAGES["date.future"])


async def _check_dates(
    session: WriteSession,
    batch: Sorted,
    drafts: RepaymentDrafts,
    on_record: Mapping[str, OnRecord[RepaymentDraft]],
    refused: Refused,
) -> Mapping[int, Sequence[InputError]]:
    """Refuse those of locked months, or that break a rule in force on their date; warnings."""
    paid_on = {row: drafts.paid_on[row] for row in batch.to_record}
    replaced = list_replaced_dates(batch, drafts, on_record, lambda draft: draft.paid_on)
    await refuse_locked(session, "/paid_on", [*paid_on.items(), *replaced], refused)
    return await check_rows(
        session, "repayments", paid_on, lambda row: describe(drafts[row]), refused
    )


def _keep_untold(
    drafts: RepaymentDrafts, rows: Sequence[int], on_record: Mapping[str, OnRecord[RepaymentDraft]]
) -> RepaymentDrafts:
    """A sheet cannot tell what a payment is for: what is on record stays when nothing is told."""
    kept: dict[int, RepaymentDraft] = {}
    for row in rows:
        draft, known = drafts[row], on_record[drafts.external_ids[row]].draft
        if known.is_special and not draft.is_special:
            purpose, keeps_surplus = known.purpose, known.keeps_surplus
            kept[row] = replace(draft, purpose=purpose, keeps_surplus=keeps_surplus)
    return drafts.but(kept) if kept else drafts


def describe(draft: RepaymentDraft) -> Facts:
    """As rules see it."""
    return {
        "paid_on": draft.paid_on,
        "amount": to_dollars(draft.amount_cents),
        "method": draft.method,
    }


async def _record_sound(
    session: WriteSession,
    principal: Principal,
    rows: Rows,
    refused: Refused,
    reason: str | None,
) -> None:
    """Record the rows that their loans can take, and refuse the others.

    What they replace is reversed first.
    """
    apart = await set_apart(session, rows)
    rest = {row: loan for row, loan in rows.loan_of.items() if row not in apart.repayment_ids}
    drafts, replaced = rows.drafts, rows.replaced
    with_terms = bool(replaced) or any(draft.purpose for draft in drafts.special.values())
    concerned = list({*rest.values(), *rows.left.values()})
    facts = await load_facts(session, concerned, with_terms=with_terms)
    before = {f.loan_id: f for f in facts}
    payments = _take_sound(drafts, rest, replaced, before, refused)
    good = [row for row in rows.loan_of if row not in refused]
    if not good:
        return
    standing = (row for row, old in replaced.items() if not old.is_reversed)
    gone = {replaced[row].fact_id for row in standing if row not in refused}
    if gone:
        assert reason is not None, "a correction has a reason"
        await insert_reversals(session, "repayment", list(gone), reason, principal.subject)
        corrected: dict[str, JsonValue] = {"kind": "repayment", "count": len(gone)}
        await audit.append(session, principal, "facts.corrected", corrected)
    ids = {**apart.repayment_ids, **{row: p.repayment_id for row, p in payments.items()}}
    insertion = await queries.stage_repayments(
        session,
        drafts.take(good),
        [ids[row] for row in good],
        [rows.loan_of[row] for row in good],
        [next_revision(replaced.get(row)) for row in good],
        principal.subject,
    )
    added: dict[UUID, list[Payment]] = defaultdict(list)
    for row, payment in payments.items():
        added[rest[row]].append(payment)
    changes = (
        Change(loan, add_payments(drop_payments(loan, gone), added[loan.loan_id]))
        for loan in facts
        if loan.loan_id in added or any(p.repayment_id in gone for p in loan.payments)
    )

    def tell(figures: Figures) -> Iterator[Told]:
        for loan, then in figures.before:
            for payment, split in zip(loan.payments, then.allocations, strict=True):
                if payment.repayment_id in gone:
                    yield tell_reversal(_tell(loan.loan_id, payment, split))
        for loan, now in figures.after:
            for payment, split in zip(loan.payments, now.allocations, strict=True):
                if payment.repayment_id not in figures.splits_before:
                    yield _tell(loan.loan_id, payment, split)

    await keep_figures(session, changes, principal.subject, tell, insertion, apart.plain)
    await audit.append(session, principal, "repayments.recorded", {"count": len(good)})


def _tell(loan_id: UUID, payment: Payment, split: Allocation) -> Told:
    on, cents = payment.paid_on, payment.amount_cents
    return tell_fact("repayment", payment.repayment_id, loan_id, on, cents, split)


def _take_sound(
    drafts: RepaymentDrafts,
    loan_of: Mapping[int, UUID],
    replaced: Mapping[int, OnRecord[RepaymentDraft]],
    before: Mapping[UUID, LoanFacts],
    refused: Refused,
) -> dict[int, Payment]:
    """The payments that their loans can take, by row."""
    ids = new_ids(len(loan_of))
    payments = {row: to_payment(drafts[row], i) for row, i in zip(loan_of, ids, strict=True)}
    doubtful = _find_doubtful(drafts, loan_of, replaced, before)
    if doubtful:
        _check_sums(drafts, payments, doubtful, replaced, before, refused)
    return {row: payment for row, payment in payments.items() if row not in refused}


def _find_doubtful(
    drafts: RepaymentDrafts,
    loan_of: Mapping[int, UUID],
    replaced: Mapping[int, OnRecord[RepaymentDraft]],
    before: Mapping[UUID, LoanFacts],
) -> Mapping[int, UUID]:
    """Of the rows, those whose loans need more than a glance."""
    if replaced or not drafts.special.keys().isdisjoint(loan_of):
        return loan_of
    offered: Counter[UUID] = Counter()
    for row, loan_id in loan_of.items():
        offered[loan_id] += drafts.amounts_cents[row]
    sound = {loan_id for loan_id, cents in offered.items() if takes_all(before[loan_id], cents)}
    return {row: loan_id for row, loan_id in loan_of.items() if loan_id not in sound}


def _check_sums(
    drafts: RepaymentDrafts,
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
    drafts: RepaymentDrafts,
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
