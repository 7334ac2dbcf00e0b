"""What each member of the demonstration network lends, at what rate and where: invented figures.

Sizes follow the published ones (means near 6,000 $, a few hundred loans a year in all); places are
real municipalities of the territory with the first half of a postal code used there.
"""

from dataclasses import dataclass
from decimal import Decimal

Place = tuple[str, str]
"""A municipality and a forward sortation area; a whole postal code would point at a street."""


@dataclass(frozen=True, slots=True)
class MemberPlan:
    """`loans_a_year` once settled; `typical_loan` in dollars is where amounts are drawn around.

    A member founded lately reaches its size over some years. Shares are percents.
    """

    slug: str
    region_code: str
    loans_a_year: int
    typical_loan: int
    annual_rates: tuple[Decimal, ...]
    file_fee: int
    immigrants_share: int
    circles_share: int
    places: tuple[Place, ...]
    first_fiscal_year: int = 1990


def _rates(*percents: str) -> tuple[Decimal, ...]:
    return tuple(Decimal(percent) for percent in percents)


def _places(text: str) -> tuple[Place, ...]:
    """`Rimouski G5L, Matane G4W`: the last word is the sortation area."""
    pairs = (place.strip().rpartition(" ") for place in text.split(","))
    return tuple((municipality, area) for municipality, _, area in pairs)


MEMBERS = (
    MemberPlan(
        slug="microcredit-krtb",
        region_code="01",
        loans_a_year=12,
        typical_loan=6_000,
        annual_rates=_rates("5", "6", "7"),
        file_fee=0,
        immigrants_share=5,
        circles_share=5,
        places=_places(
            "Rivière-du-Loup G5R, Rivière-du-Loup G5R, Témiscouata-sur-le-Lac G0L, "
            "Trois-Pistoles G0L, La Pocatière G0R, Saint-Pascal G0L, Dégelis G5T, Cacouna G0L, "
            "Pohénégamook G0L"
        ),
    ),
    MemberPlan(
        slug="bas-saint-laurent-est",
        region_code="01",
        loans_a_year=8,
        typical_loan=5_500,
        annual_rates=_rates("6", "7"),
        file_fee=0,
        immigrants_share=6,
        circles_share=10,
        places=_places(
            "Rimouski G5L, Rimouski G5M, Matane G4W, Mont-Joli G5H, Amqui G5J, Causapscal G0J, "
            "Sayabec G0J, Saint-Fabien G0L"
        ),
    ),
    MemberPlan(
        slug="saguenay-lac-saint-jean",
        region_code="02",
        loans_a_year=29,
        typical_loan=8_200,
        annual_rates=_rates("6", "6.5", "7", "8"),
        file_fee=50,
        immigrants_share=8,
        circles_share=4,
        places=_places(
            "Saguenay G7H, Saguenay G7X, Saguenay G7B, Alma G8B, Roberval G8H, "
            "Saint-Félicien G8K, Dolbeau-Mistassini G8L, Métabetchouan–Lac-à-la-Croix G8G, "
            "Saint-Honoré G0V"
        ),
    ),
    MemberPlan(
        slug="fonds-emprunt-quebec",
        region_code="03",
        loans_a_year=34,
        typical_loan=8_600,
        annual_rates=_rates("5", "6", "7", "7.5"),
        file_fee=50,
        immigrants_share=34,
        circles_share=2,
        places=_places(
            "Québec G1K, Québec G1L, Québec G1R, Québec G1N, Québec G1H, Québec G1J, "
            "L'Ancienne-Lorette G2E, Saint-Raymond G3L, Pont-Rouge G3H, Boischatel G0A, "
            "Donnacona G3M"
        ),
    ),
    MemberPlan(
        slug="charlevoix",
        region_code="03",
        loans_a_year=4,
        typical_loan=2_600,
        annual_rates=_rates("0", "4", "5"),
        file_fee=0,
        immigrants_share=3,
        circles_share=85,
        places=_places(
            "Baie-Saint-Paul G3Z, La Malbaie G5A, Clermont G4A, Les Éboulements G0A, "
            "Saint-Hilarion G0A, Petite-Rivière-Saint-François G0A, L'Isle-aux-Coudres G0A"
        ),
    ),
    MemberPlan(
        slug="mauricie",
        region_code="04",
        loans_a_year=20,
        typical_loan=7_000,
        annual_rates=_rates("6", "7", "8"),
        file_fee=0,
        immigrants_share=12,
        circles_share=6,
        places=_places(
            "Trois-Rivières G8Z, Trois-Rivières G9A, Shawinigan G9N, La Tuque G9X, "
            "Louiseville J5V, Saint-Tite G0X, Saint-Boniface G0X"
        ),
    ),
    MemberPlan(
        slug="estrie",
        region_code="05",
        loans_a_year=15,
        typical_loan=6_800,
        annual_rates=_rates("5", "6", "7"),
        file_fee=0,
        immigrants_share=20,
        circles_share=15,
        places=_places(
            "Sherbrooke J1H, Sherbrooke J1L, Sherbrooke J1E, Magog J1X, Coaticook J1A, "
            "Lac-Mégantic G6B, Val-des-Sources J1T, Windsor J1S, East Angus J0B, "
            "Cookshire-Eaton J0B"
        ),
    ),
    MemberPlan(
        slug="montreal",
        region_code="06",
        loans_a_year=38,
        typical_loan=8_800,
        annual_rates=_rates("3.45", "5.25", "6.95", "7.75", "8.5"),
        file_fee=75,
        immigrants_share=72,
        circles_share=5,
        places=_places(
            "Montréal H1V, Montréal H2P, Montréal H3N, Montréal H1H, Montréal H4C, "
            "Montréal H3S, Montréal H2G, Montréal H1Y, Montréal H8N, Dorval H9S, "
            "Côte-Saint-Luc H4W"
        ),
    ),
    MemberPlan(
        slug="outaouais",
        region_code="07",
        loans_a_year=14,
        typical_loan=6_200,
        annual_rates=_rates("5", "6.5", "7.5"),
        file_fee=0,
        immigrants_share=28,
        circles_share=15,
        places=_places(
            "Gatineau J8X, Gatineau J8T, Gatineau J8P, Gatineau J9H, Chelsea J9B, "
            "Val-des-Monts J8N, Maniwaki J9E, Papineauville J0V, Shawville J0X, La Pêche J0X"
        ),
    ),
    MemberPlan(
        slug="gaspesie",
        region_code="11",
        loans_a_year=10,
        typical_loan=7_200,
        annual_rates=_rates("5", "6"),
        file_fee=0,
        immigrants_share=3,
        circles_share=4,
        places=_places(
            "Bonaventure G0C, New Richmond G0C, Chandler G0C, Gaspé G4X, Carleton-sur-Mer G0C, "
            "Sainte-Anne-des-Monts G4V, Percé G0C, Les Îles-de-la-Madeleine G4T, Paspébiac G0C"
        ),
    ),
    MemberPlan(
        slug="chaudiere-appalaches",
        region_code="12",
        loans_a_year=14,
        typical_loan=7_200,
        annual_rates=_rates("6", "7", "8"),
        file_fee=0,
        immigrants_share=9,
        circles_share=4,
        places=_places(
            "Lévis G6V, Lévis G6W, Saint-Georges G5Y, Thetford Mines G6G, Montmagny G5V, "
            "Sainte-Marie G6E, L'Islet G0R, Saint-Joseph-de-Beauce G0S, Beauceville G5X, "
            "Lac-Etchemin G0R"
        ),
    ),
    MemberPlan(
        slug="laval",
        region_code="13",
        loans_a_year=15,
        typical_loan=7_600,
        annual_rates=_rates("6", "7", "8.25"),
        file_fee=50,
        immigrants_share=52,
        circles_share=4,
        places=_places(
            "Laval H7A, Laval H7E, Laval H7G, Laval H7L, Laval H7N, Laval H7P, Laval H7V, Laval H7W"
        ),
    ),
    MemberPlan(
        slug="basses-laurentides",
        region_code="15",
        loans_a_year=13,
        typical_loan=6_800,
        annual_rates=_rates("6", "7"),
        file_fee=0,
        immigrants_share=14,
        circles_share=4,
        places=_places(
            "Saint-Eustache J7P, Deux-Montagnes J7R, Boisbriand J7G, Blainville J7C, "
            "Sainte-Thérèse J7E, Mirabel J7J, Rosemère J7A, Oka J0N"
        ),
    ),
    MemberPlan(
        slug="hautes-laurentides",
        region_code="15",
        loans_a_year=11,
        typical_loan=6_000,
        annual_rates=_rates("5", "6", "7"),
        file_fee=0,
        immigrants_share=5,
        circles_share=20,
        places=_places(
            "Mont-Laurier J9L, Mont-Tremblant J8E, Sainte-Agathe-des-Monts J8C, Lachute J8H, "
            "Saint-Jérôme J7Z, Sainte-Adèle J8B, Rivière-Rouge J0T, Labelle J0T"
        ),
    ),
    MemberPlan(
        slug="monteregie",
        region_code="16",
        loans_a_year=20,
        typical_loan=7_000,
        annual_rates=_rates("6", "7", "8"),
        file_fee=0,
        immigrants_share=35,
        circles_share=4,
        places=_places(
            "Longueuil J4K, Longueuil J4H, Brossard J4Z, Saint-Jean-sur-Richelieu J3B, "
            "Saint-Hyacinthe J2S, Salaberry-de-Valleyfield J6S, Châteauguay J6J, "
            "Sorel-Tracy J3P, Chambly J3L, Beloeil J3G, Vaudreuil-Dorion J7V"
        ),
    ),
    MemberPlan(
        slug="centre-du-quebec",
        region_code="17",
        loans_a_year=14,
        typical_loan=6_800,
        annual_rates=_rates("7"),
        file_fee=0,
        immigrants_share=10,
        circles_share=4,
        places=_places(
            "Victoriaville G6P, Victoriaville G6T, Drummondville J2B, Drummondville J2C, "
            "Bécancour G9H, Nicolet J3T, Plessisville G6L, Princeville G6L, Warwick J0A"
        ),
        first_fiscal_year=2019,
    ),
)
