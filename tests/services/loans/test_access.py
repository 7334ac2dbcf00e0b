"""Who may ask what: a member its own facts, nobody else any of them."""

import pytest

from services.common.identity import Role
from tests.services.loans.conftest import (
    Client,
    Document,
    Loans,
    record_loan,
    repayment,
    repayment_row,
    write_csv,
)


@pytest.mark.parametrize("role", [r for r in Role if r is not Role.MEMBER])
async def test_no_other_role_reads_or_writes_a_members_facts(loans: Loans, role: Role) -> None:
    stranger = loans.as_role(role)
    for path in ("/v1/borrowers", "/v1/loans", "/v1/coaching-sessions", "/v1/outcomes"):
        assert (await stranger.get(path)).status_code == 403, path
        assert (await stranger.post(path, {})).status_code == 403, path
    assert (await stranger.send("loans", "external_id\n")).status_code == 403


async def test_another_organisations_loan_does_not_exist(loans: Loans, member: Client) -> None:
    found = await record_loan(member)
    path = f"/v1/loans/{found['loan_id']}"
    other = loans.as_member()
    unknown = "/v1/loans/00000000-0000-0000-0000-000000000001"
    bodies: dict[str, Document] = {
        "/repayments": repayment(),
        "/write-offs": {
            "external_id": "W",
            "written_off_on": "2025-06-01",
            "amount": "1.00",
            "reason": "Faillite",
        },
        "/reversals": {"fact": {"kind": "repayment", "external_id": "R"}, "reason": "Erreur"},
    }
    for suffix, body in bodies.items():
        foreign = await other.post(path + suffix, body)
        missing = await other.post(unknown + suffix, body)
        assert foreign.status_code == missing.status_code == 404, suffix
        drop = ("trace_id",)
        assert {k: v for k, v in foreign.json().items() if k not in drop} == {
            k: v for k, v in missing.json().items() if k not in drop
        }
    assert (await other.get(path)).status_code == 404
    sheet = write_csv([repayment_row("R1", str(found["external_id"]))])
    refused = await other.send("repayments", sheet)
    assert refused.json()["errors"][0]["code"] == "loan.unknown"


async def test_without_a_token_of_the_gateway_nothing_is_answered(member: Client) -> None:
    for headers in ({}, {"Authorization": "Bearer x.y.z"}, {"X-Organisation": "montreal"}):
        refused = await member.http.get("/v1/loans", headers=headers)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"].startswith("Bearer")
