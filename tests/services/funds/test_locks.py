"""A month locked in the loans service takes no fact of a contributor either, until reopened."""

import asyncio
import uuid

from services.common.errors import JsonValue
from services.common.outbox import Event
from tests.services.funds.conftest import (
    Client,
    Funds,
    codes_of,
    contribution,
    counted_statements,
    differences,
    gift,
)
from tests.services.funds.test_events import event_of, post, told
from tests.services.funds.test_imports import send
from tests.services.funds.test_reversals import repayment

LOCKED = "reporting_period.locked"
REOPENED = "reporting_period.reopened"


def step(member: Client, number: int, kind: str, month: str) -> Event:
    payload: JsonValue = {"month": month, "event_id": str(uuid.uuid4())}
    return event_of(member, number, kind, payload)


def place_of(member: Client, noun: str = "contributions") -> str:
    return f"/v1/funds/{member.organisation}/{noun}"


async def test_no_fact_dated_in_it_is_recorded(funds: Funds, member: Client) -> None:
    body = contribution(received_on="2025-06-02")
    given = await member.post(place_of(member), body)
    repaying = repayment(given.json(), repaid_on="2025-06-20")
    repaid = await member.post(place_of(member, "repayments-to-contributors"), repaying)
    assert repaid.status_code == 201
    await post(funds, member, [step(member, 1, LOCKED, "2025-06")])

    assert (await member.post(place_of(member), body)).status_code == 200
    again = await member.post(place_of(member, "repayments-to-contributors"), repaying)
    assert again.status_code == 200
    refused = await member.post(place_of(member), gift(received_on="2025-06-30"))
    assert (refused.status_code, codes_of(refused)) == (422, {"/received_on": LOCKED})
    assert "2025-06" in refused.json()["detail"]
    late = {**repaying, "external_id": "REMISE-2"}
    refused = await member.post(place_of(member, "repayments-to-contributors"), late)
    assert (refused.status_code, codes_of(refused)) == (422, {"/repaid_on": LOCKED})
    reversal = f"{repaid.headers['location']}/reversals"
    refused = await member.post(reversal, {"reason": "Erreur de saisie."})
    assert (refused.status_code, refused.json()["code"]) == (422, LOCKED)
    for outside in ("2025-05-31", "2025-07-01"):
        posted = await member.post(place_of(member), gift(received_on=outside))
        assert posted.status_code == 201

    await post(funds, member, [step(member, 2, REOPENED, "2025-06")])
    assert (await member.post(reversal, {"reason": "Erreur de saisie."})).status_code == 201
    posted = await member.post(place_of(member), gift(received_on="2025-06-30"))
    assert posted.status_code == 201
    await post(funds, member, [step(member, 3, LOCKED, "2025-06")])
    again = await member.post(reversal, {"reason": "Erreur de saisie."})
    assert again.status_code == 200  # what is on record is sent again without harm
    refused = await member.post(place_of(member), gift(received_on="2025-06-01"))
    assert refused.json()["code"] == LOCKED
    assert await differences(funds, member) == []


async def test_a_row_is_refused_at_its_cell(funds: Funds, member: Client) -> None:
    sheet = (
        "external_id;contributor;contributor_kind;instrument;amount;received_on\n"
        "A-1;Une voisine;individual;donation;20;2025-05-31\n"
        "A-2;Une voisine;individual;donation;20;2025-06-01\n"
    )
    await post(funds, member, [step(member, 1, LOCKED, "2025-06")])
    refused = await send(member, sheet)
    assert refused.status_code == 422
    [error] = refused.json()["errors"]
    assert (error["row"], error["column"], error["code"]) == (2, "received_on", LOCKED)
    assert "Le mois 2025-06 est verrouillé" in error["message"]
    partial = await send(member, sheet, "&mode=partial")
    assert partial.json()["counts"]["created"] == 1


async def test_a_correction_touches_two_dates(funds: Funds, member: Client) -> None:
    """It takes a contribution out of one month and puts it in another: both must be open."""
    head = "external_id;contributor;contributor_kind;instrument;amount;received_on\n"
    row = "A-1;Une voisine;individual;donation;20;"
    correct = "&on_change=correct&reason=Mauvaise%20date"
    assert (await send(member, f"{head}{row}2025-06-01\n")).status_code == 201
    await post(funds, member, [step(member, 1, LOCKED, "2025-06")])
    out = await send(member, f"{head}{row}2025-07-01\n", correct)
    assert [error["code"] for error in out.json()["errors"]] == [LOCKED]
    await post(
        funds, member, [step(member, 2, REOPENED, "2025-06"), step(member, 3, LOCKED, "2025-07")]
    )
    into = await send(member, f"{head}{row}2025-07-01\n", correct)
    assert [error["code"] for error in into.json()["errors"]] == [LOCKED]
    within = await send(member, f"{head}{row}2025-06-02\n", correct)
    assert (within.status_code, within.json()["corrected"]) == (201, 1), within.text


async def test_facts_of_loans_are_posted_whatever_is_locked(funds: Funds, member: Client) -> None:
    """The loans service recorded them under its own lock."""
    fact = told("disbursement", str(uuid.uuid4()), amount_cents=10_00, principal_cents=10_00)
    posted = await post(
        funds,
        member,
        [
            step(member, 1, LOCKED, "2025-10"),
            event_of(member, 2, "loans.recorded", {"facts": [fact]}),
        ],
    )
    assert posted == 2
    journal = (await member.get(place_of(member, "journal"))).json()["items"]
    assert [entry["occurred_on"] for entry in journal] == ["2025-10-01"]


async def test_a_lock_is_of_one_organisation(funds: Funds, member: Client) -> None:
    await post(funds, member, [step(member, 1, LOCKED, "2025-06")])
    stranger = funds.as_member()
    posted = await stranger.post(place_of(stranger), gift(received_on="2025-06-01"))
    assert posted.status_code == 201


async def test_a_fact_comes_before_the_lock_or_is_refused(funds: Funds, member: Client) -> None:
    """Both take the organisation's write lock: one of them sees the other."""
    facts = asyncio.gather(
        *(member.post(place_of(member), gift(received_on="2025-06-01")) for _ in range(8))
    )
    await post(funds, member, [step(member, 1, LOCKED, "2025-06")])
    answers = await facts
    [recorded] = await funds.look(
        "SELECT count(*) AS facts FROM funds.contributions WHERE organisation_id = $1",
        member.principal.organisation_id,
    )
    created = [answer for answer in answers if answer.status_code == 201]
    assert recorded["facts"] == len(created)
    assert {each.json()["code"] for each in answers if each not in created} <= {LOCKED}
    late = await member.post(place_of(member), gift(received_on="2025-06-01"))
    assert late.json()["code"] == LOCKED


async def test_one_statement_asks_for_all_the_months(funds: Funds, member: Client) -> None:
    head = "external_id;contributor;contributor_kind;instrument;amount;received_on\n"
    rows = [f"A-{n};X;individual;donation;20;2024-{n:02}-01\n" for n in range(1, 13)]
    with counted_statements() as statements:
        await send(member, head + "".join(rows))
    assert sum("period_events" in statement for statement in statements) == 1
