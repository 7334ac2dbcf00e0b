"""Repayments to contributors and reversals: never more than what is left, never twice."""

import asyncio
import uuid

import pytest

from services.common.errors import JsonValue
from services.common.identity import Role
from tests.services.funds.conftest import Client, Funds, codes_of, contribution, gift


async def post_contribution(member: Client, **changes: JsonValue) -> dict[str, str]:
    posted = await member.post(
        f"/v1/funds/{member.organisation}/contributions", contribution(**changes)
    )
    assert posted.status_code == 201
    document: dict[str, str] = posted.json()
    return document


def repayment(recorded: dict[str, str], **changes: JsonValue) -> dict[str, JsonValue]:
    return {
        "external_id": f"REMISE-{uuid.uuid4().hex[:8]}",
        "contribution": {"external_id": recorded["external_id"]},
        "amount": "1000.00",
        "repaid_on": "2025-12-31",
        **changes,
    }


async def capital_of(member: Client, as_of: str = "2026-03-31") -> dict[str, str]:
    place = f"/v1/funds/{member.organisation}/balance?as_of={as_of}"
    capital: dict[str, str] = (await member.get(place)).json()["capital"]
    return capital


async def test_a_repayment_takes_from_what_is_left(member: Client) -> None:
    recorded = await post_contribution(member)
    place = f"/v1/funds/{member.organisation}/repayments-to-contributors"
    body = repayment(recorded)
    posted = await member.post(place, body)
    assert posted.status_code == 201
    again = await member.post(place, body)
    assert (again.status_code, again.content) == (200, posted.content)
    other = await member.post(place, {**body, "amount": "1.00"})
    assert (other.status_code, other.json()["code"]) == (409, "external_id.conflict")
    assert (await capital_of(member))["private"] == "24000.00"
    assert (await capital_of(member, "2025-12-30"))["private"] == "25000.00"
    shown = await member.get(posted.headers["location"])
    assert shown.json() == {**posted.json(), "is_reversed": False}
    assert (await member.get(place)).json()["items"] == [shown.json()]


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"amount": "25000.01"}, "/amount", "contribution.left_exceeded"),
        ({"repaid_on": "2026-04-01"}, "/repaid_on", "date.future"),
        ({"repaid_on": "2025-06-01"}, "/repaid_on", "contribution.repaid_before_received"),
        (
            {"contribution": {"external_id": "none"}},
            "/contribution/external_id",
            "contribution.unknown",
        ),
        ({"contribution": {}}, "/contribution/external_id", "missing"),
        ({"amount": "0"}, "/amount", "amount.zero"),
    ],
)
async def test_a_repayment_that_cannot_be_is_refused(
    member: Client, changes: dict[str, JsonValue], pointer: str, code: str
) -> None:
    recorded = await post_contribution(member)
    place = f"/v1/funds/{member.organisation}/repayments-to-contributors"
    refused = await member.post(place, repayment(recorded, **changes))
    assert refused.status_code == 422
    assert codes_of(refused) == {pointer: code}
    assert (await capital_of(member))["private"] == "25000.00"


async def test_repayments_at_once_never_take_more_than_what_is_left(member: Client) -> None:
    recorded = await post_contribution(member, amount="1500.00")
    place = f"/v1/funds/{member.organisation}/repayments-to-contributors"
    answers = await asyncio.gather(*(member.post(place, repayment(recorded)) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [201] + [422] * 5
    assert (await capital_of(member))["private"] == "500.00"


async def test_a_reversal_counts_from_the_date_of_the_fact(member: Client) -> None:
    recorded = await post_contribution(member)
    place = f"/v1/contributions/{recorded['contribution_id']}/reversals"
    reversed_ = await member.post(place, {"reason": "Saisie en double", "external_id": "R-1"})
    assert reversed_.status_code == 201
    for day in ("2025-06-02", "2026-03-31"):
        assert (await capital_of(member, day))["private"] == "0.00"
    shown = (await member.get(reversed_.headers["location"])).json()
    assert (shown["is_reversed"], shown["left"]) == (True, "0.00")
    refused = await member.post(
        f"/v1/funds/{member.organisation}/repayments-to-contributors", repayment(recorded)
    )
    assert codes_of(refused) == {"/amount": "contribution.left_exceeded"}


async def test_a_fact_is_reversed_once(member: Client) -> None:
    recorded = await post_contribution(member)
    place = f"/v1/contributions/{recorded['contribution_id']}/reversals"
    body = {"reason": "Erreur de montant", "external_id": "R-1"}
    first = await member.post(place, body)
    again = await member.post(place, body)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    other = await member.post(place, {**body, "reason": "Autre"})
    assert (other.status_code, other.json()["code"]) == (409, "external_id.conflict")
    twice = await member.post(place, {"reason": "Autre"})
    assert (twice.status_code, twice.json()["code"]) == (409, "reversal.exists")
    second = await post_contribution(member)
    borrowed = await member.post(f"/v1/contributions/{second['contribution_id']}/reversals", body)
    assert (borrowed.status_code, borrowed.json()["code"]) == (409, "external_id.conflict")


async def test_reversals_at_once_make_one(funds: Funds, member: Client) -> None:
    recorded = await post_contribution(member)
    place = f"/v1/contributions/{recorded['contribution_id']}/reversals"
    bodies = [{"reason": f"Raison {number}"} for number in range(5)]
    answers = await asyncio.gather(*(member.post(place, body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 4


async def test_a_reversal_is_not_reversed(member: Client) -> None:
    recorded = await post_contribution(member)
    place = f"/v1/contributions/{recorded['contribution_id']}/reversals"
    reversal = (await member.post(place, {"reason": "Erreur"})).json()
    place = f"/v1/contributions/{reversal['reversal_id']}/reversals"
    refused = await member.post(place, {"reason": "Finalement non"})
    assert (refused.status_code, refused.json()["code"]) == (409, "reversal.of_reversal")


async def test_what_was_partly_repaid_is_reversed_after_its_repayment(member: Client) -> None:
    recorded = await post_contribution(member)
    repaid = await member.post(
        f"/v1/funds/{member.organisation}/repayments-to-contributors", repayment(recorded)
    )
    place = f"/v1/contributions/{recorded['contribution_id']}/reversals"
    refused = await member.post(place, {"reason": "Jamais reçu"})
    assert refused.status_code == 422
    assert refused.json()["code"] == "reversal.needed_by_repayments"
    whole = place
    place = f"{repaid.headers['location']}/reversals"
    taken_back = await member.post(place, {"reason": "Jamais payé"})
    assert taken_back.status_code == 201
    assert (await member.post(whole, {"reason": "Jamais reçu"})).status_code == 201
    assert (await capital_of(member))["private"] == "0.00"
    assert (await member.get(taken_back.headers["location"])).json()["is_reversed"] is True


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": None}, {"reason": "x\u0007"}])
async def test_a_reversal_has_a_reason(member: Client, body: dict[str, JsonValue]) -> None:
    recorded = await post_contribution(member)
    place = f"/v1/contributions/{recorded['contribution_id']}/reversals"
    refused = await member.post(place, body)
    assert refused.status_code == 422
    assert list(codes_of(refused)) == ["/reason"]


async def test_only_the_organisation_itself_reverses(funds: Funds, member: Client) -> None:
    recorded = await post_contribution(member)
    repaid = await member.post(
        f"/v1/funds/{member.organisation}/repayments-to-contributors", repayment(recorded)
    )
    stranger, reason = funds.as_member(), {"reason": "Essai"}
    at_home = f"/v1/funds/{stranger.organisation}/repayments-to-contributors"
    repayment_id = repaid.json()["repayment_id"]
    for place, tried, unknown in (
        (
            f"/v1/contributions/{recorded['contribution_id']}/reversals",
            f"/v1/contributions/{recorded['contribution_id']}/reversals",
            f"/v1/contributions/{uuid.uuid4()}/reversals",
        ),
        (
            f"{repaid.headers['location']}/reversals",
            f"{at_home}/{repayment_id}/reversals",
            f"{at_home}/{uuid.uuid4()}/reversals",
        ),
    ):
        assert (await stranger.post(place, reason)).status_code == 404
        own, nowhere = await stranger.post(tried, reason), await stranger.post(unknown, reason)
        assert (own.status_code, nowhere.status_code) == (404, 404)
        assert own.json()["detail"] == nowhere.json()["detail"]
        for role in (Role.NETWORK, Role.FUNDER, Role.AUDITOR, Role.OPERATOR, Role.SERVICE):
            refused = await funds.as_role(role).post(place, reason)
            assert refused.status_code == 403


async def test_an_identifier_that_is_none_is_nobodys(member: Client) -> None:
    refused = await member.post("/v1/contributions/abc/reversals", {"reason": "Essai"})
    assert (refused.status_code, refused.json()["code"]) == (404, "not_found")


async def test_a_grant_that_is_returned_is_a_repayment(member: Client) -> None:
    body = gift(contributor_kind="state", instrument="grant", purpose="operations")
    recorded = (await member.post(f"/v1/funds/{member.organisation}/contributions", body)).json()
    place = f"/v1/funds/{member.organisation}/repayments-to-contributors"
    assert (await member.post(place, repayment(recorded))).status_code == 201
    balance = (await member.get(f"/v1/funds/{member.organisation}/balance")).json()
    assert balance["operations"]["public"] == "24000.00"
