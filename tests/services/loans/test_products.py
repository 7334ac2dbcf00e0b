"""The catalogue over HTTP, and loans held against it: recorded with a word, or refused."""

import asyncpg
import pytest

from services.common.database import Database
from services.common.errors import JsonValue
from services.common.identity import Principal, Role
from services.loans.imports.rows import LoanRow
from services.loans.loans.commands import record_loans
from tests.services.loans.conftest import (
    TODAY,
    Client,
    Document,
    Loans,
    codes_of,
    loan,
    loan_row,
    pay,
    record_borrower,
    record_loan,
    some_id,
    terms,
    write_csv,
)

SEEDED = ["bridge_loan", "circle_loan", "emergency_loan", "first_loan", "individual_loan"]


def product(code: str, effective_from: str = "2025-01-01", **rules: JsonValue) -> Document:
    return {
        "code": code,
        "effective_from": effective_from,
        "names": {"fr": "Prêt d'essai", "en": "Trial loan"},
        **rules,
    }


@pytest.fixture
def code() -> str:
    """A product of the test alone: the catalogue is the same for everybody."""
    return some_id("trial").replace("-", "_").lower()


async def find(member: Client, lent: Document, **query: str) -> Document:
    found: Document = (await member.get(f"/v1/loans/{lent['loan_id']}", **query)).json()
    return found


def finding_codes(document: Document) -> list[str]:
    findings = document["findings"]
    assert isinstance(findings, list)
    return [finding["code"] for finding in findings]


# --- the catalogue --------------------------------------------------------------------------------


async def test_five_products_from_the_start(member: Client) -> None:
    items = (await member.get("/v1/products", as_of="2025-04-01")).json()["items"]
    seeded = {item["code"]: item for item in items if item["code"] in SEEDED}
    assert sorted(seeded) == SEEDED
    assert {(item["version"], item["binding"]) for item in seeded.values()} == {(1, False)}
    assert seeded["individual_loan"]["limits"]["amount_max"] == "20000.00"
    assert (await member.get("/v1/products", as_of="1989-12-31")).json()["items"] == []


async def test_a_version_follows_another(network: Client, member: Client, code: str) -> None:
    first = await network.post("/v1/products", product(code))
    assert (first.status_code, first.json()["version"]) == (201, 1)
    assert first.headers["location"] == f"/v1/products/{code}/versions"
    limits: JsonValue = {"amount_max": "9000.00"}
    second = await network.post("/v1/products", product(code, "2026-01-01", limits=limits))
    assert (second.status_code, second.json()["version"]) == (201, 2)
    again = await network.post("/v1/products", product(code, "2026-01-01", limits=limits))
    assert (again.status_code, again.json()) == (200, second.json())
    assert again.headers["idempotent-replayed"] == "true"

    versions = (await member.get(f"/v1/products/{code}/versions")).json()["items"]
    assert [(v["effective_from"], v["effective_until"]) for v in versions] == [
        ("2025-01-01", "2025-12-31"),
        ("2026-01-01", None),
    ]
    in_force = {
        day: (await member.get(f"/v1/products/{code}", as_of=day)).json().get("version")
        for day in ("2024-12-31", "2025-12-31", "2026-01-01")
    }
    assert in_force == {"2024-12-31": None, "2025-12-31": 1, "2026-01-01": 2}


@pytest.mark.parametrize("day", ["2025-01-01", "2024-12-31"])
async def test_what_was_in_force_stays_so(network: Client, code: str, day: str) -> None:
    await network.post("/v1/products", product(code))
    refused = await network.post("/v1/products", product(code, day, binding=True))
    assert refused.status_code == 422
    assert codes_of(refused) == {"/effective_from": "version.not_after_newest"}


@pytest.mark.parametrize(
    ("rules", "pointer", "error"),
    [
        (
            {"limits": {"amount_min": "2.00", "amount_max": "1.00"}},
            "/limits/amount_max",
            "range.reversed",
        ),
        ({"limits": {"term_months_max": 601}}, "/limits/term_months_max", "number.too_large"),
        ({"limits": {"amount_max": 1}}, "/limits/amount_max", "amount.form"),
        ({"conventions": {"frequency": "years"}}, "/conventions/frequency", "choice"),
        ({"allocation_order": "interest"}, "/allocation_order", "choice"),
        ({"eligibility": {"cycle_min": 0}}, "/eligibility/cycle_min", "number.too_small"),
        ({"names": {"fr": "Prêt"}}, "/names/en", "missing"),
        ({"colour": "blue"}, "/colour", "unknown_field"),
    ],
)
async def test_rules_that_say_nothing_sound(
    network: Client, code: str, rules: dict[str, JsonValue], pointer: str, error: str
) -> None:
    refused = await network.post("/v1/products", {**product(code), **rules})
    assert (refused.status_code, codes_of(refused)) == (422, {pointer: error})


@pytest.mark.parametrize("table", ["product_versions", "provision_matrices"])
@pytest.mark.parametrize(
    "statement",
    ["UPDATE {} SET effective_on = effective_on", "DELETE FROM {}", "TRUNCATE {}"],
)
async def test_the_catalogue_is_only_added_to(loans: Loans, table: str, statement: str) -> None:
    connection = await asyncpg.connect(loans.database.dsn("loans_app"))
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement.format(table))
    finally:
        await connection.close()


async def test_a_product_nobody_recorded(member: Client, code: str) -> None:
    for path in (f"/v1/products/{code}", f"/v1/products/{code}/versions"):
        assert (await member.get(path)).status_code == 404


# --- loans ----------------------------------------------------------------------------------------


async def test_a_loan_carries_the_version_it_was_signed_under(
    network: Client, member: Client, code: str
) -> None:
    for day in ("2025-01-01", "2025-06-01"):
        await network.post("/v1/products", product(code, day))
    early = await record_loan(member, product=code)
    late = await record_loan(
        member, product=code, contracted_on="2025-06-01", disbursed_on="2025-06-15"
    )
    assert (early["product_version"], late["product_version"]) == (1, 2)
    # A version that comes later changes nothing of what is signed.
    await network.post("/v1/products", product(code, "2025-06-02", limits={"amount_max": "1.00"}))
    found = await find(member, late)
    assert (found["product_version"], found["findings"]) == (2, [])


async def test_a_product_that_is_not_in_the_catalogue_is_recorded(
    loans: Loans, member: Client, code: str
) -> None:
    lent = await record_loan(member, product=code)
    assert lent["product_version"] is None
    found = await find(member, lent)
    assert finding_codes(found) == ["product.unknown"]


async def test_a_loan_recorded_before_there_were_versions_carries_the_first(
    loans: Loans, member: Client
) -> None:
    lent = await record_loan(member)
    await loans.look(
        "UPDATE loans SET product_version = NULL WHERE organisation_id = $1",
        member.organisation_id,
    )
    assert (await find(member, lent))["product_version"] == 1


async def test_a_departure_is_told_and_recorded(member: Client) -> None:
    fees: JsonValue = [{"amount": "60.01"}]
    lent = await record_loan(
        member, terms=terms(annual_rate="12.25", instalments=62, frequency="weeks", fees=fees)
    )
    found = await find(member, lent)
    assert finding_codes(found) == [
        "product.rate_out_of_range",
        "product.fee_above_limit",
        "product.convention_differs",
    ]
    findings = found["findings"]
    assert isinstance(findings, list)
    assert findings[0]["fr"] == (
        "Le taux annuel (12.25 %) sort des limites du produit : au moins 0 %, au plus 12 %."
    )


async def test_a_binding_product_refuses_at_the_place(
    network: Client, member: Client, code: str
) -> None:
    await network.post(
        "/v1/products",
        product(
            code,
            binding=True,
            limits={"amount_max": "1000.00", "annual_rate_max": "10", "term_months_max": 6},
            conventions={"day_count": "actual/365"},
            fees={"amount_max": "1.00"},
            eligibility={"borrower_kinds": ["legal_person"]},
        ),
    )
    borrower_id = await record_borrower(member)
    body = loan(borrower_id, product=code, terms=terms(fees=[{"amount": "2.00"}]))
    refused = await member.post("/v1/loans", body)
    assert refused.status_code == 422
    assert codes_of(refused) == {
        "/terms/principal": "product.amount_out_of_range",
        "/terms/annual_rate": "product.rate_out_of_range",
        "/terms/instalments": "product.term_out_of_range",
        "/terms/fees": "product.fee_above_limit",
        "/terms/day_count": "product.convention_differs",
        "/borrower/external_id": "product.borrower_kind",
    }
    rows = write_csv([loan_row("P-1", product=code, principal="1000.01")])
    sheet = await member.send("loans", rows)
    assert sheet.status_code == 422
    assert (1, "principal") in [(e["row"], e["column"]) for e in sheet.json()["errors"]]


async def test_the_rank_of_a_loan(member: Client) -> None:
    """A first loan after another; an individual loan while one before is still owed."""
    borrower_id = await record_borrower(member)

    async def lend(product: str, contracted_on: str) -> Document:
        body = loan(
            borrower_id, product=product, contracted_on=contracted_on, disbursed_on=contracted_on
        )
        posted = await member.post("/v1/loans", body)
        assert posted.status_code == 201, posted.text
        document: Document = posted.json()
        return document

    first = await lend("first_loan", "2025-01-10")
    second = await lend("first_loan", "2025-02-10")
    third = await lend("individual_loan", "2025-03-10")
    assert finding_codes(await find(member, first)) == []
    assert finding_codes(await find(member, second)) == ["product.not_eligible_for_cycle"]
    assert finding_codes(await find(member, third)) == ["product.previous_loan_open"]
    # Once the record says that both were repaid before, nothing is odd any more.
    for lent in (first, second):
        await pay(member, lent["loan_id"], ("2025-03-10", "1279.42"))
    assert finding_codes(await find(member, third)) == []


async def test_ranks_within_a_sheet(member: Client) -> None:
    rows = [
        loan_row(
            f"P-{n}",
            borrower_external_id="E-1",
            product="first_loan",
            contracted_on=f"2025-0{n}-10",
            disbursed_on=f"2025-0{n}-15",
        )
        for n in (3, 1, 2)
    ]
    assert (await member.send("loans", write_csv(rows))).status_code == 201
    items = (await member.get("/v1/loans")).json()["items"]
    found = [finding_codes(await find(member, item)) for item in items]
    assert found[0] == []
    assert found[1] == found[2] == ["product.not_eligible_for_cycle"]


async def test_a_loan_that_was_reversed_has_no_rank(member: Client) -> None:
    borrower_id = await record_borrower(member)
    made: list[Document] = []
    for day in ("2025-01-10", "2025-02-10"):
        body = loan(borrower_id, product="first_loan", contracted_on=day, disbursed_on=day)
        made.append((await member.post("/v1/loans", body)).json())
    mistake, kept = made
    fact: JsonValue = {"kind": "loan", "external_id": mistake["external_id"]}
    body = {"fact": fact, "reason": "inscrit deux fois"}
    assert (await member.post(f"/v1/loans/{mistake['loan_id']}/reversals", body)).is_success
    assert finding_codes(await find(member, kept)) == []
    shown = await find(member, mistake)
    assert (shown["position"], finding_codes(shown)) == (None, [])


async def test_a_moratorium_the_product_does_not_allow(member: Client) -> None:
    lent = await record_loan(member)
    path = f"/v1/loans/{lent['loan_id']}/moratoria"
    for number, periods in enumerate((3, 4)):
        body: Document = {
            "external_id": f"M-{number}",
            "starts_on": f"2025-0{5 + number}-01",
            "kind": "capital_and_interest",
            "periods": periods,
            "reason": "maladie",
        }
        posted = await member.post(path, body)
        assert posted.status_code == 201, posted.text
    assert finding_codes(await find(member, lent)) == ["product.moratorium"]


# --- the law --------------------------------------------------------------------------------------


async def test_a_loan_over_the_criminal_rate_is_refused(loans: Loans, member: Client) -> None:
    borrower_id = await record_borrower(member)
    small = terms(principal="500.00", annual_rate="5", instalments=6, fees=[{"amount": "50.00"}])
    before = await loans.count_rows(member)
    refused = await member.post("/v1/loans", loan(borrower_id, terms=small, funding=[]))
    assert refused.status_code == 422
    assert codes_of(refused) == {"/terms/fees": "loan.criminal_rate"}
    assert "42.436066 %" in refused.json()["errors"][0]["message"]
    assert await loans.count_rows(member) == before

    row = loan_row(
        "P-1", principal="500.00", annual_rate="5", instalments="6", fee="50.00", funding_state=""
    )
    sheet = await member.send("loans", write_csv([row]))
    assert sheet.status_code == 422
    assert [(e["column"], e["code"]) for e in sheet.json()["errors"]] == [
        ("fee", "loan.criminal_rate")
    ]
    # What was signed before 2025 keeps the test of its day.
    signed = {**row, "contracted_on": "2024-12-31"}
    assert (await member.send("loans", write_csv([signed]))).status_code == 201


async def test_a_company_may_be_lent_more_dearly(member: Client) -> None:
    dear = terms(principal="10000.01", annual_rate="40", instalments=12)
    person = await record_borrower(member)
    company = await record_borrower(member, kind="legal_person", legal_name="Coop")
    refused = await member.post("/v1/loans", loan(person, terms=dear, funding=[]))
    assert codes_of(refused) == {"/terms/annual_rate": "loan.criminal_rate"}
    assert (await member.post("/v1/loans", loan(company, terms=dear, funding=[]))).is_success


async def test_a_loan_states_its_rates(member: Client) -> None:
    lent = await record_loan(member, terms=terms(fees=[{"amount": "12.00"}]))
    found = await find(member, lent)
    assert str(found["apr"]).startswith("13.9")
    assert found["yearly_rate"] == {
        "nominal": "12",
        "periods_a_year": "12",
        "effective": "12.68250301319697206612",
        "fr": "12 % par année (taux nominal), calculé sur le solde et payable chaque mois, "
        "soit 12.682503 % par année (taux effectif).",
        "en": "12 % a year (nominal rate), on the balance and payable every month, "
        "that is 12.682503 % a year (effective rate).",
    }


async def test_prescription_begins_again_with_a_payment(member: Client) -> None:
    lent = await record_loan(member)

    async def prescribed(as_of: str) -> JsonValue:
        position = (await find(member, lent, as_of=as_of))["position"]
        assert isinstance(position, dict)
        found: JsonValue = position["prescription_on"]
        return found

    assert await prescribed("2025-04-14") is None  # nothing is lent yet
    assert await prescribed("2025-04-15") == "2028-05-15"
    await pay(member, lent["loan_id"], ("2025-07-01", "100.00"))
    assert await prescribed("2025-06-30") == "2028-05-15"
    assert await prescribed("2025-07-01") == "2028-07-01"
    # Given up in the books, the debt stands; what is recovered of it acknowledges it.
    path = f"/v1/loans/{lent['loan_id']}"
    loss: Document = {
        "external_id": "W",
        "written_off_on": "2025-12-01",
        "amount": "1112.00",
        "reason": "fermeture",
    }
    posted = await member.post(f"{path}/write-offs", loss)
    assert posted.status_code == 201, posted.text
    assert await prescribed("2025-12-31") == "2028-07-01"
    recovered: Document = {"external_id": "R", "recovered_on": "2026-02-03", "amount": "10.00"}
    posted = await member.post(f"{path}/recoveries", recovered)
    assert posted.status_code == 201, posted.text
    assert await prescribed("2026-03-31") == "2029-02-03"


async def test_new_terms_acknowledge_the_debt(member: Client) -> None:
    lent = await record_loan(member)
    fact: Document = {
        "external_id": "RS",
        "rescheduled_on": "2025-08-01",
        "reason": "x",
        "terms": {"instalments": 12, "first_due_on": "2025-08-15"},
    }
    posted = await member.post(f"/v1/loans/{lent['loan_id']}/reschedulings", fact)
    assert posted.status_code == 201, posted.text
    for as_of, expected in (("2025-07-31", "2028-05-15"), ("2025-08-01", "2028-08-15")):
        position = (await find(member, lent, as_of=as_of))["position"]
        assert isinstance(position, dict)
        assert position["prescription_on"] == expected


async def test_the_rate_is_that_of_the_whole_sum_agreed(member: Client) -> None:
    """As quoted, whatever part of it is disbursed first."""
    borrower_id = await record_borrower(member)
    dear = terms(principal="5000.00", annual_rate="7", fees=[{"amount": "150.00"}])
    body = loan(borrower_id, terms=dear, funding=[])
    assert (await member.post("/v1/loans", {**body, "external_id": "whole"})).status_code == 201
    posted = await member.post("/v1/loans", {**body, "first_disbursement": "500.00"})
    assert posted.status_code == 201, posted.text
    quoted = await member.post("/v1/schedules", {**dear, "disbursed_on": "2025-04-15"})
    assert (await find(member, posted.json()))["apr"] == quoted.json()["apr"]


async def test_nothing_is_prescribed_of_a_loan_repaid(member: Client) -> None:
    lent = await record_loan(member)
    await pay(member, lent["loan_id"], ("2025-05-01", "1279.42"))
    position = (await find(member, lent))["position"]
    assert isinstance(position, dict)
    assert position["prescription_on"] is None


async def test_a_batch_tells_what_is_odd_and_records_it(loans: Loans, member: Client) -> None:
    rows = [
        loan_row("P-1"),
        loan_row("P-2", principal="499.99", funding_state=""),
        loan_row("P-3", product="prêt maison"),
    ]
    drafts = [LoanRow.model_validate(read_cells(row)).to_draft() for row in rows]
    principal = Principal("key-1", Role.MEMBER, member.organisation, ("06",))
    database: Database = loans.app.state.database
    async with database.write(member.organisation_id) as session:
        recorded = await record_loans(session, principal, drafts, TODAY)
    assert (list(recorded.created), recorded.refused) == ([0, 1, 2], {})
    assert {
        row: [(error.pointer, error.code) for error in found]
        for row, found in recorded.warned.items()
    } == {
        1: [("/principal", "product.amount_out_of_range")],
        2: [("/product", "product.unknown")],
    }


async def test_a_sheet_is_answered_with_its_warnings(member: Client) -> None:
    rows = [loan_row("P-1"), loan_row("P-2", annual_rate="12.5")]
    answer = (await member.send("loans", write_csv(rows))).json()
    assert answer["counts"]["created"] == 2
    assert [(e["row"], e["column"], e["code"]) for e in answer["warnings"]] == [
        (2, "annual_rate", "product.rate_out_of_range"),
        (2, "annual_rate", "rule.high_rate"),
    ]
    again = (await member.send("loans", write_csv(rows))).json()
    assert (again["counts"]["unchanged"], again["warnings"]) == (2, [])


def read_cells(row: dict[str, object]) -> dict[str, object]:
    """A row of a sheet as the reader hands it on."""
    whole = ("instalments", "birth_year")
    cells = {name: int(str(cell)) if name in whole else cell for name, cell in row.items() if cell}
    return {**cells, "clienteles": ["immigrant"]}


async def test_a_loan_that_does_not_say_follows_its_product(
    loans: Loans, network: Client, member: Client, code: str
) -> None:
    """Interest by the day, interest before fees; a loan that says otherwise departs from it."""
    rules = product(
        code,
        interest_accrual="daily",
        allocation_order="interest_fees_principal",
        conventions={"day_count": "actual/365"},
    )
    assert (await network.post("/v1/products", rules)).status_code == 201
    borrower_id = await record_borrower(member)
    body = loan(borrower_id, product=code, terms=terms(day_count="actual/365"))
    posted = await member.post("/v1/loans", body)
    assert posted.status_code == 201, posted.text
    lent = posted.json()
    assert (lent["interest_accrual"], lent["allocation_order"]) == (
        "daily",
        "interest_fees_principal",
    )
    assert finding_codes(await find(member, lent)) == []
    again = await member.post("/v1/loans", body)
    assert (again.status_code, again.json()) == (200, lent)

    uncounted = await member.post("/v1/loans", loan(borrower_id, product=code))
    assert codes_of(uncounted) == {"/terms/day_count": "loan.day_count_not_daily"}
    said = loan(
        borrower_id,
        product=code,
        terms=terms(day_count="actual/365"),
        interest_accrual="scheduled",
        allocation_order="fees_interest_principal",
    )
    departed = (await member.post("/v1/loans", said)).json()
    assert departed["interest_accrual"] == "scheduled"
    assert finding_codes(await find(member, departed)) == ["product.convention_differs"] * 2
    assert await loans.find_differences(member) == []


async def test_interest_on_overdue_interest_is_agreed_by_the_product_or_the_loan(
    loans: Loans, network: Client, member: Client, code: str
) -> None:
    agreed: Document = {"interest_accrual": "daily", "interest_on_overdue_interest": True}
    rules = {**product(code, conventions={"day_count": "actual/365"}), **agreed}
    unsaid = {name: value for name, value in rules.items() if name != "interest_accrual"}
    for not_daily in (unsaid, {**rules, "interest_accrual": "scheduled"}):
        refused = await network.post("/v1/products", not_daily)
        place = "/interest_on_overdue_interest"
        assert codes_of(refused) == {place: "loan.overdue_interest_not_daily"}
        assert "quotidien" in refused.text
    posted = await network.post("/v1/products", rules)
    assert (posted.status_code, posted.json()["interest_on_overdue_interest"]) == (201, True)
    seeded = (await member.get("/v1/products/individual_loan")).json()
    assert seeded["interest_on_overdue_interest"] is False

    borrower_id = await record_borrower(member)
    actual = terms(day_count="actual/365")
    cases: list[tuple[Document, bool, int]] = [
        ({}, True, 0),
        ({"interest_on_overdue_interest": False}, False, 1),
        ({"interest_accrual": "scheduled"}, False, 2),
    ]
    for said, is_agreed, findings in cases:
        body = loan(borrower_id, product=code, terms=actual, **said)
        posted = await member.post("/v1/loans", body)
        assert posted.status_code == 201, posted.text
        lent = {name: value for name, value in posted.json().items() if name != "warnings"}
        assert lent["interest_on_overdue_interest"] is is_agreed
        found = await find(member, lent)
        assert finding_codes(found) == ["product.convention_differs"] * findings
        again = await member.post("/v1/loans", body)
        assert (again.status_code, again.json()) == (200, lent)
    departed = await record_loan(member, terms=actual, **agreed)
    assert finding_codes(await find(member, departed)) == ["product.convention_differs"] * 2
    assert await loans.find_differences(member) == []


async def test_a_binding_product_bounds_the_moratoria_of_a_loan(
    network: Client, member: Client, code: str
) -> None:
    allowed: JsonValue = {
        "allowed": [{"kind": "capital_only", "periods_max": 3}],
        "periods_max": 4,
    }
    rules = product(code, binding=True, moratoria=allowed)
    assert (await network.post("/v1/products", rules)).status_code == 201
    lent = await record_loan(member, product=code)
    path = f"/v1/loans/{lent['loan_id']}/moratoria"
    pause: Document = {"starts_on": "2025-06-01", "kind": "capital_only", "reason": "Maladie"}
    for kind, periods, status in (
        ("capital_and_interest", 1, 422),
        ("capital_only", 4, 422),
        ("capital_only", 3, 201),
        ("capital_only", 2, 422),  # five in all
        ("capital_only", 1, 201),
    ):
        body = {**pause, "external_id": some_id("M"), "kind": kind, "periods": periods}
        answer = await member.post(path, body)
        assert answer.status_code == status, answer.text
        if status == 422:
            assert codes_of(answer) == {"/periods": "product.moratorium"}
