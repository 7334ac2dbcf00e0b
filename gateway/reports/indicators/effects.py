"""Effets: jobs, enterprises, their survival, and what the loans brought with them. Pure."""

from gateway.reports.indicators.kinds import (
    Indicator,
    Protection,
    Quotient,
    Section,
    Unit,
)
from gateway.reports.measures import Facts
from services.common.text import Text


def _survival(years: int) -> Indicator:
    def measure(facts: Facts) -> Quotient:
        cohort = facts.cohort(years)
        return Quotient(cohort.active, cohort.known, cohort.known, cohort.unknown)

    plural = "s" if years > 1 else ""
    return Indicator(
        f"survival_{years}y",
        Section.EFFECTS,
        Text(
            f"Taux de survie après {years} an{plural}", f"Survival rate after {years} year{plural}"
        ),
        Unit.PERCENT,
        Text(
            f"Parmi les entreprises financées dans l'exercice terminé {years} an{plural} plus tôt "
            "et dont l'état est connu : actives ou vendues / (actives ou vendues + fermées). Une "
            "activité observée plus d'un an avant la date du rapport ne dit plus rien : l'état est "
            "inconnu. Les entreprises d'état inconnu sont dénombrées à part.",
            f"Among enterprises financed in the fiscal year {years} year{plural} earlier and whose "
            "status is known: active or sold / (active or sold + closed). Activity seen more "
            "than a year before the report's date tells nothing any more: the status is unknown. "
            "Enterprises of unknown status are counted apart.",
        ),
        ("loans.loans", "loans.outcomes"),
        measure,
        protection=Protection.RATIO,
    )


EFFECTS = (
    Indicator(
        "jobs_created",
        Section.EFFECTS,
        Text("Emplois créés", "Jobs created"),
        Unit.COUNT,
        Text(
            "Somme des emplois créés selon les suivis de l'exercice.",
            "Sum of the jobs created in the fiscal year's follow-ups.",
        ),
        ("loans.outcomes",),
        lambda f: Quotient(f.jobs_created),
    ),
    Indicator(
        "jobs_maintained",
        Section.EFFECTS,
        Text("Emplois maintenus", "Jobs maintained"),
        Unit.COUNT,
        Text(
            "Somme des emplois maintenus selon les suivis de l'exercice.",
            "Sum of the jobs maintained in the fiscal year's follow-ups.",
        ),
        ("loans.outcomes",),
        lambda f: Quotient(f.jobs_maintained),
    ),
    Indicator(
        "enterprises_created",
        Section.EFFECTS,
        Text("Entreprises créées", "Enterprises created"),
        Unit.COUNT,
        Text(
            "Entreprises distinctes vues actives pour la première fois dans un suivi de "
            "l'exercice, financées au prédémarrage ou au démarrage.",
            "Distinct enterprises first seen active in a follow-up of the fiscal year, financed "
            "before or at their start.",
        ),
        ("loans.outcomes", "loans.loans"),
        lambda f: Quotient(f.enterprises_created),
    ),
    Indicator(
        "enterprises_maintained",
        Section.EFFECTS,
        Text("Entreprises maintenues", "Enterprises maintained"),
        Unit.COUNT,
        Text(
            "Entreprises distinctes vues actives pour la première fois dans un suivi de "
            "l'exercice, financées à un autre stade.",
            "Distinct enterprises first seen active in a follow-up of the fiscal year, financed "
            "at any other stage.",
        ),
        ("loans.outcomes", "loans.loans"),
        lambda f: Quotient(f.enterprises_maintained),
    ),
    *map(_survival, (1, 3, 5)),
    Indicator(
        "leverage_other_financing",
        Section.EFFECTS,
        Text("Levier des autres financements", "Leverage of other financing"),
        Unit.RATIO,
        Text(
            "autre financement obtenu pour les projets / montant des prêts de l'exercice",
            "other financing obtained for the projects / amount of the fiscal year's loans",
        ),
        ("loans.loans",),
        lambda f: Quotient(f.other_financing_cents, f.loans_cents),
    ),
)
