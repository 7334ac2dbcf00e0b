"""A loan, validated and typed, with its schedule laid out, on its way to the record."""

from dataclasses import asdict, dataclass
from datetime import date

from services.common.errors import InputError, JsonValue
from services.common.strict_json import fingerprint, to_json
from services.loans.schedules.arithmetic import Schedule, build_schedule
from services.loans.schedules.terms import ScheduleError, ScheduleTerms
from services.loans.vocabulary import BorrowerKind

DEFAULT_PRODUCT = "individual_loan"


@dataclass(frozen=True, slots=True)
class BorrowerProfile:
    """What a loan's sheet says of its borrower, who is recorded with it when not yet known."""

    kind: BorrowerKind
    gender: str | None
    birth_year: int | None
    clienteles: tuple[str, ...]
    municipality: str | None
    social_economy: bool | None = None


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
    """`profile` is None when the borrower must be on record already."""

    external_id: str
    borrower_external_id: str
    profile: BorrowerProfile | None
    product: str
    stage: str | None
    purpose: str | None
    sector_code: str | None
    region_code: str | None
    terms: ScheduleTerms
    schedule: Schedule | None
    schedule_error: InputError | None
    contracted_on: date
    disbursed_on: date
    funding: Funding
    other_financing_cents: int

    def fingerprint(self) -> bytes:
        """Of what was posted: the schedule follows from the terms."""
        content = {
            name: value
            for name, value in asdict(self).items()
            if name not in ("schedule", "schedule_error")
        }
        return fingerprint(to_json(content))

    def terms_json(self) -> JsonValue:
        return to_json(asdict(self.terms))


def lay_schedule(
    terms: ScheduleTerms, place: str = ""
) -> tuple[Schedule | None, InputError | None]:
    """The schedule, or what makes the terms impossible, placed at the term at fault."""
    try:
        return build_schedule(terms), None
    except ScheduleError as error:
        return None, InputError(f"{place}/{error.field}", error.code, error.message)
