"""Workbooks for tests: written by a library, or put together by hand where none would."""

import io
import zipfile
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime

import xlsxwriter
from xlsxwriter.workbook import Workbook
from xlsxwriter.worksheet import Worksheet

Value = str | int | float | bool | date | None

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006/relationships"
PARTS: Mapping[str, str] = {
    "[Content_Types].xml": "<Types/>",
    "xl/workbook.xml": (
        f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}">'
        '<sheets><sheet name="A" sheetId="1" r:id="rId1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{PACKAGE}"><Relationship Id="rId1"'
        f' Type="{OFFICE}/worksheet" Target="worksheets/sheet1.xml"/><Relationship Id="rId2"'
        f' Type="{OFFICE}/sharedStrings" Target="/xl/sharedStrings.xml"/></Relationships>'
    ),
    "xl/sharedStrings.xml": f'<sst xmlns="{MAIN}"><si><t>a</t></si></sst>',
}
SHEET = "xl/worksheets/sheet1.xml"


def workbook(fill: Callable[[Workbook], None], **options: object) -> bytes:
    """The workbook that `fill` writes into."""
    content = io.BytesIO()
    with xlsxwriter.Workbook(
        content, {"in_memory": True, "remove_timezone": True, **options}
    ) as book:
        fill(book)
    return content.getvalue()


def sheet(rows: Sequence[Sequence[Value]], **options: object) -> bytes:
    """A workbook of one sheet; dates are written as dates."""
    return workbook(lambda book: write(book, book.add_worksheet(), rows), **options)


def write(book: Workbook, place: Worksheet, rows: Sequence[Sequence[Value]]) -> None:
    for number, row in enumerate(rows):
        for column, value in enumerate(row):
            if isinstance(value, datetime):
                form = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
                place.write_datetime(number, column, value, form)
            elif isinstance(value, date):
                form = book.add_format({"num_format": "dd/mm/yyyy"})
                place.write_datetime(number, column, value, form)
            elif isinstance(value, str):
                place.write_string(number, column, value)
            elif value is not None:
                place.write(number, column, value)


def sheet_xml(rows: str) -> str:
    return f'<worksheet xmlns="{MAIN}"><sheetData>{rows}</sheetData></worksheet>'


def package(parts: Mapping[str, str | bytes], *, compressed: bool = True) -> bytes:
    """An archive of the usual parts and these; an empty part is left out."""
    content = io.BytesIO()
    form = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with zipfile.ZipFile(content, "w", form) as archive:
        for name, part in {**PARTS, **parts}.items():
            if part:
                archive.writestr(name, part)
    return content.getvalue()
