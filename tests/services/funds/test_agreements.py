"""Agreements: the network records them; targets, obligations and payments as told."""

import uuid
from datetime import date

import pytest

from services.common.errors import JsonValue
from services.common.identity import Role
from services.funds.agreements.arithmetic import (
    DueAfter,
    DueRule,
    list_due_dates,
)
from tests.services.funds.conftest import Client, Funds, codes_of, gift


def agreement(**changes: JsonValue) -> dict[str, JsonValue]:
    return {
        "external_id": f"ENTENTE-{uuid.uuid4().hex[:8]}",
        "funder": "Ministère de l'Économie",
        "title": "Appui au microcrédit",
        "from": "2025-04-01",
        "to": "2028-03-31",
        "amount": "1500000.00",
        "purpose": "operations",
        "targets": [
            {"indicator": "loans_count", "value": 250},
            {"indicator": "repayment_rate", "value": "92.5"},
        ],
        "obligations": [
            {
                "document": "États financiers",
                "due": {"after": "fiscal_year_end", "months": 4},
                "assurance": "audit",
                "signatories": 2,
            },
            {"document": "Rapport final", "due": {"after": "agreement_end", "months": 1}},
            {"document": "Plan d'action", "due_on": "2025-06-30"},
        ],
        **changes,
    }


async def test_records_an_agreement_and_shows_it(network: Client) -> None:
    posted = await network.post("/v1/agreements", agreement())
    assert posted.status_code == 201
    document = posted.json()
    assert (document["from"], document["to"]) == ("2025-04-01", "2028-03-31")
    assert document["targets"] == [
        {"indicator": "loans_count", "value": "250"},
        {"indicator": "repayment_rate", "value": "92.5"},
    ]
    assert [obligation["due_dates"] for obligation in document["obligations"]] == [
        ["2026-07-31", "2027-07-31", "2028-07-31"],
        ["2028-04-30"],
        ["2025-06-30"],
    ]
    shown = await network.get(posted.headers["location"])
    assert shown.json() == {**document, "payments": [], "paid": "0.00"}


async def test_replay_and_conflict(network: Client) -> None:
    body = agreement()
    first = await network.post("/v1/agreements", body)
    again = await network.post("/v1/agreements", body)
    assert (again.status_code, again.content) == (200, first.content)
    other = await network.post("/v1/agreements", {**body, "title": "Autre"})
    assert (other.status_code, other.json()["code"]) == (409, "external_id.conflict")


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"to": "2025-03-31"}, "/to", "agreement.dates"),
        ({"from": "2025-02-30"}, "/from", "date.impossible"),
        ({"amount": "0"}, "/amount", "amount.zero"),
        ({"purpose": "party"}, "/purpose", "choice"),
        (
            {"targets": [{"indicator": "happiness", "value": 1}]},
            "/targets/0/indicator",
            "choice",
        ),
        (
            {"targets": [{"indicator": "loans_count", "value": -1}]},
            "/targets/0/value",
            "value.invalid",
        ),
        (
            {"targets": [{"indicator": "loans_count", "value": True}]},
            "/targets/0/value",
            "value.invalid",
        ),
        (
            {
                "targets": [
                    {"indicator": "loans_count", "value": 1},
                    {"indicator": "loans_count", "value": 2},
                ]
            },
            "/targets/1/indicator",
            "target.duplicate",
        ),
        ({"obligations": [{"document": "Rapport"}]}, "/obligations/0", "obligation.due"),
        (
            {
                "obligations": [
                    {
                        "document": "Rapport",
                        "due_on": "2026-01-01",
                        "due": {"after": "agreement_end", "months": 1},
                    }
                ]
            },
            "/obligations/0",
            "obligation.due",
        ),
        (
            {"obligations": [{"document": "R", "due": {"after": "easter", "months": 1}}]},
            "/obligations/0/due/after",
            "choice",
        ),
        (
            {"obligations": [{"document": "R", "due": {"after": "agreement_end", "months": 121}}]},
            "/obligations/0/due/months",
            "number.too_large",
        ),
    ],
)
async def test_bad_input_is_refused(
    network: Client, changes: dict[str, JsonValue], pointer: str, code: str
) -> None:
    refused = await network.post("/v1/agreements", agreement(**changes))
    assert refused.status_code == 422
    assert codes_of(refused) == {pointer: code}


async def test_payments_are_recorded_under_their_agreement(funds: Funds, network: Client) -> None:
    member = funds.as_member()
    await member.post(f"/v1/funds/{member.organisation}/contributions", gift())
    place = (await network.post("/v1/agreements", agreement())).headers["location"]
    body = {
        "external_id": uuid.uuid4().hex,
        "paid_on": "2025-07-01",
        "amount": "500000.00",
        "organisation": member.organisation,
    }
    posted = await network.post(f"{place}/payments", body)
    again = await network.post(f"{place}/payments", body)
    assert (posted.status_code, again.status_code) == (201, 200)
    assert again.content == posted.content
    other = await network.post(f"{place}/payments", {**body, "amount": "1.00"})
    assert (other.status_code, other.json()["code"]) == (409, "external_id.conflict")
    shown = (await network.get(place)).json()
    assert (shown["payments"], shown["paid"]) == ([posted.json()], "500000.00")


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"paid_on": "2026-04-01"}, "/paid_on", "date.future"),
        ({"organisation": "nowhere"}, "/organisation", "organisation.unknown"),
        ({"amount": "-1"}, "/amount", "amount.negative"),
    ],
)
async def test_a_bad_payment_is_refused(
    network: Client, changes: dict[str, JsonValue], pointer: str, code: str
) -> None:
    place = (await network.post("/v1/agreements", agreement())).headers["location"]
    body = {"external_id": uuid.uuid4().hex, "paid_on": "2025-07-01", "amount": "1.00", **changes}
    refused = await network.post(f"{place}/payments", body)
    assert refused.status_code == 422
    assert codes_of(refused) == {pointer: code}


async def test_a_payment_needs_its_agreement(network: Client) -> None:
    body = {"external_id": uuid.uuid4().hex, "paid_on": "2025-07-01", "amount": "1.00"}
    nowhere = await network.post(f"/v1/agreements/{uuid.uuid4()}/payments", body)
    assert nowhere.status_code == 404
    assert (await network.get(f"/v1/agreements/{uuid.uuid4()}")).status_code == 404


async def test_the_funder_and_the_auditor_read_the_others_do_not(
    funds: Funds, network: Client
) -> None:
    place = (await network.post("/v1/agreements", agreement())).headers["location"]
    for role in Role:
        organisation = "org" if role is Role.MEMBER else None
        caller = funds.as_role(role, organisation)
        may_read = role in (Role.NETWORK, Role.FUNDER, Role.AUDITOR)
        for read in ("/v1/agreements", place):
            assert (await caller.get(read)).status_code == (200 if may_read else 403)
        if role is not Role.NETWORK:
            assert (await caller.post("/v1/agreements", agreement())).status_code == 403
            assert (await caller.post(f"{place}/payments", {})).status_code in (403, 422)


async def test_lists_page_by_page(network: Client) -> None:
    posted = [(await network.post("/v1/agreements", agreement())).json() for _ in range(3)]
    link: str | None = "/v1/agreements?limit=2"
    seen: list[str] = []
    while link is not None:
        answer = (await network.get(link)).json()
        seen.extend(item["agreement_id"] for item in answer["items"])
        link = answer["next"]
    assert seen[-3:] == [document["agreement_id"] for document in posted]
    assert len(seen) == len(set(seen))


@pytest.mark.parametrize(
    ("day", "months", "expected"),
    [
        (date(2025, 3, 31), 4, date(2025, 7, 31)),
        (date(2025, 10, 31), 4, date(2026, 2, 28)),
        (date(2027, 10, 31), 4, date(2028, 2, 29)),
        (date(2028, 2, 29), 12, date(2029, 2, 28)),
        (date(2025, 12, 31), 0, date(2025, 12, 31)),
        (date(2025, 11, 30), 1, date(2025, 12, 30)),
    ],
)
def test_months_after_the_end(day: date, months: int, expected: date) -> None:
    rule = DueRule(DueAfter.AGREEMENT_END, months)
    assert list_due_dates(rule, day, day) == [expected]


def test_one_date_for_each_fiscal_year_touched() -> None:
    rule = DueRule(DueAfter.FISCAL_YEAR_END, 4)
    dates = list_due_dates(rule, date(2025, 3, 31), date(2026, 4, 1))
    assert dates == [date(2025, 7, 31), date(2026, 7, 31), date(2027, 7, 31)]
