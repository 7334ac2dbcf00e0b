"""What members write for a code: the words of the members' guide, accents and case left aside."""

import pytest
from pydantic import TypeAdapter, ValidationError
from typing_extensions import TypeForm

from services.common.words import to_code
from services.funds.contributions.schemas import ContributionBody
from services.loans.vocabulary import (
    BorrowerKindWord,
    BusinessStatusWord,
    CoachingModeWord,
    CoachingStageWord,
    FrequencyWord,
    Gender,
    Product,
    Stage,
)


@pytest.mark.parametrize(
    ("kind", "word", "code"),
    [
        (CoachingModeWord, "En personne", "in_person"),
        (CoachingModeWord, "téléphone", "phone"),
        (CoachingModeWord, "Vidéo", "video"),
        (CoachingModeWord, "group", "group"),
        (CoachingStageWord, "avant démarrage", "pre_start"),
        (CoachingStageWord, "après prêt", "post_loan"),
        (BusinessStatusWord, "fermée", "closed"),
        (BusinessStatusWord, "vendue", "sold"),
        (BorrowerKindWord, "Personne morale", "legal_person"),
        (FrequencyWord, "Mois", "months"),
        (Gender, "Femme", "woman"),
        (Product, "Prêt individuel", "individual_loan"),
        (Product, "Prêt agricole", "pret_agricole"),
        (Stage, "Démarrage", "start"),
    ],
)
def test_a_word_stands_for_its_code(kind: TypeForm[str], word: str, code: str) -> None:
    assert TypeAdapter[str](kind).validate_python(word) == code


def test_a_contribution_in_french() -> None:
    body = ContributionBody.model_validate(
        {
            "external_id": "C1",
            "contributor": "Caisse du Plateau",
            "contributor_kind": "Institution financière",
            "instrument": "Prêt sans intérêt",
            "purpose": "Capital",
            "amount": "1000.00",
            "received_on": "2025-04-01",
        }
    )
    assert (body.contributor_kind, body.instrument, body.purpose) == (
        "financial_institution",
        "interest_free_loan",
        "capital",
    )


def test_a_word_nobody_knows_is_refused() -> None:
    with pytest.raises(ValidationError):
        TypeAdapter[str](CoachingModeWord).validate_python("par pigeon")


def test_a_code_is_plain() -> None:
    assert to_code("  Œuvre d'été -- N° 3 ") == "uvre_d_ete_n_3"
