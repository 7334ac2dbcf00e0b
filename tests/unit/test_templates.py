"""The columns of every kind, as whoever fills a sheet is told of them, are what is read."""

import io
import zipfile
from collections.abc import Mapping

import pytest

from services.common.cells import CellKind
from services.common.columns import Column, index_columns
from services.common.import_kinds import ImportKind
from services.common.records import XLSX
from services.common.tabular import read_table
from services.common.templates import describe_column, find_schema, list_examples, write_template
from services.common.workbook import open_book, read_rows
from services.funds.imports.kinds import CONTRIBUTIONS
from services.loans.imports.kinds import KINDS

EVERY_KIND = (*KINDS, CONTRIBUTIONS)
every_kind = pytest.mark.parametrize("kind", EVERY_KIND, ids=lambda kind: kind.name)
every_choice = pytest.mark.parametrize(
    ("kind", "column"),
    [(kind, column) for kind in EVERY_KIND for column in kind.columns if column.choices],
    ids=lambda part: part.name,
)


def faults_of(kind: ImportKind, column: Column, text: str) -> list[str]:
    """What is wrong with a cell, in a row that is good otherwise."""
    titles = [each.name for each in kind.columns]
    cells = [
        text if each.name == column.name else (each.examples or ("",))[0] for each in kind.columns
    ]
    body = "\n".join("\t".join(line) for line in (titles, cells)).encode()
    found = kind.prepare(read_table(body, "text/csv", kind.columns)).findings.errors
    return [error.code for error in found if error.column == column.name]


@every_kind
def test_every_column_says_what_it_is(kind: ImportKind) -> None:
    for column in kind.columns:
        assert column.title is not None, column.name
        assert column.meaning is not None, column.name
        assert len(column.examples) == 2, column.name
    assert index_columns(kind.columns)
    assert len(list_examples(kind, "fr")) == 2


@every_choice
def test_every_word_of_a_choice_is_read_as_its_code(kind: ImportKind, column: Column) -> None:
    for choice in column.choices:
        for word in choice.all_words:
            assert faults_of(kind, column, word) == [], word
    strange = faults_of(kind, column, "zzz")
    assert strange == ([] if column.is_open else ["choice"])


@every_choice
def test_no_code_of_a_closed_list_is_left_without_a_word(kind: ImportKind, column: Column) -> None:
    schema = find_schema(kind.describe(), column.pointer or f"/{column.name}")
    named = {choice.code for choice in column.choices}
    codes = schema.get("enum") or schema.get("examples")
    if column.kind is not CellKind.LIST:
        assert isinstance(codes, list)
        assert set(codes) <= named
        assert column.is_open or set(codes) == named


@every_kind
def test_the_workbook_holds_a_sheet_a_dictionary_and_hidden_lists(kind: ImportKind) -> None:
    body = write_template(kind, "fr")
    book = open_book(body)
    assert [sheet.name for sheet in book.sheets] == [kind.title.fr, "Dictionnaire"]
    rows = [list(cells.values()) for _, cells in read_rows(book, book.sheets[1])]
    assert [row[1] for row in rows[1:]] == [column.name for column in kind.columns]
    with zipfile.ZipFile(io.BytesIO(body)) as archive:
        xml = archive.read("xl/worksheets/sheet1.xml").decode()
    listed = [c for c in kind.columns if c.choices or c.kind is CellKind.BOOLEAN]
    assert xml.count("<dataValidation ") == sum(c.kind is not CellKind.LIST for c in listed)


def test_the_dictionary_tells_form_bounds_and_words() -> None:
    loans: Mapping[str, ImportKind] = {kind.name: kind for kind in KINDS}
    kind = loans["loans"]
    told = {c.name: describe_column(c, kind.describe(), "fr") for c in kind.columns}
    assert told["instalments"][3:5] == ["oui", "Nombre entier, de 1 à 600"]
    assert told["external_id"][4] == "Texte, 100 caractères au plus"
    assert told["frequency"][4:6] == ["Un des mots acceptés", "mensuel, hebdomadaire, jours"]
    assert told["product"][5].endswith("un autre mot est gardé tel quel")
    assert told["principal"][6] == "montant, montant_pret, montant_prete, capital_prete, amount"


@every_kind
def test_a_template_is_read_as_it_is(kind: ImportKind) -> None:
    prepared = kind.prepare(read_table(write_template(kind, "en"), XLSX, kind.columns))
    assert (prepared.received, prepared.findings.errors) == (2, [])
