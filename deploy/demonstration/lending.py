"""The loans of a member's fiscal year: to whom, how much, on what terms, and how they will go."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum, auto
from random import Random

from deploy.demonstration.draws import chance, day_in_fiscal_year, stream, working_day
from deploy.demonstration.network import MemberPlan
from deploy.demonstration.people import draw_borrower
from deploy.demonstration.rows import BorrowerRow, LoanRow
from services.common.calendar import Frequency, add_months
from services.common.money import allocate, format_cents
from services.loans.schedules.arithmetic import Schedule, build_schedule
from services.loans.schedules.terms import Fee, ScheduleTerms

# A borrower comes back after this many years, once the longest ordinary term is over.
YEARS_BEFORE_ANOTHER_LOAN = 3
LOANS_PER_REPEATED_LOAN = 10
# Out of a hundred enterprises, 93 are open after one year, 81 after three and 70 after five.
CLOSURES_A_YEAR = 0.0713
DEFAULTS_PERCENT_ONCE_CLOSED = 64
DEFAULTS_PERCENT_OTHERWISE = 10
# A file fee on a small or short loan would breach the criminal rate: it is asked above these only.
FEE_PRINCIPAL_MIN_CENTS = 400_000
FEE_INSTALMENTS_MIN = 12

STAGES = ("pre_start", "start", "growth", "consolidation", "takeover")
STAGE_WEIGHTS = (14, 46, 22, 10, 8)


class Manner(Enum):
    """How a loan is repaid."""

    REGULAR = auto()
    LATE = auto()
    IRREGULAR = auto()
    EARLY = auto()
    DEFAULT = auto()


@dataclass(frozen=True, slots=True)
class Product:
    """Dollars around which amounts are drawn, as a part of the member's own, and their bounds."""

    name: str
    part_of_typical: float
    dollars_min: int
    dollars_max: int
    instalments: tuple[int, ...]


CIRCLE_LOAN = Product("circle_loan", 0.55, 1_000, 5_000, (12, 18, 24))
PRODUCTS = (
    Product("individual_loan", 1.0, 1_500, 20_000, (24, 24, 30, 36, 36, 36, 48)),
    Product("first_loan", 0.5, 500, 5_000, (12, 18, 24)),
    Product("emergency_loan", 0.1, 500, 1_000, (1, 2, 3)),
    Product("bridge_loan", 1.1, 3_000, 20_000, (6, 9, 12)),
)
PRODUCT_WEIGHTS = (70, 18, 7, 5)
# Percents of the principal paid by the state's, the community's and private capital.
FUNDING_MIXES = ((0, 0, 100), (0, 100, 0), (0, 40, 60), (20, 20, 60), (10, 30, 60), (0, 25, 75))


@dataclass(frozen=True, slots=True)
class PlannedLoan:
    """A loan with what lies ahead of it. `closes_on` is when the enterprise closes its doors."""

    external_id: str
    borrower: BorrowerRow
    first_contact_on: date
    is_repeated: bool
    product: str
    stage: str
    contracted_on: date
    terms: ScheduleTerms
    schedule: Schedule
    other_financing_cents: int
    funding_cents: tuple[int, int, int]
    closes_on: date
    manner: Manner

    @property
    def disbursed_on(self) -> date:
        return self.terms.disbursed_on

    @property
    def last_due_on(self) -> date:
        return self.schedule.rows[-1].due_on


def count_loans(seed: int, plan: MemberPlan, fiscal_year: int) -> int:
    """Loans of a year: the member's size, one tenth more or less, less while it is young."""
    years = fiscal_year - plan.first_fiscal_year
    if years < 0:
        return 0
    grown = min(1.0, 0.25 + 0.15 * years)
    draw = stream(seed, plan.slug, "year", fiscal_year)
    return max(1, round(plan.loans_a_year * grown * draw.uniform(0.88, 1.12)))


def draw_loans(seed: int, plan: MemberPlan, fiscal_year: int) -> list[PlannedLoan]:
    """The loans of a year by number. A tenth goes to borrowers of three years before."""
    count = count_loans(seed, plan, fiscal_year)
    repeated = count // LOANS_PER_REPEATED_LOAN
    loans = [draw_loan(seed, plan, fiscal_year, number) for number in range(1, count + 1)]
    earlier_year = fiscal_year - YEARS_BEFORE_ANOTHER_LOAN
    earlier_count = count_loans(seed, plan, earlier_year)
    earlier_first_loans = earlier_count - earlier_count // LOANS_PER_REPEATED_LOAN
    draw = stream(seed, plan.slug, "repeated", fiscal_year)
    chosen = draw.sample(range(1, earlier_first_loans + 1), min(repeated, earlier_first_loans))
    for place, earlier_number in enumerate(chosen):
        number = count - place
        earlier = draw_loan(seed, plan, earlier_year, earlier_number)
        planned = loans[number - 1]
        is_over = earlier.last_due_on < planned.contracted_on <= earlier.closes_on
        if is_over and earlier.manner is not Manner.DEFAULT:
            loans[number - 1] = draw_loan(seed, plan, fiscal_year, number, earlier.borrower)
    return loans


def draw_loan(
    seed: int,
    plan: MemberPlan,
    fiscal_year: int,
    number: int,
    known_borrower: BorrowerRow | None = None,
) -> PlannedLoan:
    draw = stream(seed, plan.slug, "loan", fiscal_year, number)
    disbursed_on = day_in_fiscal_year(draw, fiscal_year)
    product = _draw_product(draw, plan)
    terms = _draw_terms(draw, plan, product, disbursed_on)
    schedule = build_schedule(terms)
    closes_on = disbursed_on + timedelta(days=60 + int(365 * draw.expovariate(CLOSURES_A_YEAR)))
    stage = draw.choices(STAGES, STAGE_WEIGHTS)[0]
    has_other_financing = chance(draw, 55)
    other_dollars = terms.principal_cents / 100 * draw.uniform(0.5, 7) * has_other_financing
    funding = allocate(terms.principal_cents, draw.choice(FUNDING_MIXES))
    return PlannedLoan(
        external_id=f"P-{fiscal_year}-{number:03d}",
        borrower=known_borrower or draw_borrower(seed, plan, fiscal_year, number),
        first_contact_on=disbursed_on - timedelta(days=draw.randrange(45, 190)),
        is_repeated=known_borrower is not None,
        product=product.name,
        stage=stage if known_borrower is None else draw.choice(("growth", "consolidation")),
        contracted_on=working_day(disbursed_on - timedelta(days=draw.randrange(0, 12))),
        terms=terms,
        schedule=schedule,
        other_financing_cents=int(other_dollars // 500) * 50_000,
        funding_cents=(funding[0], funding[1], funding[2]),
        closes_on=closes_on,
        manner=_draw_manner(draw, closes_on < schedule.rows[-1].due_on),
    )


def _draw_product(draw: Random, plan: MemberPlan) -> Product:
    if chance(draw, plan.circles_share):
        return CIRCLE_LOAN
    return draw.choices(PRODUCTS, PRODUCT_WEIGHTS)[0]


def _draw_terms(
    draw: Random, plan: MemberPlan, product: Product, disbursed_on: date
) -> ScheduleTerms:
    around = plan.typical_loan * product.part_of_typical
    dollars = min(
        product.dollars_max, max(product.dollars_min, around * draw.lognormvariate(-0.12, 0.5))
    )
    step = 250 if dollars >= 2_000 else 100
    principal_cents = round(dollars / step) * step * 100
    instalments = draw.choice(product.instalments)
    frequency = Frequency.MONTHS
    if product is CIRCLE_LOAN and chance(draw, 35):
        frequency, instalments = Frequency.WEEKS, draw.choice((26, 52))
    annual_rate = Decimal(0) if chance(draw, 6) else draw.choice(plan.annual_rates)
    has_fee = principal_cents >= FEE_PRINCIPAL_MIN_CENTS and instalments >= FEE_INSTALMENTS_MIN
    return ScheduleTerms(
        principal_cents=principal_cents,
        annual_rate=annual_rate,
        instalments=instalments,
        disbursed_on=disbursed_on,
        frequency=frequency,
        first_due_on=_draw_first_due_on(draw, frequency, disbursed_on),
        fees=(Fee(plan.file_fee * 100),) if has_fee and plan.file_fee else (),
    )


def _draw_first_due_on(draw: Random, frequency: Frequency, disbursed_on: date) -> date | None:
    """One monthly loan in five is due on the first of the month, from a month after at least."""
    if frequency is not Frequency.MONTHS or not chance(draw, 20):
        return None
    return add_months(disbursed_on, 2).replace(day=1)


def _draw_manner(draw: Random, closes_before_the_end: bool) -> Manner:
    defaults = DEFAULTS_PERCENT_ONCE_CLOSED if closes_before_the_end else DEFAULTS_PERCENT_OTHERWISE
    if chance(draw, defaults):
        return Manner.DEFAULT
    manners = (Manner.REGULAR, Manner.LATE, Manner.IRREGULAR, Manner.EARLY)
    return draw.choices(manners, (63, 18, 9, 10))[0]


def write_loan(loan: PlannedLoan) -> LoanRow:
    terms, borrower = loan.terms, loan.borrower
    state, community, private = loan.funding_cents
    return LoanRow(
        external_id=loan.external_id,
        borrower_external_id=borrower.external_id,
        borrower_kind=borrower.kind,
        gender=borrower.gender,
        birth_year=borrower.birth_year,
        clienteles=borrower.clienteles,
        region_code=borrower.region_code,
        municipality=borrower.municipality,
        product=loan.product,
        stage=loan.stage,
        sector_code=borrower.sector_code,
        principal=format_cents(terms.principal_cents),
        annual_rate=f"{terms.annual_rate:.2f}",
        instalments=str(terms.instalments),
        frequency=terms.frequency.value,
        contracted_on=loan.contracted_on.isoformat(),
        disbursed_on=loan.disbursed_on.isoformat(),
        first_due_on=terms.first_due_on.isoformat() if terms.first_due_on else "",
        fee=format_cents(terms.fees_withheld_cents) if terms.fees else "",
        other_financing=format_cents(loan.other_financing_cents),
        funding_state=format_cents(state),
        funding_community=format_cents(community),
        funding_private=format_cents(private),
    )
