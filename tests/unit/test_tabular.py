"""Reading tables: every dialect and encoding a member's program writes, and what is refused."""

import csv
import io
import json
from collections.abc import Sequence
from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common import tabular
from services.common.cells import CellKind
from services.common.columns import Column, RowError, TableRefused, fold_name, index_columns
from services.common.errors import JsonValue, PayloadTooLarge, UnsupportedMediaType
from services.common.readings import make_plan, read_plain
from services.common.records import parse_media_type
from services.common.tabular import READERS, find_reader, read_table

COLUMNS = (
    Column("external_id", aliases=("no_remboursement", "identifiant"), required=True),
    Column("loan_external_id", aliases=("no_pret", "pret")),
    Column("paid_on", CellKind.DATE, aliases=("date_versement", "Payé le")),
    Column("amount", CellKind.AMOUNT, aliases=("montant",), required=True),
    Column("rate", CellKind.RATE, aliases=("taux",)),
    Column("jobs", CellKind.INTEGER, aliases=("emplois",)),
    Column("topics", CellKind.LIST, aliases=("sujets",)),
    Column("consent", CellKind.BOOLEAN, aliases=("consentement",)),
)
MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre",
    "octobre", "novembre", "décembre",
)  # fmt: skip
Values = dict[str, JsonValue]


def read(
    body: bytes | str, media_type: str = "text/csv", columns: Sequence[Column] = COLUMNS
) -> tuple[list[tuple[int, Values]], list[RowError]]:
    """All rows that could be read, and the errors of the others."""
    content = body.encode() if isinstance(body, str) else body
    rows: list[tuple[int, Values]] = []
    refused: list[RowError] = []
    for batch in read_table(content, media_type, columns).batches:
        rows += zip(batch.numbers, batch.values, strict=True)
        refused += batch.refused
    return rows, refused


def values(body: bytes | str, media_type: str = "text/csv") -> list[Values]:
    rows, refused = read(body, media_type)
    assert not refused
    return [row for _, row in rows]


def told(
    body: str, media_type: str = "text/csv", columns: Sequence[Column] = COLUMNS
) -> tuple[list[Values], list[str]]:
    """The values of all rows, and the codes of the notices."""
    table = read_table(body.encode(), media_type, columns)
    rows = [row for batch in table.batches for row in batch.values]
    return rows, [notice.code for notice in table.remarks.notices]


def refusals(body: bytes | str, media_type: str = "text/csv") -> list[tuple[int, str, str]]:
    """Place and code of what is wrong with the file as a whole."""
    with pytest.raises(TableRefused) as caught:
        read(body, media_type)
    return [(error.row, error.column, error.code) for error in caught.value.found]


def places(found: Sequence[RowError]) -> list[tuple[int, str, str]]:
    return [(error.row, error.column, error.code) for error in found]


class TestHeaders:
    @pytest.mark.parametrize(
        "header",
        [
            "external_id,amount",
            "External ID,AMOUNT",
            "external-id,Amount",
            "externalId,amount",
            "No remboursement,Montant",
            "no_remboursement,MONTANT ($)",
            " identifiant , montant ",
            '"Identifiant","Montant"',
            "N\u00ba remboursement,montant",
        ],
    )
    def test_names_are_known_however_they_are_written(self, header: str) -> None:
        assert values(f"{header}\nR1,5\n") == [{"external_id": "R1", "amount": "5"}]

    def test_accents_composed_or_not(self) -> None:
        composed, decomposed = "Pay\u00e9 le", "Paye\u0301 le"
        for name in (composed, decomposed, "PAYE_LE"):
            assert values(f"id\u0065ntifiant,montant,{name}\nR1,5,2026-01-02\n") == [
                {"external_id": "R1", "amount": "5", "paid_on": "2026-01-02"}
            ]

    def test_columns_stand_in_any_order(self) -> None:
        assert values("montant;taux;identifiant\n5;7;R1\n") == [
            {"external_id": "R1", "amount": "5", "rate": "7"}
        ]

    def test_all_that_is_wrong_is_said_at_once(self) -> None:
        assert refusals("montant,amount,,couleur,suejts,Taux\n") == [
            (0, "amount", "column.duplicate"),
            (0, "suejts", "column.misspelt"),
            (0, "external_id", "column.missing"),
        ]

    def test_a_missing_column_is_said_once_whatever_the_rows(self) -> None:
        assert refusals("external_id\n" + "R\n" * 100) == [(0, "amount", "column.missing")]

    @pytest.mark.parametrize(
        ("body", "media_type"),
        [
            ("external_id,amount,color,\nR1,5,x,y\n", "text/csv"),
            ('{"external_id":"R1","amount":"5","color":"x"}', "application/x-ndjson"),
        ],
    )
    def test_a_column_too_many_is_left_out_with_a_notice(self, body: str, media_type: str) -> None:
        rows, notices = told(body, media_type)
        assert rows == [{"external_id": "R1", "amount": "5"}]
        assert notices[0] == "column.ignored"
        assert notices[1:] == (["column.unnamed"] if media_type == "text/csv" else [])

    @pytest.mark.parametrize("header", ["external_id,amount,", "external_id,,amount", ",,amount,"])
    def test_a_column_without_a_title_or_cells_costs_nothing(self, header: str) -> None:
        """Its rows are read by column, as those of a sheet without it."""
        matched = {
            place: index_columns(COLUMNS).get(t) for place, t in enumerate(header.split(","))
        }
        plan = make_plan(matched, {}, starts_in_1904=False)
        unnamed = [place for place, column in matched.items() if column is None]
        row = [" 5 " if column else " " for column in matched.values()]
        batch = read_plain([(1, row), (2, row)], plan, len(row), unnamed)
        assert batch is not None
        assert batch.values == [{c.name: "5" for c in matched.values() if c}] * 2
        row[unnamed[0]] = "x"
        assert read_plain([(1, row)], plan, len(row), unnamed) is None

    def test_a_hostile_name_is_shown_short_and_printable(self) -> None:
        body = b"external_id,amount," + b"\x1b[31m" * 100 + b"\nR1,5,x\n"
        table = read_table(body, "text/csv", COLUMNS)
        list(table.batches)
        [notice] = table.remarks.notices
        assert len(notice.message.fr) <= 200
        assert notice.message.fr.isprintable()
        assert notice.message.en.startswith("The column")

    @pytest.mark.parametrize(
        ("title", "meant"),
        [
            ("amuont", "amount"), ("Montants", "amount"), ("emplios", "jobs"),
            ("date de verssement", "paid_on"), ("consentemnt", "consent"),
        ],
    )  # fmt: skip
    def test_a_slip_of_the_hand_is_told_what_was_meant(self, title: str, meant: str) -> None:
        titles = ["external_id", *(["amount"] if meant != "amount" else []), title]
        with pytest.raises(TableRefused) as caught:
            read(f"{','.join(titles)}\nR1,5,5\n")
        [error] = caught.value.found
        assert (error.column, error.code) == (title, "column.misspelt")
        assert f"« {meant} »" in error.message.fr

    @pytest.mark.parametrize("title", ["note", "tau", "mont", "montant brut", "nom"])
    def test_what_only_resembles_is_left_out(self, title: str) -> None:
        assert told(f"external_id,amount,rate,{title}\nR1,5,7,x\n")[1] == ["column.ignored"]

    def test_a_slip_for_a_column_that_is_there_is_another_column(self) -> None:
        assert told("external_id,amount,montants\nR1,5,7\n")[1] == ["column.ignored"]

    def test_a_column_left_out_on_purpose_is_not_told(self) -> None:
        columns = (*COLUMNS, Column("", aliases=("montnat",)))
        assert told("external_id,amount,montnat\nR1,5,7\n", columns=columns) == (
            [{"external_id": "R1", "amount": "5"}],
            [],
        )

    def test_a_million_columns(self) -> None:
        assert refusals("a" + "," * 1_000_000 + "\n1,2\n") == [(0, "", "header.too_wide")]

    def test_two_columns_with_one_name_are_a_defect(self) -> None:
        with pytest.raises(ValueError, match="MONTANT"):
            index_columns(
                (Column("amount", aliases=("montant",)), Column("x", aliases=("MONTANT",)))
            )

    def test_folding(self) -> None:
        assert fold_name(" Date-de_Versement (prévu) ") == "dateversementprevu"


class TestDialects:
    @pytest.mark.parametrize("delimiter", [",", ";", "\t"])
    @pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
    def test_delimiters_and_line_endings(self, delimiter: str, ending: str) -> None:
        lines = (
            delimiter.join(("external_id", "amount", "loan_external_id")),
            delimiter.join(("R1", "5.00", '"a, b; c"')),
        )
        for tail in ("", ending, ending * 3):
            assert values(ending.join(lines) + tail) == [
                {"external_id": "R1", "amount": "5.00", "loan_external_id": "a, b; c"}
            ]

    def test_commas_in_cells_do_not_hide_a_semicolon(self) -> None:
        assert values("external_id;amount\nR,1;5,00\nR,2;6,00\n") == [
            {"external_id": "R,1", "amount": "5.00"},
            {"external_id": "R,2", "amount": "6.00"},
        ]

    def test_one_column(self) -> None:
        rows, _ = read('id\na;b\n"c,d"\n', columns=(Column("id"),))
        assert [row["id"] for _, row in rows] == ["a;b", "c,d"]

    def test_quoted_cells(self) -> None:
        body = 'external_id,amount,pret\r\n"R ""1""", "5","two\r\nlines"\r\nR2,6,O\'Neil 12" x\r\n'
        assert values(body) == [
            {"external_id": 'R "1"', "amount": "5", "loan_external_id": "two\r\nlines"},
            {"external_id": "R2", "amount": "6", "loan_external_id": "O'Neil 12\" x"},
        ]

    def test_an_empty_cell_is_absent(self) -> None:
        body = "external_id,amount,pret,emplois\nR1,,  ,\u00a0\n"
        assert values(body) == [{"external_id": "R1"}]

    def test_rows_keep_their_place_around_blank_lines(self) -> None:
        rows, refused = read("\n \nexternal_id,amount\n\nR2,2\n,\n  ,  \nR5\nR6,6\n,\n\n")
        assert [number for number, _ in rows] == [2, 6]
        assert places(refused) == [(5, "", "row.cells")]

    def test_ragged_rows_are_refused_one_by_one(self) -> None:
        rows, refused = read("external_id,amount\nR1,1\nR2\nR3,3,3\nR4,4\n")
        assert [number for number, _ in rows] == [1, 4]
        assert places(refused) == [(2, "", "row.cells"), (3, "", "row.cells")]
        assert "3 cellule(s) ; les titres en ont 2" in refused[1].message.fr

    def test_empty_cells_that_excel_leaves_out_at_the_end(self) -> None:
        body = "external_id,amount,pret,emplois\nR1,1\nR2,2,P1\nR3,3,P1,4\nR4\nR5,1,000.00,,\n"
        rows, refused = read(body)
        assert rows == [
            (1, {"external_id": "R1", "amount": "1"}),
            (2, {"external_id": "R2", "amount": "2", "loan_external_id": "P1"}),
            (3, {"external_id": "R3", "amount": "3", "loan_external_id": "P1", "jobs": 4}),
        ]
        assert places(refused) == [(4, "", "row.cells"), (5, "", "row.cells")]

    def test_a_short_row_of_a_file_that_was_cut_is_refused(self) -> None:
        rows, refused = read("external_id,amount,pret\nR1,1,P1\nR2,12")
        assert [number for number, _ in rows] == [1]
        assert places(refused) == [(2, "", "row.cells")]

    @pytest.mark.parametrize(
        ("body", "row"),
        [
            ('external_id,amount\nR1,1\n"R2,2\nR3,3\n', 2),
            ('external_id,amount\nR1,1\nR2,"2', 2),
            ('external_id,amount\n"R1"x,1\n', 1),
            ('external_id,amount\n"R1" ,1\n', 1),
            ('"external_id,amount\nR1,1\n', 0),
            ("external_id,amount\nR1," + "9" * 200_000 + "\n", 1),
        ],
    )
    def test_a_file_cut_inside_quotes_is_refused_where_they_open(self, body: str, row: int) -> None:
        assert refusals(body) == [(row, "", "csv.malformed")]

    def test_formulas_are_refused_at_their_cell(self) -> None:
        rows, refused = read(
            'external_id,amount,couleur\n"=HYPERLINK(""http://x"")",=1+1,\n@SUM(A1),1,=2\nR,1,\n'
        )
        assert [row["external_id"] for _, row in rows] == ["@SUM(A1)", "R"]
        assert places(refused) == [
            (1, "external_id", "cell.formula"),
            (1, "amount", "cell.formula"),
        ]

    def test_zeros_kept_by_an_equals_sign(self) -> None:
        assert values('external_id,amount\n"=""0012""","=""1,50"""\n') == [
            {"external_id": "0012", "amount": "1.50"}
        ]


class TestDates:
    """Whatever a member's spreadsheet makes of a day."""

    def read_dates(self, *texts: str) -> tuple[list[JsonValue], list[str]]:
        lines = "".join(f"R{n};1;{text}\n" for n, text in enumerate(texts))
        rows, notices = told(f"external_id;amount;paid_on\n{lines}")
        return [row.get("paid_on") for row in rows], notices

    @pytest.mark.parametrize(
        "text",
        [
            "2026-03-31", "31/03/2026", "31-03-2026", "31.03.2026", "31/3/2026", "31 03 2026",
            "2026/03/31", "2026/3/31", "2026.03.31", "20260331", "31 mars 2026", "31-mars-2026",
            "Mardi 31 mars 2026", "March 31, 2026", "31-Mar-2026", "Tuesday, March 31st, 2026",
            "2026-03-31 00:00:00", "2026-03-31T00:00:00Z", "31/03/2026 00:00",
        ],
    )  # fmt: skip
    def test_one_day_however_it_is_written(self, text: str) -> None:
        assert self.read_dates(text) == (["2026-03-31"], [])

    def test_the_first_of_a_month(self) -> None:
        texts = ("1er avril 2026", "1 AVRIL 2026", "01/04/2026", "1 avr. 2026", "Apr 1 2026")
        assert set(self.read_dates(*texts)[0]) == {"2026-04-01"}

    def test_two_forms_in_one_column(self) -> None:
        dates, notices = self.read_dates("2026-02-01", "28/02/2026", "03/04/2026")
        assert (dates, notices) == (["2026-02-01", "2026-02-28", "2026-04-03"], [])

    def test_what_no_cell_of_the_column_decides_is_read_day_first_and_told(self) -> None:
        dates, notices = self.read_dates("03/04/2026", "05/05/2026", "2026-01-31")
        assert dates == ["2026-04-03", "2026-05-05", "2026-01-31"]
        assert notices == ["dates.day_first"]

    def test_a_column_written_month_first(self) -> None:
        dates, notices = self.read_dates("03/04/2026", "12/31/2025")
        assert (dates, notices) == (["2026-03-04", "2025-12-31"], ["dates.month_first"])

    def test_both_orders_in_one_column_are_day_first_and_the_other_is_left(self) -> None:
        dates, _ = self.read_dates("03/04/2026", "12/31/2025", "31/12/2025")
        assert dates == ["2026-04-03", "12/31/2025", "2025-12-31"]

    def test_numbers_of_excel(self) -> None:
        dates, notices = self.read_dates("46112", "46112.75", "36526")
        assert (dates, notices) == (["2026-03-31", "2026-03-31", "2000-01-01"], ["dates.serials"])

    def test_times_are_left_out_and_told(self) -> None:
        dates, notices = self.read_dates("2026-03-31 14:05:06", "31/03/2026 9:30")
        assert (dates, notices) == (["2026-03-31", "2026-03-31"], ["dates.times"])

    @pytest.mark.parametrize(
        "text",
        ["31/03/26", "2026-3", "mars 2026", "31/13/2026", "99999", "1234", "32/01/2026", "demain",
         "31/03-2026", "٣١/٠٣/٢٠٢٦", "31 marz 2026", "2026-03-31/2026-04-01"],
    )  # fmt: skip
    def test_what_is_no_day_is_left_for_the_field_to_refuse(self, text: str) -> None:
        assert self.read_dates(text)[0] == [text]

    def test_a_day_that_never_was_is_left_for_the_field_to_refuse(self) -> None:
        assert self.read_dates("31/02/2026")[0] == ["2026-02-31"]

    @given(st.dates(date(1928, 1, 1), date(2099, 12, 31)))
    def test_a_day_reads_the_same_in_every_writing(self, day: date) -> None:
        month = MONTHS[day.month - 1]
        serial = str((day - date(1899, 12, 30)).days)
        for text in (f"{day:%d/%m/%Y}", f"{day:%Y%m%d}", f"{day.day} {month} {day.year}", serial):
            assert self.read_dates(text, "31/12/1999")[0][0] == day.isoformat()


class TestOddities:
    HEAD = "external_id;amount;paid_on;rate\n"

    def odd(self, *lines: str) -> list[tuple[int, str, str]]:
        usual = "".join(f"R{n};{40 + n};2026-01-{n + 1:02};7\n" for n in range(20))
        body = f"{self.HEAD}{usual}" + "".join(f"{line}\n" for line in lines)
        table = read_table(body.encode(), "text/csv", COLUMNS)
        list(table.batches)
        return places(table.remarks.warnings)

    def test_nothing_odd(self) -> None:
        assert self.odd("S;900;2020-01-01;20", "S;;;", "S;0;;0", "S;abc;abc;abc") == []

    def test_an_amount_far_above_the_others(self) -> None:
        assert self.odd("S;5000;;") == [(21, "amount", "amount.unusual")]

    def test_a_year_far_from_the_others(self) -> None:
        found = [(21, "paid_on", "date.unusual"), (22, "paid_on", "date.unusual")]
        assert self.odd("S;1;1926-01-01;", "S;1;2062-01-01;") == found

    def test_rates_one_seldom_sees(self) -> None:
        found = [(21, "rate", "rate.unusual"), (22, "rate", "rate.unusual")]
        assert self.odd("S;1;;0,07", "S;1;;25 %") == found

    def test_a_few_rows_have_no_usual_amount(self) -> None:
        table = read_table(f"{self.HEAD}R;1;;\nS;90000;;\n".encode(), "text/csv", COLUMNS)
        list(table.batches)
        assert table.remarks.warnings == []


class TestOwnWords:
    def test_an_organisations_words_stand_for_codes(self) -> None:
        columns = (
            Column("external_id"),
            Column("product", words={"pi": "individual_loan"}),
            Column("topics", CellKind.LIST, words={"sujet1": "loan"}),
            Column("consent", CellKind.BOOLEAN, words={"x": "oui"}),
        )
        expected = [
            {"external_id": "R", "product": "individual_loan", "topics": ["loan", "b"],
             "consent": True},
            {"external_id": "PI", "product": "autre"},
        ]  # fmt: skip
        body = "external_id;product;topics;consent\nR;P.I.;Sujet 1|b;X\nPI;autre;;\n"
        assert told(body, columns=columns)[0] == expected
        lines = '{"external_id":"R","product":"pi","topics":"sujet-1|b","consent":"x"}'
        assert told(lines, "application/x-ndjson", columns)[0] == expected[:1]


class TestSizes:
    @pytest.mark.parametrize("body", [b"", b" \r\n \t\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
    @pytest.mark.parametrize("media_type", ["text/csv", "application/x-ndjson"])
    def test_an_empty_file(self, body: bytes, media_type: str) -> None:
        assert refusals(body, media_type) == [(0, "", "import.empty")]

    @pytest.mark.parametrize("tail", ["", "\n", "\r\n\r\n", "\n,\n , \n"])
    def test_only_a_header(self, tail: str) -> None:
        assert refusals("external_id,amount" + tail) == [(0, "", "import.no_rows")]

    @pytest.mark.parametrize(
        ("media_type", "head", "line"),
        [
            ("text/csv", "external_id,amount\n", "R,1\n"),
            ("application/x-ndjson", "", '{"external_id":"R","amount":"1"}\n'),
        ],
    )
    def test_as_many_rows_as_allowed_and_one_more(
        self, monkeypatch: pytest.MonkeyPatch, media_type: str, head: str, line: str
    ) -> None:
        monkeypatch.setattr(tabular, "ROWS_MAX", 12_000)
        assert len(values(head + line * 12_000 + "\n\n", media_type)) == 12_000
        with pytest.raises(PayloadTooLarge) as caught:
            read(head + line * 12_001, media_type)
        assert caught.value.code == "import.too_many_rows"


class TestNdjson:
    TYPE = "application/x-ndjson"

    def test_json_types_and_texts(self) -> None:
        body = (
            '{"external_id":"R1","montant":"5.00","emplois":2,"topics":["a","b"],"consent":true}\n'
            "\n"
            '{"external_id":" R2 ","amount":"5,00","jobs":"2","sujets":"a|b","consent":"oui"}\r\n'
            '{"external_id":"R3","amount":null,"loan_external_id":"","jobs":null}'
        )
        rows, refused = read(body, self.TYPE)
        assert not refused
        assert rows == [
            (1, {"external_id": "R1", "amount": "5.00", "jobs": 2, "topics": ["a", "b"],
                 "consent": True}),
            # A decimal comma is for sheets; the field refuses it here.
            (3, {"external_id": "R2", "amount": "5,00", "jobs": 2, "topics": ["a", "b"],
                 "consent": True}),
            (4, {"external_id": "R3"}),
        ]  # fmt: skip

    def test_a_byte_order_mark(self) -> None:
        assert values(b'\xef\xbb\xbf{"external_id":"\xc3\xa9"}', self.TYPE) == [
            {"external_id": "é"}
        ]

    @pytest.mark.parametrize(
        ("line", "column", "code"),
        [
            (b"{", "", "json.malformed"),
            (b'{"external_id":"R"', "", "json.malformed"),
            (b'{"external_id":"R"} {"external_id":"S"}', "", "json.malformed"),
            (b'{"amount":NaN}', "amount", "json.not_finite"),
            (b'{"amount":5.25}', "amount", "json.number"),
            (b'{"topics":[1.5]}', "topics", "json.number"),
            (b'{"amount":"1","amount":"2"}', "amount", "json.duplicate_key"),
            (b'{"amount":"1","Montant":"2"}', "amount", "column.duplicate"),
            (b'{"externl_id":"1"}', "externl_id", "column.misspelt"),
            (b'{"amoun\\ud800":"1"}', "amoun\ufffd", "column.misspelt"),
            (b'["R"]', "", "object.type"),
            (b"null", "", "object.type"),
            (b'{"external_id":"\xe9"}', "", "body.encoding"),
            (b'{"external_id":"\0"}', "", "json.malformed"),
            (b"[" * 100_000, "", "json.depth"),
        ],
    )
    def test_a_bad_line_is_refused_alone(self, line: bytes, column: str, code: str) -> None:
        good = b'{"external_id":"R"}'
        rows, refused = read(b"\n".join((good, line, good)), self.TYPE)
        assert [number for number, _ in rows] == [1, 3]
        assert places(refused) == [(2, column, code)]


class TestJsonArrays:
    TYPE = "application/json"

    def test_elements_are_rows(self) -> None:
        body = b'\xef\xbb\xbf [ {"external_id":"R1","amount":"5.00"} ,\n\n{"external_id":"R2"}]\n'
        rows, refused = read(body, self.TYPE)
        assert rows == [(1, {"external_id": "R1", "amount": "5.00"}), (2, {"external_id": "R2"})]
        assert not refused

    def test_a_bad_element_is_refused_alone(self) -> None:
        rows, refused = read(
            '[{"external_id":"R1"},{"amount":5.25},7,{"amount":NaN},{}]', self.TYPE
        )
        assert [number for number, _ in rows] == [1, 5]
        assert places(refused) == [
            (2, "amount", "json.number"),
            (3, "", "object.type"),
            (4, "amount", "json.not_finite"),
        ]

    @pytest.mark.parametrize(
        ("body", "row"),
        [
            ("{}", 0), ('{"a":[]}', 0), ("[", 0), ("]", 0), ('[{"external_id":"R"}', 0),
            ('[{"external_id":"R1"} {"external_id":"R2"}]', 1), ("[{},]", 1), ("[,{}]", 1),
            ("[{},{]", 2), ("[{}]]", 1), ("[" * 50_000 + "]", 1),
        ],
    )  # fmt: skip
    def test_what_is_no_array_is_refused_where_it_breaks(self, body: str, row: int) -> None:
        assert refusals(body, self.TYPE) == [(row, "", "import.array")]

    def test_an_empty_array(self) -> None:
        assert refusals("[ ]", self.TYPE) == [(0, "", "import.no_rows")]


class TestMediaTypes:
    @pytest.mark.parametrize(
        "media_type",
        ["", "text/plain", "application/xml", "multipart/form-data; boundary=x",
         "text/csv; charset=utf-16", "text/csvx", "*/*"],
    )  # fmt: skip
    def test_others_are_refused_with_the_list(self, media_type: str) -> None:
        with pytest.raises(UnsupportedMediaType) as caught:
            find_reader(media_type)
        assert caught.value.extra["accepted"] == list(READERS)

    def test_parsing(self) -> None:
        assert parse_media_type('Text/CSV ; header=present; CHARSET="Utf-8"') == (
            "text/csv",
            "utf-8",
        )


_TEXTS = (
    st.text(st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n"), max_size=12)
    .map(str.strip)
    .filter(lambda text: not text.startswith("="))  # a formula
)


class TestRoundTrips:
    """Any table written in any dialect is read back, cell by cell."""

    @given(
        rows=st.lists(
            st.tuples(_TEXTS.filter(bool), _TEXTS, _TEXTS).map(list), min_size=1, max_size=20
        ),
        delimiter=st.sampled_from(",;\t"),
        ending=st.sampled_from(("\n", "\r\n")),
        quote_all=st.booleans(),
        encoding=st.sampled_from(("utf-8", "utf-8-sig", "cp1252")),
        order=st.permutations(["a", "b", "c"]),
    )
    def test_csv(
        self,
        rows: list[list[str]],
        delimiter: str,
        ending: str,
        quote_all: bool,
        encoding: str,
        order: list[str],
    ) -> None:
        sheet = io.StringIO(newline="")
        writer = csv.writer(
            sheet,
            delimiter=delimiter,
            lineterminator=ending,
            quoting=csv.QUOTE_ALL if quote_all else csv.QUOTE_MINIMAL,
        )
        writer.writerows([order, *rows])
        try:
            body = sheet.getvalue().encode(encoding)
        except UnicodeEncodeError:
            body = sheet.getvalue().encode("utf-8-sig")
            encoding = "utf-8-sig"
        charset = "; charset=windows-1252" if encoding == "cp1252" else ""
        columns = tuple(Column(name) for name in "abc")
        read_rows, refused = read(body, f"text/csv{charset}", columns)
        assert not refused
        assert read_rows == [
            (number, {name: text for name, text in zip(order, row, strict=True) if text})
            for number, row in enumerate(rows, 1)
        ]

    @given(st.lists(st.dictionaries(st.sampled_from("abc"), _TEXTS), min_size=1, max_size=20))
    def test_ndjson(self, rows: list[dict[str, str]]) -> None:
        body = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
        columns = tuple(Column(name) for name in "abc")
        read_rows, refused = read(body, "application/x-ndjson", columns)
        assert not refused
        assert read_rows == [
            (number, {name: text for name, text in row.items() if text})
            for number, row in enumerate(rows, 1)
        ]

    @given(st.binary(max_size=400))
    def test_any_bytes_are_read_or_refused_in_words(self, noise: bytes) -> None:
        for body in (noise, b"external_id;amount\nR1;1\n" + noise):
            for media_type in READERS:
                with suppress(TableRefused):
                    rows, refused = read(body, media_type)
                    assert rows or refused
