"""What a member reads of its file: its own titles, its language, words and not codes."""

from collections.abc import Mapping

import pytest

from services.common.errors import JsonValue
from tests.services.loans.conftest import Client, codes_of, loan_row, write_csv

REASON = {"on_change": "correct", "reason": "Fiches relues"}
BORROWERS = "Client;Sexe;Ville;Groupes;Économie sociale;NEQ\n"


async def send_mapping(member: Client, kind: str, columns: Mapping[str, str | None]) -> None:
    body: JsonValue = {"name": "excel", "columns": columns}
    answer = await member.post(f"/v1/import-mappings?kind={kind}", body)
    assert answer.status_code == 201, answer.text


async def test_both_versions_are_told_in_the_words_of_the_sender(member: Client) -> None:
    await send_mapping(member, "borrowers", {"Groupes": "clienteles"})
    first = f"{BORROWERS}E-1;femme;Laval;faible revenu;non;\n"
    second = f"{BORROWERS}E-1;homme;Laval;immigrant|à risque;oui;2270000001\n"
    sent = await member.send("borrowers", first.encode(), mapping="excel")
    assert sent.status_code == 201, sent.text

    refused = await member.send("borrowers", second.encode(), mapping="excel")
    assert codes_of(refused) == {"/1/external_id": "external_id.conflict"}
    [error] = refused.json()["errors"]
    assert error["title"] == "Client"
    for told in (
        "Sexe : femme → homme",
        "Groupes : faible revenu → a_risque|immigrant",
        "Économie sociale : ∅ → oui",
        "NEQ : ∅ → 2270000001",
    ):
        assert told in error["message"]
    english = await member.send("borrowers", second.encode(), mapping="excel", language="en")
    [error] = english.json()["errors"]
    assert "Sexe: woman → man" in error["message"]
    assert "Groupes: low income → a_risque|immigrant" in error["message"]

    fields = {f["column"]: f for f in refused.json()["changes"][0]["fields"]}
    assert fields["gender"] == {
        "column": "gender", "title": "Sexe", "before": "woman", "after": "man",
        "before_word": {"fr": "femme", "en": "woman"},
        "after_word": {"fr": "homme", "en": "man"},
    }  # fmt: skip
    assert fields["neq"] == {
        "column": "neq", "title": "NEQ", "before": None, "after": "2270000001",
    }  # fmt: skip
    corrected = await member.send("borrowers", second.encode(), mapping="excel", **REASON)
    assert corrected.json()["corrected"] == 1


async def test_programs_are_told_both_versions_by_names_and_codes(member: Client) -> None:
    ndjson = "application/x-ndjson"
    line = '{"external_id": "E-1", "kind": "person", "gender": "%s"}'
    sent = await member.send("borrowers", (line % "woman").encode(), media_type=ndjson)
    assert sent.status_code == 201, sent.text
    refused = await member.send("borrowers", (line % "man").encode(), media_type=ndjson)
    assert "gender : woman → man" in refused.json()["errors"][0]["message"]
    assert "title" not in refused.json()["changes"][0]["fields"][0]


async def test_how_to_correct_is_told_by_whoever_speaks_to_the_user(member: Client) -> None:
    sheet = f"{BORROWERS}E-1;%s;Laval;;;\n"
    await member.send("borrowers", (sheet % "femme").encode())
    refused = await member.send("borrowers", (sheet % "homme").encode())
    [error] = refused.json()["errors"]
    assert "en demandant une correction, avec sa raison" in error["message"]
    assert "on_change" not in error["message"]


async def test_who_a_borrower_is_on_record_is_told_in_words(member: Client) -> None:
    rows = [
        loan_row("P-1", borrower_external_id="E-1", gender="femme"),
        loan_row(
            "P-2", borrower_external_id="E-1", gender="homme", borrower_kind="personne morale"
        ),
    ]
    for language, kind, gender in (("fr", "personne", "femme"), ("en", "person", "woman")):
        refused = await member.send("loans", write_csv(rows), language=language)
        said = {e["column"]: e["message"] for e in refused.json()["errors"]}
        assert said["borrower_kind"].endswith(f": {kind}.")
        assert said["gender"].endswith(f": {gender}.")


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("fr", "« Sexe » et « Genre » sont lus comme une seule colonne, « Genre » (gender) ; "
               "n'en gardez qu'une."),
        ("en", '"Sexe" and "Genre" are read as one column, "Gender" (gender); '
               "keep only one of them."),
    ],
)  # fmt: skip
async def test_two_titles_of_one_column(member: Client, language: str, said: str) -> None:
    sheet = "Client;Sexe;Genre\nE-1;femme;femme\n"
    refused = await member.send("borrowers", sheet.encode(), language=language)
    [error] = refused.json()["errors"]
    assert (error["column"], error["title"], error["message"]) == ("gender", "Genre", said)


async def test_a_column_that_is_missing_is_called_as_the_sender_calls_it(member: Client) -> None:
    sheet = b"Client;Sexe\nE-1;femme\n"
    missing = await member.send("outcomes", sheet)
    said = {e["column"]: e["message"] for e in missing.json()["errors"]}
    assert said["observed_on"] == "La colonne « Date du suivi » (observed_on) est requise."
    english = await member.send("outcomes", sheet, language="en")
    said = {e["column"]: e["message"] for e in english.json()["errors"]}
    assert said["observed_on"] == 'The column "Observed on" (observed_on) is required.'

    await send_mapping(member, "outcomes", {"Vu le": "observed_on"})
    own = await member.send("outcomes", sheet, mapping="excel")
    said = {e["column"]: e["message"] for e in own.json()["errors"]}
    assert said["observed_on"] == "La colonne « Vu le » (observed_on) est requise."


async def test_how_dates_were_read_is_told_under_the_title_of_the_sheet(member: Client) -> None:
    sheet = b"No;Pr\xeat;Pay\xe9 le;Montant\nR-1;P-1;04/03/2026;10,00\n"
    await send_mapping(member, "repayments", {"Payé le": "paid_on"})
    sent = await member.send("repayments", sheet, mapping="excel")
    [notice] = sent.json()["notices"]
    assert notice["message"].startswith("Colonne « Payé le » : « 04/03/2026 » est lu 2026-03-04")


async def test_columns_left_out_by_a_mapping_are_not_one_column_twice(member: Client) -> None:
    await send_mapping(member, "borrowers", {"Notes": None, "Suivi par": None})
    sheet = "Client;Notes;Suivi par\nE-1;x;y\n"
    assert (await member.send("borrowers", sheet.encode(), mapping="excel")).status_code == 201
