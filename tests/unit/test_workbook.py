"""Reading workbooks: what spreadsheet programs write, and what hostile or broken files hold."""

import io
import random
import tracemalloc
import zipfile
from contextlib import suppress
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import load_workbook
from xlsxwriter.workbook import Workbook

from services.common.archive import CHUNK_BYTES, UNPACKED_BYTES_MAX, WorkbookRefused
from services.common.columns import RowError, TableRefused
from services.common.number_formats import NumberFormat, read_format, to_text
from services.common.records import XLSX
from services.common.tabular import read_table
from services.common.workbook import CellFault, open_book, read_rows
from tests.support.workbooks import (
    MAIN,
    OFFICE,
    PARTS,
    SHEET,
    Value,
    package,
    sheet,
    sheet_xml,
    workbook,
    write,
)
from tests.unit.test_tabular import COLUMNS, Values, places

HEADER = ("Identifiant", "Payé le", "Montant ($)", "Taux", "Emplois", "Sujets", "Consentement")
DAY = date(2026, 3, 31)


def read(body: bytes) -> tuple[list[tuple[int, Values]], list[RowError]]:
    rows: list[tuple[int, Values]] = []
    refused: list[RowError] = []
    for batch in read_table(body, XLSX, COLUMNS).batches:
        rows += zip(batch.numbers, batch.values, strict=True)
        refused += batch.refused
    return rows, refused


def values(body: bytes) -> list[Values]:
    rows, refused = read(body)
    assert not refused
    return [row for _, row in rows]


def refusals(body: bytes) -> list[tuple[int, str, str]]:
    with pytest.raises(TableRefused) as caught:
        read(body)
    return places(caught.value.found)


class TestSheets:
    def test_typed_cells(self) -> None:
        body = sheet(
            [
                HEADER,
                ("R1", DAY, 1234.5, 7.25, 3, "a | b", True),
                (12, datetime(2026, 3, 31, tzinfo=UTC), 100, "7,25 %", "1 234", None, False),
                (" R3 ", "2026-03-31", "1 234,56 $", 0.5, 0, "", "oui"),
            ]
        )
        assert values(body) == [
            {"external_id": "R1", "paid_on": "2026-03-31", "amount": "1234.5", "rate": "7.25",
             "jobs": 3, "topics": ["a", "b"], "consent": True},
            {"external_id": "12", "paid_on": "2026-03-31", "amount": "100", "rate": "7.25",
             "jobs": 1234, "consent": False},
            {"external_id": "R3", "paid_on": "2026-03-31", "amount": "1234.56", "rate": "0.5",
             "jobs": 0, "consent": True},
        ]  # fmt: skip

    def test_a_rate_shown_as_a_percentage_is_what_it_shows(self) -> None:
        def fill(book: Workbook) -> None:
            place = book.add_worksheet()
            percent = book.add_format({"num_format": "0.00%"})
            write(book, place, [("identifiant", "montant", "taux")])
            for row, rate in enumerate((0.0725, 0.07, 1e-4), 1):
                place.write(row, 0, f"R{row}")
                place.write(row, 1, 1)
                place.write(row, 2, rate, percent)

        assert [row["rate"] for row in values(workbook(fill))] == ["7.25", "7", "0.01"]

    def test_the_time_of_a_day_is_left_out(self) -> None:
        [row] = values(
            sheet(
                [
                    ("identifiant", "montant", "paid_on"),
                    ("R", 1, datetime(2026, 3, 31, 14, 5, 6, tzinfo=UTC)),
                ]
            )
        )
        assert row["paid_on"] == "2026-03-31"

    @pytest.mark.parametrize("hides", ["hide", "very_hidden"])
    def test_the_first_visible_sheet_is_read(self, hides: str) -> None:
        def fill(book: Workbook) -> None:
            hidden = book.add_worksheet("Listes")
            write(book, hidden, [("couleur",), ("rouge",)])
            book.add_chartsheet("Graphique").hide()
            shown = book.add_worksheet("Paiements")
            write(book, shown, [("identifiant", "montant"), ("R1", 5)])
            write(book, book.add_worksheet("Notes"), [("pour", "mémoire")])
            shown.activate()
            getattr(hidden, hides)()

        assert values(workbook(fill)) == [{"external_id": "R1", "amount": "5"}]

    def test_rows_keep_their_place_under_the_first_row_that_holds_something(self) -> None:
        rows: list[list[Value]] = [[None], [None], [None, None, "identifiant", "", "montant"]]
        rows += [
            [None],
            [None, None, "R2", None, 2],
            [None, None, " "],
            [None, None, "R4", None, 4],
        ]
        found, refused = read(sheet(rows))
        assert found == [
            (2, {"external_id": "R2", "amount": "2"}),
            (4, {"external_id": "R4", "amount": "4"}),
        ]
        assert not refused

    def test_a_value_under_no_title_is_left_out_with_a_notice(self) -> None:
        body = sheet([("identifiant", None, "montant"), ("R1", None, 1), ("R2", "?", 2)])
        table = read_table(body, XLSX, COLUMNS)
        [batch] = table.batches
        assert batch.numbers == [1, 2]
        assert [notice.code for notice in table.remarks.notices] == ["column.unnamed"]

    def test_every_bad_cell_of_a_row_is_told(self) -> None:
        def fill(book: Workbook) -> None:
            place = book.add_worksheet()
            write(book, place, [("identifiant", "montant", "emplois"), ("R1", 5, 1), ("R2", 6)])
            place.write_formula(1, 1, "=2+3", None, 5)
            place.write_formula(1, 2, "=A9/0", None, "#DIV/0!")
            place.write_formula(4, 0, '=""', None, "")

        rows, refused = read(workbook(fill))
        assert [number for number, _ in rows] == [2]
        assert places(refused) == [
            (1, "amount", "cell.formula"),
            (1, "jobs", "cell.formula"),
            (4, "external_id", "cell.formula"),
        ]

    def test_error_values(self) -> None:
        cells = '<row r="2"><c t="inlineStr"><is><t>R</t></is></c><c t="e"><v>#REF!</v></c></row>'
        rows, refused = read(package({SHEET: sheet_xml(_HEADER_ROW + cells)}))
        assert rows == []
        assert places(refused) == [(1, "amount", "cell.error")]
        assert "#REF!" in refused[0].message.fr

    def test_a_formula_for_a_title(self) -> None:
        def fill(book: Workbook) -> None:
            place = book.add_worksheet()
            place.write_formula(0, 0, '="identifiant"', None, "identifiant")
            write(book, place, [(None, "montant"), ("R", 1)])

        assert refusals(workbook(fill)) == [(0, "identifiant", "cell.formula")]

    def test_headers_are_checked_as_in_csv(self) -> None:
        assert refusals(sheet([("couleur", "montant", "Amount"), (1, 2, 3)])) == [
            (0, "amount", "column.duplicate"),
            (0, "external_id", "column.missing"),
        ]

    def test_empty_sheets(self) -> None:
        assert refusals(sheet([])) == [(0, "", "import.empty")]
        assert refusals(sheet([(" ",)])) == [(0, "", "import.empty")]
        assert refusals(sheet([("identifiant", "montant"), ("", " ")])) == [
            (0, "", "import.no_rows")
        ]

    def test_merged_cells_hold_their_value_once_and_it_is_told(self) -> None:
        def fill(book: Workbook) -> None:
            place = book.add_worksheet()
            write(book, place, [("identifiant", "montant", "pret"), ("R1", 1)])
            place.merge_range(2, 0, 3, 0, "R2")
            place.write(2, 1, 2)
            place.write(3, 1, 3)
            place.merge_range(4, 1, 4, 2, 4)
            place.write(4, 0, "R4")
            place.merge_range(4, 6, 4, 7, "of nobody")

        table = read_table(workbook(fill), XLSX, COLUMNS)
        [batch] = table.batches
        assert batch.values == [
            {"external_id": "R1", "amount": "1"},
            {"external_id": "R2", "amount": "2"},
            {"external_id": "R4", "amount": "4"},
        ]
        [error] = batch.refused
        assert (error.row, error.column, error.code) == (3, "external_id", "cell.merged")
        assert "(A3:A4), et seule A3 garde la valeur « R2 »" in error.message.fr
        notices = {notice.code: notice.message.fr for notice in table.remarks.notices}
        assert "(2) : A3:A4 (R2), B5:C5 (4)." in notices["cells.merged"]

    def test_texts_of_many_runs_and_escapes(self) -> None:
        parts = {
            "xl/sharedStrings.xml": f'<x:sst xmlns:x="{MAIN}"><x:si><x:r><x:t>Zo</x:t></x:r><x:r>'
            "<x:t>é</x:t></x:r><x:rPh><x:t>no</x:t></x:rPh></x:si><x:si><x:t>a_x000A_b</x:t></x:si>"
            "</x:sst>",
            SHEET: f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData><x:row>'
            '<x:c t="s"><x:v>0</x:v></x:c>'
            '<x:c t="s"><x:v>1</x:v></x:c><x:c t="d"><x:v>2026-03-31T00:00:00</x:v></x:c>'
            "</x:row></x:sheetData></x:worksheet>",
        }
        book = open_book(package(parts))
        assert list(read_rows(book)) == [(1, {0: "Zoé", 1: "a\nb", 2: "2026-03-31"})]


class TestNumbers:
    @pytest.mark.parametrize(
        ("raw", "text"),
        [
            ("7", "7"), ("007", "7"), ("0", "0"), ("-0", "0"), ("7.0", "7"), ("-12.50", "-12.5"),
            ("1234.56", "1234.56"), ("0.1", "0.1"), ("300.29999999999995", "300.3"),
            ("0.30000000000000004", "0.3"), ("33.333333333333336", "33.3333333333333"),
            ("1E-07", "0.0000001"), ("1.5E+20", "150000000000000000000"),
            ("123456789012345", "123456789012345"), ("1e400", None), ("nan", None), ("1_0", None),
            ("x", None),
        ],
    )  # fmt: skip
    def test_plain(self, raw: str, text: str | None) -> None:
        assert to_text(raw, NumberFormat.PLAIN, False) == text

    @pytest.mark.parametrize(
        ("raw", "from_1900", "from_1904"),
        [
            ("46112", "2026-03-31", "2030-04-01"),
            ("1", "1900-01-01", "1904-01-02"),
            ("59", "1900-02-28", "1904-02-29"),
            ("60", "1900-02-29", "1904-03-01"),
            ("61", "1900-03-01", "1904-03-02"),
            ("46112.5", "2026-03-31 12:00:00", "2030-04-01 12:00:00"),
            ("46111.9999999999", "2026-03-31", "2030-04-01"),
            ("0.25", "06:00:00", "1904-01-01 06:00:00"),
            ("-1", "-1", "-1"),
            ("99999999", "99999999", "99999999"),
        ],
    )
    def test_dates(self, raw: str, from_1900: str, from_1904: str) -> None:
        assert to_text(raw, NumberFormat.DATE, False) == from_1900
        assert to_text(raw, NumberFormat.DATE, True) == from_1904

    @pytest.mark.parametrize(
        ("code", "form"),
        [
            ("General", "plain"), ("0.00", "plain"), ("#,##0.00\\ \"$\"", "plain"),
            ("[$$-C0C]#,##0.00;[Red]-[$$-C0C]#,##0.00", "plain"), ("0.00E+00", "plain"),
            ('0" jours et des heures"', "plain"), ("0.00%", "percent"), ("0.0\\ %", "percent"),
            ("yyyy-mm-dd", "date"), ("[$-F800]dddd\\,\\ mmmm\\ dd\\,\\ yyyy", "date"),
            ("dd/mm/yyyy;@", "date"), ("[h]:mm:ss", "date"), ("@", "plain"),
        ],
    )  # fmt: skip
    def test_formats(self, code: str, form: str) -> None:
        assert read_format("164", code) == form

    @given(st.integers(0, 10**11))
    def test_every_amount_in_cents_comes_back(self, cents: int) -> None:
        text = to_text(repr(cents / 100), NumberFormat.PLAIN, False)
        assert text is not None
        whole, _, fraction = text.partition(".")
        assert int(whole) * 100 + int(fraction.ljust(2, "0")) == cents

    @given(
        st.lists(
            st.lists(
                st.none()
                | st.booleans()
                | st.integers(-(10**12), 10**12)
                | st.dates(date(1900, 3, 1), date(2199, 12, 31))
                | st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=9),
                max_size=6,
            ),
            max_size=6,
        )
    )
    @settings(max_examples=60)
    def test_another_reader_sees_the_same(self, rows: list[list[Value]]) -> None:
        body = sheet(rows)
        seen = load_workbook(io.BytesIO(body)).get_sheet_by_index(0).to_python(False)
        expected = {}
        for number, row in enumerate(seen, 1):
            cells = {column: _as_typed(value) for column, value in enumerate(row)}
            if held := {column: text for column, text in cells.items() if text}:
                expected[number] = held
        assert dict(read_rows(open_book(body))) == expected


def _as_typed(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return format(value, ".15g") if isinstance(value, float) else str(value).strip()


_HEADER_ROW = (
    '<row r="1"><c t="inlineStr"><is><t>identifiant</t></is></c>'
    '<c t="inlineStr"><is><t>montant</t></is></c></row>'
)
_DOCTYPE = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
GOOD = package({SHEET: sheet_xml(_HEADER_ROW)})


def code_of(body: bytes) -> str:
    with pytest.raises(WorkbookRefused) as caught:
        list(read_rows(open_book(body)))
    return caught.value.code


class TestHostileArchives:
    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b"identifiant,montant\nR1,5\n", "workbook.form"),
            (b"PK", "workbook.form"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "workbook.form"),
            (
                b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"),
                "workbook.locked",
            ),
            (b"PK\x03\x04" + b"\0" * 100, "workbook.damaged"),
            (package({"xl/workbook.xml": ""}), "workbook.form"),
            (package({"word/document.xml": "<x/>"}), "workbook.part"),
            (package({"xl/../../etc/passwd": "x"}), "workbook.part"),
            (package({"xl\\evil.xml": "x"}), "workbook.part"),
            (package({"/xl/evil.xml": "x"}), "workbook.part"),
            (package({"xl/vbaProject.bin": "x"}), "workbook.macros"),
            (package({"xl/macrosheets/sheet1.xml": "<x/>"}), "workbook.macros"),
            (
                package({"[Content_Types].xml": "<Types x='sheet.macroEnabled.main+xml'/>"}),
                "workbook.macros",
            ),
            (package({"xl/embeddings/a.xlsx": GOOD}), "workbook.part"),
            (package({"xl/media/a.png": b"\x1f\x8b\x08"}), "workbook.part"),
            (package({f"xl/{n}.xml": "<x/>" for n in range(1001)}), "workbook.too_large"),
            (package({"XL/other.xml": "<x/>"}), "workbook.part"),
            (package({"xl/WORKBOOK.xml": "<x/>"}), "workbook.damaged"),
        ],
    )
    def test_are_refused(self, body: bytes, code: str) -> None:
        assert code_of(body) == code
        assert refusals(body) == [(0, "", code)]

    def test_bombs_are_refused_before_they_are_unpacked(self) -> None:
        zeros = b" " * 1024 * 1024
        content = io.BytesIO()
        with (
            zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive,
            archive.open(SHEET, "w") as part,
        ):
            for _ in range(99):
                part.write(zeros)
        stored = {f"xl/{n}.bin": bytes(UNPACKED_BYTES_MAX // 2) for n in range(3)}
        for body in (content.getvalue(), package(stored, compressed=False)):
            tracemalloc.start()
            assert code_of(body) == "workbook.too_large"
            assert tracemalloc.get_traced_memory()[1] < 1024 * 1024 + len(body) * 1.1
            tracemalloc.stop()

    def test_a_part_that_unpacks_to_more_than_it_says(self) -> None:
        """The directory says 10 bytes; the stream holds a megabyte."""
        body = bytearray(package({SHEET: " " * 1024 * 1024}))
        entry = body.rindex(b"PK\x01\x02", 0, body.rindex(SHEET.encode()))
        body[entry + 24 : entry + 28] = (10).to_bytes(4, "little")
        assert code_of(bytes(body)) == "workbook.damaged"

    def test_an_encrypted_part(self) -> None:
        body = bytearray(GOOD)
        body[body.index(b"PK\x01\x02") + 8] |= 1
        assert code_of(bytes(body)) == "workbook.locked"

    @pytest.mark.parametrize("part", [*PARTS, SHEET, "docProps/core.xml", "xl/drawings/d.vml"])
    @pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-32"])
    def test_entities_are_refused_in_every_part(self, part: str, encoding: str) -> None:
        assert code_of(package({part: f"{_DOCTYPE}<x>&b;</x>".encode(encoding)})) == (
            "workbook.doctype"
        )

    def test_entities_across_two_pieces(self) -> None:
        for offset in range(-12, 3):
            padding = "<!-- " + "x" * (CHUNK_BYTES - 9 + offset) + "-->"
            assert code_of(package({SHEET: f"{padding}{_DOCTYPE}<x/>"}, compressed=False)) == (
                "workbook.doctype"
            )

    def test_a_file_cut_anywhere(self) -> None:
        body = sheet([HEADER, *((f"R{n}", DAY, n + 0.25) for n in range(300))])
        for length in range(4, len(body) - 1, 97):
            assert code_of(body[:length]) == "workbook.damaged"

    def test_any_damage_is_refused_in_words(self) -> None:
        body = package({SHEET: sheet_xml(_HEADER_ROW)}, compressed=False)
        chance = random.Random(4)
        for _ in range(2_000):
            damaged = bytearray(body)
            for _ in range(chance.randint(1, 4)):
                damaged[chance.randrange(len(damaged))] = chance.randrange(256)
            with suppress(TableRefused):
                read(bytes(damaged))


class TestHostileSheets:
    @pytest.mark.parametrize(
        "rows",
        [
            '<row r="1"><c r="A1"><v>x</v></c></row>',
            '<row r="1"><c r="A2"><v>1</v></c></row>',
            '<row r="1"><c r="B1"><v>1</v></c><c r="A1"><v>1</v></c></row>',
            '<row r="1"><c r="AAAA1"><v>1</v></c></row>',
            '<row r="1"><c r="XFE1"><v>1</v></c></row>',
            '<row r="1"><c r="1"><v>1</v></c></row>',
            '<row r="2"/><row r="2"/>',
            '<row r="-1"/>',
            f'<row r="{"9" * 5000}"/>',
            '<row><c t="s"><v>1</v></c></row>',
            '<row><c t="s"><v>-1</v></c></row>',
            f'<row><c t="s"><v>{"9" * 5000}</v></c></row>',
            '<row><c t="z"><v>1</v></c></row>',
            "<row><c></row>",
            "<row>&b;</row>",
            "<row>" + "<c>" * 1_500_000,
            f"<row>{'<c/>' * 16_385}</row>",
        ],
        ids=range(17),
    )
    def test_are_refused(self, rows: str) -> None:
        assert code_of(package({SHEET: sheet_xml(rows)}, compressed=False)) == "workbook.damaged"

    def test_a_cell_far_away_takes_no_room(self) -> None:
        """Two cells at the corners of the largest sheet: 17 billion empty ones between them."""
        rows = (
            '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c>'
        )
        tracemalloc.start()
        found = list(read_rows(open_book(package({SHEET: sheet_xml(rows + "</row>")}))))
        assert tracemalloc.get_traced_memory()[1] < 4 * 1024 * 1024
        tracemalloc.stop()
        assert found == [(1, {0: "1"}), (1048576, {16383: "2"})]

    def test_a_million_empty_columns_and_rows(self) -> None:
        empty = "".join(f'<row r="{row}" s="1"><c s="1"/></row>' for row in range(2, 60_000))
        wide = '<row r="60001">' + '<c s="1"/>' * 16_384 + "</row>"
        assert refusals(
            package({SHEET: sheet_xml(_HEADER_ROW + empty + wide)}, compressed=False)
        ) == [(0, "", "import.no_rows")]

    def test_more_titles_than_allowed(self) -> None:
        assert refusals(sheet([[f"t{n}" for n in range(201)], ["x"]])) == [
            (0, "", "header.too_wide")
        ]

    @pytest.mark.parametrize("opening", ["<!--", "<row x='", "<row><c t='inlineStr'><is><t>"])
    def test_what_never_ends_is_not_waited_for(self, opening: str) -> None:
        body = package({SHEET: sheet_xml(opening + "x" * 20_000_000)}, compressed=False)
        tracemalloc.start()
        assert code_of(body) == "workbook.damaged"
        assert tracemalloc.get_traced_memory()[1] < 32 * 1024 * 1024
        tracemalloc.stop()

    def test_one_long_text_in_every_cell(self) -> None:
        """A few kilobytes that would be gigabytes of text."""
        texts = f'<sst xmlns="{MAIN}"><si><t>{"é" * 120_000}</t></si></sst>'
        rows = "".join('<row><c t="s"><v>0</v></c></row>' for _ in range(1_500))
        body = package({"xl/sharedStrings.xml": texts, SHEET: sheet_xml(rows)}, compressed=False)
        assert code_of(body) == "workbook.texts"

    def test_a_huge_cell_is_refused_alone(self) -> None:
        cell = f'<c t="inlineStr"><is><t>{"x" * 131_073}</t></is></c>'
        body = package({SHEET: sheet_xml(f"<row>{cell}<c><v>1</v></c></row>")}, compressed=False)
        assert list(read_rows(open_book(body))) == [
            (1, {0: CellFault("cell.too_long", ""), 1: "1"})
        ]

    def test_no_visible_sheet(self) -> None:
        book = (
            f'<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>'
            '<sheet name="A" state="hidden" r:id="rId1"/><sheet name="B" r:id="rId9"/>'
            "</sheets></workbook>"
        )
        assert code_of(package({"xl/workbook.xml": book})) == "workbook.no_sheet"
        assert code_of(package({SHEET: ""})) == "workbook.damaged"
