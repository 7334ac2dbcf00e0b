"""Reading tables: every dialect and encoding a member's program writes, and what is refused."""

import csv
import io
import json
from collections.abc import Sequence
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common import tabular
from services.common.cells import CellKind
from services.common.errors import JsonValue, PayloadTooLarge, UnsupportedMediaType
from services.common.tabular import (
    READERS,
    Column,
    RowError,
    TableRefused,
    find_reader,
    fold_name,
    index_columns,
    parse_media_type,
    read_table,
)

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
        assert refusals("montant,amount,,couleur,Taux\n") == [
            (0, "amount", "column.duplicate"),
            (0, "", "column.unnamed"),
            (0, "couleur", "column.unknown"),
            (0, "external_id", "column.missing"),
        ]

    def test_a_missing_column_is_said_once_whatever_the_rows(self) -> None:
        assert refusals("external_id\n" + "R\n" * 100) == [(0, "amount", "column.missing")]

    def test_an_unknown_column_is_told_what_is_allowed_in_both_languages(self) -> None:
        with pytest.raises(TableRefused) as caught:
            read("external_id,amount,color\nR1,5,x\n")
        message = caught.value.found[0].message
        assert message.fr.startswith("La colonne « color » n'existe pas ici.")
        assert "Colonnes admises : external_id, loan_external_id" in message.fr
        assert "Columns allowed: external_id, loan_external_id" in message.en

    def test_a_hostile_name_is_shown_short_and_printable(self) -> None:
        with pytest.raises(TableRefused) as caught:
            read(b"external_id,amount," + b"\x1b[31m" * 100 + b"\nR1,5,x\n")
        shown = caught.value.found[0].column
        assert len(shown) <= 100
        assert shown.isprintable()

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

    def test_formulas_stay_text(self) -> None:
        assert values('external_id,amount\n"=HYPERLINK(""http://x"")",1\n@SUM(A1),1\n') == [
            {"external_id": '=HYPERLINK("http://x")', "amount": "1"},
            {"external_id": "@SUM(A1)", "amount": "1"},
        ]


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
            (b'{"couleur":"1"}', "couleur", "column.unknown"),
            (b'{"a\\ud800\\u0000b":"1"}', "a\ufffd\ufffdb", "column.unknown"),
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


class TestMediaTypes:
    @pytest.mark.parametrize(
        "media_type",
        ["", "text/plain", "application/json", "application/xml", "multipart/form-data; boundary=x",
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


_TEXTS = st.text(
    st.characters(exclude_categories=("Cs", "Cc"), include_characters="\n"), max_size=12
).map(str.strip)


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
