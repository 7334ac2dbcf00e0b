"""Correcting loans: what is on record is reversed with all that stands of it, and both are recorded
anew as the next revision. What was posted since must still be possible.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from uuid import UUID

from services.common import audit
from services.common.database import WriteSession
from services.common.errors import InputError, JsonValue, Unprocessable
from services.common.identity import Principal
from services.common.recording import OnRecord
from services.common.text import Text
from services.loans.content import tell_columns
from services.loans.loans import revision_queries
from services.loans.loans.drafts import BorrowerProfile, LoanDraft, first_of, lay_schedule
from services.loans.loans.revision_queries import FollowUp, MoneyFact
from services.loans.positions.commands import keep_figures
from services.loans.positions.contradictions import find_contradiction
from services.loans.positions.facts import LoanFacts
from services.loans.positions.figures import Change, Figures, Replays
from services.loans.positions.queries import load_facts
from services.loans.positions.telling import Told, tell_fact, tell_reversal
from services.loans.schedules.terms import ScheduleTerms


def tell_loan(draft: LoanDraft) -> dict[str, str]:
    """What a loan says, by the columns of a sheet; its schedule follows from its terms."""
    return tell_columns(draft, leave_out=("schedule",))


def is_revised(known: LoanDraft, draft: LoanDraft) -> bool:
    """Whether more changed than what is said of the borrower."""
    return tell_loan(replace(known, profile=None)) != tell_loan(replace(draft, profile=None))


def keep_untold(draft: LoanDraft, on_record: Mapping[str, OnRecord[LoanDraft]]) -> LoanDraft:
    """The draft with what is on record where it says nothing, of what a sheet has no column for."""
    known = on_record.get(draft.external_id)
    if known is None:
        return draft
    old = known.draft
    terms = _keep_terms(draft.terms, old.terms)
    told = replace(
        draft,
        profile=_keep_profile(draft, old),
        purpose=draft.purpose or old.purpose,
        region_code=draft.region_code or old.region_code,
        interest_accrual=draft.interest_accrual or old.interest_accrual,
        allocation_order=draft.allocation_order or old.allocation_order,
        interest_on_overdue_interest=old.interest_on_overdue_interest
        if draft.interest_on_overdue_interest is None
        else draft.interest_on_overdue_interest,
        first_disbursement_cents=draft.first_disbursement_cents or old.first_disbursement_cents,
    )
    try:
        schedule = lay_schedule(first_of(terms, told.first_disbursement_cents), "/{}".format)
    except Unprocessable:  # what is on record does not go with what is told: it is told alone
        return draft
    return replace(told, terms=terms, schedule=schedule)


def _keep_profile(draft: LoanDraft, old: LoanDraft) -> BorrowerProfile | None:
    if draft.borrower_external_id != old.borrower_external_id or old.profile is None:
        return draft.profile
    said, known = draft.profile, old.profile
    if said is None:
        return known
    return BorrowerProfile(
        kind=said.kind or known.kind,
        gender=said.gender or known.gender,
        birth_year=said.birth_year or known.birth_year,
        clienteles=said.clienteles or known.clienteles,
        municipality=said.municipality or known.municipality,
    )


def _keep_terms(said: ScheduleTerms, known: ScheduleTerms) -> ScheduleTerms:
    """A sheet tells a sum, a rate, a number and dates of instalments, and one fee."""
    plain = ScheduleTerms(
        principal_cents=said.principal_cents,
        annual_rate=said.annual_rate,
        instalments=said.instalments,
        disbursed_on=said.disbursed_on,
        frequency=said.frequency,
        first_due_on=said.first_due_on,
        fees=said.fees,
    )
    if said != plain:
        return said
    is_same_fee = _sum_fees(said) == _sum_fees(known)
    return replace(
        known,
        principal_cents=said.principal_cents,
        annual_rate=said.annual_rate,
        instalments=said.instalments,
        disbursed_on=said.disbursed_on,
        frequency=said.frequency,
        first_due_on=said.first_due_on,
        fees=known.fees if is_same_fee else said.fees,
    )


def _sum_fees(terms: ScheduleTerms) -> int:
    return sum(fee.amount_cents for fee in terms.fees)


def check_revision(
    draft: LoanDraft, before: LoanFacts, after: LoanFacts, follow_up: FollowUp
) -> list[InputError]:
    """What was posted on the loan since, and would no longer be possible. `after` has all of it."""
    dates = [
        *(payment.paid_on for payment in before.payments),
        *(loss.on for loss in (*before.write_offs, *before.recoveries, *before.refunds)),
        *(charge.on for charge in before.charges),
        *(tranche.on for tranche in before.tranches),
        *([] if follow_up.first_outcome_on is None else [follow_up.first_outcome_on]),
    ]
    if dates and min(dates) < draft.disbursed_on:
        message = Text(
            f"Un fait de ce prêt est inscrit le {min(dates)}, avant ce versement.",
            f"A fact of this loan is on record on {min(dates)}, before this disbursement.",
        )
        return [InputError("/disbursed_on", "loan.disbursed_after_facts", message)]
    if follow_up.coached_others:
        message = Text(
            "Des rencontres de ce prêt sont celles d'un autre emprunteur.",
            "Coaching sessions of this loan are another borrower's.",
        )
        return [InputError("/borrower_external_id", "loan.other_borrower", message)]
    return find_contradiction("/principal", before, after)


async def move_loans(
    session: WriteSession,
    principal: Principal,
    before: Sequence[LoanFacts],
    new_ids: Mapping[UUID, UUID],
    reason: str,
) -> None:
    """Put what stands of loans on the revisions that replace them, and tell the journal of both.

    `new_ids` are the new loans by the old ones, all of them already inserted.
    """
    gone = _by_loan(await revision_queries.find_money_facts(session, list(new_ids)))
    await revision_queries.move_facts(session, new_ids, reason, principal.subject)
    new = list(new_ids.values())
    after = await load_facts(session, new, with_terms=True)
    changes = [
        *(Change(facts, None) for facts in before),
        *(Change(None, facts) for facts in after),
    ]
    come = _by_loan(await revision_queries.find_money_facts(session, new))

    def tell(figures: Figures) -> Iterator[Told]:
        yield from map(tell_reversal, _tell(gone, figures.before))
        yield from _tell(come, figures.after)

    await keep_figures(session, changes, principal.subject, tell)
    details: dict[str, JsonValue] = {"kind": "loan", "count": len(new_ids)}
    await audit.append(session, principal, "facts.corrected", details)


def _by_loan(facts: Iterable[MoneyFact]) -> dict[UUID, list[MoneyFact]]:
    of_loans: dict[UUID, list[MoneyFact]] = defaultdict(list)
    for fact in facts:
        of_loans[fact.loan_id].append(fact)
    return of_loans


def _tell(facts: Mapping[UUID, Sequence[MoneyFact]], replays: Replays) -> Iterator[Told]:
    """What moved the money of these loans."""
    for loan, replayed in replays:
        splits = {split.repayment_id: split for split in replayed.allocations}
        for fact in facts[loan.loan_id]:
            yield tell_fact(
                fact.kind,
                fact.fact_id,
                fact.loan_id,
                fact.on,
                fact.amount_cents,
                splits.get(fact.fact_id),
                fact.fees_withheld_cents,
            )
