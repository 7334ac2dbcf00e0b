"""Sheets as people keep them: lines above the titles, totals under the rows, several in a book."""

from collections.abc import Sequence

import pytest
from xlsxwriter.workbook import Workbook

from services.common.cells import CellKind
from services.common.columns import Column, RowError, TableRefused
from services.common.records import CSV, XLSX, read_records
from services.common.tabular import Table, read_table
from tests.support.workbooks import Value, sheet, workbook, write

COLUMNS = (
    Column("external_id", aliases=("no",), required=True),
    Column("loan_external_id", aliases=("prêt",), required=True),
    Column("paid_on", CellKind.DATE, aliases=("date",)),
    Column("amount", CellKind.AMOUNT, aliases=("montant",), required=True),
    Column("method", aliases=("mode",)),
)
TITLES = "No;Prêt;Date;Montant"
ROWS = "R1;P1;2026-03-31;5,00\n\nR2;P1;2026-04-30;6,00\n"


def read(body: str | bytes, media_type: str = CSV) -> tuple[list[tuple[int, object]], Table]:
    content = body.encode() if isinstance(body, str) else body
    table = read_table(content, media_type, COLUMNS)
    rows: list[tuple[int, object]] = []
    for batch in table.batches:
        named = [values.get("external_id") for values in batch.values]
        rows += zip(batch.numbers, named, strict=True)
        rows += [(error.row, error.code) for error in batch.refused]
    return rows, table


def notices(table: Table) -> list[str]:
    return [notice.code for notice in table.remarks.notices]


def refused(body: str | bytes, media_type: str = CSV) -> Sequence[RowError]:
    with pytest.raises(TableRefused) as caught:
        read(body, media_type)
    return caught.value.found


class TestTitlesUnderOtherLines:
    def test_rows_count_from_the_titles_and_lines_from_the_sheet(self) -> None:
        above = "Organisme X - Prêts 2026;;;\nDate : 2026-11-01;;;\n;;;\n"
        rows, table = read(f"{above}{TITLES}\n{ROWS}")
        assert rows == [(1, "R1"), (3, "R2")]
        assert table.remarks.header_line == 4
        assert notices(table) == ["header.under_others"]
        assert "la ligne 4" in table.remarks.notices[0].message.fr

    def test_lines_above_have_as_many_cells_as_they_please(self) -> None:
        rows, _ = read(f"Organisme X, Prêts\n{TITLES}\n{ROWS}")
        assert rows == [(1, "R1"), (3, "R2")]

    def test_of_a_workbook(self) -> None:
        lines: list[list[Value]] = [
            [None, "Organisme X"],
            [None],
            [None, "No", "Prêt", "Montant"],
            [None, "R1", "P1", 5],
        ]
        body = sheet(lines)
        rows, table = read(body, XLSX)
        assert (rows, table.remarks.header_line) == ([(1, "R1")], 3)
        records = read_records(body, XLSX, COLUMNS)
        assert (records.line, records.above) == (3, [(-2, ["Organisme X"])])
        assert (records.titles, list(records.rows)) == (
            ["No", "Prêt", "Montant"],
            [(1, ["R1", "P1", "5"])],
        )

    def test_a_line_of_groups_above_the_titles(self) -> None:
        rows, _ = read(f"Prêt;;Paiement;\n{TITLES}\n{ROWS}")
        assert rows == [(1, "R1"), (3, "R2")]

    @pytest.mark.parametrize(
        "above", ["No;Prêt;Date;Mode\n", "x;;;\nNo;Prêt;Date;Mode\n", "x;;;\nNo;Prêt;Mode;\n"]
    )
    def test_two_lines_that_could_be_the_titles_are_not_guessed_at(self, above: str) -> None:
        body = f"{above}{TITLES}\n{ROWS}"
        if above.startswith("No"):  # as many as the other: the first line stays
            assert refused(body)[0].code == "column.missing"
            return
        [error] = refused(body)
        assert error.code == "header.ambiguous"
        assert "2, 3" in error.message.fr

    def test_titles_repeated_lower_are_a_bad_row(self) -> None:
        rows, _ = read(f"x;;;\n{TITLES}\n{ROWS}{TITLES}\n")
        assert rows == [(1, "R1"), (3, "R2"), (4, "No")]

    def test_a_complete_first_line_is_the_titles_whatever_comes(self) -> None:
        rows, _ = read("No;Prêt;Montant;x;y\nR1;P1;5;;\nno;prêt;date;montant;mode\n")
        assert rows == [(1, "R1"), (2, "no")]

    def test_what_is_wrong_with_the_titles_has_their_line(self) -> None:
        found = refused(f"x;;\n;;\nNo;Date;Mode\n{ROWS}")
        assert [(e.row, e.line, e.column) for e in found] == [
            (0, 3, "loan_external_id"),
            (0, 3, "amount"),
        ]

    def test_an_unknown_sheet_is_judged_by_its_first_line(self) -> None:
        assert {e.line for e in refused("a;b\n" + "c;d\n" * 50)} == {1}


class TestTotals:
    @pytest.mark.parametrize(
        "line",
        [
            "Total;;;11,00",
            "TOTAL :;;;11,00",
            ";;Total général;11,00",
            "Sous-total 2026;;;=SUM(D2:D4)",
            "Grand total;;;",
            "Totaux des remboursements;2;;11,00",
            "total;P1;2026-01-01;11,00",
        ],
    )
    @pytest.mark.parametrize("is_book", [False, True])
    def test_a_total_is_no_row(self, line: str, is_book: bool) -> None:
        lines = [*f"{TITLES}\n{ROWS}".splitlines(), line]
        body = sheet([each.split(";") for each in lines]) if is_book else "\n".join(lines)
        rows, table = read(body, XLSX if is_book else CSV)
        assert rows == [(1, "R1"), (3, "R2")]
        warned = [(w.row, w.code) for w in table.remarks.warnings]
        assert warned == [(4, "row.total")]

    @pytest.mark.parametrize("line", ["Totem-1;P1;;1", "TOTAL-001;P1;;1", "Total Énergie;P1;;1"])
    def test_what_only_resembles_is_a_row(self, line: str) -> None:
        rows, table = read(f"{TITLES}\n{line}\n")
        assert rows == [(1, line.partition(";")[0])]
        assert table.remarks.warnings == []

    def test_a_file_of_totals_is_bounded(self) -> None:
        rows, table = read(f"{TITLES}\n" + "Total;;;1\n" * 1_500)
        assert (len(table.remarks.warnings), len(rows)) == (1_000, 500)


class TestBooksOfManySheets:
    def book(self, *sheets: tuple[str, list[list[Value]]]) -> bytes:
        def fill(book: Workbook) -> None:
            for name, rows in sheets:
                write(book, book.add_worksheet(name), rows)

        return workbook(fill)

    def test_the_sheet_that_has_the_titles_is_read_and_the_others_told(self) -> None:
        body = self.book(
            ("Lisez-moi", [["Bonjour"]]),
            ("2026", [["No", "Prêt", "Montant"], ["R1", "P1", 5]]),
            ("Vide", []),
            ("Erreurs", [["Ligne"]]),
            ("2025", [["No", "Prêt", "Montant"], ["R0", "P1", 5]]),
        )
        rows, table = read(body, XLSX)
        assert rows == [(1, "R1")]
        assert notices(table) == ["sheet.not_read"]
        said = table.remarks.notices[0].message.fr
        assert said.startswith(
            "Seule la feuille « 2026 » est lue ; ne le sont pas : « Lisez-moi », « 2025 »."
        )
        assert list(read_records(body, XLSX, COLUMNS).rows) == [(1, ["R1", "P1", "5"])]

    def test_of_sheets_like_nothing_the_first_is_read(self) -> None:
        body = self.book(("A", [["x"], ["1"]]), ("B", [["y"], ["2"]]))
        assert refused(body, XLSX)[0].code == "column.missing"
