"""Provision matrices over HTTP, and what they set aside: loan by loan, and summed by class."""

from datetime import date, timedelta

import pytest

from services.common.errors import JsonValue
from services.common.money import format_cents, parse_cents
from tests.services.loans.conftest import Client, Document, Loans, codes_of, pay, record_loan

PATH = "/v1/provision-matrices"
AS_OF = "2025-12-31"


def matrix(effective_from: str, **changes: JsonValue) -> Document:
    return {
        "effective_from": effective_from,
        "classes": [{"days_over": 0, "rate": "5"}, {"days_over": 30, "rate": "50"}],
        **changes,
    }


async def newest(network: Client) -> date:
    items = (await network.get(PATH)).json()["items"]
    return date.fromisoformat(items[-1]["effective_from"])


async def test_a_matrix_follows_another(network: Client, member: Client) -> None:
    """Far ahead of every date the other tests ask about: the matrices are everybody's."""
    day = max(await newest(network), date(2150, 1, 1)) + timedelta(days=1)
    body = matrix(day.isoformat(), rescheduled_rate_min="20")
    posted = await network.post(PATH, body)
    assert posted.status_code == 201, posted.text
    assert posted.json() == {**body, "current_rate": "0", "effective_until": None}
    again = await network.post(PATH, body)
    assert (again.status_code, again.json()) == (200, posted.json())
    before, last = (await member.get(PATH)).json()["items"][-2:]
    assert before["effective_until"] == (day - timedelta(days=1)).isoformat()
    assert last == posted.json()
    for earlier in (day, day - timedelta(days=1)):
        refused = await network.post(PATH, matrix(earlier.isoformat()))
        assert codes_of(refused) == {"/effective_from": "version.not_after_newest"}


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"classes": []}, "/classes", "list.too_short"),
        ({"classes": [{"days_over": 1, "rate": "101"}]}, "/classes/0/rate", "rate.bounds"),
        ({"classes": [{"days_over": -1, "rate": "1"}]}, "/classes/0/days_over", "number.too_small"),
        (
            {"classes": [{"days_over": 1, "rate": "1"}] * 2},
            "/classes",
            "provision.classes_disordered",
        ),
        (
            {"classes": [{"days_over": n, "rate": "1"} for n in range(21)]},
            "/classes",
            "list.too_long",
        ),
        ({"current_rate": 0.5}, "/current_rate", "json.number"),
    ],
)
async def test_a_matrix_that_says_nothing_sound(
    network: Client, changes: Document, pointer: str, code: str
) -> None:
    refused = await network.post(PATH, matrix("2199-01-01", **changes))
    assert (refused.status_code, codes_of(refused)) == (422, {pointer: code})


async def test_what_is_set_aside_for_a_loan(member: Client) -> None:
    lent = await record_loan(member)  # the first instalment falls due on 2025-05-15
    expected = {
        "2025-05-15": ("0", "0.00"),
        "2025-05-16": ("10", "120.00"),
        "2025-06-14": ("10", "120.00"),
        "2025-06-15": ("25", "300.00"),
        "2025-12-01": ("100", "1200.00"),
    }
    for as_of, (rate, amount) in expected.items():
        found = (await member.get(f"/v1/loans/{lent['loan_id']}", as_of=as_of)).json()
        assert found["position"]["provision"] == {
            "rate": rate,
            "amount": amount,
            "matrix_effective_from": "1990-01-01",
        }


async def test_sums_by_class_are_those_of_the_loans(loans: Loans, member: Client) -> None:
    """Loans paid for nought to nine months, each looked at by itself and all of them at once."""
    for months in range(0, 10):
        lent = await record_loan(member)
        dates = [f"2025-{month:02d}-15" for month in range(5, 5 + months) if month <= 12]
        await pay(member, lent["loan_id"], *((day, "106.61") for day in dates))
    one_by_one: dict[str, list[int]] = {}
    for item in (await member.get("/v1/loans")).json()["items"]:
        found = (await member.get(f"/v1/loans/{item['loan_id']}", as_of=AS_OF)).json()
        position = found["position"]
        sums = one_by_one.setdefault(position["provision"]["rate"], [0, 0, 0])
        sums[0] += 1
        sums[1] += parse_cents(position["outstanding_principal"])
        sums[2] += parse_cents(position["provision"]["amount"])
    said = (await member.get("/internal/provisions", as_of=AS_OF)).json()
    [organisation] = said["organisations"]
    assert organisation["organisation_id"] == str(member.organisation_id)
    rates = [said["matrix"]["current_rate"], *(c["rate"] for c in said["matrix"]["classes"])]
    at_once = {
        rates[each["number"]]: [
            each["loans"],
            parse_cents(each["outstanding_principal"]),
            parse_cents(each["provision"]),
        ]
        for each in organisation["classes"]
    }
    assert at_once == one_by_one
    assert len(at_once) > 2
    totals = (await member.get("/internal/totals", **{"from": "2025-04-01", "to": AS_OF})).json()
    par30 = sum(parse_cents(each["par30"]) for each in organisation["classes"])
    assert format_cents(par30) == totals["rows"][0]["portfolio"]["par30"]


async def test_a_rescheduled_loan_stays_at_risk(member: Client) -> None:
    """However punctual since: half of it is set aside, and it counts beside PAR30."""
    lent = await record_loan(member)
    path = f"/v1/loans/{lent['loan_id']}"
    fact: Document = {
        "external_id": "RS-1",
        "rescheduled_on": "2025-07-01",
        "reason": "saison manquée",
        "terms": {"instalments": 24},
    }
    assert (await member.post(f"{path}/reschedulings", fact)).status_code == 201

    async def provisioned(as_of: str) -> JsonValue:
        found = (await member.get(path, as_of=as_of)).json()["position"]["provision"]
        rate: JsonValue = found["rate"]
        return rate

    assert (await provisioned("2025-06-30"), await provisioned("2025-07-01")) == ("25", "50")
    said = (await member.get("/internal/provisions", as_of="2025-07-31")).json()
    [only] = said["organisations"][0]["classes"]
    assert (only["number"], only["provision"]) == (0, "600.00")
    assert only["rescheduled"] == {"loans": 1, "outstanding_principal": "1200.00"}
    assert (only["par30"], only["par30_or_rescheduled"]) == ("0.00", "1200.00")
    # Taken out as if it had never been agreed, it weighs no more.
    reversal: Document = {"fact": {"kind": "rescheduling", "external_id": "RS-1"}, "reason": "x"}
    assert (await member.post(f"{path}/reversals", reversal)).is_success
    said = (await member.get("/internal/provisions", as_of="2025-07-31")).json()
    [only] = said["organisations"][0]["classes"]
    assert (only["number"], only["rescheduled"]["loans"]) == (3, 0)


async def test_a_loan_that_was_reversed_needs_nothing_set_aside(member: Client) -> None:
    lent = await record_loan(member)
    reversal: Document = {
        "fact": {"kind": "loan", "external_id": lent["external_id"]},
        "reason": "x",
    }
    posted = await member.post(f"/v1/loans/{lent['loan_id']}/reversals", reversal)
    assert posted.is_success, posted.text
    assert (await member.get("/internal/provisions", as_of=AS_OF)).json()["organisations"] == []


async def test_a_member_sees_its_own_and_the_network_all(
    loans: Loans, network: Client, member: Client
) -> None:
    other = loans.as_member()
    for client in (member, other):
        await record_loan(client)
    seen = {
        who: {
            each["organisation_id"]
            for each in (await client.get("/internal/provisions", as_of=AS_OF)).json()[
                "organisations"
            ]
        }
        for who, client in (("member", member), ("network", network))
    }
    assert seen["member"] == {str(member.organisation_id)}
    assert seen["network"] >= {str(member.organisation_id), str(other.organisation_id)}


async def test_before_the_first_matrix_nothing_is_set_aside(member: Client) -> None:
    said = (await member.get("/internal/provisions", as_of="1989-12-31")).json()
    assert said == {"matrix": None, "organisations": []}
