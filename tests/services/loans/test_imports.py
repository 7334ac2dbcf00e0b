"""Sheets of every kind: recorded whole or in part, tried, sent again, refused cell by cell."""

import json
import random
from collections.abc import Callable, Mapping, Sequence

import pytest
from starlette.types import Message, Scope

from services.common.importing import IMPORT_MAX_BYTES
from tests.services.loans.conftest import (
    CSV,
    NDJSON,
    Client,
    Loans,
    codes_of,
    loan_row,
    repayment_row,
    write_csv,
)

Rows = Sequence[Mapping[str, object]]

KINDS = ("borrowers", "loans", "repayments", "coaching-sessions", "outcomes")
TABLES = {
    "borrowers": "borrowers",
    "loans": "loans",
    "repayments": "repayments",
    "coaching-sessions": "coaching_sessions",
    "outcomes": "outcomes",
}


def borrower_row(external_id: str, **changes: object) -> dict[str, object]:
    return {
        "external_id": external_id,
        "kind": "person",
        "given_name": "Zoé",
        "family_name": "Bégin",
        "birth_year": "1988",
        "gender": "woman",
        "region_code": "06",
        "clienteles": "immigrant",
        "enterprise_name": "Boulangerie « Le Fournil »",
        "sector_code": "311811",
        "social_economy": "true",
        **changes,
    }


def session_row(external_id: str, loan_id: str = "P-1", **changes: object) -> dict[str, object]:
    return {
        "external_id": external_id,
        "borrower_external_id": f"E-{loan_id}",
        "loan_external_id": loan_id,
        "held_on": "2025-06-10",
        "duration_minutes": "90",
        "mode": "video",
        "stage": "post_loan",
        "topics": "budget|marché",
        "coach": "Luc",
        **changes,
    }


def outcome_row(external_id: str, loan_id: str = "P-1", **changes: object) -> dict[str, object]:
    return {
        "external_id": external_id,
        "loan_external_id": loan_id,
        "observed_on": "2026-02-01",
        "business_status": "active",
        "jobs_created": "2",
        "jobs_maintained": "1",
        "turnover": "45000.00",
        "other_financing": "",
        **changes,
    }


def rows_of(kind: str, count: int = 3) -> list[dict[str, object]]:
    """Sound rows of a kind; all but borrowers and loans are about the loan P-1."""
    make: dict[str, Callable[[str], dict[str, object]]] = {
        "borrowers": borrower_row,
        "loans": loan_row,
        "repayments": lambda name: repayment_row(name, "P-1", amount="10.00"),
        "coaching-sessions": session_row,
        "outcomes": outcome_row,
    }
    return [make[kind](f"{kind}-{number}") for number in range(1, count + 1)]


def write_ndjson(kind: str, rows: Rows) -> str:
    """The same rows as lines of JSON: whole numbers as numbers, lists as lists, nothing blank."""
    integers = ("birth_year", "instalments", "duration_minutes", "jobs_created", "jobs_maintained")

    def convert(name: str, cell: object) -> object:
        if name in integers:
            return int(str(cell))
        if name in ("clienteles", "topics"):
            return str(cell).split("|")
        return cell == "true" if name == "social_economy" else cell

    return "\n".join(
        json.dumps({name: convert(name, cell) for name, cell in row.items() if cell != ""})
        for row in rows
    )


async def prepare(client: Client, kind: str) -> None:
    """What rows of a kind refer to."""
    if kind not in ("borrowers", "loans"):
        assert (await client.send("loans", write_csv([loan_row("P-1")]))).status_code == 201


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("media_type", [CSV, NDJSON])
async def test_a_sheet_is_recorded_once(
    loans: Loans, member: Client, kind: str, media_type: str
) -> None:
    await prepare(member, kind)
    before = (await loans.count_rows(member))[TABLES[kind]]
    rows = rows_of(kind)
    content = write_csv(rows) if media_type == CSV else write_ndjson(kind, rows)
    first = await member.send(kind, content, media_type)
    assert first.status_code == 201
    answer = first.json()
    assert first.headers["location"] == f"/v1/imports/{answer['import_id']}"
    assert answer["counts"] == {"received": 3, "created": 3, "unchanged": 0, "rejected": 0}
    assert (answer["kind"], answer["mode"], answer["dry_run"]) == (kind, "atomic", False)
    assert (answer["errors"], answer["errors_truncated"]) == ([], False)

    again = await member.send(kind, content, media_type)
    assert again.status_code == 200
    assert again.json()["counts"] == {"received": 3, "created": 0, "unchanged": 3, "rejected": 0}
    assert (await loans.count_rows(member))[TABLES[kind]] == before + 3
    assert await loans.find_differences(member) == []
    shown = await member.get(first.headers["location"])
    assert shown.json()["counts"] == answer["counts"]
    kept = await member.get(f"{first.headers['location']}/file")
    assert kept.content == content.encode()


@pytest.mark.parametrize("kind", KINDS)
async def test_csv_and_json_lines_say_the_same(member: Client, kind: str) -> None:
    """The same facts in the other format are already on record."""
    await prepare(member, kind)
    rows = rows_of(kind)
    await member.send(kind, write_csv(rows))
    again = await member.send(kind, write_ndjson(kind, rows), NDJSON)
    assert again.json()["counts"] == {"received": 3, "created": 0, "unchanged": 3, "rejected": 0}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_dry_run_records_nothing_and_says_the_same(
    loans: Loans, member: Client, kind: str
) -> None:
    await prepare(member, kind)
    before = await loans.count_rows(member)
    content = write_csv(rows_of(kind))
    tried = await member.send(kind, content, dry_run="true")
    assert tried.status_code == 200
    assert (tried.json()["import_id"], tried.json()["dry_run"]) == (None, True)
    assert await loans.count_rows(member) == before
    done = await member.send(kind, content)
    assert done.json()["counts"] == tried.json()["counts"]


FRENCH = {
    "borrowers": (
        "No emprunteur;Type;Prénom;Nom;Dénomination;Année de naissance;Sexe;Région;Ville;"
        "Code postal;Clientèle;Entreprise;NEQ;SCIAN;Économie sociale",
        "E-9;Personne physique;Zoé;Bégin;;1988;F;06;Montréal;h2x 1y4;Jeune | Immigrante;"
        "« Le Fournil »;1140000000;311811;oui",
    ),
    "loans": (
        "No prêt;No emprunteur;Type emprunteur;Genre;Année naissance;Clientèle;Code région;"
        "Municipalité;Produit;Stade;Secteur;Capital;Taux annuel;Nombre versements;Fréquence;"
        "Date contrat;Date déboursement;Première échéance;Frais;Autre financement;"
        "Financement État;Financement communauté;Financement privé",
        "P-9;E-9;Personne physique;Femme;1988;Famille monoparentale;06;Montréal;Prêt individuel;"
        "Démarrage;722512;1 234,50 $;7,25 %;12;Mensuel;2025-04-10;2025-04-15;2025-05-15;"
        "25,00;12 000,00;1 000,00;0;234,50",
    ),
    "repayments": (
        "No remboursement;Prêt;Date paiement;Montant;Mode paiement",
        "R-9;P-1;2025-05-15;106,62;Virement",
    ),
    "coaching-sessions": (
        "No rencontre;Emprunteur;Prêt;Date rencontre;Durée minutes;Mode rencontre;Étape;Sujets;"
        "Conseiller",
        "S-9;E-P-1;P-1;2025-06-10;90;phone;post_loan;budget | marché;Luc",
    ),
    "outcomes": (
        "No suivi;Prêt;Date suivi;État entreprise;Emplois créés;Emplois maintenus;"
        "Chiffre affaires;Autre financement",
        "O-9;P-1;2026-02-01;active;2;1;45 000,00;0",
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
async def test_a_french_sheet_of_a_french_spreadsheet(
    loans: Loans, member: Client, kind: str, encoding: str
) -> None:
    """Semicolons, decimal commas, thousands set apart, accents, headers in French."""
    await prepare(member, kind)
    content = "\r\n".join((*FRENCH[kind], "")).encode(encoding)
    sent = await member.send(kind, content)
    assert sent.status_code == 201, sent.text
    assert sent.json()["counts"]["created"] == 1


async def test_what_a_french_sheet_of_loans_says(loans: Loans, member: Client) -> None:
    await member.send("loans", "\n".join(FRENCH["loans"]))
    [document] = (await member.get("/v1/loans")).json()["items"]
    assert (document["principal"], document["annual_rate"]) == ("1234.50", "7.25")
    assert (document["product"], document["stage"]) == ("individual_loan", "start")
    assert document["other_financing"] == "12000.00"
    assert document["funding"] == [
        {"source": "state", "amount": "1000.00"},
        {"source": "private", "amount": "234.50"},
    ]
    [person] = (await member.get("/v1/borrowers")).json()["items"]
    assert (person["kind"], person["gender"], person["birth_year"]) == ("person", "woman", 1988)
    assert person["clienteles"] == ["single_parent"]
    [row] = await loans.look(
        "SELECT fees_withheld_cents FROM disbursements WHERE organisation_id = $1",
        member.organisation_id,
    )
    assert row["fees_withheld_cents"] == 2_500


async def test_one_bad_row_keeps_an_atomic_sheet_out(loans: Loans, member: Client) -> None:
    await prepare(member, "repayments")
    before = await loans.count_rows(member)
    rows = [
        repayment_row("R-1", "P-1", amount="10.00"),
        repayment_row("R-2", "P-9", paid_on="2026-04-01", amount="1.005"),
        repayment_row("R-3", "P-9", paid_on="2026-04-01"),
    ]
    refused = await member.send("repayments", write_csv(rows))
    assert refused.status_code == 422
    assert codes_of(refused) == {
        "/2/amount": "amount.decimals",
        "/3/loan_external_id": "loan.unknown",
        "/3/paid_on": "date.future",
    }
    problem = refused.json()
    assert problem["code"] == "import.rejected"
    assert problem["counts"] == {"received": 3, "created": 0, "unchanged": 0, "rejected": 2}
    assert problem["detail"] == "Rien n'a été inscrit : 2 ligne(s) à corriger sur 3."
    assert await loans.count_rows(member) == before
    # That it was tried is on record, with its errors.
    shown = (await member.get(f"/v1/imports/{problem['import_id']}")).json()
    assert (shown["outcome"], len(shown["errors"])) == ("refused", 3)


async def test_a_partial_sheet_records_its_good_rows(loans: Loans, member: Client) -> None:
    await prepare(member, "repayments")
    rows = [
        repayment_row("R-1", "P-1", amount="10.00"),
        repayment_row("R-2", "P-9"),
        repayment_row("R-3", "P-1", amount="10,00"),
        repayment_row("R-3", "P-1", amount="11.00"),
        repayment_row("R-1", "P-1", amount="10.00"),
    ]
    sent = await member.send("repayments", write_csv(rows), mode="partial", language="en")
    assert sent.status_code == 201
    answer = sent.json()
    assert answer["counts"] == {"received": 5, "created": 2, "unchanged": 1, "rejected": 2}
    assert answer["errors"] == [
        {
            "row": 2,
            "line": 3,
            "column": "loan_external_id",
            "title": "loan_external_id",
            "code": "loan.unknown",
            "message": '"P-9": No loan has this identifier.',
        },
        {
            "row": 4,
            "line": 5,
            "column": "external_id",
            "title": "external_id",
            "code": "external_id.conflict",
            "message": '"R-3": This identifier stands more than once in this file, with different '
            "contents; keep the right row, or give each fact its own identifier.",
        },
    ]
    assert (await loans.count_rows(member))["repayments"] == 2
    assert await loans.find_differences(member) == []


async def test_rows_that_repeat_a_bad_row_are_as_bad(member: Client) -> None:
    rows = [loan_row("P-1", disbursed_on="2026-04-01")] * 2
    sent = await member.send("loans", write_csv(rows), mode="partial")
    assert sent.json()["counts"] == {"received": 2, "created": 0, "unchanged": 0, "rejected": 2}
    assert [(e["row"], e["column"]) for e in sent.json()["errors"]] == [
        (1, "disbursed_on"),
        (2, "disbursed_on"),
    ]


async def test_repayments_of_a_sheet_are_taken_in_the_order_of_their_dates(
    loans: Loans, member: Client
) -> None:
    """Whatever the order of the rows, the one that pays too much is the last by date."""
    await prepare(member, "repayments")
    rows = [
        repayment_row(f"R-{month:02d}", "P-1", f"2025-{month:02d}-15", "300.00")
        for month in range(5, 10)
    ]
    shuffled = random.Random(5).sample(rows, len(rows))
    sent = await member.send("repayments", write_csv(shuffled), mode="partial")
    assert sent.json()["counts"] == {"received": 5, "created": 4, "unchanged": 0, "rejected": 1}
    [error] = sent.json()["errors"]
    assert error["row"] == [row["external_id"] for row in shuffled].index("R-09") + 1
    assert (error["column"], error["code"]) == ("amount", "repayment.over_payment")
    assert error["message"].endswith(": 79.42.")
    assert await loans.find_differences(member) == []


@pytest.mark.parametrize("seed", range(3))
async def test_sheets_cut_and_shuffled_give_the_same_record(loans: Loans, seed: int) -> None:
    """The same repayments, whole or in four sheets in another order: the same totals each day."""
    draw = random.Random(seed)
    rows = [
        repayment_row(f"R-{loan_id}-{number}", loan_id, f"2025-{5 + number:02d}-{20 - number}")
        for loan_id in ("P-1", "P-2", "P-3")
        for number in range(draw.randrange(1, 7))
    ]
    kept: list[object] = []
    for cut in (len(rows), len(rows) // 4 or 1):
        member = loans.as_member()
        await member.send("loans", write_csv([loan_row(f"P-{n}") for n in (1, 2, 3)]))
        shuffled = draw.sample(rows, len(rows))
        for start in range(0, len(rows), cut):
            sheet = write_csv(shuffled[start : start + cut])
            assert (await member.send("repayments", sheet)).status_code == 201
        assert await loans.find_differences(member) == []
        days = await loans.look(
            "SELECT * FROM daily_totals WHERE organisation_id = $1 ORDER BY region_code, on_date",
            member.organisation_id,
        )
        kept.append([tuple(day)[1:] for day in days if any(tuple(day)[3:])])
    assert kept[0] == kept[1]


# --- what a sheet of loans says of borrowers ------------------------------------------------------


async def test_borrowers_described_otherwise_in_one_sheet(member: Client) -> None:
    rows = [
        loan_row("P-1", borrower_external_id="E-1", gender="", birth_year="1991"),
        loan_row("P-2", borrower_external_id="E-1", gender="woman", birth_year=""),
        loan_row("P-3", borrower_external_id="E-1", gender="man", birth_year="1992"),
        loan_row("P-4", borrower_external_id="E-1", borrower_kind="legal_person"),
    ]
    sent = await member.send("loans", write_csv(rows), mode="partial")
    assert [(e["row"], e["column"], e["code"]) for e in sent.json()["errors"]] == [
        (3, "birth_year", "borrower.described_otherwise"),
        (3, "gender", "borrower.described_otherwise"),
        (4, "borrower_kind", "borrower.described_otherwise"),
    ]
    assert sent.json()["errors"][1]["message"] == (
        "« man » : L'emprunteur E-1 est déjà décrit autrement : femme."
    )
    [person] = (await member.get("/v1/borrowers")).json()["items"]
    assert (person["gender"], person["birth_year"]) == ("woman", 1991)


async def test_a_borrower_described_by_a_bad_row_is_not_taken_at_its_word(member: Client) -> None:
    rows = [
        loan_row("P-1", borrower_external_id="E-1", gender="man", disbursed_on="2026-04-01"),
        loan_row("P-2", borrower_external_id="E-1", gender="woman"),
    ]
    sent = await member.send("loans", write_csv(rows), mode="partial")
    assert sent.json()["counts"]["created"] == 1
    [person] = (await member.get("/v1/borrowers")).json()["items"]
    assert person["gender"] == "woman"


async def test_a_registered_legal_person_need_not_be_described_again(member: Client) -> None:
    sheet = write_csv([borrower_row("E-1", kind="personne morale", legal_name="Coop", gender="")])
    assert (await member.send("borrowers", sheet)).status_code == 201
    row = loan_row("P-1", borrower_external_id="E-1", borrower_kind="", gender="", birth_year="")
    sent = await member.send("loans", write_csv([row]))
    assert sent.status_code == 201, sent.text
    otherwise = {**row, "external_id": "P-2", "borrower_kind": "person"}
    refused = await member.send("loans", write_csv([otherwise]))
    assert codes_of(refused) == {"/1/borrower_kind": "borrower.described_otherwise"}


async def test_borrowers_known_by_their_loans_are_then_registered(
    loans: Loans, member: Client
) -> None:
    await member.send("loans", write_csv([loan_row("P-1"), loan_row("P-2")]))
    rows = [borrower_row("E-P-1", birth_year="1991"), borrower_row("E-new")]
    sent = await member.send("borrowers", write_csv(rows))
    assert sent.json()["counts"] == {"received": 2, "created": 2, "unchanged": 0, "rejected": 0}
    assert (await loans.count_rows(member))["borrowers"] == 3
    again = await member.send("borrowers", write_csv(rows))
    assert again.json()["counts"]["unchanged"] == 2
    by_name = {b["external_id"]: b for b in (await member.get("/v1/borrowers")).json()["items"]}
    assert by_name["E-P-1"]["given_name"] == "Zoé"
    assert by_name["E-P-2"]["given_name"] is None


async def test_a_region_without_its_zero_is_read_in_every_sheet(member: Client) -> None:
    """Spreadsheets write 6 for 06."""
    borrowers = await member.send("borrowers", write_csv([borrower_row("E-1", region_code="6")]))
    assert borrowers.status_code == 201, borrowers.text
    [person] = (await member.get("/v1/borrowers")).json()["items"]
    assert person["region_code"] == "06"


async def test_nothing_that_a_borrowers_sheet_says_is_dropped(member: Client) -> None:
    """A sector without the name of the enterprise is kept."""
    row = borrower_row("E-1", enterprise_name="", social_economy="")
    assert (await member.send("borrowers", write_csv([row]))).status_code == 201
    [person] = (await member.get("/v1/borrowers")).json()["items"]
    assert person["enterprise"] == {
        "name": None,
        "neq": None,
        "sector_code": "311811",
        "social_economy": False,
    }


# --- bad rows, bad files --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "changes", "column", "code"),
    [
        ("borrowers", {"external_id": ""}, "external_id", "missing"),
        ("borrowers", {"kind": "personne morale"}, "legal_name", "borrower.legal_name"),
        ("borrowers", {"birth_year": "mil neuf cent"}, "birth_year", "integer.type"),
        ("borrowers", {"social_economy": "peut-être"}, "social_economy", "boolean.type"),
        ("loans", {"borrower_external_id": ""}, "borrower_external_id", "missing"),
        ("loans", {"borrower_kind": "fiducie"}, "borrower_kind", "choice"),
        ("loans", {"gender": "dame"}, "gender", "choice"),
        ("loans", {"principal": "1,23.45"}, "principal", "amount.form"),
        ("loans", {"principal": "1234.567"}, "principal", "amount.decimals"),
        ("loans", {"principal": "0"}, "principal", "amount.zero"),
        ("loans", {"annual_rate": "101"}, "annual_rate", "rate.bounds"),
        ("loans", {"annual_rate": "-1"}, "annual_rate", "rate.bounds"),
        ("loans", {"instalments": "12.5"}, "instalments", "integer.type"),
        ("loans", {"instalments": "601"}, "instalments", "number.too_large"),
        ("loans", {"frequency": "quinzaine"}, "frequency", "choice"),
        ("loans", {"disbursed_on": "2026-04-01"}, "disbursed_on", "date.future"),
        ("loans", {"disbursed_on": "31/02/2026"}, "disbursed_on", "date.impossible"),
        ("loans", {"disbursed_on": "31/03/26"}, "disbursed_on", "date.form"),
        (
            "loans",
            {"first_due_on": "2025-04-15"},
            "first_due_on",
            "schedule.first_due_before_disbursement",
        ),
        ("loans", {"fee": "1200.00"}, "fee", "schedule.nothing_advanced"),
        (
            "loans",
            {"instalments": "600", "frequency": "days", "first_due_on": "2199-12-31"},
            "first_due_on",
            "schedule.term_too_long",
        ),
        (
            "loans",
            {"funding_private": "600.01"},
            "funding_state",
            "loan.funding_exceeds_principal",
        ),
        ("repayments", {"loan_external_id": "P-404"}, "loan_external_id", "loan.unknown"),
        ("repayments", {"paid_on": "2025-04-14"}, "paid_on", "repayment.before_disbursement"),
        ("repayments", {"amount": "1279.43"}, "amount", "repayment.over_payment"),
        ("repayments", {"amount": "-5"}, "amount", "amount.negative"),
        ("repayments", {"amount": ""}, "amount", "missing"),
        (
            "coaching-sessions",
            {"borrower_external_id": "E-404", "loan_external_id": ""},
            "borrower_external_id",
            "borrower.unknown",
        ),
        ("coaching-sessions", {"duration_minutes": "1h30"}, "duration_minutes", "integer.type"),
        ("coaching-sessions", {"mode": "fax"}, "mode", "choice"),
        ("outcomes", {"loan_external_id": "P-404"}, "loan_external_id", "loan.unknown"),
        (
            "outcomes",
            {"observed_on": "2025-04-14"},
            "observed_on",
            "outcome.before_disbursement",
        ),
        ("outcomes", {"jobs_created": "-1"}, "jobs_created", "number.too_small"),
    ],
)
async def test_a_bad_cell_is_named_and_nothing_is_stored(
    loans: Loans, member: Client, kind: str, changes: dict[str, object], column: str, code: str
) -> None:
    await prepare(member, kind)
    before = await loans.count_rows(member)
    good, bad = rows_of(kind, 2)
    if "legal_name" in column:
        good = {**good, "legal_name": ""}
    refused = await member.send(kind, write_csv([good, {**bad, **changes}]))
    assert refused.status_code == 422
    assert codes_of(refused) == {f"/2/{column}": code}
    [error] = refused.json()["errors"]
    english = await member.send(
        kind, write_csv([good, {**bad, **changes}]), language="en", dry_run="true"
    )
    assert english.json()["errors"][0]["message"] != error["message"]
    assert await loans.count_rows(member) == before


@pytest.mark.parametrize(
    ("content", "media_type", "status", "code"),
    [
        (b"", CSV, 422, "import.empty"),
        (b"\xef\xbb\xbf\r\n", CSV, 422, "import.empty"),
        (b"external_id,loan_external_id,paid_on,amount\n", CSV, 422, "import.no_rows"),
        (b"external_id,loan_external_id,amount\nR-1,P-1,1.00\n", CSV, 422, "column.missing"),
        (
            b"external_id,loan_external_id,paid_on,amount,methd\nR-1,P-1,2025-05-15,1.00,x\n",
            CSV,
            422,
            "column.misspelt",
        ),
        (
            b"external_id,loan_external_id,paid_on,amount,montant\nR-1,P-1,2025-05-15,1,1\n",
            CSV,
            422,
            "column.duplicate",
        ),
        (
            b'external_id,loan_external_id,paid_on,amount\n"R-1,P-1,2025-05-15,1.00\n',
            CSV,
            422,
            "csv.malformed",
        ),
        (
            "external_id,loan_external_id,paid_on,amount\né\u00e9,P-1,2025-05-15,1".encode()[:-1]
            + b"\xc3",
            CSV,
            422,
            "import.encoding",
        ),
        (
            b"external_id,loan_external_id,paid_on,amount" + b"\n" * 1_100_000,
            CSV,
            422,
            "csv.blank_lines",
        ),
        (b"external_id,loan_external_id\0,paid_on,amount\n", CSV, 422, "import.encoding"),
        (b"{}", "application/json", 422, "import.array"),
        (b"external_id\nR-1\n", "", 415, "media_type.unsupported"),
        (b"x" * (IMPORT_MAX_BYTES + 1), CSV, 413, "body.too_large"),
    ],
)
async def test_a_file_that_cannot_be_read_is_refused_whole(
    loans: Loans, member: Client, content: bytes, media_type: str, status: int, code: str
) -> None:
    await prepare(member, "repayments")
    before = await loans.count_rows(member)
    refused = await member.send("repayments", content, media_type)
    codes_of(refused)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert await loans.count_rows(member) == before


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ('{"external_id": "R-1"', "json.malformed"),
        ('{"external_id": "R-1", "external_id": "R-2"}', "json.duplicate_key"),
        ('{"external_id": NaN}', "json.not_finite"),
        ('{"external_id": "R-1", "amount": 1.5}', "json.number"),
        ("[]", "object.type"),
        ('{"external_id": "R-1", "loan_externl_id": "P-1"}', "column.misspelt"),
    ],
)
async def test_a_bad_line_is_a_bad_row(member: Client, line: str, code: str) -> None:
    await prepare(member, "repayments")
    good = write_ndjson("repayments", rows_of("repayments", 1))
    sent = await member.send("repayments", f"{good}\n{line}\n", NDJSON, mode="partial")
    assert sent.status_code == 201
    assert sent.json()["counts"]["created"] == 1
    assert [(error["row"], error["code"]) for error in sent.json()["errors"]] == [(2, code)]


async def test_an_upload_that_breaks_off_records_nothing(loans: Loans, member: Client) -> None:
    """The connection is lost in the middle of the body, as the server tells its application."""
    await prepare(member, "repayments")
    before = await loans.count_rows(member)
    content = write_csv(rows_of("repayments", 50)).encode()
    received: list[Message] = [
        {"type": "http.request", "body": content[: len(content) // 2], "more_body": True},
        {"type": "http.disconnect"},
    ]
    sent: list[Message] = []

    async def receive() -> Message:
        return received.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    headers = {**member.headers, "Content-Type": CSV, "Content-Length": str(len(content))}
    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/v1/imports",
        "raw_path": b"/v1/imports",
        "root_path": "",
        "query_string": b"kind=repayments",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("loans", 80),
    }
    await loans.app(scope, receive, send)
    assert sent[0]["status"] == 400
    assert json.loads(sent[1]["body"])["code"] == "body.truncated"
    assert await loans.count_rows(member) == before


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"kind": "gifts"}, "/kind"),
        ({"kind": "contributions"}, "/kind"),
        ({"kind": "loans", "mode": "quick"}, "/mode"),
        ({"kind": "loans", "dry_run": "perhaps"}, "/dry_run"),
        ({"kind": "loans", "dryrun": "true"}, "/dryrun"),
    ],
)
async def test_a_question_badly_put_records_nothing(
    loans: Loans, member: Client, query: dict[str, str], pointer: str
) -> None:
    before = await loans.count_rows(member)
    refused = await member.send(
        query["kind"],
        write_csv([loan_row("P-1")]),
        **{name: value for name, value in query.items() if name != "kind"},
    )
    assert refused.status_code == 422
    assert list(codes_of(refused)) == [pointer]
    assert await loans.count_rows(member) == before


async def test_a_thousand_facts_make_one_event(loans: Loans, member: Client) -> None:
    """One thousand and one loans are told in two events, in order, and all of them."""
    rows = [
        loan_row(f"P-{number:04d}", instalments="1", borrower_external_id="E-1")
        for number in range(1_001)
    ]
    assert (await member.send("loans", write_csv(rows))).status_code == 201
    events = await loans.look(
        "SELECT jsonb_array_length(payload -> 'facts' -> 'id') AS facts FROM events"
        " WHERE organisation_id = $1 ORDER BY event_number",
        member.organisation_id,
    )
    assert [event["facts"] for event in events] == [1_000, 1]


async def test_an_idempotency_key_holds_one_import(member: Client) -> None:
    headers = {**member.headers, "Content-Type": CSV, "Idempotency-Key": "i-1"}
    sheet = write_csv([loan_row("P-1")])
    first = await member.http.post("/v1/imports?kind=loans", content=sheet, headers=headers)
    again = await member.http.post("/v1/imports?kind=loans", content=sheet, headers=headers)
    other = await member.http.post(
        "/v1/imports?kind=loans", content=write_csv([loan_row("P-2")]), headers=headers
    )
    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 422)
    assert again.json() == first.json()
    assert other.json()["code"] == "idempotency_key.reused"
