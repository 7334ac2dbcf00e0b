"""The people and bodies the members receive: invented, and drawn one by one."""

from random import Random

from deploy.demonstration.draws import chance, stream
from deploy.demonstration.network import MemberPlan
from deploy.demonstration.rows import BorrowerRow
from deploy.demonstration.words import (
    CALLINGS,
    NAMES_FROM_ELSEWHERE,
    NAMES_OF_QUEBEC,
    SOCIAL_ECONOMY_OPENINGS,
    TRADES,
    Names,
)

LEGAL_PERSONS_PERCENT = 3
AGE_MIN, AGE_TYPICAL, AGE_MAX = 19, 33, 66
GENDERS = ("woman", "man", "other", "undisclosed")
GENDER_WEIGHTS = (54, 43, 1, 2)
# Self-declared and several at once; the shares are percents of the people received.
CLIENTELES = (
    ("low_income", 44),
    ("employment_insurance", 12),
    ("social_assistance", 9),
    ("single_parent", 10),
    ("no_credit_history", 24),
    ("indigenous", 3),
    ("disability", 4),
)


def draw_borrower(seed: int, plan: MemberPlan, fiscal_year: int, number: int) -> BorrowerRow:
    """The `number`-th newcomer of a member's year; the same whenever and however often asked."""
    draw = stream(seed, plan.slug, "person", fiscal_year, number)
    external_id = f"E-{fiscal_year}-{number:04d}"
    municipality, postal_code = draw.choice(plan.places)
    trade = draw.choice(TRADES)
    if chance(draw, LEGAL_PERSONS_PERCENT):
        legal_name = f"{draw.choice(SOCIAL_ECONOMY_OPENINGS)} {draw.choice(CALLINGS)}"
        return BorrowerRow(
            external_id=external_id,
            kind="legal_person",
            given_name="",
            family_name="",
            legal_name=legal_name,
            birth_year="",
            gender="",
            region_code=plan.region_code,
            municipality=municipality,
            postal_code=postal_code,
            clienteles="social_economy",
            enterprise_name=legal_name,
            sector_code=trade.sector_code,
            social_economy="true",
        )
    is_immigrant = chance(draw, plan.immigrants_share)
    names = draw.choice(NAMES_FROM_ELSEWHERE) if is_immigrant else NAMES_OF_QUEBEC
    gender = draw.choices(GENDERS, GENDER_WEIGHTS)[0]
    age = round(draw.triangular(AGE_MIN, AGE_MAX, AGE_TYPICAL))
    return BorrowerRow(
        external_id=external_id,
        kind="person",
        given_name=_given_name(draw, names, gender),
        family_name=draw.choice(names.families),
        legal_name="",
        birth_year=str(fiscal_year - age),
        gender=gender,
        region_code=plan.region_code,
        municipality=municipality,
        postal_code=postal_code,
        clienteles="|".join(_clienteles(draw, is_immigrant, age)),
        enterprise_name=f"{draw.choice(trade.openings)} {draw.choice(CALLINGS)}",
        sector_code=trade.sector_code,
        social_economy="false",
    )


def _given_name(draw: Random, names: Names, gender: str) -> str:
    if gender == "woman":
        return draw.choice(names.women)
    if gender == "man":
        return draw.choice(names.men)
    return draw.choice(names.women + names.men)


def _clienteles(draw: Random, is_immigrant: bool, age: int) -> list[str]:
    own = [name for name, percent in CLIENTELES if chance(draw, percent)]
    return ["immigrant"] * is_immigrant + ["under_35"] * (age < 35) + own


def draw_coaches(seed: int, plan: MemberPlan) -> tuple[str, ...]:
    """The advisers of a member: one, and one more for each dozen loans a year."""
    draw = stream(seed, plan.slug, "coaches")
    given_names = NAMES_OF_QUEBEC.women + NAMES_OF_QUEBEC.men
    return tuple(
        f"{draw.choice(given_names)} {draw.choice(NAMES_OF_QUEBEC.families)}"
        for _ in range(1 + plan.loans_a_year // 12)
    )
