"""Reservations: two of them never take the same dollar, each step may be sent again."""

import asyncio
import uuid

import pytest

from services.common.errors import JsonValue
from services.common.identity import Role
from tests.services.funds.conftest import Client, Funds, codes_of, gift


async def fund_with(funds: Funds, amount: str) -> Client:
    """A member whose fund holds that much to lend."""
    member = funds.as_member()
    body = gift(amount=amount)
    posted = await member.post(f"/v1/funds/{member.organisation}/contributions", body)
    assert posted.status_code == 201
    return member


def reservation(amount: str) -> dict[str, JsonValue]:
    return {"reservation_id": str(uuid.uuid4()), "amount": amount}


async def figures_of(member: Client) -> tuple[str, str, str]:
    fund = (await member.get(f"/v1/funds/{member.organisation}")).json()
    return fund["cash"], fund["reserved"], fund["available"]


async def test_reserved_then_posted_the_money_leaves(funds: Funds) -> None:
    member = await fund_with(funds, "1000.00")
    place, body = f"/v1/funds/{member.organisation}/reservations", reservation("600.00")
    made = await member.post(place, body)
    assert made.status_code == 201
    assert await figures_of(member) == ("1000.00", "600.00", "400.00")
    assert (await member.get(made.headers["location"])).json()["state"] == "pending"
    posted = await member.post(f"{made.headers['location']}/post")
    assert (posted.status_code, posted.json()["state"]) == (200, "posted")
    assert await figures_of(member) == ("400.00", "0.00", "400.00")
    again = await member.post(f"{made.headers['location']}/post")
    assert (again.status_code, again.json()) == (200, posted.json())
    assert again.headers["idempotent-replayed"] == "true"
    assert await figures_of(member) == ("400.00", "0.00", "400.00")
    late = await member.post(f"{made.headers['location']}/void")
    assert (late.status_code, late.json()["code"]) == (409, "reservation.posted")
    replayed = await member.post(place, body)
    assert (replayed.status_code, replayed.content) == (200, made.content)


async def test_reserved_then_voided_the_money_is_back(funds: Funds) -> None:
    member = await fund_with(funds, "1000.00")
    made = await member.post(
        f"/v1/funds/{member.organisation}/reservations", reservation("1000.00")
    )
    for _ in range(2):
        voided = await member.post(f"{made.headers['location']}/void")
        assert (voided.status_code, voided.json()["state"]) == (200, "voided")
    assert await figures_of(member) == ("1000.00", "0.00", "1000.00")
    late = await member.post(f"{made.headers['location']}/post")
    assert (late.status_code, late.json()["code"]) == (409, "reservation.voided")


async def test_on_the_last_dollars_exactly_one_wins(funds: Funds) -> None:
    member = await fund_with(funds, "1000.00")
    place = f"/v1/funds/{member.organisation}/reservations"
    answers = await asyncio.gather(*(member.post(place, reservation("1000.00")) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19
    refused = next(answer.json() for answer in answers if answer.status_code == 409)
    assert (refused["code"], refused["available"]) == ("fund.insufficient", "0.00")
    assert await figures_of(member) == ("1000.00", "1000.00", "0.00")


async def test_many_at_once_take_what_there_is_and_no_more(funds: Funds) -> None:
    member = await fund_with(funds, "1000.00")
    place = f"/v1/funds/{member.organisation}/reservations"
    answers = await asyncio.gather(*(member.post(place, reservation("300.00")) for _ in range(8)))
    assert [answer.status_code for answer in answers].count(201) == 3
    posted = await asyncio.gather(
        *(
            member.post(f"{answer.headers['location']}/post")
            for answer in answers
            if answer.status_code == 201
            for _ in range(2)
        )
    )
    assert {answer.status_code for answer in posted} == {200}
    assert await figures_of(member) == ("100.00", "0.00", "100.00")


async def test_the_same_reservation_at_once_is_made_once(funds: Funds) -> None:
    member = await fund_with(funds, "1000.00")
    place, body = f"/v1/funds/{member.organisation}/reservations", reservation("400.00")
    answers = await asyncio.gather(*(member.post(place, body) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    assert await figures_of(member) == ("1000.00", "400.00", "600.00")
    other = await member.post(place, {**body, "amount": "1.00"})
    assert (other.status_code, other.json()["code"]) == (409, "reservation.conflict")


async def test_post_and_void_at_once_agree(funds: Funds) -> None:
    member = await fund_with(funds, "1000.00")
    made = await member.post(
        f"/v1/funds/{member.organisation}/reservations", reservation("1000.00")
    )
    ends = await asyncio.gather(
        *(member.post(f"{made.headers['location']}/{end}") for end in ("post", "void") * 3)
    )
    assert sorted(answer.status_code for answer in ends) == [200] * 3 + [409] * 3


async def test_money_for_operations_and_promises_cannot_be_lent(funds: Funds) -> None:
    member = funds.as_member()
    place = f"/v1/funds/{member.organisation}"
    for body in (gift(purpose="operations"), gift(instrument="guarantee")):
        assert (await member.post(f"{place}/contributions", body)).status_code == 201
    refused = await member.post(f"{place}/reservations", reservation("0.01"))
    assert (refused.status_code, refused.json()["code"]) == (409, "fund.insufficient")


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"amount": "0.00"}, "/amount", "amount.zero"),
        ({"amount": "1.001"}, "/amount", "amount.decimals"),
        ({"reservation_id": ""}, "/reservation_id", "text.form"),
        ({"reservation_id": "../x"}, "/reservation_id", "text.form"),
        ({"reservation_id": 4}, "/reservation_id", "text.type"),
        ({"expires": "2026-01-01"}, "/expires", "unknown_field"),
    ],
)
async def test_bad_input_is_refused(
    member: Client, changes: dict[str, JsonValue], pointer: str, code: str
) -> None:
    place = f"/v1/funds/{member.organisation}/reservations"
    refused = await member.post(place, {**reservation("1.00"), **changes})
    assert refused.status_code == 422
    assert codes_of(refused) == {pointer: code}


async def test_what_is_not_there_is_not_found(funds: Funds, member: Client) -> None:
    owner = await fund_with(funds, "1000.00")
    place = f"/v1/funds/{owner.organisation}/reservations"
    body = reservation("5.00")
    made = (await owner.post(place, body)).headers["location"]
    nowhere = f"/v1/funds/{member.organisation}/reservations/{body['reservation_id']}"
    for answer in (
        await member.post(place, reservation("1.00")),
        await member.get(made),
        await member.post(f"{made}/post"),
        await member.post(f"{made}/void"),
        await member.get(nowhere),
        await member.post(f"{nowhere}/post"),
    ):
        assert answer.status_code == 404


async def test_the_loans_service_reserves_for_its_organisation(funds: Funds) -> None:
    member = await fund_with(funds, "1000.00")
    place = f"/v1/funds/{member.organisation}/reservations"
    lender = funds.as_role(Role.SERVICE, member.organisation)
    assert (await lender.post(place, reservation("5.00"))).status_code == 201
    stranger = funds.as_role(Role.SERVICE, "another-organisation")
    assert (await stranger.post(place, reservation("5.00"))).status_code == 404


@pytest.mark.parametrize("role", [Role.NETWORK, Role.FUNDER, Role.AUDITOR, Role.OPERATOR])
async def test_nobody_else_reserves(funds: Funds, member: Client, role: Role) -> None:
    place = f"/v1/funds/{member.organisation}/reservations"
    caller = funds.as_role(role)
    assert (await caller.post(place, reservation("1.00"))).status_code == 403
    assert (await caller.post(f"{place}/x/post")).status_code == 403
    assert (await caller.post(f"{place}/x/void")).status_code == 403
