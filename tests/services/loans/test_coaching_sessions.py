"""Coaching sessions through HTTP: recorded with their region, refused, reversed."""

import pytest

from services.common.errors import JsonValue
from services.loans.coaching_sessions.schemas import CoachingSessionAnswer
from tests.services.loans.conftest import (
    Client,
    Document,
    Loans,
    coaching_session,
    codes_of,
    loan,
    record_borrower,
    record_loan,
)

PATH = "/v1/coaching-sessions"


async def regions_of(loans: Loans, client: Client) -> list[str]:
    rows = await loans.look(
        "SELECT region_code FROM coaching_sessions WHERE organisation_id = $1 ORDER BY external_id",
        client.organisation_id,
    )
    return [row["region_code"] for row in rows]


async def test_records_a_session(member: Client) -> None:
    lent = await record_loan(member)
    body = coaching_session(lent["borrower"], loan={"external_id": lent["external_id"]})
    posted = await member.post(PATH, body)
    assert posted.status_code == 201
    assert posted.headers["location"] == PATH
    answer = CoachingSessionAnswer.model_validate_json(posted.content)
    assert (answer.duration_minutes, answer.topics) == (75, ["plan d'affaires", "budget"])
    assert posted.json()["loan"] == {"external_id": lent["external_id"]}
    assert (await member.get(PATH)).json() == {"items": [posted.json()], "next": None}


async def test_what_may_be_left_out(member: Client) -> None:
    borrower_id = await record_borrower(member)
    body: Document = {
        "external_id": "S-1",
        "borrower": {"external_id": borrower_id},
        "held_on": "2026-03-31",
        "duration_minutes": 30,
        "mode": "phone",
        "stage": "pre_start",
    }
    document = (await member.post(PATH, body)).json()
    assert (document["loan"], document["coach"], document["next_action"]) == (None, None, None)
    assert document["topics"] == []


async def test_the_same_again_is_replayed_and_other_content_conflicts(
    loans: Loans, member: Client
) -> None:
    body = coaching_session({"external_id": await record_borrower(member)})
    first = await member.post(PATH, body)
    before = await loans.count_rows(member)
    again = await member.post(PATH, body)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["idempotent-replayed"] == "true"
    other = await member.post(PATH, {**body, "topics": ["budget", "plan d'affaires"]})
    assert (other.status_code, codes_of(other)) == (409, {"/external_id": "external_id.conflict"})
    assert await loans.count_rows(member) == before


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"borrower": {"external_id": "nobody"}}, "/borrower/external_id", "borrower.unknown"),
        ({"loan": {"external_id": "nothing"}}, "/loan/external_id", "loan.unknown"),
        ({"held_on": "2026-04-01"}, "/held_on", "date.future"),
        ({"held_on": "2026-02-29"}, "/held_on", "date.impossible"),
        ({"duration_minutes": 0}, "/duration_minutes", "number.too_small"),
        ({"duration_minutes": 1441}, "/duration_minutes", "number.too_large"),
        ({"duration_minutes": "60"}, "/duration_minutes", "integer.type"),
        ({"mode": "telepathy"}, "/mode", "choice"),
        ({"stage": "start"}, "/stage", "choice"),
        ({"topics": [""]}, "/topics/0", "text.too_short"),
        ({"topics": "budget"}, "/topics", "list.type"),
        ({"coach": "x" * 201}, "/coach", "text.too_long"),
        ({"borrower": None}, "/borrower", "object.type"),
        ({"hours": 2}, "/hours", "unknown_field"),
    ],
)
async def test_what_is_wrong_is_placed_and_nothing_is_stored(
    loans: Loans, member: Client, changes: dict[str, JsonValue], pointer: str, code: str
) -> None:
    body = coaching_session({"external_id": await record_borrower(member)}, **changes)
    before = await loans.count_rows(member)
    refused = await member.post(PATH, body)
    assert refused.status_code == 422
    assert codes_of(refused) == {pointer: code}
    assert await loans.count_rows(member) == before


async def test_a_loan_of_somebody_else_is_refused(member: Client) -> None:
    lent = await record_loan(member)
    body = coaching_session(
        {"external_id": await record_borrower(member)},
        loan={"external_id": lent["external_id"]},
    )
    refused = await member.post(PATH, body)
    assert codes_of(refused) == {"/loan/external_id": "loan.other_borrower"}
    assert refused.json()["detail"] == "Ce prêt est celui d'un autre emprunteur."
    english = await member.post(PATH, body, accept_language="en")
    assert english.json()["detail"] == "This loan is another borrower's."


async def test_the_region_is_the_persons_else_the_loans_else_the_members(loans: Loans) -> None:
    member = loans.as_member(None, "11")
    for name, region in (("E-1", "01"), ("E-2", None)):
        await record_borrower(member, external_id=name, region_code=region)
    await member.post("/v1/loans", loan("E-2", external_id="P-2", region_code="02"))
    for name, body in (
        ("S-1", coaching_session({"external_id": "E-1"})),
        ("S-2", coaching_session({"external_id": "E-2"}, loan={"external_id": "P-2"})),
        ("S-3", coaching_session({"external_id": "E-2"})),
    ):
        assert (await member.post(PATH, {**body, "external_id": name})).status_code == 201
    assert await regions_of(loans, member) == ["01", "02", "11"]


async def test_no_region_is_guessed_among_several(loans: Loans) -> None:
    member = loans.as_member(None, "01", "02")
    borrower_id = await record_borrower(member, region_code=None)
    refused = await member.post(PATH, coaching_session({"external_id": borrower_id}))
    assert refused.status_code == 422
    assert codes_of(refused) == {"/borrower/external_id": "borrower.no_region"}
    assert await regions_of(loans, member) == []


async def test_a_session_is_reversed_once(loans: Loans, member: Client) -> None:
    body = coaching_session({"external_id": await record_borrower(member)})
    session_id = (await member.post(PATH, body)).json()["coaching_session_id"]
    path = f"{PATH}/{session_id}/reversals"
    first = await member.post(path, {"reason": "Saisie en double"})
    again = await member.post(path, {"reason": "Saisie en double"})
    other = await member.post(path, {"reason": "Autre"})
    assert (first.status_code, again.status_code, other.status_code) == (201, 200, 409)
    assert again.content == first.content
    assert codes_of(other) == {"/reason": "external_id.conflict"}
    # Its identifier stays taken: sent again, it is still reversed.
    assert (await member.post(PATH, body)).status_code == 200
    assert (await loans.count_rows(member))["reversals"] == 1
    nowhere = f"{PATH}/00000000-0000-7000-8000-000000000000/reversals"
    assert (await member.post(nowhere, {"reason": "x"})).status_code == 404
    assert codes_of(await member.post(path, {"reason": ""})) == {"/reason": "text.too_short"}


async def test_sessions_are_listed_page_by_page(member: Client) -> None:
    who: JsonValue = {"external_id": await record_borrower(member)}
    names = [f"S-{number}" for number in range(5)]
    for name in names:
        await member.post(PATH, coaching_session(who, external_id=name))
    seen: list[str] = []
    path: str | None = f"{PATH}?limit=2"
    while path is not None:
        page = (await member.get(path)).json()
        seen += [each["external_id"] for each in page["items"]]
        path = page["next"]
    assert seen == names
