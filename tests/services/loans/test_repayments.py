"""Repayments through HTTP: recorded in any order, split by date, refused when nothing is due."""

from itertools import permutations

import pytest

from services.common.errors import JsonValue
from services.loans.repayments.schemas import RepaymentAnswer
from tests.services.loans.conftest import (
    Client,
    Loans,
    codes_of,
    loan,
    pay,
    record_borrower,
    record_loan,
    repayment,
    terms,
)


async def splits(client: Client, loan_id: JsonValue) -> dict[str, JsonValue]:
    """Fees, interest and principal of each repayment that stands, by its date."""
    shown = await client.get(f"/v1/loans/{loan_id}")
    return {
        fact["on"]: [fact["allocation"][part] for part in ("fees", "interest", "principal")]
        for fact in shown.json()["facts"]
        if fact["kind"] == "repayment" and fact["reversed"] is None
    }


async def test_records_a_repayment(member: Client) -> None:
    loan_id = (await record_loan(member))["loan_id"]
    body = repayment()
    posted = await member.post(f"/v1/loans/{loan_id}/repayments", body)
    assert posted.status_code == 201
    assert posted.headers["location"] == f"/v1/loans/{loan_id}"
    answer = RepaymentAnswer.model_validate_json(posted.content)
    assert (answer.external_id, answer.amount) == (body["external_id"], 10_662)
    listed = (await member.get(f"/v1/loans/{loan_id}/repayments")).json()
    assert listed == {"items": [posted.json()], "next": None}


async def test_the_method_may_be_left_out(member: Client) -> None:
    loan_id = (await record_loan(member))["loan_id"]
    body = repayment(method=None)
    assert (await member.post(f"/v1/loans/{loan_id}/repayments", body)).status_code == 201


async def test_the_same_again_is_replayed_with_the_same_body(loans: Loans, member: Client) -> None:
    loan_id = (await record_loan(member))["loan_id"]
    path, body = f"/v1/loans/{loan_id}/repayments", repayment()
    first = await member.post(path, body)
    before = await loans.count_rows(member)
    again = await member.post(path, {**body, "method": "Chèque"})
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    assert await loans.count_rows(member) == before


@pytest.mark.parametrize(
    "changes", [{"amount": "106.61"}, {"paid_on": "2025-05-16"}, {"method": "cash"}]
)
async def test_other_content_under_the_same_identifier_conflicts(
    loans: Loans, member: Client, changes: dict[str, JsonValue]
) -> None:
    loan_id = (await record_loan(member))["loan_id"]
    path, body = f"/v1/loans/{loan_id}/repayments", repayment()
    await member.post(path, body)
    before = await loans.count_rows(member)
    other = await member.post(path, {**body, **changes})
    assert other.status_code == 409
    assert codes_of(other) == {"/external_id": "external_id.conflict"}
    assert await loans.count_rows(member) == before


async def test_one_identifier_is_of_one_loan(member: Client) -> None:
    one, other = await record_loan(member), await record_loan(member)
    body = repayment()
    await member.post(f"/v1/loans/{one['loan_id']}/repayments", body)
    conflict = await member.post(f"/v1/loans/{other['loan_id']}/repayments", body)
    assert conflict.status_code == 409


PAYMENTS = (("2025-05-15", "106.62"), ("2025-06-15", "20.00"), ("2025-07-15", "200.00"))


@pytest.mark.parametrize("order", list(permutations(range(3))))
async def test_repayments_posted_in_any_order_are_split_by_date(
    loans: Loans, member: Client, order: tuple[int, ...]
) -> None:
    loan_id = (await record_loan(member))["loan_id"]
    await pay(member, loan_id, *(PAYMENTS[place] for place in order))
    # 200.00 settles what the second instalment lacked, 86.62 of principal, then the third, 10.10
    # of interest and 96.52, then 6.76 of the fourth's interest.
    assert await splits(member, loan_id) == {
        "2025-05-15": ["0.00", "12.00", "94.62"],
        "2025-06-15": ["0.00", "11.05", "8.95"],
        "2025-07-15": ["0.00", "16.86", "183.14"],
    }
    assert await loans.find_differences(member) == []
    # What is told to the journal, difference after difference, ends at the same split.
    assert await loans.sum_told(member) == {
        "amount": 32_662,
        "principal": 28_671,
        "interest": 3_991,
    }


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"amount": "0.00"}, "/amount", "amount.zero"),
        ({"amount": "-1.00"}, "/amount", "amount.negative"),
        ({"amount": "1.005"}, "/amount", "amount.decimals"),
        ({"amount": "NaN"}, "/amount", "amount.form"),
        ({"amount": 10}, "/amount", "amount.form"),
        ({"amount": "1000000000.01"}, "/amount", "amount.too_large"),
        ({"amount": None}, "/amount", "amount.form"),
        ({"amount": "1279.43"}, "/amount", "repayment.over_payment"),
        ({"paid_on": "2025-04-14"}, "/paid_on", "repayment.before_disbursement"),
        ({"paid_on": "2026-04-01"}, "/paid_on", "date.future"),
        ({"paid_on": "2025-06-31"}, "/paid_on", "date.impossible"),
        ({"paid_on": "2025-05-15T00:00:00Z"}, "/paid_on", "date.form"),
        ({"external_id": "R\u0007"}, "/external_id", "text.control"),
        ({"method": "…"}, "/method", "text.form"),
        ({"loan": "P-1"}, "/loan", "unknown_field"),
    ],
)
async def test_what_is_wrong_is_placed_and_nothing_is_stored(
    loans: Loans,
    member: Client,
    changes: dict[str, JsonValue],
    pointer: str,
    code: str,
) -> None:
    loan_id = (await record_loan(member))["loan_id"]
    before = await loans.count_rows(member)
    refused = await member.post(f"/v1/loans/{loan_id}/repayments", repayment(**changes))
    assert refused.status_code == 422
    assert codes_of(refused) == {pointer: code}
    assert await loans.count_rows(member) == before


async def test_what_is_missing_is_placed(member: Client) -> None:
    loan_id = (await record_loan(member))["loan_id"]
    refused = await member.post(f"/v1/loans/{loan_id}/repayments", {})
    assert codes_of(refused) == {
        "/external_id": "missing",
        "/paid_on": "missing",
        "/amount": "missing",
    }


async def test_refusals_are_in_the_language_asked(member: Client) -> None:
    loan_id = (await record_loan(member))["loan_id"]
    path = f"/v1/loans/{loan_id}/repayments"
    too_much = repayment("2000.00")
    early = repayment(paid_on="2025-01-01")
    assert (await member.post(path, too_much)).json()["detail"] == (
        "Ce montant dépasse ce qu'il reste à payer sur ce prêt : 1279.42."
    )
    assert (await member.post(path, too_much, accept_language="en")).json()["detail"] == (
        "This amount is more than what is left to pay on this loan: 1279.42."
    )
    assert (await member.post(path, early)).json()["detail"] == (
        "Ce paiement précède le versement du prêt (2025-04-15)."
    )
    assert (await member.post(path, early, accept_language="en")).json()["detail"] == (
        "This repayment comes before the loan's disbursement (2025-04-15)."
    )


async def test_a_loan_takes_what_it_asks_for_to_the_cent_and_no_more(
    loans: Loans, member: Client
) -> None:
    loan_id = (await record_loan(member))["loan_id"]
    path = f"/v1/loans/{loan_id}/repayments"
    await pay(member, loan_id, ("2025-05-15", "1279.41"))
    too_much = await member.post(path, repayment("0.02", "2025-05-01"))
    assert codes_of(too_much) == {"/amount": "repayment.over_payment"}
    await pay(member, loan_id, ("2025-05-01", "0.01"))
    nothing_left = await member.post(path, repayment("0.01", "2025-05-20"))
    assert codes_of(nothing_left) == {"/amount": "loan.closed"}
    assert "il ne reste rien à payer" in nothing_left.json()["detail"]
    position = (await member.get(f"/v1/loans/{loan_id}")).json()["position"]
    assert position["outstanding_principal"] == "0.00"
    assert position["next_due"] is None
    assert await loans.find_differences(member) == []


async def test_a_repayment_on_the_day_of_the_advance_is_taken(member: Client) -> None:
    loan_id = (await record_loan(member))["loan_id"]
    await pay(member, loan_id, ("2025-04-15", "10.00"))
    assert await splits(member, loan_id) == {"2025-04-15": ["0.00", "10.00", "0.00"]}


async def test_payments_of_one_day_settle_in_the_order_of_their_identifiers(
    member: Client,
) -> None:
    loan_id = (await record_loan(member))["loan_id"]
    path = f"/v1/loans/{loan_id}/repayments"
    # By code point, as the figures kept in the database: Z before a before é.
    for name in ("é", "a", "Z"):
        body = repayment("8.00", external_id=f"{loan_id}-{name}")
        assert (await member.post(path, body)).status_code == 201
    facts = (await member.get(f"/v1/loans/{loan_id}")).json()["facts"][1:]
    assert [(f["external_id"][-1], f["allocation"]["interest"]) for f in facts] == [
        ("Z", "8.00"),
        ("a", "4.00"),
        ("é", "0.00"),
    ]


async def test_an_idempotency_key_holds_one_repayment(member: Client) -> None:
    loan_id = (await record_loan(member))["loan_id"]
    path, body = f"/v1/loans/{loan_id}/repayments", repayment()
    first = await member.post(path, body, idempotency_key="r-1")
    again = await member.post(path, body, idempotency_key="r-1")
    other = await member.post(path, repayment(), idempotency_key="r-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key.reused")
    # The key is of one route: the same on another loan is another request.
    other_loan = (await record_loan(member))["loan_id"]
    elsewhere = await member.post(
        f"/v1/loans/{other_loan}/repayments", repayment(), idempotency_key="r-1"
    )
    assert elsewhere.status_code == 201


async def test_repayments_are_listed_page_by_page(member: Client) -> None:
    loan_id = (await record_loan(member))["loan_id"]
    path = f"/v1/loans/{loan_id}/repayments"
    names = [f"{loan_id}-{number}" for number in range(5)]
    for name in names:
        assert (await member.post(path, repayment("1.00", external_id=name))).status_code == 201
    seen: list[str] = []
    following: str | None = f"{path}?limit=2"
    while following is not None:
        page = (await member.get(following)).json()
        seen += [each["external_id"] for each in page["items"]]
        following = page["next"]
    assert seen == names


async def test_a_loan_that_is_not_there(member: Client) -> None:
    nowhere = "/v1/loans/00000000-0000-7000-8000-000000000000"
    assert (await member.post(f"{nowhere}/repayments", repayment())).status_code == 404
    assert (await member.get(f"{nowhere}/repayments")).status_code == 404


async def test_interest_only_instalments_are_settled_before_principal(member: Client) -> None:
    """During a grace on principal, what is paid beyond the interest due goes to the next one's."""
    body = loan(
        await record_borrower(member),
        terms=terms(instalments=3, grace={"principal_periods": 2}),
    )
    document = (await member.post("/v1/loans", body)).json()
    assert [row["principal"] for row in document["schedule"]] == ["0.00", "0.00", "1200.00"]
    await pay(member, document["loan_id"], ("2025-05-15", "30.00"))
    assert await splits(member, document["loan_id"]) == {"2025-05-15": ["0.00", "30.00", "0.00"]}
