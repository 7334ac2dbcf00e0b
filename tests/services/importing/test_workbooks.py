"""Workbooks in, and the workbook of errors out, opened again with another program's reader."""

import io
import json
import re
import zipfile
from datetime import date

import httpx
import pytest
from python_calamine import CalamineWorkbook, load_workbook

from services.common.identity import Role
from services.common.records import XLSX
from tests.services.importing.notes_service import GOOD, NotesService, kept, places
from tests.services.importing.test_importing import MIXED, MIXED_ERRORS
from tests.support.workbooks import SHEET, Value, package, sheet

ROWS: list[list[Value]] = [
    ["Identifiant", "Nom", "Montant", "Date note", "Nombre", "Sujets"],
    ["N1", "Zoé", 1234.56, date(2026, 3, 31), 3, "loan|training"],
    ["N2", "Émile", 5, None, None, None],
]
BAD: list[list[Value]] = [
    *ROWS,
    ["N3", "Ana", 1.005, date(2026, 4, 1)],
    [None],
    ["N5", "@Eve", "dix"],
]


DECIMALS = "« 1.005 » : Un montant a deux décimales au plus."


async def errors_of(
    service: NotesService, member: str, import_id: str, **headers: str
) -> httpx.Response:
    return await service.get(member, f"/v1/imports/{import_id}/errors.xlsx", **headers)


def opened(response: httpx.Response) -> CalamineWorkbook:
    assert response.status_code == 200
    assert response.headers["content-type"] == XLSX
    return load_workbook(io.BytesIO(response.content))


def rows_of(book: CalamineWorkbook, index: int) -> list[list[object]]:
    return [list(row) for row in book.get_sheet_by_index(index).to_python(False)]


def comments_of(content: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        xml = archive.read("xl/comments1.xml").decode()
    found = re.findall(r'<comment ref="([A-Z]+\d+)".*?</comment>', xml, re.S)
    bodies = re.findall(r"<comment .*?</comment>", xml, re.S)
    return {
        place: "".join(re.findall(r"<t(?: [^>]*)?>(.*?)</t>", body, re.S))
        for place, body in zip(found, bodies, strict=True)
    }


class TestImports:
    async def test_a_workbook_is_recorded(self, service: NotesService, member: str) -> None:
        body = sheet(ROWS)
        response = await service.send(member, body, "", XLSX)
        assert response.status_code == 201
        assert response.json()["counts"]["created"] == 2
        file = await service.get(member, f"/v1/imports/{response.json()['import_id']}/file")
        assert (file.content, file.headers["content-type"]) == (body, XLSX)

    async def test_a_workbook_and_a_csv_are_one(self, service: NotesService, member: str) -> None:
        rows: list[list[Value]] = [row[:3] for row in ROWS]
        assert (await service.send(member, sheet(rows), "", XLSX)).status_code == 201
        response = await service.send(member, GOOD)
        assert response.json()["counts"]["unchanged"] == 2

    async def test_several_bad_cells_are_one_row(self, service: NotesService, member: str) -> None:
        formula = '<c t="str"><f>1</f><v>x</v></c>'
        titles = ("identifiant", "nom", "montant")
        head = "".join(f'<c t="inlineStr"><is><t>{title}</t></is></c>' for title in titles)
        xml = f"<row>{head}</row><row>{formula * 2}<c t='e'><v>#N/A</v></c></row>"
        body = package({SHEET: f"<worksheet><sheetData>{xml}</sheetData></worksheet>"})
        response = await service.send(member, body, "&mode=partial", XLSX)
        assert response.json()["counts"] == {
            "received": 1, "created": 0, "unchanged": 0, "rejected": 1,
        }  # fmt: skip
        assert places(response) == [
            (1, "amount", "cell.error"),
            (1, "external_id", "cell.formula"),
            (1, "person_name", "cell.formula"),
        ]

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (GOOD.encode(), "workbook.form"),
            (sheet(ROWS)[:-30], "workbook.damaged"),
            (sheet(ROWS)[: len(sheet(ROWS)) // 2], "workbook.damaged"),
            (package({"xl/vbaProject.bin": "x"}), "workbook.macros"),
            (package({SHEET: " " * 50_000_000}), "workbook.too_large"),
        ],
    )
    async def test_nothing_is_kept_of_what_cannot_be_read(
        self, service: NotesService, member: str, body: bytes, code: str
    ) -> None:
        response = await service.send(member, body, "", XLSX)
        assert (response.status_code, response.json()["code"]) == (422, code)
        assert places(response) == [(0, "", code)]
        assert await kept(service, member) == {}


class TestErrorSheet:
    async def test_the_sheet_as_it_was_sent_with_its_bad_cells_marked(
        self, service: NotesService, member: str
    ) -> None:
        sent = await service.send(
            member, sheet(BAD), "&mode=partial", XLSX,
            Content_Disposition="attachment; filename*=UTF-8''pr%C3%AAts.xlsx",
        )  # fmt: skip
        expected = [
            (3, "amount", "amount.decimals"),
            (5, "amount", "amount.form"),
        ]
        assert places(sent) == expected
        response = await errors_of(service, member, sent.json()["import_id"])
        book = opened(response)
        assert response.headers["content-disposition"] == (
            "attachment; filename*=UTF-8''pr%C3%AAts-erreurs.xlsx"
        )
        assert book.sheet_names == ["Sheet1", "Erreurs"]
        assert rows_of(book, 0) == [
            ["Identifiant", "Nom", "Montant", "Date note", "Nombre", "Sujets"],
            ["N1", "Zoé", "1234.56", "2026-03-31", "3", "loan|training"],
            ["N2", "Émile", "5", "", "", ""],
            ["N3", "Ana", "1.005", "2026-04-01", "", ""],
            ["", "", "", "", "", ""],
            ["N5", "@Eve", "dix", "", "", ""],
        ]
        assert rows_of(book, 1)[:2] == [
            ["Ligne", "Colonne", "Code", "Message"],
            [4.0, "Montant", "amount.decimals", DECIMALS],
        ]
        assert comments_of(response.content) == {
            "C4": DECIMALS,
            "C6": "« dix » : Un montant s'écrit 1234,56 ou 1 234,56 $.",
        }

    @pytest.mark.parametrize("mode", ["atomic", "partial"])
    async def test_of_a_csv_in_english(self, service: NotesService, member: str, mode: str) -> None:
        sent = await service.send(member, MIXED, f"&mode={mode}")
        response = await errors_of(service, member, sent.json()["import_id"], Accept_Language="en")
        book = opened(response)
        assert book.sheet_names == ["Data", "Errors"]
        listed = [(row + 1, *error) for row, *error in MIXED_ERRORS]
        assert [tuple(row[:3]) for row in rows_of(book, 1)[1:]] == listed
        data = rows_of(book, 0)
        assert data[3] == ["N3", "", "1", "000.00", ""]
        assert sorted(comments_of(response.content)) == [
            "A4", "A6", "A8", "C3", "C7", "D3", "D5", "E3",
        ]  # fmt: skip

    async def test_mended_it_is_an_import(self, service: NotesService, member: str) -> None:
        sent = await service.send(member, sheet(BAD), "", XLSX)
        book = opened(await errors_of(service, member, sent.json()["import_id"]))
        rows: list[list[Value]] = [[str(cell) for cell in row] for row in rows_of(book, 0)]
        rows[3][2:4], rows[5][2] = ["1.01", "2026-03-30"], "10"
        response = await service.send(member, sheet(rows), "", XLSX)
        assert (response.status_code, response.json()["counts"]["created"]) == (201, 4)

    async def test_of_lines_of_json(self, service: NotesService, member: str) -> None:
        lines = [
            json.dumps({"external_id": "N1", "nom": "@x", "amount": "1.00", "topics": ["loan"]}),
            "{",
            json.dumps({"external_id": "N3", "count": -1, "amount": None}),
        ]
        sent = await service.send(member, "\n".join(lines), "", "application/x-ndjson")
        response = await errors_of(service, member, sent.json()["import_id"])
        assert rows_of(opened(response), 0) == [
            ["external_id", "nom", "amount", "topics", "count"],
            ["N1", "@x", "1.00", "loan", ""],
            ["{", "", "", "", ""],
            ["N3", "", "", "", "-1"],
        ]
        assert sorted(comments_of(response.content)) == ["A3", "B4", "C4", "E4"]

    async def test_nothing_in_it_is_a_formula(self, service: NotesService, member: str) -> None:
        payloads = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://x")']
        payloads += ["{=1}", "http://127.0.0.1/", "mailto:x@y", "internal:A1", "=c|' /C'!A0"]
        lines = "\n".join(
            json.dumps({"external_id": "N", "nom": text, "amount": "x"}) for text in payloads
        )
        sent = await service.send(member, lines, "", "application/x-ndjson")
        response = await errors_of(service, member, sent.json()["import_id"])
        assert [row[1] for row in rows_of(opened(response), 0)[1:]] == payloads
        with zipfile.ZipFile(io.BytesIO(response.content)) as archive:
            for name in archive.namelist():
                assert not re.search(rb"<f[ >]|<hyperlink", archive.read(name)), name

    async def test_none_when_nothing_was_wrong(self, service: NotesService, member: str) -> None:
        import_id = (await service.send(member, GOOD)).json()["import_id"]
        response = await errors_of(service, member, import_id)
        assert (response.status_code, response.json()["code"]) == (404, "not_found")

    async def test_another_member_sees_none(self, service: NotesService, member: str) -> None:
        import_id = (await service.send(member, MIXED)).json()["import_id"]
        response = await errors_of(service, f"{member}-stranger", import_id)
        assert response.status_code == 404


class TestDryRun:
    async def errors(
        self, service: NotesService, member: str, body: str | bytes, media_type: str = "text/csv"
    ) -> httpx.Response:
        query = "&dry_run=true&errors=xlsx"
        return await service.send(member, body, query, media_type)

    async def test_the_same_sheet_of_errors_and_nothing_is_kept(
        self, service: NotesService, member: str
    ) -> None:
        dry = await self.errors(service, member, MIXED)
        assert await kept(service, member) == {}
        assert dry.headers["content-disposition"].endswith("-erreurs.xlsx")
        sent = await service.send(member, MIXED)
        book, kept_book = (
            opened(dry),
            opened(await errors_of(service, member, sent.json()["import_id"])),
        )
        for index in (0, 1):
            assert rows_of(book, index) == rows_of(kept_book, index)
        assert len(comments_of(dry.content)) == 8

    async def test_without_errors_it_is_the_dry_run(
        self, service: NotesService, member: str
    ) -> None:
        answer = await self.errors(service, member, GOOD)
        assert (answer.status_code, answer.json()) == (
            200,
            (await service.send(member, GOOD, "&dry_run=true")).json(),
        )
        assert await kept(service, member) == {}

    async def test_a_file_that_cannot_be_read(self, service: NotesService, member: str) -> None:
        answer = await self.errors(service, member, 'identifiant;nom;montant\nN1;"Zoé;5\n')
        assert (answer.status_code, places(answer)) == (422, [(1, "", "csv.malformed")])

    async def test_only_of_a_dry_run(self, service: NotesService, member: str) -> None:
        for query, pointer in (("&errors=xlsx", "/dry_run"), ("&errors=pdf", "/errors")):
            answer = await service.send(member, MIXED, query)
            assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)

    async def test_every_error_of_a_long_file(self, service: NotesService, member: str) -> None:
        lines = [f"N{n};Zoé;{'dix' if n % 2 else '5,00'};2027-01-01" for n in range(1_500)]
        body = "\n".join(["identifiant;nom;montant;date note", *lines])
        book = opened(await self.errors(service, member, body))
        assert len(rows_of(book, 1)) == 1 + 1_500

    async def test_a_stranger_and_other_roles(self, service: NotesService) -> None:
        path = "/v1/imports?kind=notes&dry_run=true&errors=xlsx"
        assert (await service.client.post(path, content=b"")).status_code == 401
        headers = {"Authorization": f"Bearer {service.token(None, Role.NETWORK)}"}
        assert (await service.client.post(path, headers=headers)).status_code == 403


async def test_lines_above_the_titles_stay_where_they_were(
    service: NotesService, member: str
) -> None:
    lines: list[list[Value]] = [
        ["Organisme X"],
        [None],
        ["Identifiant", "Nom", "Montant"],
        ["N1", "Zoé", "dix"],
        ["N2", "Ana", 5],
        ["Total", None, 15],
    ]
    sent = await service.send(member, sheet(lines), "&mode=partial", XLSX)
    document = sent.json()
    assert document["counts"] == {"received": 2, "created": 1, "unchanged": 0, "rejected": 1}
    [error], [warning] = document["errors"], document["warnings"]
    assert (error["row"], error["line"], error["title"]) == (1, 4, "Montant")
    assert (warning["row"], warning["line"], warning["code"]) == (3, 6, "row.total")
    found = await service.get(member, f"/v1/imports/{document['import_id']}")
    assert (found.json()["errors"], found.json()["warnings"]) == ([error], [warning])
    response = await errors_of(service, member, document["import_id"])
    book = opened(response)
    assert rows_of(book, 0) == [
        ["Organisme X", "", ""],
        ["", "", ""],
        ["Identifiant", "Nom", "Montant"],
        ["N1", "Zoé", "dix"],
        ["N2", "Ana", "5"],
        ["Total", "", "15"],
    ]
    assert rows_of(book, 1)[1][0] == 4.0
    assert list(comments_of(response.content)) == ["C4"]
    again = await service.send(member, response.content, "&dry_run=true&mode=partial", XLSX)
    assert again.json()["counts"]["unchanged"] == 1
