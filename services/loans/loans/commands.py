"""Recording loans: contract, disbursement, schedule, and the figures kept beside them."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from services.common import audit
from services.common.database import WriteSession
from services.common.errors import InputError, JsonValue
from services.common.identifiers import new_ids
from services.common.identity import Principal
from services.common.messages import MESSAGES
from services.common.recording import Recorded, refuse, sort_batch
from services.common.text import Text
from services.loans.borrowers import queries as borrowers
from services.loans.borrowers.drafts import BorrowerDraft
from services.loans.borrowers.queries import KnownBorrower
from services.loans.loans import queries
from services.loans.loans.drafts import BorrowerProfile, LoanDraft, disbursed_cents, first_of
from services.loans.loans.queries import KnownLoan
from services.loans.positions.account import lay_ladder
from services.loans.positions.commands import keep_figures, tell_facts
from services.loans.positions.daily_account import DAILY_DAY_COUNTS
from services.loans.positions.facts import PLAIN, Accrual, AllocationOrder, Conditions, LoanFacts
from services.loans.positions.figures import Change
from services.loans.schedules.terms import InterestMethod
from services.loans.vocabulary import BorrowerKind

Refused = dict[int, list[InputError]]

BORROWER_UNKNOWN = Text(
    "Aucun emprunteur ne porte cet identifiant.", "No borrower has this identifier."
)


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
    session: WriteSession, principal: Principal, drafts: Sequence[LoanDraft], today: date
) -> Recorded:
    """Record the loans that are new and sound; tell what is wrong with each of the others."""
    on_record = await queries.find_known(session, [d.external_id for d in drafts])
    batch = sort_batch(
        [d.external_id for d in drafts],
        [d.fingerprint for d in drafts],
        {name: loan.fingerprint for name, loan in on_record.items()},
    )
    known = await borrowers.find_known(
        session, list({drafts[row].borrower_external_id for row in batch.new})
    )
    refused: Refused = {}
    for row in batch.new:
        _check_dates(drafts[row], row, today, refused)
        _check_money(drafts[row], row, refused)
    regions = _find_regions(drafts, batch.new, known, principal, refused)
    profiles = _check_borrowers(drafts, batch.new, known, refused)
    good = [row for row in batch.new if row not in refused]
    if good:
        of_good = [drafts[row] for row in good]
        good_regions = [regions[row] for row in good]
        described = _describe_borrowers(of_good, good_regions, known, profiles)
        await _store(session, principal, of_good, good_regions, known, described)
    return batch.conclude(refused)


async def _store(
    session: WriteSession,
    principal: Principal,
    drafts: Sequence[LoanDraft],
    regions: Sequence[str],
    known: Mapping[str, KnownBorrower],
    described: Sequence[BorrowerDraft],
) -> None:
    borrower_ids = {name: borrower.borrower_id for name, borrower in known.items()}
    borrower_ids |= await borrowers.put_borrowers(session, described, False, principal.subject)
    loan_ids, disbursement_ids = new_ids(len(drafts)), new_ids(len(drafts))

    async def insert() -> None:
        subject = principal.subject
        await queries.insert_loans(session, drafts, loan_ids, borrower_ids, regions, subject)
        await queries.insert_openings(session, drafts, loan_ids, disbursement_ids, subject)

    changes = [
        Change(
            before=None,
            after=LoanFacts(
                loan_id=loan_id,
                region_code=region,
                disbursed_on=draft.disbursed_on,
                principal_cents=disbursed_cents(draft),
                ladder=lay_ladder(draft.schedule),
                conditions=_conditions_of(draft),
            ),
        )
        for draft, loan_id, region in zip(drafts, loan_ids, regions, strict=True)
    ]
    await keep_figures(session, changes, principal.subject, insert())
    told = map(_tell_disbursement, drafts, loan_ids, disbursement_ids)
    await tell_facts(session, told)
    await audit.append(session, principal, "loans.recorded", {"count": len(drafts)})


def _conditions_of(draft: LoanDraft) -> Conditions:
    if draft.interest_accrual is None and draft.allocation_order is None:
        return PLAIN
    return Conditions(
        first_of(draft.terms, draft.first_disbursement_cents),
        draft.interest_accrual or Accrual.SCHEDULED,
        draft.allocation_order or AllocationOrder.FEES_INTEREST_PRINCIPAL,
    )


def _describe_borrowers(
    drafts: Sequence[LoanDraft],
    regions: Sequence[str],
    known: Mapping[str, KnownBorrower],
    profiles: Mapping[str, BorrowerProfile],
) -> list[BorrowerDraft]:
    """Borrowers these loans make known, or tell more of. Who is registered stays as registered."""
    described: dict[str, BorrowerDraft] = {}
    for draft, region in zip(drafts, regions, strict=True):
        name = draft.borrower_external_id
        on_record = known.get(name)
        if name in described or (on_record is not None and on_record.is_registered):
            continue
        profile = profiles[name]
        if on_record is None or profile != _profile_of(on_record):
            described[name] = _describe_borrower(
                name, profile, region if on_record is None else on_record.region_code
            )
    return list(described.values())


def _describe_borrower(name: str, profile: BorrowerProfile, region: str | None) -> BorrowerDraft:
    return BorrowerDraft(
        external_id=name,
        kind=profile.kind or BorrowerKind.PERSON,
        given_name=None,
        family_name=None,
        legal_name=None,
        birth_year=profile.birth_year,
        gender=profile.gender,
        region_code=region,
        municipality=profile.municipality,
        postal_code=None,
        clienteles=profile.clienteles,
        enterprise=None,
        consents=(),
    )


def _profile_of(borrower: KnownBorrower) -> BorrowerProfile:
    return BorrowerProfile(
        borrower.kind,
        borrower.gender,
        borrower.birth_year,
        borrower.clienteles,
        borrower.municipality,
    )


def _tell_disbursement(draft: LoanDraft, loan_id: UUID, disbursement_id: UUID) -> JsonValue:
    return {
        "kind": "disbursement",
        "id": str(disbursement_id),
        "loan_id": str(loan_id),
        "on": draft.disbursed_on.isoformat(),
        "amount_cents": disbursed_cents(draft),
        "principal_cents": disbursed_cents(draft),
        "interest_cents": 0,
        "fees_cents": draft.terms.fees_withheld_cents,
    }


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
    if draft.interest_accrual is Accrual.DAILY:
        _check_daily(draft, row, refused)


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


def _check_borrowers(
    drafts: Sequence[LoanDraft],
    rows: Sequence[int],
    known: Mapping[str, KnownBorrower],
    refused: Refused,
) -> dict[str, BorrowerProfile]:
    """A borrower is on record or described by its loans, never in two ways.

    Returns what the record and the rows not refused say together.
    """
    profiles = {name: _profile_of(borrower) for name, borrower in known.items()}
    for row in rows:
        said, name = drafts[row].profile, drafts[row].borrower_external_id
        before = profiles.get(name)
        if said is None:
            if before is None:
                refuse(refused, row, "/borrower_external_id", "borrower.unknown", BORROWER_UNKNOWN)
            continue
        if before is not None:
            _compare(name, before, said, row, refused)
        if row not in refused:
            profiles[name] = said if before is None else before.complete(said)
    return profiles


def _compare(
    name: str, before: BorrowerProfile, said: BorrowerProfile, row: int, refused: Refused
) -> None:
    for column, theirs, ours in (
        ("borrower_kind", before.kind, said.kind),
        ("gender", before.gender, said.gender),
        ("birth_year", before.birth_year, said.birth_year),
    ):
        if ours is not None and theirs is not None and ours != theirs:
            message = Text(
                f"L'emprunteur {name} est déjà décrit autrement : {theirs}.",
                f"Borrower {name} is already described otherwise: {theirs}.",
            )
            refuse(refused, row, f"/{column}", "borrower.described_otherwise", message)


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
