"""A POST with an Idempotency-Key happens once, however often and however fast it is sent."""

import asyncio

import pytest

from services.common.idempotency import KEY_LENGTH_MAX
from tests.services.kernel.marks_service import Caller, MarksService


async def test_a_replay_is_the_same_answer(service: MarksService, caller: Caller) -> None:
    first = await caller.post("a", key="k1")
    again = await caller.post("a", key="k1")
    quoted = await caller.post("a", key='"k1"')
    assert first.status_code == again.status_code == quoted.status_code == 201
    assert first.content == again.content == quoted.content
    assert first.headers["location"] == again.headers["location"]
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert await service.numbers(caller) == [1]


async def test_without_a_key_each_request_counts(service: MarksService, caller: Caller) -> None:
    for _ in range(2):
        assert (await caller.post("a")).status_code == 201
    assert await service.numbers(caller) == [1, 2]


@pytest.mark.parametrize(
    ("text", "path"), [("b", "/v1/marks"), ("a", "/v1/marks?dry_run=true"), ("A", "/v1/marks")]
)
async def test_a_key_that_served_for_something_else(
    service: MarksService, caller: Caller, text: str, path: str
) -> None:
    await caller.post("a", key="k1")
    refused = await caller.post(text, key="k1", path=path)
    assert refused.status_code == 422
    assert refused.json()["code"] == "idempotency_key.reused"
    assert await service.numbers(caller) == [1]


async def test_a_key_is_one_clients_for_one_operation(service: MarksService) -> None:
    one = service.caller()
    colleague = service.caller(one.organisation, subject="key-2")
    stranger = service.caller()
    for caller, path in (
        (one, "/v1/marks"),
        (one, "/v1/other-marks"),
        (colleague, "/v1/marks"),
        (stranger, "/v1/marks"),
    ):
        response = await caller.post("a", key="k1", path=path)
        assert response.status_code == 201
        assert "idempotent-replayed" not in response.headers
    assert await service.numbers(one) == [1, 2, 3]
    assert await service.numbers(stranger) == [1]


@pytest.mark.parametrize(
    "key", ["", '""', "a" * (KEY_LENGTH_MAX + 1), "a\tb", "a\x7fb", "cl\xe9", '"a\tb"']
)
async def test_a_key_of_a_wrong_form(service: MarksService, caller: Caller, key: str) -> None:
    refused = await caller.http.post(
        "/v1/marks",
        json={"text": "a"},
        headers=[
            (b"Authorization", caller.authorization().encode()),
            (b"Idempotency-Key", key.encode("latin-1")),
        ],
    )
    assert refused.status_code == 422
    assert refused.json()["code"] == "idempotency_key.form"
    assert await service.numbers(caller) == []


async def test_the_longest_key(caller: Caller) -> None:
    assert (await caller.post("a", key="k" * KEY_LENGTH_MAX)).status_code == 201


@pytest.mark.parametrize(("place", "status"), [("conflict", 409), ("statement", 503)])
async def test_what_failed_leaves_its_key_free(
    service: MarksService, caller: Caller, place: str, status: int
) -> None:
    path = f"/v1/refused-marks/{place}"
    for _ in range(2):
        assert (await caller.post("a", key="k1", path=path)).status_code == status
    assert await service.numbers(caller) == []
    kept = "SELECT FROM idempotency_keys WHERE organisation_id = $1"
    assert await service.look(kept, caller.principal.organisation_id) == []


async def test_a_hundred_at_once_have_one_effect(
    service: MarksService, twin: MarksService, caller: Caller
) -> None:
    callers = [caller, caller.through(twin)] * 50
    responses = await asyncio.gather(*(each.post("a", key="k1") for each in callers))
    assert {response.status_code for response in responses} == {201}
    assert len({response.content for response in responses}) == 1
    assert len({response.headers["location"] for response in responses}) == 1
    replays = [r for r in responses if r.headers.get("idempotent-replayed") == "true"]
    assert len(replays) == 99
    assert await service.numbers(caller) == [1]


async def test_other_bodies_at_once_under_one_key(
    service: MarksService, twin: MarksService, caller: Caller
) -> None:
    callers = [caller, caller.through(twin)] * 10
    responses = await asyncio.gather(
        *(each.post(f"a{number}", key="k1") for number, each in enumerate(callers))
    )
    statuses = sorted(response.status_code for response in responses)
    assert statuses == [201] + [422] * 19
    assert await service.numbers(caller) == [1]


async def test_a_key_is_forgotten_after_thirty_days(service: MarksService, caller: Caller) -> None:
    await caller.post("a", key="k1")
    age = (
        "UPDATE idempotency_keys SET recorded_at = recorded_at - cast($2 AS text)::interval"
        " WHERE organisation_id = $1"
    )
    await service.look(age, caller.principal.organisation_id, "29 days")
    assert (await caller.post("b", key="k1")).status_code == 422
    await service.look(age, caller.principal.organisation_id, "2 days")
    assert (await caller.post("b", key="k1")).status_code == 201
    assert await service.numbers(caller) == [1, 2]


async def test_a_misspelt_parameter_answers_no_other_question(
    service: MarksService, caller: Caller
) -> None:
    refused = await caller.post("a", path="/v1/marks?dryrun=true")
    assert refused.status_code == 422
    assert [(e["pointer"], e["code"]) for e in refused.json()["errors"]] == [
        ("/dryrun", "unknown_field")
    ]
