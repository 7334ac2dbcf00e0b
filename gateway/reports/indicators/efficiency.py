"""Efficience: what the partners put in, and what each result costs. Pure."""

from gateway.reports.indicators.kinds import (
    Indicator,
    Quotient,
    Section,
    Unit,
    amount,
)
from gateway.reports.measures import Facts
from services.common.text import Text


def _cost(facts: Facts, count: int, per: int = 1) -> Quotient:
    """Dollars of operating subsidy for each of `count`, or for each `per` of them."""
    return Quotient(facts.operating_subsidy_cents * per, 100 * count)


EFFICIENCY = (
    Indicator(
        "operating_subsidy",
        Section.EFFICIENCY,
        Text("Subvention de fonctionnement", "Operating subsidy"),
        Unit.MONEY,
        Text(
            "Contributions publiques reçues dans l'exercice pour le fonctionnement, moins celles "
            "qui ont été renversées.",
            "Public contributions received in the fiscal year for operations, less those reversed.",
        ),
        ("funds.contributions",),
        lambda f: amount(f.operating_subsidy_cents),
    ),
    *(
        Indicator(
            f"capital_{code}",
            Section.EFFICIENCY,
            Text(f"Capital {french}", f"{english} capital"),
            Unit.MONEY,
            Text(
                f"Contributions de capital de source {source} à la date du rapport, moins les "
                "renversements et les remises aux contributeurs. Les garanties n'y sont pas.",
                f"Capital contributions of {english.lower()} source as of the report's date, less "
                "reversals and repayments to contributors. Guarantees are left out.",
            ),
            ("funds.contributions",),
            measure,
        )
        for code, french, source, english, measure in (
            ("public", "public", "publique", "Public", lambda f: amount(f.capital_public_cents)),
            ("private", "privé", "privée", "Private", lambda f: amount(f.capital_private_cents)),
            (
                "community",
                "communautaire",
                "communautaire",
                "Community",
                lambda f: amount(f.capital_community_cents),
            ),
        )
    ),
    Indicator(
        "leverage_private_to_public",
        Section.EFFICIENCY,
        Text("Levier privé et communautaire", "Private and community leverage"),
        Unit.RATIO,
        Text(
            "(capital privé + capital communautaire) / subvention de fonctionnement",
            "(private capital + community capital) / operating subsidy",
        ),
        ("funds.contributions",),
        lambda f: Quotient(
            f.capital_private_cents + f.capital_community_cents, f.operating_subsidy_cents
        ),
    ),
    Indicator(
        "cost_per_loan",
        Section.EFFICIENCY,
        Text("Coût par prêt", "Cost per loan"),
        Unit.MONEY,
        Text("subvention de fonctionnement / nombre de prêts", "operating subsidy / loans"),
        ("funds.contributions", "loans.loans"),
        lambda f: _cost(f, f.loans_count),
        is_lower_better=True,
    ),
    Indicator(
        "cost_per_job",
        Section.EFFICIENCY,
        Text("Coût par emploi créé ou maintenu", "Cost per job created or maintained"),
        Unit.MONEY,
        Text(
            "subvention de fonctionnement / (emplois créés + emplois maintenus)",
            "operating subsidy / (jobs created + jobs maintained)",
        ),
        ("funds.contributions", "loans.outcomes"),
        lambda f: _cost(f, f.jobs_created + f.jobs_maintained),
        is_lower_better=True,
    ),
    Indicator(
        "cost_per_person",
        Section.EFFICIENCY,
        Text("Coût par personne accompagnée", "Cost per person coached"),
        Unit.MONEY,
        Text(
            "subvention de fonctionnement / personnes accompagnées",
            "operating subsidy / people coached",
        ),
        ("funds.contributions", "loans.coaching_sessions"),
        lambda f: _cost(f, f.people_coached),
        is_lower_better=True,
    ),
    Indicator(
        "cost_per_hour",
        Section.EFFICIENCY,
        Text("Coût par heure d'accompagnement", "Cost per hour of coaching"),
        Unit.MONEY,
        Text(
            "subvention de fonctionnement / heures d'accompagnement",
            "operating subsidy / hours of coaching",
        ),
        ("funds.contributions", "loans.coaching_sessions"),
        lambda f: _cost(f, f.coaching_minutes, per=60),
        is_lower_better=True,
    ),
)
