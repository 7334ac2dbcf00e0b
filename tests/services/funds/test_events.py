"""The loans' events in the journal: posted once, in order, with the reservations they settle."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from services.common.errors import JsonValue
from services.common.identity import NO_ORGANISATION, Role
from services.common.outbox import Event
from services.funds.journal.commands import EventsOutOfOrder, post_events
from tests.services.funds.conftest import Client, Funds, balances_of, differences, gift


def event_of(member: Client, number: int, kind: str, payload: JsonValue) -> Event:
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    return Event(member.principal.organisation_id, number, kind, payload, moment)


def told(kind: str, loan_id: str, **amounts: JsonValue) -> dict[str, JsonValue]:
    return {
        "kind": kind,
        "id": str(uuid.uuid4()),
        "loan_id": loan_id,
        "on": "2025-10-01",
        **amounts,
    }


def by_column(fact: dict[str, JsonValue]) -> dict[str, JsonValue]:
    """As the loans service tells it; what a fact does not have is null."""
    return {name: [value] for name, value in {**fact, "reversed_kind": None}.items()}


async def post(funds: Funds, member: Client, events: Sequence[Event]) -> int:
    async with funds.service_database.write(member.principal.organisation_id) as session:
        return await post_events(session, events)


async def test_the_loans_events_are_posted_once_and_in_order(funds: Funds, member: Client) -> None:
    loan = str(uuid.uuid4())
    disbursed: dict[str, JsonValue] = {
        **told("disbursement", loan, amount_cents=5000_00, principal_cents=5000_00),
        "on": "2025-09-01",
        "fees_cents": 50_00,
    }
    parts: dict[str, JsonValue] = {
        "principal_cents": 200_00,
        "interest_cents": 30_00,
        "fees_cents": 0,
    }
    reversal = told("reversal", loan, amount_cents=230_00, **parts)
    events = [
        event_of(member, 1, "loans.recorded", {"facts": by_column(disbursed)}),
        event_of(member, 2, "coaching.recorded", {"anything": "else"}),
        event_of(
            member,
            3,
            "loans.recorded",
            {
                "facts": [
                    told("repayment", loan, amount_cents=230_00, **parts),
                    told("allocation", loan, principal_cents=-5_00, interest_cents=5_00),
                    {**reversal, "principal_cents": 195_00, "interest_cents": 35_00},
                    told("repayment", loan, amount_cents=100_00, principal_cents=60_00),
                    told("write_off", loan, amount_cents=900_00, principal_cents=900_00),
                    told("recovery", loan, amount_cents=10_00, principal_cents=10_00),
                    told(
                        "reversal",
                        loan,
                        reversed_kind="write_off",
                        amount_cents=100_00,
                        principal_cents=100_00,
                    ),
                ]
            },
        ),
    ]
    assert await post(funds, member, events[:1]) == 1
    assert await post(funds, member, events) == 2
    assert await post(funds, member, events) == 0
    assert await balances_of(member) == {
        "cash:capital": "-4840.00",  # -4950 + 100 + 10
        "income:fees": "-50.00",
        "income:interest": "0.00",
        "income:recoveries": "-10.00",
        "liability:borrowers": "-40.00",
        "loans:receivable": "4140.00",  # 5000 - 60 - 900 + 100
        "losses:loans": "800.00",
    }
    assert (await balances_of(member, "2025-09-30"))["loans:receivable"] == "5000.00"
    assert await differences(funds, member) == []


async def test_a_gap_or_a_stranger_in_the_events_posts_nothing(
    funds: Funds, member: Client
) -> None:
    payload = {"facts": [told("recovery", "L", amount_cents=1)]}
    with pytest.raises(EventsOutOfOrder, match="event 1 is missing"):
        await post(funds, member, [event_of(member, 2, "loans.recorded", payload)])
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    with pytest.raises(EventsOutOfOrder, match="another organisation"):
        await post(funds, member, [Event(NO_ORGANISATION, 1, "loans.recorded", payload, moment)])
    for broken in (
        {"facts": [{"kind": "gift"}]},
        {"facts": {"kind": "recovery"}},
        {"facts": {"kind": ["recovery", "recovery"], "id": ["F"]}},
        {"facts": [told("recovery", "L", amount_cents="1")]},
        {},
    ):
        with pytest.raises(ValidationError):
            await post(funds, member, [event_of(member, 1, "loans.recorded", broken)])
    assert await balances_of(member) == {}
    assert await post(funds, member, [event_of(member, 1, "loans.recorded", payload)]) == 1


async def test_a_disbursement_settles_the_reservation_of_its_loan(
    funds: Funds, member: Client
) -> None:
    place, loan = f"/v1/funds/{member.organisation}", str(uuid.uuid4())
    await member.post(f"{place}/contributions", gift(amount="1000.00"))
    await member.post(f"{place}/reservations", {"reservation_id": loan, "amount": "600.00"})
    await member.post(f"{place}/reservations/{loan}/post")
    balances = await balances_of(member)
    assert (balances["cash:capital"], balances["loans:in_transit"]) == ("400.00", "600.00")
    fact = told("disbursement", loan, amount_cents=600_00, principal_cents=600_00, fees_cents=25_00)
    await post(funds, member, [event_of(member, 1, "loans.recorded", {"facts": [fact]})])
    balances = await balances_of(member)
    assert (balances["cash:capital"], balances["loans:in_transit"]) == ("425.00", "0.00")
    assert balances["loans:receivable"] == "600.00"
    fund = (await member.get(place)).json()
    assert (fund["cash"], fund["reserved"], fund["available"]) == ("425.00", "0.00", "425.00")


async def test_a_disbursement_told_before_the_post_is_not_taken_twice(
    funds: Funds, member: Client
) -> None:
    place, loan = f"/v1/funds/{member.organisation}", str(uuid.uuid4())
    await member.post(f"{place}/contributions", gift(amount="1000.00"))
    await member.post(f"{place}/reservations", {"reservation_id": loan, "amount": "600.00"})
    fact = told("disbursement", loan, amount_cents=600_00, principal_cents=600_00)
    await post(funds, member, [event_of(member, 1, "loans.recorded", {"facts": [fact]})])
    voided = await member.post(f"{place}/reservations/{loan}/void")
    assert (voided.status_code, voided.json()["code"]) == (409, "reservation.disbursed")
    assert (await member.post(f"{place}/reservations/{loan}/post")).status_code == 200
    fund = (await member.get(place)).json()
    assert (fund["cash"], fund["reserved"], fund["available"]) == ("400.00", "0.00", "400.00")


async def test_the_relay_posts_over_http(funds: Funds, member: Client) -> None:
    relay = funds.as_role(Role.SERVICE)
    organisation = str(member.principal.organisation_id)
    fact = told("recovery", "L", amount_cents=12_00)
    sent: dict[str, JsonValue] = {
        "organisation_id": organisation,
        "number": 1,
        "type": "loans.recorded",
        "payload": {"facts": [fact]},
        "recorded_at": "2026-03-01T00:00:00+00:00",
    }
    body: dict[str, JsonValue] = {"organisation_id": organisation, "events": [sent]}
    for expected in (1, 0):
        answer = await relay.post("/internal/journal/events", body)
        assert (answer.status_code, answer.json()) == (200, {"posted": expected})
    gap = await relay.post("/internal/journal/events", {**body, "events": [{**sent, "number": 3}]})
    assert (gap.status_code, gap.json()["code"]) == (409, "events.out_of_order")
    positions = (await relay.get("/internal/journal/positions")).json()["positions"]
    assert positions[organisation] == 1
    assert (await balances_of(member))["income:recoveries"] == "-12.00"
    for role in (Role.NETWORK, Role.FUNDER, Role.AUDITOR, Role.OPERATOR):
        caller = funds.as_role(role)
        assert (await caller.post("/internal/journal/events", body)).status_code == 403
        assert (await caller.get("/internal/journal/positions")).status_code == 403
    assert (await member.post("/internal/journal/events", body)).status_code == 403
