"""The list of funds, a fund today, the totals, and who may see what."""

import uuid

import pytest

from services.common.errors import JsonValue
from services.common.identity import Role, organisation_id
from services.funds.seed import seed_funds
from tests.services.funds.conftest import Client, Funds, codes_of, contribution, gift

ZERO = {"public": "0.00", "private": "0.00", "community": "0.00"}


async def test_a_seeded_fund_answers_with_empty_balances(funds: Funds, network: Client) -> None:
    slug = f"seeded-{uuid.uuid4().hex[:8]}"
    url = funds.database.url("funds_app")
    await seed_funds(url, {slug: "Ancien nom"})
    await seed_funds(url, {slug: "Microcrédit Essai"})
    for caller in (network, funds.as_member(slug), funds.as_role(Role.AUDITOR)):
        fund = await caller.get(f"/v1/funds/{slug}")
        assert fund.status_code == 200
        assert fund.json() == {
            "slug": slug,
            "name": "Microcrédit Essai",
            "currency": "CAD",
            "as_of": "2026-03-31",
            "capital": ZERO,
            "operations": ZERO,
            "guarantees": ZERO,
            "cash": "0.00",
            "reserved": "0.00",
            "available": "0.00",
        }
        balance = (await caller.get(f"/v1/funds/{slug}/balance")).json()
        assert (balance["capital"], balance["accounts"]) == (ZERO, [])


async def test_a_new_organisation_reads_its_fund_before_its_first_write(
    funds: Funds, network: Client
) -> None:
    member = funds.as_member()
    place = f"/v1/funds/{member.organisation}"
    assert (await member.get(place)).json()["capital"] == ZERO
    assert (await member.get("/v1/funds")).json()["items"][0]["slug"] == member.organisation
    assert (await network.get(place)).status_code == 404
    await member.post(f"{place}/contributions", gift())
    assert (await network.get(place)).status_code == 200


async def test_the_network_lists_the_funds_page_by_page(funds: Funds, network: Client) -> None:
    prefix = f"page-{uuid.uuid4().hex[:8]}"
    slugs = [f"{prefix}-{number}" for number in range(5)]
    await seed_funds(funds.database.url("funds_app"), {slug: slug.upper() for slug in slugs})
    link: str | None = "/v1/funds?limit=2"
    seen: list[str] = []
    while link is not None:
        answer = (await network.get(link)).json()
        seen.extend(item["slug"] for item in answer["items"])
        link = answer["next"]
    assert [slug for slug in seen if slug.startswith(prefix)] == slugs
    assert seen == sorted(seen)


READS = ("", "/balance", "/contributions", "/repayments-to-contributors", "/journal")


@pytest.mark.parametrize("read", READS)
async def test_each_role_reads_what_it_may(funds: Funds, member: Client, read: str) -> None:
    await member.post(f"/v1/funds/{member.organisation}/contributions", gift())
    place = f"/v1/funds/{member.organisation}{read}"
    for role in (Role.NETWORK, Role.AUDITOR):
        assert (await funds.as_role(role).get(place)).status_code == 200
        assert (await funds.as_role(role).get(f"/v1/funds/no-fund{read}")).status_code == 404
    for role in (Role.FUNDER, Role.OPERATOR, Role.SERVICE):
        assert (await funds.as_role(role).get(place)).status_code == 403
    assert (await member.get(place)).status_code == 200
    assert (await funds.as_member().get(place)).status_code == 404
    nobody = await funds.http.get(place)
    assert (nobody.status_code, nobody.json()["code"]) == (401, "access.unauthenticated")


async def test_the_balance_of_a_past_day(member: Client) -> None:
    place = f"/v1/funds/{member.organisation}"
    await member.post(f"{place}/contributions", gift(amount="10.00", received_on="2025-04-01"))
    await member.post(f"{place}/contributions", gift(amount="5.00", received_on="2025-04-02"))
    seen = {
        day: (await member.get(f"{place}/balance?as_of={day}")).json()["capital"]["community"]
        for day in ("2025-03-31", "2025-04-01", "2025-04-02")
    }
    assert seen == {"2025-03-31": "0.00", "2025-04-01": "10.00", "2025-04-02": "15.00"}
    refused = await member.get(f"{place}/balance?as_of=2025-13-01")
    assert codes_of(refused) == {"/as_of": "date.impossible"}


async def totals_of(caller: Client, member: Client, query: str) -> dict[str, JsonValue] | None:
    answer = await caller.get(f"/internal/totals?{query}")
    assert answer.status_code == 200
    own = str(organisation_id(member.organisation or ""))
    rows: list[dict[str, JsonValue]] = answer.json()["rows"]
    return next((row for row in rows if row["organisation_id"] == own), None)


async def test_totals_agree_with_the_balance(member: Client, network: Client) -> None:
    place = f"/v1/funds/{member.organisation}"
    placed = contribution(amount="1000.00", received_on="2025-05-01")
    await member.post(f"{place}/contributions", placed)
    await member.post(
        f"{place}/repayments-to-contributors",
        {
            "external_id": "remise",
            "contribution": {"external_id": placed["external_id"]},
            "amount": "150.00",
            "repaid_on": "2025-09-01",
        },
    )
    for changes in (
        {"contributor_kind": "state", "instrument": "grant", "amount": "70.00"},
        {"amount": "8.00"},
        {"amount": "900.00", "instrument": "guarantee"},
        {"contributor_kind": "federal", "purpose": "operations", "amount": "400.00"},
        {"contributor_kind": "union", "purpose": "operations", "amount": "3.00"},
    ):
        body = gift(received_on="2025-06-15", **changes)
        assert (await member.post(f"{place}/contributions", body)).status_code == 201
    wrong = gift(contributor_kind="state", purpose="operations", amount="99.00")
    posted = await member.post(f"{place}/contributions", wrong)
    identifier = posted.json()["contribution_id"]
    await member.post(f"/v1/contributions/{identifier}/reversals", {"reason": "Erreur"})
    year = "from=2025-04-01&to=2026-03-31"
    row = await totals_of(network, member, year)
    assert row is not None
    assert row["capital"] == {"public": "70.00", "private": "850.00", "community": "8.00"}
    assert row["operating_subsidy"] == "400.00"
    for day in ("2025-04-30", "2025-05-31", "2025-08-31", "2026-03-31"):
        balance = (await member.get(f"{place}/balance?as_of={day}")).json()
        row = await totals_of(network, member, f"{year}&as_of={day}")
        # The subsidies of the period keep the row there before the first capital.
        assert row is not None
        assert row["capital"] == balance["capital"]
    before = await totals_of(network, member, "from=2024-04-01&to=2025-03-31")
    assert before is None


async def test_totals_are_for_those_who_report(funds: Funds, member: Client) -> None:
    other = funds.as_member()
    for client in (member, other):
        await client.post(f"/v1/funds/{client.organisation}/contributions", gift())
    place = "/internal/totals?from=2025-04-01&to=2026-03-31"
    own = (await member.get(place)).json()["rows"]
    assert [row["organisation_id"] for row in own] == [
        str(organisation_id(member.organisation or ""))
    ]
    for role in (Role.NETWORK, Role.FUNDER, Role.AUDITOR, Role.SERVICE):
        answer = (await funds.as_role(role).get(place)).json()
        assert len(answer["rows"]) >= 2
        assert answer["recorded_until"] is not None
    assert (await funds.as_role(Role.OPERATOR).get(place)).status_code == 403
    fresh = (await funds.as_member().get(place)).json()
    assert fresh == {"recorded_until": None, "rows": []}


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("to=2026-03-31", "/from", "missing"),
        ("from=2026-03-31&to=2026-03-30", "/to", "period.reversed"),
        ("from=2026-03-01&to=2026-03-31&as_of=hier", "/as_of", "date.form"),
    ],
)
async def test_a_bad_period_is_refused(
    network: Client, query: str, pointer: str, code: str
) -> None:
    refused = await network.get(f"/internal/totals?{query}")
    assert refused.status_code == 422
    assert codes_of(refused) == {pointer: code}
