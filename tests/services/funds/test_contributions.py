"""Contributions through HTTP: what is recorded, refused, sent again, and seen by whom."""

import asyncio

import pytest

from services.common.errors import JsonValue
from services.common.identity import Role
from services.funds.vocabulary import SOURCES, ContributorKind
from tests.services.funds.conftest import Client, Funds, codes_of, contribution, gift


async def test_records_a_contribution_and_shows_it(member: Client) -> None:
    posted = await member.post(f"/v1/funds/{member.organisation}/contributions", contribution())
    assert posted.status_code == 201
    document = posted.json()
    assert document["source"] == "private"
    assert document["amount"] == "25000.00"
    assert document["currency"] == "CAD"
    assert document["annual_rate"] == "2.5"
    shown = await member.get(posted.headers["location"])
    assert shown.status_code == 200
    assert shown.json() == {**document, "is_reversed": False, "repaid": "0.00", "left": "25000.00"}


async def test_purpose_is_capital_unless_said(member: Client) -> None:
    body = gift()
    del body["purpose"]
    posted = await member.post(f"/v1/funds/{member.organisation}/contributions", body)
    assert posted.status_code == 201
    assert posted.json()["purpose"] == "capital"


@pytest.mark.parametrize("kind", ContributorKind)
async def test_each_kind_of_contributor_has_its_source(
    member: Client, kind: ContributorKind
) -> None:
    body = gift(contributor_kind=kind.value, amount="10.00")
    place = f"/v1/funds/{member.organisation}"
    assert (await member.post(f"{place}/contributions", body)).status_code == 201
    balance = (await member.get(f"{place}/balance")).json()
    expected = dict.fromkeys(("public", "private", "community"), "0.00")
    assert balance["capital"] == {**expected, SOURCES[kind].value: "10.00"}


async def test_the_same_again_is_replayed_with_the_same_body(member: Client) -> None:
    place, body = f"/v1/funds/{member.organisation}/contributions", contribution()
    first = await member.post(place, body)
    again = await member.post(place, {**body, "annual_rate": "2.50"})
    assert again.status_code == 200
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    assert again.content == first.content
    listed = (await member.get(place)).json()["items"]
    assert len(listed) == 1


async def test_the_same_identifier_with_other_content_conflicts(member: Client) -> None:
    place, body = f"/v1/funds/{member.organisation}/contributions", contribution()
    await member.post(place, body)
    other = await member.post(place, {**body, "amount": "25000.01"})
    assert other.status_code == 409
    assert other.json()["code"] == "external_id.conflict"
    assert (await member.get(place)).json()["items"][0]["amount"] == "25000.00"


async def test_two_organisations_may_use_one_identifier(funds: Funds) -> None:
    one, other, body = funds.as_member(), funds.as_member(), contribution()
    for client in (one, other):
        place = f"/v1/funds/{client.organisation}/contributions"
        assert (await client.post(place, body)).status_code == 201


async def test_posted_many_times_at_once_it_is_recorded_once(member: Client) -> None:
    place, body = f"/v1/funds/{member.organisation}/contributions", contribution()
    answers = await asyncio.gather(*(member.post(place, body) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.content for answer in answers}) == 1
    balance = (await member.get(f"/v1/funds/{member.organisation}/balance")).json()
    assert balance["capital"]["private"] == "25000.00"


async def test_idempotency_key_gives_the_stored_answer(member: Client) -> None:
    place, body = f"/v1/funds/{member.organisation}/contributions", contribution()
    first = await member.post(place, body, idempotency_key="une-cle")
    again = await member.post(place, body, idempotency_key="une-cle")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.content == first.content
    other = await member.post(place, contribution(), idempotency_key="une-cle")
    assert other.status_code == 422
    assert other.json()["code"] == "idempotency_key.reused"


BAD_FIELDS: list[tuple[dict[str, JsonValue], str, str]] = [
    ({"amount": "0.00"}, "/amount", "amount.zero"),
    ({"amount": "-5.00"}, "/amount", "amount.negative"),
    ({"amount": "5.001"}, "/amount", "amount.decimals"),
    ({"amount": 5}, "/amount", "amount.form"),
    ({"amount": "NaN"}, "/amount", "amount.form"),
    ({"received_on": "2026-04-01"}, "/received_on", "date.future"),
    ({"received_on": "2025-02-29"}, "/received_on", "date.impossible"),
    ({"received_on": "31/03/2026"}, "/received_on", "date.form"),
    ({"contributor_kind": "bank"}, "/contributor_kind", "choice"),
    ({"instrument": "loan"}, "/instrument", "choice"),
    ({"purpose": "fun"}, "/purpose", "choice"),
    ({"contributor": "  "}, "/contributor", "text.too_short"),
    ({"contributor": "Caisse\u0000"}, "/contributor", "text.control"),
    ({"contributor": None}, "/contributor", "text.type"),
    ({"external_id": "x" * 101}, "/external_id", "text.too_long"),
    ({"annual_rate": "100.1"}, "/annual_rate", "rate.bounds"),
    ({"annual_rate": 7}, "/annual_rate", "rate.form"),
    ({"instrument": "grant", "repayable_on": None}, "/annual_rate", "contribution.rate"),
    ({"instrument": "interest_free_loan"}, "/annual_rate", "contribution.rate"),
    (
        {"instrument": "donation", "annual_rate": None},
        "/repayable_on",
        "contribution.not_repayable",
    ),
    (
        {"instrument": "guarantee", "annual_rate": None},
        "/repayable_on",
        "contribution.not_repayable",
    ),
    ({"repayable_on": "2025-06-01"}, "/repayable_on", "contribution.repayable_on"),
    ({"colour": "red"}, "/colour", "unknown_field"),
]


@pytest.mark.parametrize(("changes", "pointer", "code"), BAD_FIELDS)
async def test_bad_input_is_refused_at_its_place(
    member: Client, changes: dict[str, JsonValue], pointer: str, code: str
) -> None:
    place = f"/v1/funds/{member.organisation}/contributions"
    refused = await member.post(place, contribution(**changes))
    assert refused.status_code == 422
    assert codes_of(refused) == {pointer: code}
    assert (await member.get(place)).json() == {"items": [], "next": None}


async def test_refusals_are_in_french_unless_english_is_asked_for(member: Client) -> None:
    place, body = f"/v1/funds/{member.organisation}/contributions", contribution(amount="0")
    french = (await member.post(place, body)).json()
    english = (await member.post(place, body, accept_language="en-CA")).json()
    assert french["errors"][0]["message"] == "Le montant doit dépasser zéro."
    assert english["errors"][0]["message"] == "The amount must be above zero."


async def test_an_interest_free_loan_may_say_a_rate_of_zero(member: Client) -> None:
    body = contribution(instrument="interest_free_loan", annual_rate="0")
    posted = await member.post(f"/v1/funds/{member.organisation}/contributions", body)
    assert posted.status_code == 201
    assert posted.json()["annual_rate"] == "0"


async def test_lists_page_by_page(member: Client) -> None:
    place = f"/v1/funds/{member.organisation}/contributions"
    sent = [gift(amount=f"{number}.00") for number in range(1, 6)]
    for body in sent:
        await member.post(place, body)
    seen: list[str] = []
    link: str | None = f"{place}?limit=2"
    while link is not None:
        answer = (await member.get(link)).json()
        assert len(answer["items"]) <= 2
        seen.extend(item["external_id"] for item in answer["items"])
        link = answer["next"]
    assert seen == [body["external_id"] for body in sent]


@pytest.mark.parametrize("cursor", ["x", "ImFiYyI"])
async def test_a_cursor_made_up_is_refused(member: Client, cursor: str) -> None:
    place = f"/v1/funds/{member.organisation}/contributions?cursor={cursor}"
    refused = await member.get(place)
    assert refused.status_code == 422
    assert codes_of(refused) == {"/cursor": "cursor.invalid"}


async def test_another_organisation_finds_nothing(funds: Funds, member: Client) -> None:
    place = f"/v1/funds/{member.organisation}"
    posted = await member.post(f"{place}/contributions", contribution())
    stranger = funds.as_member()
    unknown = await stranger.get("/v1/funds/no-such-fund/contributions")
    for answer in (
        await stranger.post(f"{place}/contributions", contribution()),
        await stranger.get(f"{place}/contributions"),
        await stranger.get(posted.headers["location"]),
        unknown,
    ):
        assert answer.status_code == 404
        assert answer.json()["detail"] == unknown.json()["detail"]
    # The identifier of another's contribution, looked for at home.
    identifier = posted.json()["contribution_id"]
    at_home = await stranger.get(f"/v1/funds/{stranger.organisation}/contributions/{identifier}")
    assert at_home.status_code == 404


async def test_network_and_auditor_read_but_do_not_write(funds: Funds, member: Client) -> None:
    place = f"/v1/funds/{member.organisation}/contributions"
    posted = await member.post(place, contribution())
    for role in (Role.NETWORK, Role.AUDITOR):
        reader = funds.as_role(role)
        assert (await reader.get(place)).json()["items"][0]["external_id"]
        assert (await reader.get(posted.headers["location"])).status_code == 200
        assert (await reader.post(place, contribution())).status_code == 403


async def test_another_organisations_fact_reached_by_identifier_is_not_there(
    funds: Funds, member: Client, network: Client
) -> None:
    posted = await member.post(f"/v1/funds/{member.organisation}/contributions", contribution())
    other = funds.as_member()
    await other.post(f"/v1/funds/{other.organisation}/contributions", contribution())
    identifier = posted.json()["contribution_id"]
    crossed = await network.get(f"/v1/funds/{other.organisation}/contributions/{identifier}")
    assert crossed.status_code == 404


async def test_one_event_and_one_audit_entry_a_write(funds: Funds, member: Client) -> None:
    place, body = f"/v1/funds/{member.organisation}/contributions", contribution()
    await member.post(place, body)
    await member.post(place, body)
    organisation = member.principal.organisation_id
    events = await funds.look(
        "SELECT type FROM funds.events WHERE organisation_id = $1", organisation
    )
    entries = await funds.look(
        "SELECT entry FROM funds.audit_entries WHERE organisation_id = $1", organisation
    )
    assert [row["type"] for row in events] == ["contributions.recorded"]
    assert len(entries) == 1
    assert "Caisse du Quartier" not in entries[0]["entry"]
