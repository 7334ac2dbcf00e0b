"""Who may do what: each operation for each role, other organisations' facts, tokens of nobody."""

import base64
import json
import time
import uuid
from collections.abc import Iterable, Iterator, Mapping

import httpx
import pytest
from fastapi.routing import APIRoute
from joserfc.jwk import OKPKey
from starlette.routing import BaseRoute

from services.common.errors import JsonValue
from services.common.identity import Principal, Role, sign_principal
from tests.services.loans.conftest import (
    CSV,
    Client,
    Document,
    Loans,
    coaching_session,
    codes_of,
    loan,
    outcome,
    record_borrower,
    record_loan,
    repayment,
    repayment_row,
    write_csv,
)

MEMBER = {Role.MEMBER}
PEOPLE = set(Role) - {Role.SERVICE}
PERIOD_READERS = {Role.MEMBER, Role.NETWORK, Role.AUDITOR}
NETWORK = {Role.NETWORK}
REPORTERS = set(Role) - {Role.OPERATOR}
ID = str(uuid.UUID(int=1))

OPERATIONS: dict[tuple[str, str], set[Role]] = {
    ("POST", "/v1/schedules"): PEOPLE,
    ("POST", "/v1/products"): NETWORK,
    ("GET", "/v1/products"): PEOPLE,
    ("GET", "/v1/products/{code}"): PEOPLE,
    ("GET", "/v1/products/{code}/versions"): PEOPLE,
    ("POST", "/v1/provision-matrices"): NETWORK,
    ("GET", "/v1/provision-matrices"): PEOPLE,
    ("POST", "/v1/borrowers"): MEMBER,
    ("GET", "/v1/borrowers"): MEMBER,
    ("GET", "/v1/borrowers/{borrower_id}"): MEMBER,
    ("POST", "/v1/loans"): MEMBER,
    ("GET", "/v1/loans"): MEMBER,
    ("GET", "/v1/loans/{loan_id}"): MEMBER,
    ("POST", "/v1/loans/{loan_id}/repayments"): MEMBER,
    ("GET", "/v1/loans/{loan_id}/repayments"): MEMBER,
    ("GET", "/v1/loans/{loan_id}/payoff"): MEMBER,
    ("POST", "/v1/loans/{loan_id}/disbursements"): MEMBER,
    ("POST", "/v1/loans/{loan_id}/fees"): MEMBER,
    ("POST", "/v1/loans/{loan_id}/refunds"): MEMBER,
    ("POST", "/v1/loans/{loan_id}/reschedulings"): MEMBER,
    ("POST", "/v1/loans/{loan_id}/moratoria"): MEMBER,
    ("POST", "/v1/loans/{loan_id}/write-offs"): MEMBER,
    ("POST", "/v1/loans/{loan_id}/recoveries"): MEMBER,
    ("POST", "/v1/loans/{loan_id}/reversals"): MEMBER,
    ("POST", "/v1/coaching-sessions"): MEMBER,
    ("GET", "/v1/coaching-sessions"): MEMBER,
    ("POST", "/v1/coaching-sessions/{coaching_session_id}/reversals"): MEMBER,
    ("POST", "/v1/outcomes"): MEMBER,
    ("GET", "/v1/outcomes"): MEMBER,
    ("POST", "/v1/outcomes/{outcome_id}/reversals"): MEMBER,
    ("POST", "/v1/imports"): MEMBER,
    ("GET", "/v1/imports"): MEMBER,
    ("GET", "/v1/imports/{import_id}"): MEMBER,
    ("GET", "/v1/imports/{import_id}/file"): MEMBER,
    ("GET", "/v1/imports/{import_id}/errors.xlsx"): MEMBER,
    ("GET", "/v1/reporting-periods"): PERIOD_READERS,
    ("GET", "/v1/reporting-periods/{organisation}/{month}"): PERIOD_READERS,
    ("GET", "/v1/reporting-periods/{organisation}/{month}/findings"): MEMBER,
    ("POST", "/v1/reporting-periods/{organisation}/{month}/submissions"): MEMBER,
    ("POST", "/v1/reporting-periods/{organisation}/{month}/approvals"): {Role.NETWORK},
    ("POST", "/v1/reporting-periods/{organisation}/{month}/rejections"): {Role.NETWORK},
    ("POST", "/v1/reporting-periods/{organisation}/{month}/locks"): {Role.NETWORK},
    ("POST", "/v1/reporting-periods/{organisation}/{month}/reopenings"): {
        Role.MEMBER,
        Role.NETWORK,
    },
    (
        "POST",
        "/v1/reporting-periods/{organisation}/{month}/reopenings/{reopening_id}/confirmations",
    ): {Role.NETWORK},
    ("GET", "/v1/reporting-deadlines"): PERIOD_READERS,
    ("POST", "/v1/reporting-deadlines"): {Role.NETWORK},
    ("GET", "/v1/reporting-starts"): PERIOD_READERS,
    ("POST", "/v1/reporting-starts"): {Role.NETWORK},
    ("GET", "/v1/validation-rules"): {Role.MEMBER, Role.NETWORK, Role.FUNDER, Role.AUDITOR},
    ("POST", "/v1/validation-rules"): {Role.NETWORK},
    ("GET", "/internal/completeness"): PERIOD_READERS,
    ("GET", "/v1/imports/{import_id}/events"): MEMBER,
    ("GET", "/v1/imports/{import_id}/replay"): MEMBER,
    ("POST", "/v1/imports/{import_id}/cancellations"): MEMBER,
    ("GET", "/v1/import-mappings"): MEMBER,
    ("POST", "/v1/import-mappings"): MEMBER,
    ("POST", "/v1/import-mappings/suggestions"): MEMBER,
    ("GET", "/v1/import-mappings/{kind}/{name}"): MEMBER,
    ("PUT", "/v1/import-mappings/{kind}/{name}"): MEMBER,
    ("DELETE", "/v1/import-mappings/{kind}/{name}"): MEMBER,
    ("GET", "/v1/import-templates/{kind}.xlsx"): MEMBER | {Role.NETWORK},
    ("GET", "/v1/import-templates/{kind}.csv"): MEMBER | {Role.NETWORK},
    ("GET", "/internal/totals"): REPORTERS,
    ("GET", "/internal/indicators"): REPORTERS,
    ("GET", "/internal/provisions"): REPORTERS - {Role.FUNDER},
    ("GET", "/internal/events"): {Role.SERVICE},
    ("GET", "/internal/events/positions"): {Role.SERVICE},
}
OPEN = {("GET", "/health")}
PERIOD = {"from": "2025-04-01", "to": "2026-03-31"}
QUERIES: Mapping[str, dict[str, str]] = {
    "/internal/totals": PERIOD,
    "/internal/indicators": PERIOD,
    "/internal/completeness": PERIOD,
    "/internal/provisions": {"as_of": "2026-03-31"},
    "/internal/events": {"organisation_id": ID},
}
"""What an operation asks for: it refuses any other parameter."""

operations = pytest.mark.parametrize("operation", OPERATIONS, ids=" ".join)


def list_routes(routes: Iterable[BaseRoute]) -> Iterator[APIRoute]:
    """FastAPI keeps an included router whole."""
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from list_routes(included.routes)
        elif isinstance(route, APIRoute):
            yield route


def test_every_operation_is_named_here(loans: Loans) -> None:
    served = {
        (method, route.path)
        for route in list_routes(loans.app.routes)
        for method in route.methods or ()
    }
    assert served == OPERATIONS.keys() | OPEN


async def call(
    http: httpx.AsyncClient, operation: tuple[str, str], headers: Mapping[str, str]
) -> httpx.Response:
    """A call whose form is sound, about things that are not there."""
    method, template = operation
    path = template.replace("{import_id}", f"loans-{ID}").replace("{kind}", "loans")
    path = path.replace("{name}", "excel")
    path = path.replace("{organisation}", "nowhere").replace("{month}", "2025-06")
    for name in ("borrower_id", "loan_id", "coaching_session_id", "outcome_id", "reopening_id"):
        path = path.replace(f"{{{name}}}", ID)
    if template == "/v1/imports" and method == "POST":
        sent = {**headers, "Content-Type": CSV}
        return await http.post(path, params={"kind": "loans"}, content=b"x\n", headers=sent)
    if method in ("POST", "PUT"):
        query = (
            {"kind": "loans"} if template.startswith("/v1/import-") and method == "POST" else None
        )
        return await http.request(method, path, params=query, json={}, headers=headers)
    if method == "DELETE":
        return await http.delete(path, headers=headers)
    return await http.get(path, params=QUERIES.get(template), headers=headers)


@operations
@pytest.mark.parametrize("role", Role)
async def test_each_role_does_what_is_its_own(
    loans: Loans, member: Client, operation: tuple[str, str], role: Role
) -> None:
    client = member if role is Role.MEMBER else loans.as_role(role)
    answer = await call(loans.http, operation, client.headers)
    if role in OPERATIONS[operation]:
        assert answer.status_code not in (401, 403, 500), answer.text
    else:
        assert (answer.status_code, answer.json()["code"]) == (403, "access.forbidden")


# --- tokens ---------------------------------------------------------------------------------------


def encode(part: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=")


def forge(loans: Loans, flaw: str) -> dict[str, str]:
    """Headers of somebody who is not let in."""
    who = Principal("key-1", Role.MEMBER, "montreal", ("06",))
    token = sign_principal(who, loans.key)
    header, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "=="))
    tokens = {
        "none": "",
        "of another key": sign_principal(who, OKPKey.generate_key("Ed25519")),
        "expired": sign_principal(who, loans.key, now=time.time() - 120),
        "of tomorrow": sign_principal(who, loans.key, now=time.time() + 86_400),
        "changed": f"{header}.{encode({**claims, 'organisation': 'laval'})}.{signature}",
        "unsigned": f"{encode({'alg': 'none', 'typ': 'at+jwt'})}.{payload}.",
        "cut short": token[:-4],
        "of no organisation": sign_principal(Principal("key-1", Role.MEMBER), loans.key),
    }
    found = tokens[flaw]
    headers = {"X-Organisation": "montreal", "X-Role": "member"}
    return {**headers, "Authorization": f"Bearer {found}"} if found else headers


FLAWS = (
    "none",
    "of another key",
    "expired",
    "of tomorrow",
    "changed",
    "unsigned",
    "cut short",
    "of no organisation",
)


@operations
async def test_without_a_token_of_the_gateway_nobody_is_let_in(
    loans: Loans, operation: tuple[str, str]
) -> None:
    for flaw in FLAWS:
        if flaw == "of no organisation" and Role.MEMBER not in OPERATIONS[operation]:
            continue
        refused = await call(loans.http, operation, forge(loans, flaw))
        assert refused.status_code == 401, flaw
        assert refused.headers["www-authenticate"] == "Bearer"
        codes_of(refused)


async def test_a_basic_authorization_is_none(loans: Loans, member: Client) -> None:
    token = member.headers["Authorization"].removeprefix("Bearer ")
    for scheme in ("Basic", "Token", ""):
        headers = {"Authorization": f"{scheme} {token}"}
        assert (await loans.http.get("/v1/loans", headers=headers)).status_code == 401


async def test_health_is_open_to_all(loans: Loans) -> None:
    assert (await loans.http.get("/health")).json() == {"status": "ready"}


# --- another organisation -------------------------------------------------------------------------


def drop_trace(response: httpx.Response) -> Document:
    document: Document = response.json()
    return {name: value for name, value in document.items() if name != "trace_id"}


async def test_what_belongs_to_another_is_not_there(loans: Loans, member: Client) -> None:
    """The same answer, to the letter, as for what does not exist; and nothing is changed."""
    lent = await record_loan(member)
    paid = repayment("1.00")
    await member.post(f"/v1/loans/{lent['loan_id']}/repayments", paid)
    borrower = (await member.get("/v1/borrowers")).json()["items"][0]
    who: JsonValue = {"external_id": borrower["external_id"]}
    session = (await member.post("/v1/coaching-sessions", coaching_session(who))).json()
    seen = (await member.post("/v1/outcomes", outcome(lent["external_id"]))).json()
    sheet = write_csv([repayment_row("R-1", str(lent["external_id"]), amount="1.00")])
    imported = (await member.send("repayments", sheet)).json()["import_id"]
    before = await loans.count_rows(member)

    stranger = loans.as_member()
    fact: JsonValue = {"kind": "repayment", "external_id": paid["external_id"]}
    loss: Document = {"external_id": "W-1", "amount": "1.00", "reason": "x"}
    new_terms: Document = {
        "external_id": "RS-1",
        "rescheduled_on": "2025-12-31",
        "terms": {"instalments": 12},
        "reason": "x",
    }
    pause: Document = {
        "external_id": "M-1",
        "starts_on": "2025-12-31",
        "kind": "capital_only",
        "periods": 2,
        "reason": "x",
    }
    for template, own_id, body in (
        ("/v1/loans/{}", lent["loan_id"], None),
        ("/v1/loans/{}/repayments", lent["loan_id"], None),
        ("/v1/loans/{}/repayments", lent["loan_id"], repayment("1.00")),
        ("/v1/loans/{}/repayments", lent["loan_id"], paid),
        (
            "/v1/loans/{}/write-offs",
            lent["loan_id"],
            {**loss, "written_off_on": "2025-12-31"},
        ),
        ("/v1/loans/{}/recoveries", lent["loan_id"], {**loss, "recovered_on": "2025-12-31"}),
        ("/v1/loans/{}/payoff", lent["loan_id"], None),
        ("/v1/loans/{}/fees", lent["loan_id"], {**loss, "charged_on": "2025-12-31"}),
        ("/v1/loans/{}/refunds", lent["loan_id"], {**loss, "refunded_on": "2025-12-31"}),
        (
            "/v1/loans/{}/disbursements",
            lent["loan_id"],
            {"external_id": "D-2", "amount": "1.00", "disbursed_on": "2025-12-31"},
        ),
        ("/v1/loans/{}/reschedulings", lent["loan_id"], new_terms),
        ("/v1/loans/{}/moratoria", lent["loan_id"], pause),
        ("/v1/loans/{}/reversals", lent["loan_id"], {"fact": fact, "reason": "x"}),
        ("/v1/borrowers/{}", borrower["borrower_id"], None),
        (
            "/v1/coaching-sessions/{}/reversals",
            session["coaching_session_id"],
            {"reason": "x"},
        ),
        ("/v1/outcomes/{}/reversals", seen["outcome_id"], {"reason": "x"}),
        ("/v1/imports/{}", imported, None),
        ("/v1/imports/{}/file", imported, None),
        ("/v1/imports/{}/errors.xlsx", imported, None),
    ):
        nowhere = f"loans-{ID}" if "imports" in template else ID
        answers = [
            await stranger.get(template.format(each))
            if body is None
            else await stranger.post(template.format(each), body)
            for each in (own_id, nowhere)
        ]
        assert [answer.status_code for answer in answers] == [404, 404], template
        assert drop_trace(answers[0]) == drop_trace(answers[1])
    assert await loans.count_rows(member) == before


async def test_what_belongs_to_another_cannot_be_named(loans: Loans, member: Client) -> None:
    """References by external identifier find the member's own things alone."""
    lent = await record_loan(member)
    borrower_id = await record_borrower(member)
    stranger = loans.as_member()
    own = await record_borrower(stranger)
    for path, body, pointer in (
        ("/v1/loans", loan(borrower_id), "/borrower/external_id"),
        (
            "/v1/coaching-sessions",
            coaching_session({"external_id": borrower_id}),
            "/borrower/external_id",
        ),
        (
            "/v1/coaching-sessions",
            coaching_session({"external_id": own}, loan={"external_id": lent["external_id"]}),
            "/loan/external_id",
        ),
        ("/v1/outcomes", outcome(lent["external_id"]), "/loan/external_id"),
    ):
        refused = await stranger.post(path, body)
        assert refused.status_code == 422
        assert list(codes_of(refused)) == [pointer]
    sheet = write_csv([repayment_row("R-1", str(lent["external_id"]))])
    refused = await stranger.send("repayments", sheet)
    assert codes_of(refused) == {"/1/loan_external_id": "loan.unknown"}


async def test_lists_hold_ones_own(loans: Loans, member: Client) -> None:
    lent = await record_loan(member)
    borrower = (await member.get("/v1/borrowers")).json()["items"][0]
    who: JsonValue = {"external_id": borrower["external_id"]}
    await member.post("/v1/coaching-sessions", coaching_session(who))
    await member.post("/v1/outcomes", outcome(lent["external_id"]))
    stranger = loans.as_member()
    for path in ("borrowers", "loans", "coaching-sessions", "outcomes", "imports"):
        assert (await stranger.get(f"/v1/{path}")).json() == {"items": [], "next": None}
    assert (await stranger.get("/v1/loans", external_id=str(lent["external_id"]))).json() == {
        "items": [],
        "next": None,
    }


async def test_the_events_of_an_organisation_go_to_services(loans: Loans, member: Client) -> None:
    await record_loan(member)
    service = loans.as_role(Role.SERVICE)
    organisation = str(member.organisation_id)
    answer = await service.get("/internal/events", organisation_id=organisation)
    assert [event["type"] for event in answer.json()["events"]] == [
        "borrowers.recorded",
        "loans.recorded",
    ]
    later = await service.get("/internal/events", organisation_id=organisation, after="2")
    assert later.json() == {"events": []}
    positions = (await service.get("/internal/events/positions")).json()["positions"]
    assert positions[organisation] == 2
