"""Errors as the sender of a sheet reads them: the cell quoted as it was sent, what would be right.

The JSON API says what its own strict form is; a sheet may hold more, and is told so.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from services.common.cells import LIST_SEPARATOR, CellKind
from services.common.columns import Column, RowError, find_names, show
from services.common.recording import Say
from services.common.records import Records
from services.common.text import NO, YES, Text, join_texts, say_code

QUOTED_LENGTH_MAX = 60

_QUOTED = Text("« {cell} » : {said}", '"{cell}": {said}')
_CHOICES = Text("Écrivez l'un de ces mots : {words}.", "Write one of these words: {words}.")
_BOOLEANS = {"true": YES, "false": NO}
_IN_A_SHEET: Mapping[str, Text] = {
    "amount.form": Text(
        "Un montant s'écrit 1234,56 ou 1 234,56 $.", "An amount is written 1234.56 or $1,234.56."
    ),
    "boolean.type": Text("Écrivez oui ou non.", "Write yes or no."),
    "date.form": Text(
        "Une date s'écrit 2026-03-31 ou 31/03/2026.",
        "A date is written 2026-03-31 or 31/03/2026.",
    ),
    "integer.type": Text(
        "Un nombre entier est attendu, par exemple 24.", "A whole number is expected, such as 24."
    ),
    "rate.form": Text("Un taux s'écrit 7,25 ou 7,25 %.", "A rate is written 7.25 or 7.25 %."),
}


def reword(found: Iterable[RowError], columns: Sequence[Column]) -> Iterator[RowError]:
    """The same errors in the words of whoever fills a sheet."""
    by_name = {column.name: column for column in columns}
    for error in found:
        yield replace(error, message=_say(error, by_name.get(error.column)))


def reword_sheets(
    found: Iterable[RowError], columns: Mapping[str, Sequence[Column]]
) -> Iterator[RowError]:
    """The same of several sheets, whose columns are given by their names."""
    for sheet, errors in groupby(found, key=lambda error: error.sheet):
        yield from reword(errors, columns.get(sheet, ()))


def tell_in_words(columns: Sequence[Column]) -> Say:
    """How values are said: in the words of their columns' lists, others as they are."""
    words = {
        column.name: _BOOLEANS
        if column.kind is CellKind.BOOLEAN
        else {choice.code: choice.word for choice in column.choices}
        for column in columns
    }
    lists = {column.name for column in columns if column.kind is CellKind.LIST}

    def say(name: str, value: str) -> Text:
        known = words.get(name, {})
        codes = value.split(LIST_SEPARATOR) if name in lists else [value]
        return join_texts(LIST_SEPARATOR, (say_code(code, known) for code in codes))

    return say


def name_columns(found: Sequence[RowError], titles: Mapping[str, str]) -> list[RowError]:
    """The same errors, with what the sender calls their columns."""
    return [replace(error, title=titles.get(error.column, "")) for error in found]


def quote_cells(
    found: Sequence[RowError], records: Records, columns: Sequence[Column], *, is_sheet: bool
) -> list[RowError]:
    """The same errors, each with what its cell holds. Walks the file as far as the last of them."""
    told = reword(found, columns) if is_sheet else found
    cells = _find_cells(found, records, columns)
    quoted: list[RowError] = []
    for error in told:
        said = error.message
        cell = cells.get((error.row, error.column), "")
        if cell and error.code != "cell.error":  # it quotes its cell itself
            shown = show(cell if len(cell) <= QUOTED_LENGTH_MAX else f"{cell[:QUOTED_LENGTH_MAX]}…")
            said = _QUOTED.fill(cell=shown, said=said)
        quoted.append(replace(error, message=said))
    return quoted


def _say(error: RowError, column: Column | None) -> Text:
    if error.code == "choice" and column is not None and column.choices:
        return _CHOICES.fill(words=join_texts(", ", (choice.word for choice in column.choices)))
    return _IN_A_SHEET.get(error.code, error.message)


def _find_cells(
    found: Sequence[RowError], records: Records, columns: Sequence[Column]
) -> dict[tuple[int, str], str]:
    """What the cells at fault hold, by row and column."""
    wanted: dict[int, set[str]] = {}
    for error in found:
        if error.row and error.column:
            wanted.setdefault(error.row, set()).add(error.column)
    if not wanted:
        return {}
    places = {name: place for place, name in find_names(records.titles, columns).items()}
    cells: dict[tuple[int, str], str] = {}
    last = max(wanted)
    for number, record in records.rows:
        for name in wanted.get(number, ()):
            place = places.get(name, len(record))
            if place < len(record):
                cells[number, name] = record[place].strip()
        if number >= last:
            break
    return cells
