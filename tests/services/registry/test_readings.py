"""What an auditor reads is on the audit chain of the network."""

import json

import pytest

from services.common.identity import Role
from tests.services.registry.conftest import Registry, codes_of

PATH = "/internal/readings"


async def test_a_reading_is_on_the_audit_chain(registry: Registry) -> None:
    trace = {"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"}
    asked = {"asked": "GET /v1/loans"}
    answer = await registry.call("POST", PATH, {**asked}, role=Role.AUDITOR, headers=trace)
    assert answer.status_code == 204, answer.text
    [row] = await registry.look(
        "SELECT entry FROM registry.audit_entries WHERE entry ->> 'action' = 'auditor.read'"
    )
    entry = json.loads(row["entry"])
    assert (entry["subject"], entry["role"]) == ("test-auditor", "auditor")
    assert entry["details"] == {"asked": "GET /v1/loans", "trace_id": "ab" * 16}


@pytest.mark.parametrize("role", [Role.MEMBER, Role.NETWORK, Role.FUNDER, Role.OPERATOR, None])
async def test_nobody_else_records_one(registry: Registry, role: Role | None) -> None:
    answer = await registry.call("POST", PATH, {"asked": "GET /v1/loans"}, role=role)
    assert answer.status_code == (401 if role is None else 403)


@pytest.mark.parametrize(
    ("asked", "code"), [("", "text.too_short"), ("x" * 501, "text.too_long"), (7, "text.type")]
)
async def test_it_has_bounds(registry: Registry, asked: str | int, code: str) -> None:
    refused = await registry.call("POST", PATH, {"asked": asked}, role=Role.AUDITOR)
    assert (refused.status_code, codes_of(refused)) == (422, {"/asked": code})
