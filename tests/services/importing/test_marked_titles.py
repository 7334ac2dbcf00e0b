"""The workbook of errors when the titles are at fault: no row was read, and it can be mended."""

import pytest

from services.common.records import XLSX
from tests.services.importing.notes_service import NotesService, kept, places
from tests.services.importing.test_workbooks import comments_of, opened, rows_of
from tests.support.workbooks import Value, sheet

ASKED = "&dry_run=true&errors=xlsx"
ADDED = "Remplissez celle-ci ; ou donnez ce titre à votre colonne, et effacez celle-ci."


async def test_titles_at_fault_are_marked_where_they_stand(
    service: NotesService, member: str
) -> None:
    body = "nom;montant;couleur;Montant;nombr\nZoé;5;bleu;6;1\nAna;7;;;\n"
    marked = await service.send(member, body, ASKED)
    book = opened(marked)
    assert book.sheet_names == ["Données", "Erreurs"]
    titles = ["nom", "montant", "couleur", "Montant", "nombr", "external_id"]
    assert rows_of(book, 0) == [titles, ["Zoé", "5", "bleu", "6", "1", ""], [
        "Ana", "7", "", "", "", "",
    ]]  # fmt: skip
    twice = "« montant » et « Montant » sont lus comme une seule colonne, « amount » ; "
    said = comments_of(marked.content)
    assert said.keys() == {"B1", "D1", "E1", "F1"}
    assert said["B1"] == said["D1"] == f"{twice}n'en gardez qu'une."
    assert said["E1"].startswith("« nombr » ressemble à « count », qui manque")
    assert said["F1"] == f"La colonne « external_id » est requise. {ADDED}"
    assert [row[:3] for row in rows_of(book, 1)[1:]] == [
        [1.0, "Montant", "column.duplicate"],
        [1.0, "external_id", "column.missing"],
        [1.0, "nombr", "column.misspelt"],
    ]
    assert await kept(service, member) == {}


async def test_what_is_marked_can_be_mended_and_sent(service: NotesService, member: str) -> None:
    rows: list[list[Value]] = [
        ["Caisse du Nord"],
        ["Nom", "Montant"],
        ["Zoé", 5, None, "à rappeler"],
    ]
    marked = await service.send(member, sheet(rows), ASKED, XLSX)
    found = rows_of(opened(marked), 0)
    # The column without a title keeps its cells: what is missing stands after them.
    assert found[1] == ["Nom", "Montant", "", "", "external_id"]
    assert list(comments_of(marked.content)) == ["E2"]
    again = await service.send(member, marked.content, "&mode=partial", XLSX)
    assert places(again) == [(1, "external_id", "missing")]
    rows[1:] = [["Nom", "Montant", None, None, "external_id"], [*rows[2], "N1"]]
    sent = await service.send(member, sheet(rows), "", XLSX)
    assert (sent.status_code, sent.json()["counts"]["created"]) == (201, 1)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("identifiant;nom;montant\n", "import.no_rows"),
        ("Notes\nnom;montant\nnom;identifiant\nZoé;5\n", "header.ambiguous"),
        ("x;" * 201 + "\n1\n", "header.too_wide"),
    ],
)
async def test_what_nobody_can_mark_is_told_as_usual(
    service: NotesService, member: str, body: str, code: str
) -> None:
    answer = await service.send(member, body, ASKED)
    assert (answer.status_code, answer.json()["code"]) == (422, code)
