"""A workbook of several kinds of sheets: recorded at once, whatever the order of its tabs."""

import hashlib
import io
import re
import zipfile
from collections.abc import Sequence
from datetime import date
from itertools import accumulate, permutations

import pytest
from python_calamine import SheetVisibleEnum, load_workbook
from xlsxwriter.workbook import Workbook

from services.common.database import Database
from services.common.identity import Principal, Role
from services.common.import_orders import Order
from services.common.import_parts import Step
from services.common.import_queries import SentFile
from services.common.importing import run_import
from services.loans.imports.kinds import WORKBOOK
from tests.services.loans.conftest import CSV, TODAY, Client, Loans, codes_of, write_csv
from tests.services.loans.portfolio import (
    FRENCH,
    KINDS,
    REASON,
    Row,
    change,
    make_book,
    make_portfolio,
    read_state,
    send_all,
    to_table,
)
from tests.support.workbooks import XLSX, Value, workbook, write

ORDERS = list(permutations(KINDS))


@pytest.mark.parametrize("order", [ORDERS[0], ORDERS[-1], *ORDERS[7::29]])
async def test_five_sheets_in_any_order(loans: Loans, member: Client, order: Sequence[str]) -> None:
    portfolio = make_portfolio(6)
    answer = await member.send("workbook", make_book(portfolio, order), XLSX)
    assert answer.status_code == 201, answer.text
    document = answer.json()
    received = sum(map(len, portfolio.values()))
    assert document["counts"] == {
        "received": received,
        "created": received,
        "unchanged": 0,
        "rejected": 0,
    }
    assert [
        (each["sheet"], each["kind"], each["counts"]["created"]) for each in document["sheets"]
    ] == [(FRENCH[kind], kind, len(portfolio[kind])) for kind in order]
    assert document["notices"] == []
    assert document["totals"]["before"]["loans"] == 0
    assert document["totals"]["after"] == {
        "borrowers": 6,
        "loans": 6,
        "loans_amount": "7200.00",
        "outstanding_principal": document["totals"]["after"]["outstanding_principal"],
        "repayments": 24,
        "repayments_amount": "2558.88",
        "coaching_sessions": 6,
        "outcomes": 6,
    }
    fresh = loans.as_member()
    await send_all(fresh, portfolio)
    assert await read_state(loans, member) == await read_state(loans, fresh)
    assert await loans.find_differences(member) == []
    kept = await member.get(answer.headers["location"])
    assert kept.json()["sheets"] == document["sheets"]
    assert kept.json()["totals"] == document["totals"]


@pytest.mark.parametrize(
    "names",
    [
        dict(zip(KINDS, ("borrowers", "loans", "repayments", "coaching", "outcomes"), strict=True)),
        dict(zip(KINDS, ("CLIENTS", "Liste des prets", "Paiments recus", "Accompagnement",
                         "Retombées"), strict=True)),
        dict(zip(KINDS, ("Feuil1", "Feuil2", "Feuil3", "Feuil4", "Feuil5"), strict=True)),
        dict(zip(KINDS, ("Feuil1", "Suivi", "Suivi (2)", "Suivi (3)", "Suivi (4)"), strict=True)),
    ],
)  # fmt: skip
async def test_sheets_are_known_by_their_names_or_their_titles(
    member: Client, names: dict[str, str]
) -> None:
    answer = await member.send("workbook", make_book(make_portfolio(2), KINDS, names), XLSX)
    assert answer.status_code == 201, answer.text
    assert [each["kind"] for each in answer.json()["sheets"]] == list(KINDS)


async def test_rows_are_told_as_stored_sheet_by_sheet(loans: Loans, member: Client) -> None:
    portfolio = make_portfolio(2)
    content = make_book(portfolio, KINDS)
    file = SentFile(content, hashlib.sha256(content).digest(), XLSX, None)
    order = Order("loans", WORKBOOK, "atomic", dry_run=True, language="fr")
    told: list[int] = []

    def tell(step: Step, rows: int) -> None:
        if step == "stored":
            told.append(rows)

    database: Database = loans.app.state.database
    who = Principal("key", Role.MEMBER, member.organisation, ("06",))
    await run_import(database, who, order, file, TODAY, tell)
    assert told == list(accumulate(len(portfolio[kind]) for kind in KINDS))


async def test_other_sheets_are_left_out_and_told(member: Client) -> None:
    others: list[tuple[str, list[list[Value]], bool]] = [
        ("Notes", [["Rappeler Zoé"], ["le 3 mai"]], False),
        ("Brouillon", [["external_id", "kind"], ["E-9", "person"]], True),
        ("Dictionnaire", [["Colonne", "Sens"], ["external_id", "Votre numéro"]], False),
        ("Listes", [["a"]], True),
        ("Feuil9", [], False),
        ("À faire", [["no", "date", "tâche"], ["1", "2026-01-01", "Rappeler"]], False),
    ]
    book = make_book(make_portfolio(2), KINDS, FRENCH, others)
    answer = await member.send("workbook", book, XLSX, language="en")
    assert answer.status_code == 201
    assert [(n["sheet"], n["code"]) for n in answer.json()["notices"]] == [
        ("Brouillon", "sheet.hidden"),
        ("Notes", "sheet.unknown"),
        ("À faire", "sheet.unknown"),
    ]
    assert answer.json()["totals"]["after"]["borrowers"] == 2


async def test_one_bad_row_anywhere_keeps_all_out(loans: Loans, member: Client) -> None:
    portfolio = change(make_portfolio(3), "outcomes", "O-002", jobs_created="deux")
    portfolio = change(portfolio, "loans", "P-003", principal="1200,005")
    before = await loans.count_rows(member)
    answer = await member.send("workbook", make_book(portfolio, KINDS[::-1]), XLSX)
    document = answer.json()
    assert (answer.status_code, document["code"]) == (422, "import.rejected")
    assert await loans.count_rows(member) == before
    found = [(e["sheet"], e["row"], e["column"], e["pointer"]) for e in document["errors"]]
    assert ("Suivis", 2, "jobs_created", "/Suivis/2/jobs_created") in found
    assert ("Prêts 2025", 3, "principal", "/Prêts 2025/3/principal") in found
    # What depends on the loan that was refused is refused with it.
    assert ("Remboursements", 9, "loan_external_id") in [each[:3] for each in found]
    assert [each[0] for each in found] == sorted(
        (each[0] for each in found), key=[FRENCH[kind] for kind in KINDS[::-1]].index
    )
    assert {each["sheet"]: each["counts"]["rejected"] for each in document["sheets"]} == {
        "Suivis": 2,
        "Rencontres": 1,
        "Remboursements": 4,
        "Prêts 2025": 1,
        "Emprunteurs": 0,
    }

    content = (await member.get(f"/v1/imports/{document['import_id']}/errors.xlsx")).content
    book = load_workbook(io.BytesIO(content))
    assert book.sheet_names == [*(FRENCH[kind] for kind in KINDS[::-1]), "Erreurs"]
    rows = book.get_sheet_by_name("Suivis").to_python()
    assert rows[2][rows[0].index("jobs_created")] == "deux"
    listed = [row[4] for row in book.get_sheet_by_name("Erreurs").to_python()[1:]]
    assert listed == [each[0] for each in found]
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        comments = archive.read("xl/comments1.xml").decode()
        assert len(re.findall("<comment ", comments)) == 2
        assert "« deux »" in comments
        assert sum(name.startswith("xl/comments") for name in archive.namelist()) == 4


async def test_a_partial_workbook_records_what_is_sound(loans: Loans, member: Client) -> None:
    portfolio = change(make_portfolio(3), "loans", "P-003", principal="0")
    answer = await member.send("workbook", make_book(portfolio), XLSX, mode="partial")
    assert answer.status_code == 201
    assert {each["kind"]: each["counts"]["created"] for each in answer.json()["sheets"]} == {
        "borrowers": 3,
        "loans": 2,
        "repayments": 8,
        "coaching-sessions": 2,
        "outcomes": 2,
    }
    assert await loans.find_differences(member) == []


async def test_a_dry_run_of_a_workbook_says_what_the_real_run_does(
    loans: Loans, member: Client
) -> None:
    portfolio = make_portfolio(4)
    await member.send("workbook", make_book(portfolio), XLSX)
    changed = change(portfolio, "repayments", "R-002-1", amount="50.00")
    changed = change(changed, "outcomes", "O-003", jobs_created="7")
    book, rows = make_book(changed), await loans.count_rows(member)
    tried = (await member.send("workbook", book, XLSX, dry_run="true", **REASON)).json()
    assert await loans.count_rows(member) == rows
    real = (await member.send("workbook", book, XLSX, **REASON)).json()
    assert (real["corrected"], real["counts"]["unchanged"]) == (2, 4 + 4 + 15 + 4 + 3)
    assert [(c["sheet"], c["external_id"]) for c in real["changes"]] == [
        ("Remboursements", "R-002-1"),
        ("Suivis", "O-003"),
    ]
    for answer in (tried, real):
        del answer["dry_run"], answer["import_id"]
    assert tried == real


async def test_no_kind_is_a_workbook(member: Client) -> None:
    headers = {**member.headers, "Content-Type": XLSX}
    book = make_book(make_portfolio(1))
    answer = await member.http.post("/v1/imports", content=book, headers=headers)
    assert (answer.status_code, answer.json()["kind"]) == (201, "workbook")
    listed = (await member.get("/v1/imports", kind="workbook")).json()["items"]
    assert [each["import_id"] for each in listed] == [answer.json()["import_id"]]
    sheet = await member.http.post(
        "/v1/imports", content=b"external_id\n1\n", headers={**member.headers, "Content-Type": CSV}
    )
    assert (sheet.status_code, codes_of(sheet)) == (422, {"/kind": "missing"})


async def test_workbooks_that_hold_nothing_known(member: Client) -> None:
    unknown = workbook(lambda book: write(book, book.add_worksheet("Budget"), [["a"], ["1"]]))
    answer = await member.send("workbook", unknown, XLSX)
    assert (answer.status_code, answer.json()["code"]) == (422, "workbook.no_known_sheet")
    empty = {kind: rows[:1] for kind, rows in make_portfolio(1).items()}
    header = workbook(
        lambda book: write(book, book.add_worksheet("Prêts"), to_table(empty["loans"])[:1])
    )
    answer = await member.send("workbook", header, XLSX)
    assert (answer.status_code, answer.json()["code"]) == (422, "import.no_rows")
    answer = await member.send("workbook", b"PK\x03\x04", XLSX)
    assert answer.status_code == 422


async def test_a_sheet_named_after_what_it_lacks(member: Client) -> None:
    portfolio = make_portfolio(1)
    for row in portfolio["repayments"]:
        del row["amount"]
    answer = await member.send("workbook", make_book(portfolio), XLSX)
    assert [(e["sheet"], e["row"], e["column"], e["code"]) for e in answer.json()["errors"]] == [
        ("Remboursements", 0, "amount", "column.missing")
    ]


async def test_sheets_of_one_kind_by_year(loans: Loans, member: Client) -> None:
    portfolio = make_portfolio(4)

    def fill(book: Workbook) -> None:
        for name, rows in (
            ("Prêts 2024", portfolio["loans"][:2]),
            ("Prêts 2025", portfolio["loans"][2:]),
            ("Paiements", portfolio["repayments"]),
        ):
            write(book, book.add_worksheet(name), to_table(rows))  # fmt: skip

    book = workbook(fill)
    assert (await member.send("workbook", book, XLSX)).json()["counts"]["created"] == 20
    again = (await member.send("workbook", book, XLSX)).json()
    assert (again["counts"]["unchanged"], again["absent"]) == (20, 0)
    assert await loans.find_differences(member) == []


async def test_absent_facts_of_a_kind_spread_over_two_sheets(member: Client) -> None:
    portfolio = make_portfolio(5)
    await send_all(member, portfolio)

    def book(*sheets: Sequence[Row]) -> bytes:
        def fill(book: Workbook) -> None:
            for number, rows in enumerate(sheets):
                write(book, book.add_worksheet(f"Prêts 202{number}"), to_table(rows))

        return workbook(fill)

    loans = portfolio["loans"]
    answer = (await member.send("workbook", book(loans[:2], loans[3:4]), XLSX)).json()
    assert (answer["counts"]["unchanged"], answer["absent"]) == (3, 2)
    twice = [loans[0], {**loans[1], "principal": "900.00"}]
    answer = (await member.send("workbook", book(loans[:2], twice), XLSX, mode="partial")).json()
    assert [each["counts"] for each in answer["sheets"]] == [
        {"received": 2, "created": 0, "unchanged": 2, "rejected": 0},
        {"received": 2, "created": 0, "unchanged": 1, "rejected": 1},
    ]
    assert [(e["sheet"], e["row"], e["code"]) for e in answer["errors"]] == [
        ("Prêts 2021", 2, "external_id.conflict")
    ]


async def test_a_sheet_of_contributions_says_where_to_send_it(member: Client) -> None:
    others: list[tuple[str, list[list[Value]], bool]] = [
        ("Apports 2026", [["No", "Qui"], ["A1", "Caisse"]], False),
        ("Feuil8", [["No", "Bailleur", "Montant"], ["A1", "Caisse", 5]], False),
    ]
    answer = await member.send(
        "workbook", make_book(make_portfolio(1), KINDS, FRENCH, others), XLSX
    )
    document = answer.json()
    assert [(n["sheet"], n["code"]) for n in document["notices"]] == [
        ("Apports 2026", "sheet.elsewhere"),
        ("Feuil8", "sheet.elsewhere"),
    ]
    assert "comme « contributions » (kind)" in document["notices"][0]["message"]
    assert "Apports 2026" not in [each["sheet"] for each in document["sheets"]]


async def test_the_workbook_of_errors_is_the_whole_workbook(member: Client) -> None:
    """Also what is not read of it: the sheets of another service, nobody's, and hidden ones."""
    apports: list[list[Value]] = [["No", "Bailleur", None, "Reçu le"], ["A1", "=Caisse", 5.5]]
    apports[1].append(date(2026, 3, 31))
    notes: list[list[Value]] = [["Rappeler Zoé"], [], [None, "le 3 mai"]]
    others: list[tuple[str, list[list[Value]], bool]] = [
        ("Apports 2026", apports, False),
        ("Brouillon", [["external_id"], ["E-9"]], True),
        ("Vide", [], False),
        ("Notes", notes, False),
    ]
    portfolio = change(make_portfolio(2), "outcomes", "O-002", jobs_created="deux")
    book = make_book(portfolio, KINDS[::-1], FRENCH, others)
    asked = {"dry_run": "true", "errors": "xlsx"}
    marked = await member.send("workbook", book, XLSX, **asked)
    sent, found = (load_workbook(io.BytesIO(content)) for content in (book, marked.content))
    assert found.sheet_names == [*sent.sheet_names, "Erreurs"]
    hidden = [s.name for s in found.sheets_metadata if s.visible is not SheetVisibleEnum.Visible]
    assert hidden == ["Brouillon"]
    assert found.get_sheet_by_name("Apports 2026").to_python() == [
        ["No", "Bailleur", "", "Reçu le"],
        ["A1", "=Caisse", "5.5", "2026-03-31"],
    ]
    assert found.get_sheet_by_name("Notes").to_python() == [
        ["Rappeler Zoé", ""], ["", ""], ["", "le 3 mai"],
    ]  # fmt: skip

    again = await member.send("workbook", marked.content, XLSX, **asked)
    twice = load_workbook(io.BytesIO(again.content))
    assert twice.sheet_names == found.sheet_names
    for name in found.sheet_names:
        rows = found.get_sheet_by_name(name).to_python()
        assert twice.get_sheet_by_name(name).to_python() == rows, name

    one = await member.send("outcomes", book, XLSX, **asked)
    assert load_workbook(io.BytesIO(one.content)).sheet_names == found.sheet_names


class TestMappings:
    """Each sheet is read by the mapping of its kind."""

    OWN = {
        "loans": {"Dossier interne": "external_id", "Qui": "borrower_external_id"},
        "repayments": {"Pièce": "external_id", "Dossier interne": "loan_external_id"},
    }

    async def keep(self, member: Client, name: str, *kinds: str) -> None:
        for kind in kinds:
            answer = await member.http.post(
                f"/v1/import-mappings?kind={kind}",
                json={"name": name, "columns": self.OWN[kind]},
                headers=member.headers,
            )
            assert answer.status_code == 201, answer.text

    def book(self) -> bytes:
        portfolio = make_portfolio(2)
        titles = {kind: {ours: own for own, ours in self.OWN[kind].items()} for kind in self.OWN}

        def fill(book: Workbook) -> None:
            for kind in self.OWN:
                rows = [
                    {titles[kind].get(name, name): value for name, value in row.items()}
                    for row in portfolio[kind]
                ]
                write(book, book.add_worksheet(FRENCH[kind]), to_table(rows))

        return workbook(fill)

    async def test_one_name_for_all_kinds_that_have_it(self, member: Client) -> None:
        book = self.book()
        plain = await member.send("workbook", book, XLSX)
        assert {e["code"] for e in plain.json()["errors"]} == {"column.missing"}
        await self.keep(member, "excel", "loans", "repayments")
        answer = await member.send("workbook", book, XLSX, mapping="excel")
        assert (answer.status_code, answer.json()["counts"]["created"]) == (201, 10)
        used = [
            {"kind": "loans", "name": "excel", "version": 1},
            {"kind": "repayments", "name": "excel", "version": 1},
        ]
        assert answer.json()["mappings"] == used
        found = (await member.get(answer.headers["location"])).json()
        assert (found["mappings"], found["mapping"]) == (used, None)

        place = "/v1/import-mappings/loans/excel"
        changed = await member.http.put(
            place, json={"columns": {}}, headers={**member.headers, "If-Match": '"1"'}
        )
        assert changed.json()["version"] == 2
        replay = (await member.get(f"{answer.headers['location']}/replay")).json()
        assert replay["same"] is True

    async def test_names_by_kind(self, member: Client) -> None:
        await self.keep(member, "excel", "loans")
        await self.keep(member, "caisse", "repayments")
        named = "loans:excel,repayments:caisse"
        tried = await member.send("workbook", self.book(), XLSX, mapping=named, dry_run="true")
        assert tried.json()["counts"]["created"] == 10
        long = await member.http.post(
            "/v1/imports",
            params={"mapping": named, "mode": "partial"},
            content=self.book(),
            headers={**member.headers, "Content-Type": XLSX, "Prefer": "respond-async"},
        )
        assert long.status_code in (201, 202)
        assert [each["name"] for each in long.json()["mappings"]] == ["excel", "caisse"]

    async def test_a_sheet_without_a_mapping_keeps_our_titles(self, member: Client) -> None:
        await self.keep(member, "excel", "loans")
        answer = await member.send("workbook", self.book(), XLSX, mapping="excel")
        assert {(e["sheet"], e["code"]) for e in answer.json()["errors"]} == {
            ("Remboursements", "column.missing")
        }

    async def test_errors_are_marked_under_ones_own_titles(self, member: Client) -> None:
        await self.keep(member, "excel", "loans", "repayments")
        portfolio = make_portfolio(2)
        await member.send("loans", write_csv(portfolio["loans"]))
        query = {"mapping": "excel", "dry_run": "true", "errors": "xlsx"}
        changed = change(portfolio, "repayments", "R-001-1", amount="1.00")
        await member.send("repayments", write_csv(changed["repayments"][:1]))
        answer = await member.send("workbook", self.book(), XLSX, **query)
        listed = load_workbook(io.BytesIO(answer.content)).get_sheet_by_name("Erreurs")
        [row] = listed.to_python()[1:]
        assert (row[0], row[1], row[4]) == (2.0, "Pièce", "Remboursements")

    @pytest.mark.parametrize(
        ("sent", "code"),
        [
            ("no-such", "mapping.unknown"),
            ("loans:no-such", "mapping.unknown"),
            ("contributions:excel", "mapping.unknown"),
            ("excel,loans:excel", "mapping.twice"),
            ("", "mapping.unknown"),
        ],
    )
    async def test_what_is_refused(self, member: Client, sent: str, code: str) -> None:
        await self.keep(member, "excel", "loans")
        answer = await member.send("workbook", self.book(), XLSX, mapping=sent)
        assert (answer.status_code, codes_of(answer)) == (422, {"/mapping": code})

    async def test_anothers_mapping_is_unknown(self, loans: Loans, member: Client) -> None:
        await self.keep(loans.as_member(), "excel", "loans")
        answer = await member.send("workbook", self.book(), XLSX, mapping="excel")
        assert codes_of(answer) == {"/mapping": "mapping.unknown"}
