"""Holding contracts against the law and against their product, before they are recorded."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from services.common.database import ReadSession
from services.common.errors import InputError
from services.common.text import Text
from services.loans.borrowers.queries import KnownBorrower
from services.loans.loans.contract_queries import Contract, list_borrowed
from services.loans.loans.contract_terms import check_criminal_rate, check_flows
from services.loans.loans.cycles import BorrowedLoan, Cycle, rank_loans
from services.loans.loans.drafts import BorrowerProfile, LoanDraft, follow_product
from services.loans.positions.facts import LoanFacts
from services.loans.positions.flows import lay_flows
from services.loans.products.arithmetic import (
    UNKNOWN_PRODUCT,
    Candidate,
    Catalogue,
    ProductVersion,
    find_deviations,
)
from services.loans.products.queries import load_catalogue
from services.loans.schedules.apr import criminal_rate_limit
from services.loans.schedules.arithmetic import Schedule, build_schedule
from services.loans.vocabulary import BorrowerKind

Found = dict[int, list[InputError]]


@dataclass(frozen=True, slots=True)
class Review:
    """By row: the version each loan is signed under, the loan with what the product provides for
    where it says nothing, and what is odd but allowed.
    """

    versions: dict[int, int] = field(default_factory=dict)
    followed: dict[int, LoanDraft] = field(default_factory=dict)
    warned: Found = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reviewed:
    """A loan on record: the version it is signed under, if any is known, and what is odd of it."""

    version: int | None
    found: list[InputError]


async def review_contracts(
    session: ReadSession,
    drafts: Sequence[LoanDraft],
    rows: Sequence[int],
    known: Mapping[str, KnownBorrower],
    profiles: Mapping[str, BorrowerProfile],
    refused: Found,
) -> Review:
    """Refuse what the law or a binding product forbids; tell the rest. Two statements at most."""
    rows = [row for row in rows if row not in refused]
    catalogue = await load_catalogue(session, {drafts[row].product for row in rows})
    borrowed = await list_borrowed(session, _who_is_ranked(drafts, rows, catalogue, known))
    cycles = _rank(drafts, rows, borrowed)
    review = Review()
    for row in rows:
        draft = drafts[row]
        profile = profiles.get(draft.borrower_external_id)
        kind = (profile.kind if profile else None) or BorrowerKind.PERSON
        limit = criminal_rate_limit(draft.contracted_on, kind, draft.terms.principal_cents)
        unlawful = check_criminal_rate(draft.terms, _schedule_of(draft), limit)
        if unlawful is not None:
            refused.setdefault(row, []).append(unlawful)
            continue
        version = catalogue.find_in_force(draft.product, draft.contracted_on)
        if version is not None:
            rules = version.rules
            draft = follow_product(
                draft,
                rules.interest_accrual,
                rules.allocation_order,
                is_compound=rules.interest_on_overdue_interest,
            )
            review.followed[row] = draft
        cycle = cycles[draft.external_id]
        found = _compare(version, to_candidate(draft, kind, cycle))
        if version is not None:
            review.versions[row] = version.version
        if found and version is not None and version.rules.binding:
            refused.setdefault(row, []).extend(found)
        elif found:
            review.warned[row] = found
    return review


async def review_contract(
    session: ReadSession, contract: Contract, facts: LoanFacts | None
) -> Reviewed:
    """The version a loan on record carries, and where it departs from it as the record stands.

    `facts` are None once the loan is reversed.
    """
    catalogue = await load_catalogue(session, [contract.product])
    version = catalogue.find_signed(
        contract.product, contract.product_version, contract.contracted_on
    )
    name, loan = contract.borrower_external_id, contract.external_id
    borrowed = (await list_borrowed(session, [name])).get(name, [])
    others = [other for other in borrowed if other.external_id != loan]
    cycle = rank_loans([*others, BorrowedLoan(loan, contract.contracted_on)])[loan]
    candidate = replace(
        to_candidate(contract, contract.borrower_kind, cycle), moratoria=contract.moratoria
    )
    found = _compare(version, candidate)
    if facts is not None:
        found = [*found, *_judge_whole(contract, facts)]
    return Reviewed(None if version is None else version.version, found)


def _judge_whole(contract: Contract, facts: LoanFacts) -> list[InputError]:
    """A reversal may leave a loan over the criminal rate: it is told, never refused.

    A prepayment may too, of a lender who did nothing: that is not told.
    """
    limit = criminal_rate_limit(
        contract.contracted_on, contract.borrower_kind, contract.terms.principal_cents
    )
    flows = lay_flows(facts, with_prepayments=False)
    unlawful = check_flows(flows, limit, "/terms")
    if unlawful is None:
        return []
    told = unlawful.message
    message = Text(
        f"{told.fr} C'est le calcul de ce qui est versé et demandé jusqu'ici.",
        f"{told.en} This counts what is disbursed and asked for so far.",
    )
    return [replace(unlawful, message=message)]


def to_candidate(loan: LoanDraft | Contract, kind: BorrowerKind, cycle: Cycle) -> Candidate:
    return Candidate(
        loan.terms,
        loan.stage,
        kind,
        cycle.rank,
        cycle.is_previous_open,
        loan.interest_accrual,
        loan.allocation_order,
        loan.interest_on_overdue_interest,
    )


def _schedule_of(draft: LoanDraft) -> Schedule:
    """That of the whole sum agreed, whatever part of it is disbursed first."""
    is_whole = draft.first_disbursement_cents is None
    return draft.schedule if is_whole else build_schedule(draft.terms)


def _compare(version: ProductVersion | None, candidate: Candidate) -> list[InputError]:
    """Where a loan departs from the product it is signed under."""
    if version is None:
        return [UNKNOWN_PRODUCT]
    return find_deviations(version.rules, candidate)


def _who_is_ranked(
    drafts: Sequence[LoanDraft],
    rows: Sequence[int],
    catalogue: Catalogue,
    known: Mapping[str, KnownBorrower],
) -> Collection[str]:
    """Borrowers on record with a loan whose product asks for its rank."""
    asking = {
        code
        for code, versions in catalogue.versions.items()
        if any(version.rules.eligibility.asks_for_cycle for version in versions)
    }
    return {
        drafts[row].borrower_external_id
        for row in rows
        if drafts[row].product in asking and drafts[row].borrower_external_id in known
    }


def _rank(
    drafts: Sequence[LoanDraft],
    rows: Sequence[int],
    borrowed: Mapping[str, Sequence[BorrowedLoan]],
) -> dict[str, Cycle]:
    """The cycle of each row by its identifier, among the loans on record and those of the batch.

    Whether a loan of the same batch is repaid is not known yet: its repayments come after.
    """
    sent = {drafts[row].external_id for row in rows}  # those on record are being corrected
    by_borrower = {
        name: [loan for loan in loans if loan.external_id not in sent]
        for name, loans in borrowed.items()
    }
    for row in rows:
        loan = BorrowedLoan(drafts[row].external_id, drafts[row].contracted_on)
        by_borrower.setdefault(drafts[row].borrower_external_id, []).append(loan)
    cycles: dict[str, Cycle] = {}
    for loans in by_borrower.values():
        cycles |= rank_loans(loans)
    return cycles
