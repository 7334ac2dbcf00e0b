"""The words of each code for whoever fills a sheet; a test holds them to the codes."""

from collections.abc import Mapping

from services.common.columns import Choice
from services.common.text import Text
from services.loans.vocabulary import (
    BORROWER_KIND_WORDS,
    BUSINESS_STATUS_WORDS,
    CLIENTELE_WORDS,
    COACHING_MODE_WORDS,
    COACHING_STAGE_WORDS,
    FREQUENCY_WORDS,
    GENDER_WORDS,
    PRODUCT_WORDS,
    STAGE_WORDS,
)


def _choices(words: Mapping[str, str], shown: Mapping[str, Text]) -> tuple[Choice, ...]:
    return tuple(
        Choice(code, word, tuple(each for each, meant in words.items() if meant == code))
        for code, word in shown.items()
    )


BORROWER_KINDS = _choices(
    BORROWER_KIND_WORDS,
    {
        "person": Text("personne", "person"),
        "legal_person": Text("personne morale", "legal person"),
    },
)
GENDERS = _choices(
    GENDER_WORDS,
    {
        "woman": Text("femme", "woman"),
        "man": Text("homme", "man"),
        "other": Text("autre", "other"),
        "undisclosed": Text("préfère ne pas répondre", "undisclosed"),
    },
)
PRODUCTS = _choices(
    PRODUCT_WORDS,
    {
        "individual_loan": Text("prêt individuel", "individual loan"),
        "circle_loan": Text("prêt de cercle", "circle loan"),
        "bridge_loan": Text("prêt relais", "bridge loan"),
        "first_loan": Text("premier prêt", "first loan"),
        "emergency_loan": Text("prêt d'urgence", "emergency loan"),
    },
)
STAGES = _choices(
    STAGE_WORDS,
    {
        "pre_start": Text("pré-démarrage", "pre-start"),
        "start": Text("démarrage", "start"),
        "growth": Text("croissance", "growth"),
        "consolidation": Text("consolidation", "consolidation"),
        "takeover": Text("relève", "takeover"),
    },
)
CLIENTELES = _choices(
    CLIENTELE_WORDS,
    {
        "immigrant": Text("immigrant", "immigrant"),
        "under_35": Text("moins de 35 ans", "under 35"),
        "low_income": Text("faible revenu", "low income"),
        "employment_insurance": Text("assurance-emploi", "employment insurance"),
        "social_assistance": Text("aide sociale", "social assistance"),
        "single_parent": Text("monoparental", "single parent"),
        "no_credit_history": Text("sans historique de crédit", "no credit history"),
        "indigenous": Text("autochtone", "indigenous"),
        "disability": Text("personne handicapée", "disability"),
        "social_economy": Text("économie sociale", "social economy"),
    },
)
FREQUENCIES = _choices(
    FREQUENCY_WORDS,
    {
        "months": Text("mensuel", "monthly"),
        "weeks": Text("hebdomadaire", "weekly"),
        "days": Text("jours", "days"),
    },
)
COACHING_MODES = _choices(
    COACHING_MODE_WORDS,
    {
        "in_person": Text("en personne", "in person"),
        "phone": Text("téléphone", "phone"),
        "video": Text("visioconférence", "video"),
        "group": Text("groupe", "group"),
    },
)
COACHING_STAGES = _choices(
    COACHING_STAGE_WORDS,
    {
        "pre_start": Text("avant démarrage", "pre-start"),
        "post_start": Text("après démarrage", "post-start"),
        "post_loan": Text("après prêt", "post-loan"),
    },
)
BUSINESS_STATUSES = _choices(
    BUSINESS_STATUS_WORDS,
    {
        "active": Text("active", "active"),
        "closed": Text("fermée", "closed"),
        "sold": Text("vendue", "sold"),
        "unknown": Text("inconnu", "unknown"),
    },
)
