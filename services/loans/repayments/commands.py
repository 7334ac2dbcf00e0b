"""Recording repayments: one from the JSON API, or a whole sheet; the same function."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Collection, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from uuid import UUID

from services.common import audit
from services.common.database import Beside, ReadSession, WriteSession
from services.common.errors import InputError, JsonValue
from services.common.identifiers import new_ids
from services.common.identity import Principal
from services.common.locks import list_replaced_dates, refuse_locked
from services.common.messages import MESSAGES
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
from services.loans.repayments.plain_loans import ROWS_MIN, Apart, Rows, set_apart
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
    loan_of = _find_loans(sent, batch.to_record, by_name, today, refused)
    warned = await _check_dates(session, sent, batch.to_record, replaced, refused)
    for row in loan_of.keys() & refused.keys():
        del loan_of[row]
    left = {row: by_name[old.draft.loan_external_id].loan_id for row, old in replaced.items()}
    await _record_sound(session, principal, Rows(sent, loan_of, replaced, left), refused, reason)
    absent = 0
    if batch.is_resend:
        absent = await count_absent(session, "repayment", sent.external_ids)
    return batch.conclude(refused, absent, warned)


def _find_loans(
    drafts: RepaymentDrafts,
    rows: Sequence[int],
    by_name: Mapping[str, KnownLoan],
    today: date,
    refused: Refused,
) -> dict[int, UUID]:
    """The loan of each row; rows whose loan nobody knows, or of an impossible date, are refused."""
    loan_of: dict[int, UUID] = {}
    for row in rows:
        loan, paid_on = by_name.get(drafts.loan_external_ids[row]), drafts.paid_on[row]
        if loan is not None and not loan.is_reversed and loan.disbursed_on <= paid_on <= today:
            loan_of[row] = loan.loan_id
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
    return loan_of


async def _check_dates(
    session: WriteSession,
    drafts: RepaymentDrafts,
    rows: Sequence[int],
    replaced: Mapping[int, OnRecord[RepaymentDraft]],
    refused: Refused,
) -> Mapping[int, Sequence[InputError]]:
    """Refuse those of locked months, or that break a rule in force on their date; warnings."""
    paid_on = {row: drafts.paid_on[row] for row in rows}
    left = list_replaced_dates(replaced, lambda draft: draft.paid_on)
    await refuse_locked(session, "/paid_on", [*paid_on.items(), *left], refused)
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


@dataclass(frozen=True, slots=True)
class Judged:
    """The loans as they stood and the payments they take, by row, but for those set apart."""

    apart: Apart
    facts: Sequence[LoanFacts]
    payments: Mapping[int, Payment]


async def _record_sound(
    session: WriteSession, principal: Principal, rows: Rows, refused: Refused, reason: str | None
) -> None:
    """Record the rows that their loans can take, and refuse the others.

    What they replace is reversed first.
    """
    ids = dict(zip(rows.loan_of, new_ids(len(rows.loan_of)), strict=True))
    found: Refused = {}
    if session.beside is None or len(ids) < ROWS_MIN or rows.replaced:
        judged = await _judge(session, rows, ids, found)
    else:
        judged = await _record_at_once(session, session.beside, principal, rows, ids, found)
        if not found:
            return
    refused |= found
    good = {row: fact_id for row, fact_id in ids.items() if row not in refused}
    if not good:
        return
    standing = (row for row, old in rows.replaced.items() if not old.is_reversed)
    gone = {rows.replaced[row].fact_id for row in standing if row not in refused}
    if gone:
        assert reason is not None, "a correction has a reason"
        await insert_reversals(session, "repayment", list(gone), reason, principal.subject)
        corrected: dict[str, JsonValue] = {"kind": "repayment", "count": len(gone)}
        await audit.append(session, principal, "facts.corrected", corrected)
    insertion = await _stage(session, principal, rows, good)
    await _keep_figures(session, principal, rows.loan_of, judged, gone, insertion)
    await audit.append(session, principal, "repayments.recorded", {"count": len(good)})


async def _record_at_once(
    session: WriteSession,
    beside: Beside,
    principal: Principal,
    rows: Rows,
    ids: Mapping[int, UUID],
    refused: Refused,
) -> Judged:
    """Record many rows while a second connection finds whether their loans can take them.

    They nearly always can. Nothing is recorded when one is `refused`.
    """
    savepoint = await session.connection.begin_nested()
    inserting = asyncio.create_task(await _stage(session, principal, rows, ids))
    try:
        async with beside() as reader:
            judged = await _judge(reader, rows, ids, refused)
        if not refused:
            await _keep_figures(session, principal, rows.loan_of, judged, frozenset(), inserting)
    except BaseException:
        inserting.cancel()
        await asyncio.wait([inserting])
        raise
    await inserting
    if refused:
        await savepoint.rollback()
        return judged
    await savepoint.commit()
    await audit.append(session, principal, "repayments.recorded", {"count": len(ids)})
    return judged


async def _judge(
    session: ReadSession, rows: Rows, ids: Mapping[int, UUID], refused: Refused
) -> Judged:
    """Find which rows their loans can take, under these identifiers; refuse the others."""
    apart = await set_apart(session, rows, ids)
    rest = {row: loan for row, loan in rows.loan_of.items() if row not in apart.rows}
    with_terms = bool(rows.replaced or any(d.purpose for d in rows.drafts.special.values()))
    concerned = list({*rest.values(), *rows.left.values()})
    facts = await load_facts(session, concerned, with_terms=with_terms)
    before = {loan.loan_id: loan for loan in facts}
    payments = {row: to_payment(rows.drafts[row], ids[row]) for row in rest}
    doubtful = _find_doubtful(rows.drafts, rest, rows.replaced, before)
    if doubtful:
        _check_sums(rows.drafts, payments, doubtful, rows.replaced, before, refused)
    return Judged(apart, facts, {r: paid for r, paid in payments.items() if r not in refused})


async def _stage(
    session: WriteSession, principal: Principal, rows: Rows, ids: Mapping[int, UUID]
) -> Coroutine[object, object, object]:
    """Bring rows to the database under their identifiers; what is returned inserts them."""
    return await queries.stage_repayments(
        session,
        rows.drafts.take(list(ids)),
        list(ids.values()),
        [rows.loan_of[row] for row in ids],
        [next_revision(rows.replaced.get(row)) for row in ids] if rows.replaced else [1] * len(ids),
        principal.subject,
    )


async def _keep_figures(
    session: WriteSession,
    principal: Principal,
    loan_of: Mapping[int, UUID],
    judged: Judged,
    gone: Collection[UUID],
    facts: Awaitable[object],
) -> None:
    """Keep the figures of the loans that take payments and lose those that are gone."""
    added: dict[UUID, list[Payment]] = defaultdict(list)
    for row, payment in judged.payments.items():
        added[loan_of[row]].append(payment)
    changes = (
        Change(loan, add_payments(drop_payments(loan, gone), added[loan.loan_id]))
        for loan in judged.facts
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

    await keep_figures(session, changes, principal.subject, tell, facts, judged.apart.plain)


def _tell(loan_id: UUID, payment: Payment, split: Allocation) -> Told:
    on, cents = payment.paid_on, payment.amount_cents
    return tell_fact("repayment", payment.repayment_id, loan_id, on, cents, split)


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
