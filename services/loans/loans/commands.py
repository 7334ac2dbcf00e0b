"""Recording loans: contract, disbursement, schedule, and the figures kept beside them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from itertools import compress
from uuid import UUID

from services.common import audit
from services.common.database import WriteSession
from services.common.errors import InputError
from services.common.identifiers import new_ids
from services.common.identity import Principal
from services.common.locks import refuse_locked
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
from services.loans.borrowers import queries as borrowers
from services.loans.borrowers.queries import KnownBorrower
from services.loans.loans import queries
from services.loans.loans.contracts import review_contracts
from services.loans.loans.corrections import (
    check_revision,
    is_revised,
    keep_untold,
    move_loans,
    tell_loan,
)
from services.loans.loans.drafts import BorrowerProfile, LoanDraft, disbursed_cents, first_of
from services.loans.loans.facts import describe
from services.loans.loans.profiles import (
    Refused,
    check_borrowers,
    describe_borrowers,
)
from services.loans.loans.queries import KnownLoan
from services.loans.loans.revision_queries import find_follow_up, find_on_record
from services.loans.positions.account import lay_ladder
from services.loans.positions.commands import keep_figures
from services.loans.positions.daily_account import DAILY_DAY_COUNTS
from services.loans.positions.facts import PLAIN, Accrual, AllocationOrder, Conditions, LoanFacts
from services.loans.positions.figures import Change
from services.loans.positions.queries import load_facts
from services.loans.positions.telling import Told, tell_fact
from services.loans.reversals.queries import count_absent
from services.loans.rules.commands import check_rows, join_found
from services.loans.schedules.terms import InterestMethod

LOAN_UNKNOWN = Text("Aucun prêt ne porte cet identifiant.", "No loan has this identifier.")
LOAN_REVERSED = Text("Ce prêt a été renversé.", "This loan was reversed.")


def require_loan(refused: Refused, row: int, loan: KnownLoan | None) -> KnownLoan | None:
    """The loan a row names; None, and noted, when nobody knows it or it was reversed."""
    if loan is None:
        refuse(refused, row, "/loan_external_id", "loan.unknown", LOAN_UNKNOWN)
    elif loan.is_reversed:
        refuse(refused, row, "/loan_external_id", "loan.reversed", LOAN_REVERSED)
    else:
        return loan
    return None


async def record_loans(
    session: WriteSession,
    principal: Principal,
    drafts: Sequence[LoanDraft],
    today: date,
    reason: str | None = None,
) -> Recorded:
    """Record the loans that are new and sound; tell what is wrong with each of the others.

    With a `reason`, those that say something else of a loan on record correct it.
    """
    external_ids = [d.external_id for d in drafts]
    found = await queries.find_known(session, external_ids)
    batch = sort_batch(
        external_ids,
        [d.fingerprint for d in drafts],
        {name: loan.fingerprint for name, loan in found.items()},
    )
    on_record = await find_on_record(session, [external_ids[r] for r in batch.changed])
    drafts = [keep_untold(draft, on_record) for draft in drafts] if on_record else drafts
    batch = settle(batch, drafts, drafts_of(on_record), tell_loan, reason)
    replaced = {row: on_record[external_ids[row]] for row in batch.changed}
    known = await borrowers.find_known(
        session, list({drafts[row].borrower_external_id for row in batch.to_record})
    )
    refused: Refused = {}
    for row in batch.to_record:
        _check_dates(drafts[row], row, today, refused)
        _check_money(drafts[row], row, refused)
    regions = _find_regions(drafts, batch.to_record, known, principal, refused)
    profiles = check_borrowers(drafts, batch.to_record, replaced, known, refused)
    review = await review_contracts(session, drafts, batch.to_record, known, profiles, refused)
    drafts = [review.followed.get(row, draft) for row, draft in enumerate(drafts)]
    for row in batch.to_record:
        _check_accrual(drafts[row], row, refused)
    revised = {row: old for row, old in replaced.items() if is_revised(old.draft, drafts[row])}
    stored = [row for row in batch.to_record if row not in replaced or row in revised]
    odd = await _check_rules(session, drafts, stored, revised, profiles, refused)
    standing = await _check_revisions(session, drafts, regions, revised, known, refused)
    good = [row for row in batch.to_record if row not in refused]
    if good:
        described = describe_borrowers(
            [drafts[row] for row in good], [regions[row] for row in good], known, profiles
        )
        borrower_ids = {name: borrower.borrower_id for name, borrower in known.items()}
        borrower_ids |= await borrowers.put_borrowers(session, described, False, principal.subject)
        stored = [row for row in stored if row not in refused]
        loan_ids = await _store(
            session,
            principal,
            [drafts[row] for row in stored],
            [regions[row] for row in stored],
            [next_revision(revised.get(row)) for row in stored],
            [review.versions.get(row) for row in stored],
            borrower_ids,
        )
        new_ids = {
            old.fact_id: loan_ids[external_ids[row]]
            for row, old in revised.items()
            if row not in refused
        }
        if new_ids:
            assert reason is not None, "a correction has a reason"
            before = [facts for facts in standing if facts.loan_id in new_ids]
            await move_loans(session, principal, before, new_ids, reason)
    absent = await count_absent(session, "loan", external_ids) if batch.is_resend else 0
    return batch.conclude(refused, absent, join_found(review.warned, odd))


async def _check_rules(
    session: WriteSession,
    drafts: Sequence[LoanDraft],
    rows: Sequence[int],
    revised: Mapping[int, OnRecord[LoanDraft]],
    profiles: Mapping[str, BorrowerProfile],
    refused: Refused,
) -> Mapping[int, Sequence[InputError]]:
    """Refuse what is dated in a locked month and what the network forbids; returns what is odd."""
    dates = {row: drafts[row].disbursed_on for row in rows}
    replaced = [(row, old.draft.disbursed_on) for row, old in revised.items()]
    await refuse_locked(session, "/disbursed_on", [*dates.items(), *replaced], refused)
    return await check_rows(
        session, "loans", dates, lambda row: describe(drafts[row], profiles), refused
    )


async def _check_revisions(
    session: WriteSession,
    drafts: Sequence[LoanDraft],
    regions: Mapping[int, str],
    revised: Mapping[int, OnRecord[LoanDraft]],
    known: Mapping[str, KnownBorrower],
    refused: Refused,
) -> list[LoanFacts]:
    """Refuse the corrections that what was posted since does not allow.

    Returns the facts of the loans that corrections would replace.
    """
    rows = {old.fact_id: row for row, old in revised.items() if row not in refused}
    if not rows:
        return []
    standing = await load_facts(session, list(rows), with_terms=True)
    borrower_ids = {
        loan_id: known[name].borrower_id
        if (name := drafts[row].borrower_external_id) in known
        else loan_id  # a borrower not yet on record: no session can be theirs
        for loan_id, row in rows.items()
    }
    follow_ups = await find_follow_up(session, borrower_ids)
    for before in standing:
        row = rows[before.loan_id]
        opening = _open(before.loan_id, drafts[row], regions[row])
        after = replace(
            before,
            region_code=opening.region_code,
            disbursed_on=opening.disbursed_on,
            principal_cents=opening.principal_cents,
            ladder=opening.ladder,
            conditions=_conditions_in_full(drafts[row]),
        )
        errors = check_revision(drafts[row], before, after, follow_ups[before.loan_id])
        if errors:
            refused.setdefault(row, []).extend(errors)
    return standing


async def _store(
    session: WriteSession,
    principal: Principal,
    drafts: Sequence[LoanDraft],
    regions: Sequence[str],
    revisions: Sequence[int],
    versions: Sequence[int | None],
    borrower_ids: Mapping[str, UUID],
) -> dict[str, UUID]:
    """Insert loans with their openings; returns them by external_id.

    Figures are kept and the journal is told of those that are new: revisions follow when what
    stands of the loans they replace is theirs.
    """
    loan_ids, disbursement_ids = new_ids(len(drafts)), new_ids(len(drafts))

    async def insert() -> None:
        by = principal.subject
        await queries.insert_loans(
            session, drafts, loan_ids, borrower_ids, regions, revisions, versions, by
        )
        await queries.insert_openings(session, drafts, loan_ids, disbursement_ids, by)

    are_new = [revision == 1 for revision in revisions]
    opened = compress(zip(loan_ids, drafts, regions, strict=True), are_new)
    changes = (Change(None, _open(*each)) for each in opened)
    told = compress(map(_tell_disbursement, drafts, loan_ids, disbursement_ids), are_new)
    await keep_figures(session, changes, principal.subject, lambda _: told, insert())
    await audit.append(session, principal, "loans.recorded", {"count": len(drafts)})
    return {draft.external_id: loan_id for draft, loan_id in zip(drafts, loan_ids, strict=True)}


def _open(loan_id: UUID, draft: LoanDraft, region: str) -> LoanFacts:
    """A loan as its contract lays it."""
    return LoanFacts(
        loan_id=loan_id,
        region_code=region,
        disbursed_on=draft.disbursed_on,
        principal_cents=disbursed_cents(draft),
        ladder=lay_ladder(draft.schedule),
        conditions=_conditions_of(draft),
    )


def _conditions_of(draft: LoanDraft) -> Conditions:
    if draft.interest_accrual is None and draft.allocation_order is None:
        return PLAIN
    return _conditions_in_full(draft)


def _conditions_in_full(draft: LoanDraft) -> Conditions:
    """With the terms, which new schedules are laid from."""
    return Conditions(
        first_of(draft.terms, draft.first_disbursement_cents),
        draft.interest_accrual or Accrual.SCHEDULED,
        draft.allocation_order or AllocationOrder.FEES_INTEREST_PRINCIPAL,
        bool(draft.interest_on_overdue_interest),
    )


def _tell_disbursement(draft: LoanDraft, loan_id: UUID, disbursement_id: UUID) -> Told:
    on, cents = draft.disbursed_on, disbursed_cents(draft)
    withheld = draft.terms.fees_withheld_cents
    return tell_fact("disbursement", disbursement_id, loan_id, on, cents, fees_cents=withheld)


def _check_dates(draft: LoanDraft, row: int, today: date, refused: Refused) -> None:
    for name, day in (
        ("contracted_on", draft.contracted_on),
        ("disbursed_on", draft.disbursed_on),
    ):
        if day > today:
            refuse(refused, row, f"/{name}", "date.future", MESSAGES["date.future"])
    born = draft.profile.birth_year if draft.profile else None
    if born is not None and born > today.year:
        refuse(refused, row, "/birth_year", "date.future", MESSAGES["date.future"])
    if draft.disbursed_on < draft.contracted_on:
        message = Text(
            f"Le versement précède la signature du contrat ({draft.contracted_on}).",
            f"The disbursement comes before the contract ({draft.contracted_on}).",
        )
        refuse(refused, row, "/disbursed_on", "loan.disbursed_before_contract", message)


def _check_money(draft: LoanDraft, row: int, refused: Refused) -> None:
    if draft.funding.total_cents > draft.terms.principal_cents:
        message = Text(
            "Les sources de financement dépassent le capital prêté.",
            "The funding sources add up to more than the principal.",
        )
        refuse(refused, row, "/funding_state", "loan.funding_exceeds_principal", message)
    if disbursed_cents(draft) > draft.terms.principal_cents:
        message = Text(
            "Le premier versement dépasse le capital prêté.",
            "The first disbursement is more than the principal.",
        )
        refuse(refused, row, "/first_disbursement", "loan.first_disbursement_too_large", message)


def _check_accrual(draft: LoanDraft, row: int, refused: Refused) -> None:
    if draft.interest_accrual is Accrual.DAILY:
        _check_daily(draft, row, refused)
    elif draft.interest_on_overdue_interest:
        code = "loan.overdue_interest_not_daily"
        refuse(refused, row, "/interest_on_overdue_interest", code, MESSAGES[code])


def _check_daily(draft: LoanDraft, row: int, refused: Refused) -> None:
    """Interest by the day needs days that are counted, on a balance that declines."""
    if draft.terms.day_count not in DAILY_DAY_COUNTS:
        counts = ", ".join(DAILY_DAY_COUNTS)
        message = Text(
            f"L'intérêt quotidien demande un décompte des jours réels : {counts}.",
            f"Daily interest needs a count of actual days: {counts}.",
        )
        refuse(refused, row, "/terms/day_count", "loan.day_count_not_daily", message)
    if draft.terms.interest_method is InterestMethod.FLAT:
        message = Text(
            "L'intérêt quotidien court sur un solde décroissant.",
            "Daily interest runs on a declining balance.",
        )
        refuse(refused, row, "/terms/interest_method", "loan.flat_not_daily", message)


def _find_regions(
    drafts: Sequence[LoanDraft],
    rows: Sequence[int],
    known: Mapping[str, KnownBorrower],
    principal: Principal,
    refused: Refused,
) -> dict[int, str]:
    """Each loan's region: its own, else its borrower's, else the only one of the member."""
    only = only_region(principal)
    regions: dict[int, str] = {}
    for row in rows:
        borrower = known.get(drafts[row].borrower_external_id)
        region = drafts[row].region_code or (borrower.region_code if borrower else None) or only
        if region is None:
            refuse(refused, row, "/region_code", "missing", MESSAGES["missing"])
        else:
            regions[row] = region
    return regions


def only_region(principal: Principal) -> str | None:
    """The member's region when it has but one: nothing is guessed among several."""
    return principal.region_codes[0] if len(principal.region_codes) == 1 else None
