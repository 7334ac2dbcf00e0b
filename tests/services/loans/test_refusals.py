"""Bad input: a problem document that names the place, in French and English, and nothing stored."""

import json

import pytest

from services.common.errors import JsonValue
from services.common.identity import Role
from tests.services.loans.conftest import (
    NDJSON,
    Client,
    Document,
    Loans,
    borrower,
    codes_of,
    loan,
    loan_row,
    pay,
    record_borrower,
    record_loan,
    repayment,
    repayment_row,
    terms,
    write_csv,
)

BAD_LOANS: list[tuple[Document, str, str]] = [
    ({"terms": terms(principal="0.00")}, "/terms/principal", "amount.zero"),
    ({"terms": terms(principal="-5.00")}, "/terms/principal", "amount.negative"),
    ({"terms": terms(principal="12.345")}, "/terms/principal", "amount.decimals"),
    ({"terms": terms(principal=1200)}, "/terms/principal", "amount.form"),
    ({"terms": terms(annual_rate="7.123456789")}, "/terms/annual_rate", "rate.decimals"),
    ({"terms": terms(annual_rate="101")}, "/terms/annual_rate", "rate.bounds"),
    ({"terms": terms(instalments=601)}, "/terms/instalments", "number.too_large"),
    ({"terms": terms(instalments=0)}, "/terms/instalments", "number.too_small"),
    ({"terms": terms(instalments="12")}, "/terms/instalments", "integer.type"),
    ({"terms": terms(frequency="years")}, "/terms/frequency", "choice"),
    ({"terms": terms(surprise=1)}, "/terms/surprise", "unknown_field"),
    ({"disbursed_on": "2026-02-30"}, "/disbursed_on", "date.impossible"),
    ({"disbursed_on": "15/04/2025"}, "/disbursed_on", "date.form"),
    ({"disbursed_on": "2026-04-01"}, "/disbursed_on", "date.future"),
    ({"contracted_on": "2025-04-16"}, "/disbursed_on", "loan.disbursed_before_contract"),
    ({"region_code": "18"}, "/region_code", "region_code.form"),
    ({"borrower": {"external_id": "nobody"}}, "/borrower/external_id", "borrower.unknown"),
    ({"borrower": {}}, "/borrower/external_id", "missing"),
    ({"funding": [{"source": "bank", "amount": "1.00"}]}, "/funding/0/source", "choice"),
    (
        {"funding": [{"source": "state", "amount": "1200.01"}]},
        "/funding",
        "loan.funding_exceeds_principal",
    ),
    ({"external_id": "x" * 101}, "/external_id", "text.too_long"),
    ({"external_id": ""}, "/external_id", "text.too_short"),
    ({"external_id": "a\u0000b"}, "/external_id", "text.control"),
]


@pytest.mark.parametrize(("changes", "pointer", "code"), BAD_LOANS)
async def test_a_bad_loan_is_refused_at_its_place(
    loans: Loans, member: Client, changes: Document, pointer: str, code: str
) -> None:
    borrower_id = await record_borrower(member)
    before = await loans.count_rows(member)
    refused = await member.post("/v1/loans", loan(borrower_id, **changes))
    assert (refused.status_code, codes_of(refused)) == (422, {pointer: code})
    assert await loans.count_rows(member) == before


async def test_a_first_instalment_before_the_loan(member: Client) -> None:
    borrower_id = await record_borrower(member)
    body = loan(borrower_id, terms=terms(first_due_on="2025-04-01"))
    refused = await member.post("/v1/loans", body)
    assert refused.status_code == 422
    assert list(codes_of(refused)) == ["/terms/first_due_on"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b'{"external_id": NaN}', 422, "json.not_finite"),
        (b'{"amount": 1e400}', 422, "json.number"),
        (b'{"amount": 12.5}', 422, "json.number"),
        (b'{"a": {"b": 1, "b": 2}}', 422, "json.duplicate_key"),
        (b'{"a": 1234567890123456}', 422, "json.number"),
        (b'{"a": ', 400, "json.malformed"),
        (b'{"a": "\xff"}', 400, "body.encoding"),
        (b"", 400, "json.malformed"),
        (b"[" * 3000, 400, "json.depth"),
    ],
)
async def test_what_is_not_json_for_everybody(
    member: Client, body: bytes, status: int, code: str
) -> None:
    refused = await member.http.post(
        "/v1/borrowers",
        content=body,
        headers={**member.headers, "Content-Type": "application/json"},
    )
    assert (refused.status_code, refused.json()["code"]) == (status, code)


async def test_a_body_over_the_limit_and_one_that_is_not_json(member: Client) -> None:
    large = b'{"external_id": "' + b"x" * 1024 * 1024 + b'"}'
    headers = {**member.headers, "Content-Type": "application/json"}
    refused = await member.http.post("/v1/borrowers", content=large, headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (413, "body.too_large")
    headers["Content-Type"] = "text/plain"
    refused = await member.http.post("/v1/borrowers", content=b"{}", headers=headers)
    assert (refused.status_code, refused.json()["code"]) == (415, "media_type.unsupported")


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"paid_on": "2025-04-14"}, "/paid_on", "repayment.before_disbursement"),
        ({"paid_on": "2026-04-01"}, "/paid_on", "date.future"),
        ({"amount": "1279.43"}, "/amount", "repayment.over_payment"),
        ({"amount": "0.00"}, "/amount", "amount.zero"),
        ({"amount": None}, "/amount", "amount.form"),
        ({"surprise": "x"}, "/surprise", "unknown_field"),
    ],
)
async def test_a_bad_repayment_is_refused_at_its_place(
    loans: Loans, member: Client, changes: dict[str, JsonValue], pointer: str, code: str
) -> None:
    found = await record_loan(member)
    before = await loans.count_rows(member)
    path = f"/v1/loans/{found['loan_id']}/repayments"
    refused = await member.post(path, {**repayment(), **changes})
    assert (refused.status_code, codes_of(refused)) == (422, {pointer: code})
    assert await loans.count_rows(member) == before


async def test_the_sentence_is_french_unless_english_is_asked_for(member: Client) -> None:
    body = borrower(region_code="99")
    refused = await member.post("/v1/borrowers", body)
    assert refused.headers["content-language"] == "fr-CA"
    assert refused.json()["errors"][0]["message"].startswith("Une région est un code")
    refused = await member.post("/v1/borrowers", body, accept_language="en-CA, fr;q=0.5")
    assert refused.headers["content-language"] == "en"
    assert refused.json()["errors"][0]["message"].startswith("A region is an official")


async def test_the_same_identifier_with_other_content(loans: Loans, member: Client) -> None:
    found = await record_loan(member)
    path = f"/v1/loans/{found['loan_id']}/repayments"
    body = repayment()
    first = await member.post(path, body)
    again = await member.post(path, body)
    other = await member.post(path, {**body, "amount": "106.63"})
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json() == first.json()
    assert other.json()["code"] == "external_id.conflict"
    assert (await loans.count_rows(member))["repayments"] == 1


@pytest.mark.parametrize("role", [r for r in Role if r is not Role.MEMBER])
async def test_no_other_role_reads_or_writes_a_members_facts(loans: Loans, role: Role) -> None:
    stranger = loans.as_role(role)
    for path in ("/v1/borrowers", "/v1/loans", "/v1/coaching-sessions", "/v1/outcomes"):
        assert (await stranger.get(path)).status_code == 403, path
        assert (await stranger.post(path, {})).status_code == 403, path
    assert (await stranger.send("loans", "external_id\n")).status_code == 403


async def test_another_organisations_loan_does_not_exist(loans: Loans, member: Client) -> None:
    found = await record_loan(member)
    path = f"/v1/loans/{found['loan_id']}"
    other = loans.as_member()
    unknown = "/v1/loans/00000000-0000-0000-0000-000000000001"
    bodies: dict[str, Document] = {
        "/repayments": repayment(),
        "/write-offs": {
            "external_id": "W",
            "written_off_on": "2025-06-01",
            "amount": "1.00",
            "reason": "Faillite",
        },
        "/reversals": {"fact": {"kind": "repayment", "external_id": "R"}, "reason": "Erreur"},
    }
    for suffix, body in bodies.items():
        foreign = await other.post(path + suffix, body)
        missing = await other.post(unknown + suffix, body)
        assert foreign.status_code == missing.status_code == 404, suffix
        drop = ("trace_id",)
        assert {k: v for k, v in foreign.json().items() if k not in drop} == {
            k: v for k, v in missing.json().items() if k not in drop
        }
    assert (await other.get(path)).status_code == 404
    sheet = write_csv([repayment_row("R1", str(found["external_id"]))])
    refused = await other.send("repayments", sheet)
    assert refused.json()["errors"][0]["code"] == "loan.unknown"


async def test_without_a_token_of_the_gateway_nothing_is_answered(member: Client) -> None:
    for headers in ({}, {"Authorization": "Bearer x.y.z"}, {"X-Organisation": "montreal"}):
        refused = await member.http.get("/v1/loans", headers=headers)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Bearer")


async def test_an_import_is_refused_whole_and_says_where(loans: Loans, member: Client) -> None:
    rows = [loan_row("L1"), loan_row("L2", principal="12.345", disbursed_on="2025-13-01")]
    before = await loans.count_rows(member)
    refused = await member.send("loans", write_csv(rows))
    assert (refused.status_code, refused.json()["code"]) == (422, "import.rejected")
    assert refused.json()["counts"] == {
        "received": 2,
        "created": 0,
        "unchanged": 0,
        "rejected": 1,
    }
    places = {(e["row"], e["column"], e["code"]) for e in refused.json()["errors"]}
    assert places == {
        (2, "principal", "amount.decimals"),
        (2, "disbursed_on", "date.impossible"),
    }
    assert await loans.count_rows(member) == before
    partial = await member.send("loans", write_csv(rows), mode="partial")
    assert partial.status_code == 201
    assert (await loans.count_rows(member))["loans"] == 1


async def test_a_dry_run_answers_what_the_run_then_does(loans: Loans, member: Client) -> None:
    sheet = write_csv([loan_row("L1"), loan_row("L2")])
    dry = await member.send("loans", sheet, dry_run="true")
    assert (await loans.count_rows(member))["loans"] == 0
    real = await member.send("loans", sheet)
    assert dry.status_code == 200
    assert real.status_code == 201
    assert dry.json()["counts"] == real.json()["counts"]
    assert await loans.find_differences(member) == []


async def test_french_titles_semicolons_and_decimal_commas(loans: Loans, member: Client) -> None:
    sheet = (
        "Identifiant;Emprunteur;Genre;Capital;Taux annuel;Versements;Date de versement;Produit\n"
        "P1;E1;Femme;1 200,00 $;7,25 %;12;2025-04-15;Prêt individuel\n"
    ).replace("Date de versement", "date_versement")
    answer = await member.send("loans", sheet.encode("cp1252"))
    assert answer.status_code == 201, answer.text
    [found] = (await member.get("/v1/loans")).json()["items"]
    assert (found["principal"], found["annual_rate"]) == ("1200.00", "7.25")
    assert (found["product"], found["region_code"]) == ("individual_loan", "06")
    [known] = (await member.get("/v1/borrowers")).json()["items"]
    assert known["gender"] == "woman"


async def test_lines_of_json_are_the_same_facts(loans: Loans, member: Client) -> None:
    await member.send("loans", write_csv([loan_row("L1")]))
    rows = [repayment_row(f"R{n}", "L1", f"2025-0{5 + n}-15") for n in range(3)]
    assert (await member.send("repayments", write_csv(rows))).status_code == 201
    lines = "\n".join(map(json.dumps, rows))
    again = await member.send("repayments", lines, NDJSON)
    assert again.status_code == 200, again.text
    assert again.json()["counts"]["unchanged"] == 3


async def test_write_off_recovery_and_their_reversals(loans: Loans, member: Client) -> None:
    found = await record_loan(member)
    path = f"/v1/loans/{found['loan_id']}"
    await pay(member, found["loan_id"], ("2025-05-15", "106.62"))

    async def post(kind: str, on: str, amount: str, identifier: str) -> int:
        field = {"write-offs": "written_off_on", "recoveries": "recovered_on"}[kind]
        body = {"external_id": identifier, field: on, "amount": amount, "reason": "Faillite"}
        return (await member.post(f"{path}/{kind}", body)).status_code

    async def reverse(kind: str, identifier: str) -> int:
        fact: Document = {"kind": kind, "external_id": identifier}
        body: Document = {"fact": fact, "reason": "Erreur de saisie"}
        return (await member.post(f"{path}/reversals", body)).status_code

    assert await post("recoveries", "2025-09-01", "1.00", "V0") == 422
    assert await post("write-offs", "2025-09-01", "1105.39", "W1") == 422
    assert await post("write-offs", "2025-09-01", "1105.38", "W1") == 201
    assert await post("write-offs", "2025-09-01", "1105.38", "W1") == 200
    refused = await member.post(f"{path}/repayments", repayment("10.00", "2025-10-01"))
    assert refused.json()["code"] == "repayment.over_payment"
    assert await post("recoveries", "2025-10-01", "100.00", "V1") == 201
    position = (await member.get(path)).json()["position"]
    assert position["outstanding_principal"] == "0.00"
    assert (position["written_off"], position["recovered"]) == ("1105.38", "100.00")
    assert position["days_past_due"] == 0
    assert await reverse("write_off", "W1") == 422
    assert await reverse("recovery", "V1") == 201
    assert await reverse("write_off", "W1") == 201
    assert await reverse("write_off", "W1") == 200
    position = (await member.get(path)).json()["position"]
    assert position["outstanding_principal"] == "1105.38"
    assert position["par90"] is True
    assert await loans.find_differences(member) == []
