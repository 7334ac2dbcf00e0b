"""Borrowers through HTTP: registered, refused, sent again, listed, and completed after a loan."""

import asyncio
import base64
import json

import pytest

from services.common.errors import JsonValue
from services.loans.borrowers.schemas import BorrowerAnswer
from tests.services.loans.conftest import (
    Client,
    Loans,
    borrower,
    codes_of,
    loan_row,
    record_borrower,
    write_csv,
)


async def test_registers_a_borrower_and_shows_it(member: Client) -> None:
    body = borrower()
    posted = await member.post("/v1/borrowers", body)
    assert posted.status_code == 201
    document = posted.json()
    assert BorrowerAnswer.model_validate_json(posted.content).external_id == body["external_id"]
    assert document["enterprise"]["sector_code"] == "812990"
    assert document["enterprise"]["neq"] is None
    assert document["consents"] == [
        {"purpose": "follow_up", "given_on": "2025-04-01", "withdrawn_on": None}
    ]
    shown = await member.get(posted.headers["location"])
    assert (shown.status_code, shown.json()) == (200, document)


async def test_an_identifier_and_a_kind_are_enough(member: Client) -> None:
    posted = await member.post("/v1/borrowers", {"external_id": "E-1", "kind": "person"})
    assert posted.status_code == 201
    assert posted.json()["enterprise"] is None
    assert posted.json()["clienteles"] == []


async def test_words_of_the_trade_become_codes(member: Client) -> None:
    body = borrower(
        gender="Féminin",
        postal_code="h2x1y4",
        clienteles=["Jeune", "Personne immigrante", "immigrant"],
        given_name="  Amélie\u0301".replace("e\u0301", "é"),
    )
    document = (await member.post("/v1/borrowers", body)).json()
    assert document["gender"] == "woman"
    assert document["postal_code"] == "H2X 1Y4"
    assert document["clienteles"] == ["immigrant", "under_35"]


async def test_a_legal_person_has_a_legal_name(member: Client) -> None:
    body = borrower(kind="legal_person")
    refused = await member.post("/v1/borrowers", body)
    assert refused.status_code == 422
    assert codes_of(refused) == {"/legal_name": "borrower.legal_name"}
    body["legal_name"] = "Coop Couture"
    assert (await member.post("/v1/borrowers", body)).status_code == 201


async def test_the_same_again_is_replayed_with_the_same_body(member: Client) -> None:
    body = borrower()
    first = await member.post("/v1/borrowers", body)
    again = await member.post("/v1/borrowers", {**body, "clienteles": ["Immigrants"]})
    assert again.status_code == 200
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["location"] == first.headers["location"]
    assert again.content == first.content


async def test_other_content_under_the_same_identifier_conflicts(member: Client) -> None:
    body = borrower()
    await member.post("/v1/borrowers", body)
    other = await member.post("/v1/borrowers", {**body, "birth_year": 1989})
    assert other.status_code == 409
    assert codes_of(other) == {"/external_id": "external_id.conflict"}
    listed = (await member.get("/v1/borrowers")).json()["items"]
    assert [each["birth_year"] for each in listed] == [1990]


async def test_an_idempotency_key_holds_one_borrower(member: Client) -> None:
    body = borrower()
    first = await member.post("/v1/borrowers", body, idempotency_key="k-1")
    again = await member.post("/v1/borrowers", body, idempotency_key="k-1")
    other = await member.post("/v1/borrowers", borrower(), idempotency_key="k-1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.content == first.content
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key.reused")
    assert len((await member.get("/v1/borrowers")).json()["items"]) == 1


async def test_posted_many_times_at_once_it_is_registered_once(member: Client) -> None:
    body = borrower()
    answers = await asyncio.gather(*(member.post("/v1/borrowers", body) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
    assert len({answer.content for answer in answers}) == 1


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"external_id": ""}, "/external_id", "text.too_short"),
        ({"external_id": " \t"}, "/external_id", "text.too_short"),
        ({"external_id": "E" * 101}, "/external_id", "text.too_long"),
        ({"external_id": "E\u0000"}, "/external_id", "text.control"),
        ({"external_id": 12}, "/external_id", "text.type"),
        ({"kind": "company"}, "/kind", "choice"),
        ({"birth_year": "1990"}, "/birth_year", "integer.type"),
        ({"birth_year": 1899}, "/birth_year", "number.too_small"),
        ({"birth_year": 2027}, "/birth_year", "date.future"),
        ({"birth_year": True}, "/birth_year", "integer.type"),
        ({"gender": "dame"}, "/gender", "choice"),
        ({"region_code": "18"}, "/region_code", "region_code.form"),
        ({"region_code": 6}, "/region_code", "text.type"),
        ({"postal_code": "90210"}, "/postal_code", "postal_code.form"),
        ({"clienteles": "immigrant"}, "/clienteles", "list.type"),
        ({"clienteles": ["!!"]}, "/clienteles", "text.form"),
        ({"clienteles": ["x"] * 21}, "/clienteles", "list.too_long"),
        ({"enterprise": {}}, "/enterprise/name", "missing"),
        ({"enterprise": {"name": "A", "neq": "12"}}, "/enterprise/neq", "neq.form"),
        ({"consents": [{"purpose": "x"}]}, "/consents/0/given_on", "missing"),
        (
            {"consents": [{"purpose": "x", "given_on": "2026-04-01"}]},
            "/consents/0/given_on",
            "date.future",
        ),
        (
            {
                "consents": [
                    {"purpose": "x", "given_on": "2026-02-01", "withdrawn_on": "2026-01-31"}
                ]
            },
            "/consents/0/withdrawn_on",
            "consent.withdrawn_before_given",
        ),
        ({"age": 35}, "/age", "unknown_field"),
        ({"enterprise": {"name": "A", "size": 2}}, "/enterprise/size", "unknown_field"),
    ],
)
async def test_what_is_wrong_is_placed_and_nothing_is_stored(
    member: Client, changes: dict[str, JsonValue], pointer: str, code: str
) -> None:
    refused = await member.post("/v1/borrowers", borrower(**changes))
    assert refused.status_code == 422
    assert codes_of(refused) == {pointer: code}
    assert (await member.get("/v1/borrowers")).json() == {"items": [], "next": None}


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b"", 400, "json.malformed"),
        (b'{"external_id": "E-1", "kind": "person"', 400, "json.malformed"),
        (b'{"external_id": "E-\xe9", "kind": "person"}', 400, "body.encoding"),
        (b'{"external_id": "E-1", "kind": "person", "birth_year": NaN}', 422, "json.not_finite"),
        (
            b'{"external_id": "E-1", "external_id": "E-2", "kind": "person"}',
            422,
            "json.duplicate_key",
        ),
        (b'{"external_id": "E-1", "kind": "person", "birth_year": 1990.0}', 422, "json.number"),
        (b'{"external_id": "\\ud800", "kind": "person"}', 422, "input.invalid"),
        (b"[]", 422, "input.invalid"),
        (b"[" * 100_000, 400, "json.depth"),
        (b'{"external_id": "' + b"E" * 1024 * 1024 + b'"}', 413, "body.too_large"),
    ],
)
async def test_a_body_that_is_not_json_is_refused_whole(
    member: Client, content: bytes, status: int, code: str
) -> None:
    headers = {**member.headers, "Content-Type": "application/json"}
    refused = await member.http.post("/v1/borrowers", content=content, headers=headers)
    codes_of(refused)
    assert (refused.status_code, refused.json()["code"]) == (status, code)
    assert (await member.get("/v1/borrowers")).json()["items"] == []


async def test_refusals_are_in_the_language_asked(member: Client) -> None:
    body = borrower(birth_year=2027)
    french = (await member.post("/v1/borrowers", body)).json()
    english = (await member.post("/v1/borrowers", body, accept_language="en")).json()
    assert french["detail"] == (
        "Cette date est dans l'avenir ; un fait s'inscrit quand il a eu lieu."
    )
    assert english["detail"] == (
        "This date is in the future; a fact is recorded once it has happened."
    )
    assert french["code"] == english["code"] == "date.future"


async def test_borrowers_are_listed_page_by_page(member: Client) -> None:
    names = [f"E-{number:02d}" for number in range(7)]
    for name in reversed(names):
        await record_borrower(member, external_id=name)
    seen: list[str] = []
    path: str | None = "/v1/borrowers?limit=3"
    while path is not None:
        page = (await member.get(path)).json()
        assert len(page["items"]) <= 3
        seen += [each["external_id"] for each in page["items"]]
        path = page["next"]
    assert seen == names


@pytest.mark.parametrize("key", ["\u0000", "\ud800", 12, ["E-1"], {"a": 1}, None])
async def test_a_cursor_made_up_is_refused(member: Client, key: JsonValue) -> None:
    cursor = base64.urlsafe_b64encode(json.dumps(key).encode()).decode()
    refused = await member.get("/v1/borrowers", cursor=cursor)
    assert refused.status_code == 422
    assert codes_of(refused) == {"/cursor": "cursor.invalid"}


async def test_two_organisations_may_use_one_identifier(loans: Loans) -> None:
    one, other, body = loans.as_member(), loans.as_member(), borrower()
    first = await one.post("/v1/borrowers", body)
    second = await other.post("/v1/borrowers", body)
    assert (first.status_code, second.status_code) == (201, 201)
    assert (await other.get(first.headers["location"])).status_code == 404
    assert (await one.get(first.headers["location"])).status_code == 200


async def test_a_borrower_known_by_a_loan_is_completed_when_registered(member: Client) -> None:
    sheet = write_csv([loan_row("P-1", birth_year="")])
    assert (await member.send("loans", sheet)).status_code == 201
    [known] = (await member.get("/v1/borrowers")).json()["items"]
    assert (known["gender"], known["birth_year"], known["given_name"]) == ("woman", None, None)
    assert (known["region_code"], known["municipality"]) == ("06", "Montréal")

    body = borrower(external_id="E-P-1")
    posted = await member.post("/v1/borrowers", body)
    assert posted.status_code == 201
    assert posted.json()["borrower_id"] == known["borrower_id"]
    assert posted.json()["given_name"] == "Amélie"
    # From then on it is a borrower like any other.
    assert (await member.post("/v1/borrowers", body)).status_code == 200
    assert (await member.post("/v1/borrowers", {**body, "gender": "man"})).status_code == 409


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)])
async def test_what_loans_tell_of_a_borrower_adds_up_in_any_order(
    member: Client, order: tuple[int, ...]
) -> None:
    """The same loans in another order, in files of their own: the same borrower."""
    told = [
        {"gender": "", "birth_year": "1991", "clienteles": "jeune", "municipality": ""},
        {"gender": "f", "birth_year": "", "clienteles": "immigrant", "municipality": ""},
        {"gender": "", "birth_year": "", "clienteles": "", "municipality": "Montréal"},
    ]
    for place in order:
        row = loan_row(f"P-{place}", borrower_external_id="E-1", borrower_kind="", **told[place])
        assert (await member.send("loans", write_csv([row]))).status_code == 201
    [known] = (await member.get("/v1/borrowers")).json()["items"]
    assert known["kind"] == "person"
    assert (known["gender"], known["birth_year"]) == ("woman", 1991)
    assert known["clienteles"] == ["immigrant", "under_35"]
    assert known["municipality"] == "Montréal"


async def test_what_loans_tell_changes_nothing_of_who_is_registered(member: Client) -> None:
    body = borrower(external_id="E-1", gender=None, clienteles=[])
    first = await member.post("/v1/borrowers", body)
    row = loan_row("P-1", borrower_external_id="E-1", birth_year="")
    assert (await member.send("loans", write_csv([row]))).status_code == 201
    again = await member.post("/v1/borrowers", body)
    assert (again.status_code, again.content) == (200, first.content)
