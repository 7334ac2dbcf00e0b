"""Where the money comes from: capital to lend, and the public money that pays operations."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from deploy.demonstration.agreements import operating_grants_cents
from deploy.demonstration.draws import chance, fiscal_year_start, stream, working_day
from deploy.demonstration.lending import count_loans
from deploy.demonstration.network import MEMBERS, MemberPlan
from deploy.demonstration.rows import ContributionRow
from services.common.calendar import add_months
from services.common.money import allocate, format_cents

# In parts of what the member lends in a year: what the fund holds when the books open, and what
# it raises each year to grow and to make up for losses.
OPENING_CAPITAL = 1.30
YEARLY_CAPITAL = 0.17
SHARE_STEP_CENTS = 50_000


@dataclass(frozen=True, slots=True)
class Giver:
    """A kind of contributor: names, what it gives by (with weights), and its usual share."""

    kind: str
    names: tuple[str, ...]
    instruments: tuple[tuple[str, int], ...]
    weight: int


GIVERS = (
    Giver("state", ("Fonds régional de soutien à l'économie",), (("grant", 1),), 8),
    Giver("municipal", ("MRC", "Ville-centre"), (("grant", 1),), 5),
    Giver(
        "financial_institution",
        ("Caisse d'économie du Fleuve", "Caisse du Plateau", "Caisse des Deux-Rives"),
        (("donation", 1), ("placement", 2), ("interest_free_loan", 2)),
        30,
    ),
    Giver(
        "foundation",
        ("Fondation Grand-Érable", "Fondation de l'Anse", "Fondation Horizon"),
        (("donation", 3), ("interest_free_loan", 1)),
        14,
    ),
    Giver(
        "enterprise",
        ("Quincaillerie du Rang", "Imprimerie Nordet", "Transport Harfang"),
        (("donation", 1),),
        6,
    ),
    Giver("union", ("Syndicat des métiers réunis",), (("placement", 1),), 6),
    Giver(
        "religious_community",
        ("Congrégation de l'Espérance", "Sœurs du Bon-Accueil"),
        (("donation", 2), ("placement", 1), ("interest_free_loan", 2)),
        16,
    ),
    Giver(
        "individual",
        ("Donateurs particuliers", "Prêteuse solidaire", "Prêteur solidaire"),
        (("donation", 2), ("placement", 1)),
        8,
    ),
    Giver("non_profit", ("Regroupement d'entraide",), (("donation", 1),), 4),
    Giver("cooperative", ("Coopérative de solidarité du Faubourg",), (("placement", 1),), 3),
)


@dataclass(frozen=True, slots=True)
class Contribution:
    received_on: date
    row: ContributionRow


def draw_contributions(
    seed: int, plan: MemberPlan, opening_year: int, fiscal_years: range
) -> list[Contribution]:
    """The opening capital, then each year's, and the operating grants; by date."""
    found = _draw_capital(seed, plan, opening_year, "O", OPENING_CAPITAL)
    for fiscal_year in fiscal_years:
        found.extend(_draw_capital(seed, plan, fiscal_year, "C", YEARLY_CAPITAL))
        found.extend(_operating_grants(plan, fiscal_year))
    return sorted(found, key=lambda one: (one.received_on, one.row.external_id))


def lent_in_a_year_cents(seed: int, plan: MemberPlan, fiscal_year: int) -> int:
    return count_loans(seed, plan, fiscal_year) * plan.typical_loan * 100


def _draw_capital(
    seed: int, plan: MemberPlan, fiscal_year: int, mark: str, part: float
) -> list[Contribution]:
    """One contribution of each of some givers; those of the opening are there on its first day."""
    draw = stream(seed, plan.slug, "capital", mark, fiscal_year)
    total_cents = round(lent_in_a_year_cents(seed, plan, fiscal_year) * part)
    if total_cents == 0:
        return []
    is_opening = mark == "O"
    givers = [one for one in GIVERS if is_opening or chance(draw, 60)] or [GIVERS[2]]
    steps = allocate(
        max(len(givers), total_cents // SHARE_STEP_CENTS),
        [round(one.weight * draw.uniform(6, 14)) for one in givers],
    )
    start = fiscal_year_start(fiscal_year)
    found = []
    for number, (giver, count) in enumerate(zip(givers, steps, strict=True), start=1):
        on = start if is_opening else working_day(start + timedelta(days=draw.randrange(5, 150)))
        if count > 0:
            external_id = f"{mark}-{fiscal_year}-{number:02d}"
            row = _draw_contribution(draw, giver, external_id, count * SHARE_STEP_CENTS, on)
            found.append(Contribution(on, row))
    return found


def _draw_contribution(
    draw: Random, giver: Giver, external_id: str, amount_cents: int, received_on: date
) -> ContributionRow:
    """What is to be paid back is so after eight years or more: past the end of the books."""
    instrument = draw.choices(
        [name for name, _ in giver.instruments], [weight for _, weight in giver.instruments]
    )[0]
    is_repayable = instrument in {"placement", "interest_free_loan"}
    rate = Decimal(draw.randrange(2, 9)) / 2 if instrument == "placement" else None
    repayable_on = add_months(received_on, 12 * draw.randint(8, 12)) if is_repayable else None
    return ContributionRow(
        external_id=external_id,
        contributor=draw.choice(giver.names),
        contributor_kind=giver.kind,
        instrument=instrument,
        purpose="capital",
        amount=format_cents(amount_cents),
        received_on=received_on.isoformat(),
        annual_rate=f"{rate:.2f}" if rate is not None else "",
        repayable_on=repayable_on.isoformat() if repayable_on is not None else "",
    )


def _operating_grants(plan: MemberPlan, fiscal_year: int) -> list[Contribution]:
    """The member's part of each payment of the year's agreement, two weeks after the network."""
    place = MEMBERS.index(plan)
    return [
        Contribution(
            received_on,
            ContributionRow(
                external_id=f"F-{fiscal_year}-{number}",
                contributor="Ministère de l'Économie, de l'Innovation et de l'Énergie",
                contributor_kind="state",
                instrument="grant",
                purpose="operations",
                amount=format_cents(parts_cents[place]),
                received_on=received_on.isoformat(),
                annual_rate="",
                repayable_on="",
            ),
        )
        for number, (received_on, parts_cents) in enumerate(
            operating_grants_cents(fiscal_year), start=1
        )
    ]
