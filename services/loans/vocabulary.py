"""The words members use for what is counted, and the one code each of them is kept under.

A spreadsheet says « Femme », "F" or "female"; the record says `woman`. Codes outside these lists
are kept as they are written where the network leaves the list open (product, stage, clientele).
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from services.common.calendar import Frequency
from services.common.fields import Code
from services.common.text import Text
from services.common.words import spoken_as, to_code


class BorrowerKind(StrEnum):
    PERSON = "person"
    LEGAL_PERSON = "legal_person"


class BusinessStatus(StrEnum):
    ACTIVE = "active"
    CLOSED = "closed"
    SOLD = "sold"
    UNKNOWN = "unknown"


class CoachingMode(StrEnum):
    IN_PERSON = "in_person"
    PHONE = "phone"
    VIDEO = "video"
    GROUP = "group"


class CoachingStage(StrEnum):
    PRE_START = "pre_start"
    POST_START = "post_start"
    POST_LOAN = "post_loan"


FundingSource = Literal["state", "community", "private"]

NEW_ENTERPRISE_STAGES = ("pre_start", "start")
"""A loan at these stages creates an enterprise; at any other it maintains one."""

_GENDERS = {
    "woman": ("woman", "female", "femme", "f", "feminin"),
    "man": ("man", "male", "homme", "m", "h", "masculin"),
    "other": ("other", "autre", "x", "non_binary", "non_binaire", "nonbinary"),
    "undisclosed": ("undisclosed", "unknown", "inconnu", "non_declare", "prefere_ne_pas_repondre"),
}
_PRODUCTS = {
    "individual_loan": ("individual_loan", "individual", "pret_individuel", "individuel"),
    "circle_loan": ("circle_loan", "circle", "pret_de_cercle", "cercle", "cercle_d_emprunt"),
    "bridge_loan": ("bridge_loan", "bridge", "pret_relais", "relais"),
    "first_loan": ("first_loan", "premier_pret"),
    "emergency_loan": ("emergency_loan", "emergency", "pret_d_urgence", "coup_de_pouce"),
}
_STAGES = {
    "pre_start": ("pre_start", "prestart", "pre_demarrage", "predemarrage", "pre_startup"),
    "start": ("start", "startup", "start_up", "demarrage"),
    "growth": ("growth", "croissance", "expansion"),
    "consolidation": ("consolidation",),
    "takeover": ("takeover", "releve", "reprise", "transfert"),
}
_CLIENTELES = {
    "immigrant": ("immigrant", "immigrants", "immigrante", "personne_immigrante"),
    "under_35": ("under_35", "youth", "jeune", "moins_de_35_ans", "moins_de_35"),
    "low_income": ("low_income", "faible_revenu", "sans_revenu"),
    "employment_insurance": ("employment_insurance", "assurance_emploi"),
    "social_assistance": ("social_assistance", "aide_sociale"),
    "single_parent": ("single_parent", "monoparental", "famille_monoparentale"),
    "no_credit_history": ("no_credit_history", "sans_historique_de_credit"),
    "indigenous": ("indigenous", "autochtone"),
    "disability": ("disability", "personne_handicapee", "handicap"),
    "social_economy": ("social_economy", "economie_sociale"),
}


def _invert(words: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    return {word: code for code, synonyms in words.items() for word in synonyms}


PRODUCT_WORDS = _invert(_PRODUCTS)
GENDER_WORDS = _invert(_GENDERS)
STAGE_WORDS = _invert(_STAGES)
CLIENTELE_WORDS = _invert(_CLIENTELES)

BORROWER_KIND_WORDS: Mapping[str, str] = {
    "personne": "person",
    "personne_physique": "person",
    "personne_morale": "legal_person",
}
BUSINESS_STATUS_WORDS: Mapping[str, str] = {
    "actif": "active",
    "en_activite": "active",
    "ouverte": "active",
    "fermee": "closed",
    "ferme": "closed",
    "vendue": "sold",
    "vendu": "sold",
    "inconnu": "unknown",
    "inconnue": "unknown",
}
COACHING_MODE_WORDS: Mapping[str, str] = {
    "en_personne": "in_person",
    "presentiel": "in_person",
    "telephone": "phone",
    "visioconference": "video",
    "groupe": "group",
    "en_groupe": "group",
}
COACHING_STAGE_WORDS: Mapping[str, str] = {
    "avant_demarrage": "pre_start",
    "predemarrage": "pre_start",
    "pre_demarrage": "pre_start",
    "apres_demarrage": "post_start",
    "post_demarrage": "post_start",
    "apres_pret": "post_loan",
    "apres_le_pret": "post_loan",
    "post_pret": "post_loan",
}
FREQUENCY_WORDS: Mapping[str, str] = {
    "mois": "months",
    "mensuel": "months",
    "monthly": "months",
    "semaine": "weeks",
    "semaines": "weeks",
    "hebdomadaire": "weeks",
    "weekly": "weeks",
    "jour": "days",
    "jours": "days",
}
"""What members write for a code, accents and case left aside."""

BORROWER_KIND_SHOWN: Mapping[str, Text] = {
    "person": Text("personne", "person"),
    "legal_person": Text("personne morale", "legal person"),
}
GENDER_SHOWN: Mapping[str, Text] = {
    "woman": Text("femme", "woman"),
    "man": Text("homme", "man"),
    "other": Text("autre", "other"),
    "undisclosed": Text("préfère ne pas répondre", "undisclosed"),
}
PRODUCT_SHOWN: Mapping[str, Text] = {
    "individual_loan": Text("prêt individuel", "individual loan"),
    "circle_loan": Text("prêt de cercle", "circle loan"),
    "bridge_loan": Text("prêt relais", "bridge loan"),
    "first_loan": Text("premier prêt", "first loan"),
    "emergency_loan": Text("prêt d'urgence", "emergency loan"),
}
STAGE_SHOWN: Mapping[str, Text] = {
    "pre_start": Text("pré-démarrage", "pre-start"),
    "start": Text("démarrage", "start"),
    "growth": Text("croissance", "growth"),
    "consolidation": Text("consolidation", "consolidation"),
    "takeover": Text("relève", "takeover"),
}
CLIENTELE_SHOWN: Mapping[str, Text] = {
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
}
FREQUENCY_SHOWN: Mapping[str, Text] = {
    "months": Text("mensuel", "monthly"),
    "weeks": Text("hebdomadaire", "weekly"),
    "days": Text("jours", "days"),
}
COACHING_MODE_SHOWN: Mapping[str, Text] = {
    "in_person": Text("en personne", "in person"),
    "phone": Text("téléphone", "phone"),
    "video": Text("visioconférence", "video"),
    "group": Text("groupe", "group"),
}
COACHING_STAGE_SHOWN: Mapping[str, Text] = {
    "pre_start": Text("avant démarrage", "pre-start"),
    "post_start": Text("après démarrage", "post-start"),
    "post_loan": Text("après prêt", "post-loan"),
}
BUSINESS_STATUS_SHOWN: Mapping[str, Text] = {
    "active": Text("active", "active"),
    "closed": Text("fermée", "closed"),
    "sold": Text("vendue", "sold"),
    "unknown": Text("inconnu", "unknown"),
}
"""The word that people are shown for a code."""


def _to_gender(text: str) -> str:
    gender = GENDER_WORDS.get(to_code(text))
    if gender is None:
        raise PydanticCustomError("choice", "refused", {"expected": ", ".join(_GENDERS)})
    return gender


def _to_product(text: str) -> str:
    code = to_code(text)
    return PRODUCT_WORDS.get(code, code)


def _to_stage(text: str) -> str:
    code = to_code(text)
    return STAGE_WORDS.get(code, code)


def _to_clienteles(words: list[str]) -> list[str]:
    codes = (to_code(word) for word in words)
    return sorted({CLIENTELE_WORDS.get(code, code) for code in codes})


OpenCode = Annotated[Code, Field(examples=["individual_loan"]), AfterValidator(to_code)]
Product = Annotated[Code, Field(examples=list(_PRODUCTS)), AfterValidator(_to_product)]
Gender = Annotated[Code, Field(examples=list(_GENDERS)), AfterValidator(_to_gender)]
Stage = Annotated[Code, Field(examples=list(_STAGES)), AfterValidator(_to_stage)]
Clienteles = Annotated[
    list[Code],
    Field(max_length=20, examples=[["immigrant", "under_35"]]),
    AfterValidator(_to_clienteles),
]
BorrowerKindWord = Annotated[BorrowerKind, Field(strict=False), spoken_as(BORROWER_KIND_WORDS)]
BusinessStatusWord = Annotated[
    BusinessStatus, Field(strict=False), spoken_as(BUSINESS_STATUS_WORDS)
]
CoachingModeWord = Annotated[CoachingMode, Field(strict=False), spoken_as(COACHING_MODE_WORDS)]
CoachingStageWord = Annotated[CoachingStage, Field(strict=False), spoken_as(COACHING_STAGE_WORDS)]
FrequencyWord = Annotated[Frequency, Field(strict=False), spoken_as(FREQUENCY_WORDS)]
