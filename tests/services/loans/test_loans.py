"""Loans through HTTP: recorded with their schedule, refused at the right place, shown on a date."""

import asyncio

import pytest

from services.common.errors import JsonValue
from services.loans.loans.schemas import LoanAnswer, LoanPositionAnswer
from tests.services.loans.conftest import (
    Client,
    Document,
    Loans,
    codes_of,
    loan,
    pay,
    record_borrower,
    record_loan,
    terms,
)


async def find_position(client: Client, loan_id: JsonValue, as_of: str) -> Document:
    shown = await client.get(f"/v1/loans/{loan_id}", as_of=as_of)
    assert shown.status_code == 200, shown.text
    LoanPositionAnswer.model_validate_json(shown.content)
    position: Document = shown.json()["position"]
    return position


async def test_records_a_loan_with_its_schedule(member: Client) -> None:
    body = loan(await record_borrower(member))
    posted = await member.post("/v1/loans", body)
    assert posted.status_code == 201
    document = posted.json()
    answer = LoanAnswer.model_validate_json(posted.content)
    assert posted.headers["location"] == f"/v1/loans/{answer.loan_id}"
    assert document["schedule"][0] == {
        "number": 1,
        "due_on": "2025-05-15",
        "principal": "94.62",
        "interest": "12.00",
        "fees": "0.00",
        "payment": "106.62",
    }
    assert len(document["schedule"]) == 12
    assert sum(row.principal for row in answer.schedule) == 120_000
    assert document["funding"] == [{"source": "state", "amount": "600.00"}]
    assert (document["principal"], document["currency"]) == ("1200.00", "CAD")


async def test_what_may_be_left_out(loans: Loans) -> None:
    """The contract is signed on the day of the advance; the region is the borrower's."""
    member = loans.as_member(None, "01", "02")
    borrower_id = await record_borrower(member, region_code="02")
    body: Document = {
        "external_id": "P-1",
        "borrower": {"external_id": borrower_id},
        "terms": terms(),
        "disbursed_on": "2025-04-15",
    }
    document = (await member.post("/v1/loans", body)).json()
    assert document["contracted_on"] == "2025-04-15"
    assert document["region_code"] == "02"
    assert document["product"] == "individual_loan"
    assert (document["stage"], document["funding"], document["other_financing"]) == (
        None,
        [],
        "0.00",
    )


async def test_the_region_is_the_members_only_one_or_must_be_said(loans: Loans) -> None:
    of_one, of_two = loans.as_member(None, "11"), loans.as_member(None, "01", "02")
    for client in (of_one, of_two):
        await record_borrower(client, external_id="E-1", region_code=None)
    body = loan("E-1", region_code=None)
    assert (await of_one.post("/v1/loans", body)).json()["region_code"] == "11"
    refused = await of_two.post("/v1/loans", body)
    assert refused.status_code == 422
    assert codes_of(refused) == {"/region_code": "missing"}


async def test_the_same_again_is_replayed_with_the_same_body(member: Client) -> None:
    body = loan(await record_borrower(member))
    first = await member.post("/v1/loans", body)
    loan_id = first.json()["loan_id"]
    await pay(member, loan_id, ("2025-05-15", "106.62"))
    again = await member.post("/v1/loans", {**body, "terms": terms(annual_rate="12.00")})
    assert again.status_code == 200
    assert again.headers["idempotent-replayed"] == "true"
    assert again.content == first.content


@pytest.mark.parametrize(
    "changes",
    [
        {"terms": terms(principal="1200.01")},
        {"terms": terms(annual_rate="12.01")},
        {"terms": terms(fees=[{"amount": "1.00"}])},
        {"disbursed_on": "2025-04-16"},
        {"stage": None},
        {"purpose": "Roulement"},
        {"other_financing": "0.00"},
        {"funding": []},
        {"region_code": "13"},
    ],
)
async def test_other_content_under_the_same_identifier_conflicts(
    loans: Loans, member: Client, changes: dict[str, JsonValue]
) -> None:
    body = loan(await record_borrower(member))
    await member.post("/v1/loans", body)
    before = await loans.count_rows(member)
    other = await member.post("/v1/loans", {**body, **changes})
    assert other.status_code == 409
    assert codes_of(other) == {"/external_id": "external_id.conflict"}
    assert await loans.count_rows(member) == before


async def test_posted_many_times_at_once_it_is_recorded_once(loans: Loans, member: Client) -> None:
    body = loan(await record_borrower(member))
    answers = await asyncio.gather(*(member.post("/v1/loans", body) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    assert len({answer.content for answer in answers}) == 1
    assert (await loans.count_rows(member))["instalments"] == 12


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"borrower": {"external_id": "nobody"}}, "/borrower/external_id", "borrower.unknown"),
        ({"borrower": "E-1"}, "/borrower", "object.type"),
        ({"terms": None}, "/terms", "object.type"),
        ({"terms": terms(principal="0.00")}, "/terms/principal", "amount.zero"),
        ({"terms": terms(principal="10.001")}, "/terms/principal", "amount.decimals"),
        ({"terms": terms(principal=1200)}, "/terms/principal", "amount.form"),
        ({"terms": terms(principal="-5.00")}, "/terms/principal", "amount.negative"),
        ({"terms": terms(annual_rate="100.01")}, "/terms/annual_rate", "rate.bounds"),
        ({"terms": terms(annual_rate="1e1")}, "/terms/annual_rate", "rate.form"),
        ({"terms": terms(instalments=0)}, "/terms/instalments", "number.too_small"),
        ({"terms": terms(instalments=601)}, "/terms/instalments", "number.too_large"),
        ({"terms": terms(frequency="years")}, "/terms/frequency", "choice"),
        (
            {"terms": terms(first_due_on="2025-04-15")},
            "/terms/first_due_on",
            "schedule.first_due_before_disbursement",
        ),
        (
            {"terms": terms(grace={"principal_periods": 12})},
            "/terms/grace/principal_periods",
            "schedule.grace_too_long",
        ),
        (
            {"terms": terms(fees=[{"amount": "1200.00"}])},
            "/terms/fees",
            "schedule.nothing_advanced",
        ),
        (
            {"terms": terms(down_payment_percent="100")},
            "/terms/down_payment_percent",
            "schedule.down_payment_out_of_range",
        ),
        (
            {"terms": terms(instalments=600, repay_every=12)},
            "/terms/repay_every",
            "schedule.term_too_long",
        ),
        ({"terms": terms(disbursed_on="2025-04-14")}, "/disbursed_on", "loan.disbursed_on_twice"),
        ({"disbursed_on": "2025-02-29"}, "/disbursed_on", "date.impossible"),
        ({"disbursed_on": "15/04/2025"}, "/disbursed_on", "date.form"),
        ({"disbursed_on": "1899-12-31"}, "/disbursed_on", "date.bounds"),
        ({"disbursed_on": "2026-04-01"}, "/disbursed_on", "date.future"),
        (
            {"disbursed_on": "2025-04-09"},
            "/disbursed_on",
            "loan.disbursed_before_contract",
        ),
        ({"region_code": "00"}, "/region_code", "region_code.form"),
        ({"stage": ""}, "/stage", "text.too_short"),
        ({"sector_code": "restauration!"}, "/sector_code", "sector_code.form"),
        ({"funding": [{"source": "bank", "amount": "1.00"}]}, "/funding/0/source", "choice"),
        (
            {"funding": [{"source": "state", "amount": "1200.01"}]},
            "/funding",
            "loan.funding_exceeds_principal",
        ),
        ({"other_financing": "12 000,00"}, "/other_financing", "amount.form"),
        ({"status": "active"}, "/status", "unknown_field"),
        ({"terms": terms(rate="7")}, "/terms/rate", "unknown_field"),
    ],
)
async def test_what_is_wrong_is_placed_and_nothing_is_stored(
    loans: Loans,
    member: Client,
    changes: dict[str, JsonValue],
    pointer: str,
    code: str,
) -> None:
    body = loan(await record_borrower(member), **changes)
    before = await loans.count_rows(member)
    refused = await member.post("/v1/loans", body)
    assert refused.status_code == 422
    assert codes_of(refused) == {pointer: code}
    assert await loans.count_rows(member) == before


async def test_all_that_is_wrong_is_told_at_once(member: Client) -> None:
    body = loan(
        "nobody",
        contracted_on="2026-05-02",
        disbursed_on="2026-05-01",
        funding=[{"source": "state", "amount": "900.00"}, {"source": "state", "amount": "900.00"}],
    )
    refused = await member.post("/v1/loans", body)
    assert codes_of(refused) == {
        "/contracted_on": "date.future",
        "/disbursed_on": "loan.disbursed_before_contract",
        "/funding": "loan.funding_exceeds_principal",
        "/borrower/external_id": "borrower.unknown",
    }


@pytest.mark.parametrize(
    ("changes", "french", "english"),
    [
        (
            {"borrower": {"external_id": "nobody"}},
            "Aucun emprunteur ne porte cet identifiant.",
            "No borrower has this identifier.",
        ),
        (
            {"disbursed_on": "2025-04-09"},
            "Le versement précède la signature du contrat (2025-04-10).",
            "The disbursement comes before the contract (2025-04-10).",
        ),
        (
            {"funding": [{"source": "state", "amount": "1300.00"}]},
            "Les sources de financement dépassent le capital prêté.",
            "The funding sources add up to more than the principal.",
        ),
        (
            {"terms": terms(first_due_on="2025-04-01")},
            "Le premier versement doit être dû après le déboursement.",
            "The first instalment must be due after the disbursement.",
        ),
    ],
)
async def test_refusals_are_in_the_language_asked(
    member: Client, changes: dict[str, JsonValue], french: str, english: str
) -> None:
    body = loan(await record_borrower(member), **changes)
    assert (await member.post("/v1/loans", body)).json()["detail"] == french
    in_english = await member.post("/v1/loans", body, accept_language="en-CA")
    assert in_english.json()["detail"] == english
    assert in_english.headers["content-language"] == "en"


async def test_a_position_follows_the_facts_date_by_date(member: Client) -> None:
    loan_id = (await record_loan(member))["loan_id"]
    await pay(member, loan_id, ("2025-05-15", "106.62"), ("2025-06-20", "50.00"))

    before = await find_position(member, loan_id, "2025-04-14")
    assert before["outstanding_principal"] == "0.00"
    assert before["next_due"] is None
    opening = await find_position(member, loan_id, "2025-05-14")
    assert (opening["outstanding_principal"], opening["interest_due"]) == ("1200.00", "0.00")
    assert opening["next_due"] is not None

    paid = await find_position(member, loan_id, "2025-05-15")
    assert (paid["principal_paid"], paid["interest_paid"]) == ("94.62", "12.00")
    assert paid["outstanding_principal"] == "1105.38"
    late = await find_position(member, loan_id, "2025-06-19")
    assert (late["days_past_due"], late["interest_due"]) == (4, "11.05")
    assert late["arrears"] == {
        "principal": "95.57",
        "interest": "11.05",
        "fees": "0.00",
        "total": "106.62",
        "instalments": 1,
    }
    partly = await find_position(member, loan_id, "2025-06-20")
    assert (partly["days_past_due"], partly["interest_due"]) == (5, "0.00")
    assert partly["outstanding_principal"] == "1066.43"
    assert (partly["par30"], partly["par90"]) == (False, False)
    # 2025-06-15 is the oldest unpaid date: more than 30 days later, then more than 90.
    assert (await find_position(member, loan_id, "2025-07-15"))["par30"] is False
    assert (await find_position(member, loan_id, "2025-07-16"))["par30"] is True
    assert (await find_position(member, loan_id, "2025-09-13"))["par90"] is False
    assert (await find_position(member, loan_id, "2025-09-14"))["par90"] is True


async def test_facts_are_shown_up_to_the_date_with_their_split(member: Client) -> None:
    loan_id = (await record_loan(member))["loan_id"]
    await pay(member, loan_id, ("2025-05-15", "106.62"), ("2025-06-20", "50.00"))
    shown = (await member.get(f"/v1/loans/{loan_id}", as_of="2025-05-15")).json()
    assert [(fact["kind"], fact["on"], fact["amount"]) for fact in shown["facts"]] == [
        ("disbursement", "2025-04-15", "1200.00"),
        ("repayment", "2025-05-15", "106.62"),
    ]
    assert shown["facts"][1]["allocation"] == {
        "fees": "0.00",
        "interest": "12.00",
        "principal": "94.62",
    }
    today = (await member.get(f"/v1/loans/{loan_id}")).json()
    assert today["position"]["as_of"] == "2026-03-31"
    assert len(today["facts"]) == 3


@pytest.mark.parametrize("as_of", ["2025-02-30", "20250515", "86400", "hier", "2200-01-01"])
async def test_a_date_that_is_none_is_refused(member: Client, as_of: str) -> None:
    loan_id = (await record_loan(member))["loan_id"]
    refused = await member.get(f"/v1/loans/{loan_id}", as_of=as_of)
    assert refused.status_code == 422
    assert list(codes_of(refused)) == ["/as_of"]


@pytest.mark.parametrize(
    "loan_id", ["12", "P-1", "00000000-0000-0000-0000-00000000000g", "%00", "é"]
)
async def test_what_is_no_identifier_is_not_found(member: Client, loan_id: str) -> None:
    answer = await member.get(f"/v1/loans/{loan_id}")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_loan_at_no_interest_by_the_week(member: Client) -> None:
    body = loan(
        await record_borrower(member),
        terms=terms(principal="100.00", annual_rate="0", instalments=3, frequency="weeks"),
        funding=[],
    )
    document = (await member.post("/v1/loans", body)).json()
    assert [(row["due_on"], row["payment"]) for row in document["schedule"]] == [
        ("2025-04-22", "33.33"),
        ("2025-04-29", "33.33"),
        ("2025-05-06", "33.34"),
    ]
    await pay(member, document["loan_id"], ("2025-04-22", "100.00"))
    position = await find_position(member, document["loan_id"], "2025-12-31")
    assert (position["outstanding_principal"], position["days_past_due"]) == ("0.00", 0)


async def test_a_down_payment_falls_due_on_the_day_of_the_advance(member: Client) -> None:
    body = loan(
        await record_borrower(member),
        terms=terms(annual_rate="0", instalments=2, down_payment_percent="25"),
    )
    document = (await member.post("/v1/loans", body)).json()
    assert [(row["number"], row["due_on"], row["principal"]) for row in document["schedule"]] == [
        (1, "2025-04-15", "300.00"),
        (2, "2025-05-15", "450.00"),
        (3, "2025-06-15", "450.00"),
    ]
    assert (await find_position(member, document["loan_id"], "2025-04-15"))["days_past_due"] == 0
    assert (await find_position(member, document["loan_id"], "2025-04-16"))["days_past_due"] == 1


async def test_fees_withheld_are_not_due_again_and_fees_added_are_due_first(
    loans: Loans, member: Client
) -> None:
    fees: JsonValue = [
        {"amount": "40.00", "charged": "withheld"},
        {"amount": "25.00", "charged": "added"},
    ]
    document = await record_loan(member, terms=terms(fees=fees))
    await pay(member, document["loan_id"], ("2025-05-15", "30.00"))
    [fact] = [
        each
        for each in (await member.get(f"/v1/loans/{document['loan_id']}")).json()["facts"]
        if each["kind"] == "repayment"
    ]
    assert fact["allocation"] == {"fees": "25.00", "interest": "5.00", "principal": "0.00"}
    [disbursed] = await loans.look(
        "SELECT amount_cents, fees_withheld_cents FROM disbursements WHERE organisation_id = $1",
        member.organisation_id,
    )
    assert tuple(disbursed) == (120_000, 4_000)


async def test_loans_are_listed_page_by_page(member: Client) -> None:
    borrower_id = await record_borrower(member)
    names = [f"P-{number}" for number in range(5)]
    for name in names:
        posted = await member.post("/v1/loans", loan(borrower_id, external_id=name))
        assert posted.status_code == 201
    seen: list[str] = []
    path: str | None = "/v1/loans?limit=2"
    while path is not None:
        page = (await member.get(path)).json()
        seen += [each["external_id"] for each in page["items"]]
        path = page["next"]
    assert seen == names
    [found] = (await member.get("/v1/loans", external_id="P-3")).json()["items"]
    assert found["external_id"] == "P-3"
    assert (await member.get("/v1/loans", external_id="P-9")).json()["items"] == []
    for limit in ("0", "201", "dix"):
        assert (await member.get("/v1/loans", limit=limit)).status_code == 422


async def test_an_empty_list(member: Client) -> None:
    assert (await member.get("/v1/loans")).json() == {"items": [], "next": None}


async def test_the_terms_of_a_loan_are_told_whole(member: Client) -> None:
    """A quote of them is the schedule of the contract; those not posted are told too."""
    agreed: Document = terms(
        frequency="weeks",
        repay_every=2,
        first_due_on="2025-05-02",
        day_count="actual/365",
        rounding="up",
        instalment_multiple="0.05",
        grace={"principal_periods": 1, "interest_periods": 2, "interest_free_periods": 1},
        down_payment_percent="12.5",
        fees=[{"amount": "10.00", "charged": "withheld"}, {"amount": "5.00", "charged": "added"}],
        non_working_days="move_later",
    )
    posted = await record_loan(member, terms=agreed)
    shown = (await member.get(f"/v1/loans/{posted['loan_id']}", as_of="2025-04-15")).json()
    assert shown["terms"] == {
        **agreed,
        "disbursed_on": "2025-04-15",
        "interest_method": "declining_balance",
        "amortisation": "equal_instalments",
        "smoothing": False,
    }
    assert [fact["fees_withheld"] for fact in shown["facts"]] == ["10.00"]
    quote = (await member.post("/v1/schedules", shown["terms"])).json()
    assert (quote["apr"], len(quote["rows"])) == (shown["apr"], len(shown["schedule"]))
    plain = await record_loan(member)
    shown = (await member.get(f"/v1/loans/{plain['loan_id']}")).json()
    left_out = ("first_due_on", "instalment_multiple", "down_payment_percent")
    assert [shown["terms"][name] for name in left_out] == [None] * 3
    assert (await member.post("/v1/schedules", shown["terms"])).status_code == 200
