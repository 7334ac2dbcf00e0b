"""What every service answers of its own: whether it is ready, and its events to the others."""

import uuid
from dataclasses import replace

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from services.common.database import open_database
from services.common.events import EVENTS_MAX
from services.common.identity import Role
from tests.services.kernel.marks_service import Caller, MarksService


async def test_ready_without_a_key(service: MarksService) -> None:
    response = await service.http.get("/health")
    assert (response.status_code, response.json()) == (200, {"status": "ready"})


async def test_not_ready_without_its_database(service: MarksService) -> None:
    port = f":{service.cloned.cluster.port}/"
    url = service.cloned.url("registry_app").replace(port, ":1/")
    stranded = open_database(SecretStr(url), 1)
    service.app.state.database, there = stranded, service.database
    try:
        response = await service.http.get("/health")
    finally:
        service.app.state.database = there
        await stranded.close()
    assert (response.status_code, response.json()["code"]) == (503, "database.unavailable")


def test_nothing_describes_the_service_to_strangers(service: MarksService) -> None:
    app: FastAPI = service.app
    assert (app.docs_url, app.redoc_url, app.openapi_url) == (None, None, None)


async def events_of(reader: Caller, organisation: uuid.UUID, query: str = "") -> httpx.Response:
    return await reader.get(f"/internal/events?organisation_id={organisation}{query}")


async def test_events_are_read_in_order_and_in_parts(service: MarksService, caller: Caller) -> None:
    organisation = caller.principal.organisation_id
    for number in range(EVENTS_MAX + 1):
        await caller.post(f"mark {number}")
    reader = replace(caller, role=Role.SERVICE)
    first = (await events_of(reader, organisation)).json()["events"]
    rest = (await events_of(reader, organisation, f"&after={EVENTS_MAX}")).json()["events"]
    assert [event["number"] for event in (*first, *rest)] == list(range(1, EVENTS_MAX + 2))
    assert [event["payload"] for event in rest] == [{"text": f"mark {EVENTS_MAX}"}]
    assert {event["organisation_id"] for event in first} == {str(organisation)}
    assert (await events_of(reader, uuid.uuid4())).json() == {"events": []}


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.SERVICE])
async def test_events_are_for_services_alone(
    service: MarksService, caller: Caller, role: Role
) -> None:
    for path in (
        f"/internal/events?organisation_id={caller.principal.organisation_id}",
        "/internal/events/positions",
    ):
        assert (await replace(caller, role=role).get(path)).status_code == 403


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("organisation_id=abc", "/organisation_id", "identifier.form"),
        ("after=1", "/organisation_id", "missing"),
        (f"organisation_id={uuid.UUID(int=1)}&after=-1", "/after", "number.too_small"),
    ],
)
async def test_a_bad_question_is_refused(
    caller: Caller, query: str, pointer: str, code: str
) -> None:
    refused = await replace(caller, role=Role.SERVICE).get(f"/internal/events?{query}")
    assert refused.status_code == 422
    assert {e["pointer"]: e["code"] for e in refused.json()["errors"]} == {pointer: code}
