"""Recording loans: contract, disbursement, schedule, and the figures kept beside them."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from services.common import audit
from services.common.database import WriteSession
from services.common.errors import InputError, JsonValue
from services.common.identity import Principal
from services.common.messages import MESSAGES
from services.common.recording import Recorded, refuse, sort_batch
from services.common.text import Text
from services.loans.borrowers import queries as borrowers
from services.loans.borrowers.drafts import BorrowerDraft
from services.loans.borrowers.queries import KnownBorrower
from services.loans.loans import queries
from services.loans.loans.drafts import LoanDraft
from services.loans.positions.arithmetic import Instalment, LoanFacts
from services.loans.positions.commands import Change, keep_figures, tell_facts

Refused = dict[int, list[InputError]]

BORROWER_UNKNOWN = Text(
    "Aucun emprunteur ne porte cet identifiant.", "No borrower has this identifier."
)


async def record_loans(
    session: WriteSession, principal: Principal, drafts: Sequence[LoanDraft], today: date
) -> Recorded:
    """Record the loans that are new and sound; tell what is wrong with each of the others."""
    on_record = await queries.find_known(session, [d.external_id for d in drafts])
    batch = sort_batch(
        [d.external_id for d in drafts],
        [d.fingerprint() for d in drafts],
        {name: loan.fingerprint for name, loan in on_record.items()},
    )
    known = await borrowers.find_known(
        session, list({drafts[row].borrower_external_id for row in batch.new})
    )
    refused: Refused = {}
    for row in batch.new:
        _check_dates(drafts[row], row, today, refused)
        _check_money(drafts[row], row, refused)
    _check_borrowers(drafts, batch.new, known, refused)
    regions = _find_regions(drafts, batch.new, known, principal, refused)
    good = [row for row in batch.new if row not in refused]
    if good:
        await _store(
            session,
            principal,
            [drafts[row] for row in good],
            [regions[row] for row in good],
            known,
        )
    return batch.conclude(refused)


async def _store(
    session: WriteSession,
    principal: Principal,
    drafts: Sequence[LoanDraft],
    regions: Sequence[str],
    known: Mapping[str, KnownBorrower],
) -> None:
    strangers = {
        draft.borrower_external_id: _describe_borrower(draft, region)
        for draft, region in reversed(list(zip(drafts, regions, strict=True)))
        if draft.borrower_external_id not in known
    }
    borrower_ids = {name: borrower.borrower_id for name, borrower in known.items()}
    borrower_ids |= await borrowers.insert_borrowers(
        session, list(strangers.values()), False, principal.subject
    )
    loan_ids = await queries.insert_loans(session, drafts, borrower_ids, regions, principal.subject)
    instalments = {draft.external_id: _to_instalments(draft) for draft in drafts}
    disbursement_ids = await queries.insert_openings(
        session, drafts, loan_ids, instalments, principal.subject
    )
    changes = [
        Change(
            before=None,
            after=LoanFacts(
                loan_id=loan_ids[draft.external_id],
                region_code=region,
                disbursed_on=draft.disbursed_on,
                principal_cents=draft.terms.principal_cents,
                instalments=instalments[draft.external_id],
            ),
        )
        for draft, region in zip(drafts, regions, strict=True)
    ]
    await keep_figures(session, changes)
    await tell_facts(
        session,
        [
            _tell_disbursement(draft, loan_ids[draft.external_id], disbursement_ids)
            for draft in drafts
        ],
    )
    await audit.append(session, principal, "loans.recorded", {"count": len(drafts)})


def _to_instalments(draft: LoanDraft) -> tuple[Instalment, ...]:
    assert draft.schedule is not None, "a loan without a schedule was refused before"
    return tuple(
        Instalment(row.number, row.due_on, row.fees_cents, row.interest_cents, row.principal_cents)
        for row in draft.schedule.rows
    )


def _describe_borrower(draft: LoanDraft, region: str) -> BorrowerDraft:
    profile = draft.profile
    assert profile is not None, "a loan of an unknown borrower was refused before"
    return BorrowerDraft(
        external_id=draft.borrower_external_id,
        kind=profile.kind,
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


def _tell_disbursement(
    draft: LoanDraft, loan_id: UUID, disbursement_ids: Mapping[UUID, UUID]
) -> JsonValue:
    return {
        "kind": "disbursement",
        "id": str(disbursement_ids[loan_id]),
        "loan_id": str(loan_id),
        "on": draft.disbursed_on.isoformat(),
        "amount_cents": draft.terms.principal_cents,
        "principal_cents": draft.terms.principal_cents,
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
    if draft.disbursed_on < draft.contracted_on:
        message = Text(
            f"Le versement précède la signature du contrat ({draft.contracted_on}).",
            f"The disbursement comes before the contract ({draft.contracted_on}).",
        )
        refuse(refused, row, "/disbursed_on", "loan.disbursed_before_contract", message)


def _check_money(draft: LoanDraft, row: int, refused: Refused) -> None:
    if draft.schedule_error is not None:
        refused.setdefault(row, []).append(draft.schedule_error)
    if draft.funding.total_cents > draft.terms.principal_cents:
        message = Text(
            "Les sources de financement dépassent le capital prêté.",
            "The funding sources add up to more than the principal.",
        )
        refuse(refused, row, "/funding_state", "loan.funding_exceeds_principal", message)


def _check_borrowers(
    drafts: Sequence[LoanDraft],
    rows: Sequence[int],
    known: Mapping[str, KnownBorrower],
    refused: Refused,
) -> None:
    """A borrower is on record or described by the loan, and never described in two ways."""
    described: dict[str, tuple[object, object, object]] = {
        name: (b.kind, b.gender, b.birth_year) for name, b in known.items()
    }
    for row in rows:
        draft, profile = drafts[row], drafts[row].profile
        name = draft.borrower_external_id
        if profile is None:
            if name not in known:
                refuse(refused, row, "/borrower_external_id", "borrower.unknown", BORROWER_UNKNOWN)
            continue
        said = (profile.kind, profile.gender, profile.birth_year)
        first = described.setdefault(name, said)
        for column, ours, theirs in zip(
            ("borrower_kind", "gender", "birth_year"), said, first, strict=True
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
    only = principal.region_codes[0] if len(principal.region_codes) == 1 else None
    regions: dict[int, str] = {}
    for row in rows:
        borrower = known.get(drafts[row].borrower_external_id)
        region = drafts[row].region_code or (borrower.region_code if borrower else None) or only
        if region is None:
            refuse(refused, row, "/region_code", "missing", MESSAGES["missing"])
        else:
            regions[row] = region
    return regions
