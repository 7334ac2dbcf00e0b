"""The words of a fund: who contributes, in which form, for what."""

from collections.abc import Mapping
from enum import StrEnum


class Source(StrEnum):
    """The three sides of the partnership."""

    PUBLIC = "public"
    PRIVATE = "private"
    COMMUNITY = "community"


class ContributorKind(StrEnum):
    STATE = "state"
    FEDERAL = "federal"
    MUNICIPAL = "municipal"
    FINANCIAL_INSTITUTION = "financial_institution"
    ENTERPRISE = "enterprise"
    FOUNDATION = "foundation"
    UNION = "union"
    INDIVIDUAL = "individual"
    RELIGIOUS_COMMUNITY = "religious_community"
    NON_PROFIT = "non_profit"
    COOPERATIVE = "cooperative"


SOURCES: Mapping[ContributorKind, Source] = {
    ContributorKind.STATE: Source.PUBLIC,
    ContributorKind.FEDERAL: Source.PUBLIC,
    ContributorKind.MUNICIPAL: Source.PUBLIC,
    ContributorKind.FINANCIAL_INSTITUTION: Source.PRIVATE,
    ContributorKind.ENTERPRISE: Source.PRIVATE,
    ContributorKind.FOUNDATION: Source.PRIVATE,
    ContributorKind.UNION: Source.PRIVATE,
    ContributorKind.INDIVIDUAL: Source.COMMUNITY,
    ContributorKind.RELIGIOUS_COMMUNITY: Source.COMMUNITY,
    ContributorKind.NON_PROFIT: Source.COMMUNITY,
    ContributorKind.COOPERATIVE: Source.COMMUNITY,
}


class Instrument(StrEnum):
    GRANT = "grant"
    DONATION = "donation"
    PLACEMENT = "placement"
    INTEREST_FREE_LOAN = "interest_free_loan"
    GUARANTEE = "guarantee"


REPAYABLE = frozenset({Instrument.PLACEMENT, Instrument.INTEREST_FREE_LOAN})
"""What the fund owes back. A grant or a donation is given; a guarantee is only promised."""


class Purpose(StrEnum):
    CAPITAL = "capital"
    """Money to lend."""
    OPERATIONS = "operations"
    """Money to run the organisation: coaching, rent, pay."""


CONTRIBUTOR_WORDS: Mapping[str, str] = {
    "etat": "state",
    "gouvernement_du_quebec": "state",
    "federal": "federal",
    "municipalite": "municipal",
    "ville": "municipal",
    "institution_financiere": "financial_institution",
    "caisse": "financial_institution",
    "entreprise": "enterprise",
    "fondation": "foundation",
    "syndicat": "union",
    "particulier": "individual",
    "individu": "individual",
    "communaute_religieuse": "religious_community",
    "obnl": "non_profit",
    "organisme": "non_profit",
    "cooperative": "cooperative",
}
INSTRUMENT_WORDS: Mapping[str, str] = {
    "subvention": "grant",
    "don": "donation",
    "placement": "placement",
    "pret_sans_interet": "interest_free_loan",
    "garantie": "guarantee",
}
PURPOSE_WORDS: Mapping[str, str] = {
    "capitalisation": "capital",
    "fonctionnement": "operations",
    "operations": "operations",
}
"""What members write for a code, accents and case left aside."""
