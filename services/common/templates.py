"""A sheet to fill: the columns with their lists and two examples, and what each of them means.

All of it comes from the columns of the kind and the model of its rows: what the template says is
what the import reads.
"""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from itertools import zip_longest

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from services.common.cells import LIST_SEPARATOR, CellKind, read_amount, read_rate
from services.common.columns import Column, fold_name
from services.common.import_kinds import ImportKind, JsonSchema
from services.common.tabular import ROWS_MAX
from services.common.text import NO, YES, Language, Text

_WIDTH = 20
_LINE_HEIGHT = 15
_LISTS = "Listes"
_DICTIONARY = Text("Dictionnaire", "Dictionary")
_TITLES = (
    (Text("Colonne", "Column"), 26),
    (Text("Nom court", "Short name"), 22),
    (Text("Ce qu'on y met", "What goes there"), 52),
    (Text("Requise", "Required"), 10),
    (Text("Forme", "Form"), 44),
    (Text("Mots acceptés", "Words accepted"), 60),
    (Text("Autres titres reconnus", "Other titles known"), 44),
)
_FORMS: Mapping[CellKind, Text] = {
    CellKind.TEXT: Text("Texte", "Text"),
    CellKind.AMOUNT: Text("Dollars : 1234,56 ou 1 234,56 $", "Dollars: 1234.56 or $1,234.56"),
    CellKind.RATE: Text("Pour cent par année : 7,25", "Per cent a year: 7.25"),
    CellKind.INTEGER: Text("Nombre entier", "Whole number"),
    CellKind.DATE: Text("Date : 2026-03-31 ou 31/03/2026", "Date: 2026-03-31 or 31/03/2026"),
    CellKind.LIST: Text("Un ou plusieurs, séparés par | : a|b", "One or more, set apart by |: a|b"),
    CellKind.BOOLEAN: Text("oui ou non", "yes or no"),
}
_NUMBER_FORMS: Mapping[CellKind, str] = {
    CellKind.AMOUNT: "#,##0.00",
    CellKind.RATE: "0.00",
    CellKind.INTEGER: "0",
    CellKind.DATE: "yyyy-mm-dd",
}
_ONE_WORD = Text("Un des mots acceptés", "One of the words accepted")
_OTHER_WORDS = Text("un autre mot est gardé tel quel", "another word is kept as it is")
_LENGTH = Text("{length} caractères au plus", "at most {length} characters")
_BETWEEN = Text("de {low} à {high}", "from {low} to {high}")


def write_csv_template(kind: ImportKind, language: Language) -> bytes:
    """For Excel in French: semicolons, and a byte order mark for the accents."""
    sheet = io.StringIO(newline="")
    writer = csv.writer(sheet, delimiter=";" if language == "fr" else ",")
    writer.writerow([_title_of(column).read(language) for column in kind.columns])
    writer.writerows(list_examples(kind, language))
    return sheet.getvalue().encode("utf-8-sig")


def list_examples(kind: ImportKind, language: Language) -> list[list[str]]:
    """The rows of examples."""
    by_column = [read_examples(column, language) for column in kind.columns]
    return [list(row) for row in zip_longest(*by_column, fillvalue="")]


def read_examples(column: Column, language: Language) -> list[str]:
    """The examples of a column, with the words of the language."""
    words = {choice.word.fr: choice.word.read(language) for choice in column.choices}
    return [
        LIST_SEPARATOR.join(words.get(each, each) for each in example.split(LIST_SEPARATOR))
        for example in column.examples
    ]


def write_template(kind: ImportKind, language: Language) -> bytes:
    """The workbook, as bytes: the sheet to fill, the dictionary, and the words of its lists."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(content, {"strings_to_formulas": False}) as book:
        data = book.add_worksheet(kind.title.read(language))
        dictionary = book.add_worksheet(_DICTIONARY.read(language))
        lists = book.add_worksheet(_LISTS)
        lists.hide()
        title = book.add_format({"bold": True, "bg_color": "#DDEBF7", "border": 1})
        required = book.add_format({"bold": True, "bg_color": "#9BC2E6", "border": 1})
        schema = kind.describe()
        for place, column in enumerate(kind.columns):
            form = book.add_format({"num_format": _NUMBER_FORMS.get(column.kind, "@")})
            data.set_column(place, place, _WIDTH, form)
            head = required if column.required else title
            data.write_string(0, place, _title_of(column).read(language), head)
            data.write_comment(0, place, _explain(column, schema, language), {"width": 260})
            _add_list(data, lists, place, column, language)
            for row, example in enumerate(read_examples(column, language), 1):
                _write_example(data, row, place, column, example, form)
        data.freeze_panes(1, 1)
        for sheet in (data, dictionary):
            sheet.set_landscape()
            sheet.fit_to_pages(1, 0)
        wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        _write_dictionary(dictionary, kind, schema, title, wrapped, language)
    return content.getvalue()


def _title_of(column: Column) -> Text:
    return column.title or Text(column.name, column.name)


def _write_example(
    sheet: Worksheet, row: int, place: int, column: Column, example: str, form: Format
) -> None:
    """As a person would type it: a number, a day, or a text that keeps its zeros."""
    if not example:
        return
    if column.kind is CellKind.DATE:
        sheet.write_datetime(row, place, date.fromisoformat(example), form)
    elif column.kind is CellKind.AMOUNT:
        sheet.write_number(row, place, Decimal(read_amount(example)), form)
    elif column.kind is CellKind.RATE:
        sheet.write_number(row, place, Decimal(read_rate(example)), form)
    elif column.kind is CellKind.INTEGER:
        sheet.write_number(row, place, int(example), form)
    else:
        sheet.write_string(row, place, example, form)


def _add_list(
    sheet: Worksheet, lists: Worksheet, place: int, column: Column, language: Language
) -> None:
    """A drop-down list. Where other words are kept too, it only proposes."""
    words = [choice.word.read(language) for choice in column.choices]
    if column.kind is CellKind.BOOLEAN:
        words = [YES.read(language), NO.read(language)]
    if not words or column.kind is CellKind.LIST:
        return
    lists.write_column(0, place, words)
    letters = _letters(place)
    sheet.data_validation(
        *(1, place, ROWS_MAX, place),
        {
            "validate": "list",
            "source": f"={_LISTS}!${letters}$1:${letters}${len(words)}",
            "show_error": not column.is_open,
        },
    )


def _letters(place: int) -> str:
    """0 is A, 26 is AA."""
    before, last = divmod(place, 26)
    return (_letters(before - 1) if before else "") + chr(ord("A") + last)


# The dictionary


def _write_dictionary(
    sheet: Worksheet,
    kind: ImportKind,
    schema: JsonSchema,
    title: Format,
    wrapped: Format,
    language: Language,
) -> None:
    for place, (head, width) in enumerate(_TITLES):
        sheet.set_column(place, place, width)
        sheet.write_string(0, place, head.read(language), title)
    for row, column in enumerate(kind.columns, 1):
        texts = describe_column(column, schema, language)
        lines = max(1 + len(text) // w for text, (_, w) in zip(texts, _TITLES, strict=True))
        sheet.set_row(row, lines * _LINE_HEIGHT)
        for place, text in enumerate(texts):
            sheet.write_string(row, place, text, wrapped)
    sheet.freeze_panes(1, 1)


def describe_column(column: Column, schema: JsonSchema, language: Language) -> list[str]:
    """The line of a column in the dictionary."""
    shown = {fold_name(_title_of(column).read(language)), fold_name(column.name)}
    known = {fold_name(title): title for title in reversed(column.titles)}
    return [
        _title_of(column).read(language),
        column.name,
        (column.meaning or _title_of(column)).read(language),
        (YES if column.required else NO).read(language),
        ", ".join(_list_forms(column, schema, language)),
        ", ".join(_list_words(column, language)),
        ", ".join(title for folded, title in reversed(known.items()) if folded not in shown),
    ]


def _explain(column: Column, schema: JsonSchema, language: Language) -> str:
    _, _, meaning, _, form, words, _ = describe_column(column, schema, language)
    return "\n".join(filter(None, (meaning, form, words)))


def _list_words(column: Column, language: Language) -> Iterator[str]:
    yield from (choice.word.read(language) for choice in column.choices)
    if column.choices and column.is_open:
        yield _OTHER_WORDS.read(language)


def _list_forms(column: Column, schema: JsonSchema, language: Language) -> Iterator[str]:
    """What the cells look like, with the bounds of the model."""
    is_word = column.kind is CellKind.TEXT and column.choices
    yield (_ONE_WORD if is_word else _FORMS[column.kind]).read(language)
    bounds = find_schema(schema, column.pointer or f"/{column.name}")
    if column.kind is CellKind.TEXT and not column.choices and "maxLength" in bounds:
        yield _LENGTH.fill(length=bounds["maxLength"]).read(language)
    if column.kind is CellKind.INTEGER and "minimum" in bounds and "maximum" in bounds:
        yield _BETWEEN.fill(low=bounds["minimum"], high=bounds["maximum"]).read(language)


def find_schema(schema: JsonSchema, pointer: str) -> JsonSchema:
    """The schema of the value at a pointer; what may also be null is what it is otherwise."""
    found = schema
    for name in pointer.split("/")[1:]:
        properties = _resolve(found, schema).get("properties")
        assert isinstance(properties, Mapping), f"{pointer} is no place in the model"
        found = properties[name]
    return _resolve(found, schema)


def _resolve(found: JsonSchema, schema: JsonSchema) -> JsonSchema:
    """Past `anyOf` with null, and past references to definitions."""
    options = found.get("anyOf")
    if isinstance(options, Sequence):
        [found] = [option for option in options if option.get("type") != "null"]
    reference = found.get("$ref")
    if isinstance(reference, str):
        definitions = schema.get("$defs")
        assert isinstance(definitions, Mapping), "a reference leads to a definition"
        found = definitions[reference.rpartition("/")[2]]
    return found
