"""Outcomes through HTTP: recorded, refused, reversed."""

import pytest

from services.common.errors import JsonValue
from services.loans.outcomes.schemas import OutcomeAnswer
from tests.services.loans.conftest import (
    Client,
    Document,
    Loans,
    codes_of,
    outcome,
    record_loan,
)

PATH = "/v1/outcomes"


async def test_records_an_outcome(member: Client) -> None:
    lent = await record_loan(member)
    body = outcome(lent["external_id"], turnover="45000.00", other_financing="2500.50")
    posted = await member.post(PATH, body)
    assert posted.status_code == 201
    assert posted.headers["location"] == PATH
    answer = OutcomeAnswer.model_validate_json(posted.content)
    assert (answer.jobs_created, answer.turnover, answer.other_financing) == (2, 4_500_000, 250_050)
    assert (await member.get(PATH)).json() == {"items": [posted.json()], "next": None}


async def test_what_may_be_left_out(member: Client) -> None:
    lent = await record_loan(member)
    body: Document = {
        "external_id": "O-1",
        "loan": {"external_id": lent["external_id"]},
        "observed_on": "2025-04-15",
        "business_status": "unknown",
    }
    document = (await member.post(PATH, body)).json()
    assert (document["jobs_created"], document["jobs_maintained"]) == (0, 0)
    assert (document["turnover"], document["other_financing"]) == (None, None)


async def test_the_same_again_is_replayed_and_other_content_conflicts(
    loans: Loans, member: Client
) -> None:
    body = outcome((await record_loan(member))["external_id"])
    first = await member.post(PATH, body)
    before = await loans.count_rows(member)
    again = await member.post(PATH, body)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    other = await member.post(PATH, {**body, "jobs_created": 3})
    assert (other.status_code, codes_of(other)) == (409, {"/external_id": "external_id.conflict"})
    assert await loans.count_rows(member) == before


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"loan": {"external_id": "nothing"}}, "/loan/external_id", "loan.unknown"),
        ({"loan": {}}, "/loan/external_id", "missing"),
        ({"observed_on": "2025-04-14"}, "/observed_on", "outcome.before_disbursement"),
        ({"observed_on": "2026-04-01"}, "/observed_on", "date.future"),
        ({"observed_on": "2025-13-01"}, "/observed_on", "date.impossible"),
        ({"business_status": "bankrupt"}, "/business_status", "choice"),
        ({"jobs_created": -1}, "/jobs_created", "number.too_small"),
        ({"jobs_created": 10_001}, "/jobs_created", "number.too_large"),
        ({"jobs_maintained": True}, "/jobs_maintained", "integer.type"),
        ({"turnover": "1.234"}, "/turnover", "amount.decimals"),
        ({"other_financing": "-1.00"}, "/other_financing", "amount.negative"),
        ({"jobs": 1}, "/jobs", "unknown_field"),
    ],
)
async def test_what_is_wrong_is_placed_and_nothing_is_stored(
    loans: Loans, member: Client, changes: dict[str, JsonValue], pointer: str, code: str
) -> None:
    body = outcome((await record_loan(member))["external_id"], **changes)
    before = await loans.count_rows(member)
    refused = await member.post(PATH, body)
    assert refused.status_code == 422
    assert codes_of(refused) == {pointer: code}
    assert await loans.count_rows(member) == before


async def test_refusals_are_in_the_language_asked(member: Client) -> None:
    body = outcome((await record_loan(member))["external_id"], observed_on="2025-01-01")
    french = await member.post(PATH, body)
    english = await member.post(PATH, body, accept_language="en")
    assert french.json()["detail"] == "Cette date précède le versement du prêt (2025-04-15)."
    assert english.json()["detail"] == (
        "This date comes before the loan's disbursement (2025-04-15)."
    )


async def test_an_outcome_is_reversed_once(loans: Loans, member: Client) -> None:
    body = outcome((await record_loan(member))["external_id"])
    outcome_id = (await member.post(PATH, body)).json()["outcome_id"]
    path = f"{PATH}/{outcome_id}/reversals"
    first = await member.post(path, {"reason": "Mauvais prêt"})
    again = await member.post(path, {"reason": "Mauvais prêt"})
    other = await member.post(path, {"reason": "Autre"})
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert again.content == first.content
    assert first.json()["fact"] == {"kind": "outcome", "external_id": body["external_id"]}
    assert (await loans.count_rows(member))["reversals"] == 1
    nowhere = f"{PATH}/00000000-0000-7000-8000-000000000000/reversals"
    assert (await member.post(nowhere, {"reason": "x"})).status_code == 404
