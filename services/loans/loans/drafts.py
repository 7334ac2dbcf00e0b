"""A loan, validated and typed, with its schedule laid out, on its way to the record."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date

from services.common.errors import InputError, Unprocessable
from services.common.strict_json import fingerprint
from services.loans.content import read_content
from services.loans.positions.facts import Accrual, AllocationOrder
from services.loans.schedules.arithmetic import Schedule, build_schedule
from services.loans.schedules.terms import ScheduleError, ScheduleTerms
from services.loans.vocabulary import BorrowerKind

DEFAULT_PRODUCT = "individual_loan"


@dataclass(frozen=True, slots=True)
class BorrowerProfile:
    """What a loan's sheet says of its borrower, who is recorded with it when not yet known."""

    kind: BorrowerKind | None
    gender: str | None
    birth_year: int | None
    clienteles: tuple[str, ...]
    municipality: str | None

    def complete(self, other: "BorrowerProfile") -> "BorrowerProfile":
        """Both together; the first prevails where they differ."""
        return BorrowerProfile(
            kind=self.kind or other.kind,
            gender=self.gender or other.gender,
            birth_year=self.birth_year or other.birth_year,
            clienteles=tuple(sorted({*self.clienteles, *other.clienteles})),
            municipality=self.municipality or other.municipality,
        )


@dataclass(frozen=True, slots=True)
class Funding:
    """Where the money lent comes from, in cents; what is not said is the fund's own capital."""

    state_cents: int = 0
    community_cents: int = 0
    private_cents: int = 0

    @property
    def total_cents(self) -> int:
        return self.state_cents + self.community_cents + self.private_cents


@dataclass(frozen=True, slots=True)
class LoanDraft:
    """`profile` is None when the borrower must be on record already.

    `schedule` is laid on the first disbursement: the whole principal unless said.
    """

    external_id: str
    borrower_external_id: str
    profile: BorrowerProfile | None
    product: str
    stage: str | None
    purpose: str | None
    sector_code: str | None
    region_code: str | None
    terms: ScheduleTerms
    schedule: Schedule
    contracted_on: date
    disbursed_on: date
    funding: Funding
    other_financing_cents: int
    interest_accrual: Accrual | None = None
    allocation_order: AllocationOrder | None = None
    interest_on_overdue_interest: bool | None = None
    first_disbursement_cents: int | None = None
    fingerprint: bytes = field(init=False)

    def __post_init__(self) -> None:
        # Of what was posted: the schedule follows from the terms. A sheet that says nothing of the
        # borrower says the same as a JSON body, which never does.
        content = read_content(self, leave_out=("schedule",))
        profile = content.get("profile")
        if isinstance(profile, dict) and not any(profile.values()):
            del content["profile"]
        object.__setattr__(self, "fingerprint", fingerprint(content))


def follow_product(
    draft: LoanDraft, accrual: Accrual, order: AllocationOrder, *, is_compound: bool
) -> LoanDraft:
    """The loan with what its product provides for where it says nothing; still what was posted.

    A loan that says its interest is scheduled does not get what goes with daily interest alone.
    """
    said = (draft.interest_accrual or accrual, draft.allocation_order or order)
    if said == (Accrual.SCHEDULED, AllocationOrder.FEES_INTEREST_PRINCIPAL):
        return draft
    overdue = draft.interest_on_overdue_interest
    if overdue is None and is_compound and said[0] is Accrual.DAILY:
        overdue = True
    followed = replace(
        draft,
        interest_accrual=said[0],
        allocation_order=said[1],
        interest_on_overdue_interest=overdue,
    )
    object.__setattr__(followed, "fingerprint", draft.fingerprint)
    return followed


def disbursed_cents(draft: LoanDraft) -> int:
    """What is disbursed first."""
    if draft.first_disbursement_cents is None:
        return draft.terms.principal_cents
    return draft.first_disbursement_cents


def first_of(terms: ScheduleTerms, first_disbursement_cents: int | None) -> ScheduleTerms:
    """The terms of what is disbursed first."""
    if first_disbursement_cents is None:
        return terms
    return replace(terms, principal_cents=first_disbursement_cents)


def lay_schedule(terms: ScheduleTerms, place_of: Callable[[str], str]) -> Schedule:
    """The schedule of these terms.

    Raises Unprocessable for terms that are impossible; `place_of` is the pointer of a term.
    """
    try:
        return build_schedule(terms)
    except ScheduleError as error:
        found = InputError(place_of(error.field), error.code, error.message)
        raise Unprocessable(error.message, error.code, [found]) from error
