"""The gateway in front of the real parts: every operation, every role, and figures that move."""

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

import httpx
import pytest

from deploy.openapi import API_FOLDER
from tests.support.federations import Federation
from tests.support.processes import PATIENCE_SECONDS

MEMBER = "outaouais"
REGION = "07"
REPORT = "/v1/reports/regional-totals"
# A year of long ago: other tests on the same federation have no facts there.
YEAR = {"from": "1995-04-01", "to": "1996-03-31"}


@dataclass(frozen=True, slots=True)
class Operation:
    method: str
    path: str


def documented_operations() -> list[Operation]:
    """Every operation of the document, on an object that does not exist."""
    whole = json.loads((API_FOLDER / "openapi.json").read_text(encoding="utf-8"))
    found = []
    for path, methods in whole["paths"].items():
        for name in ("slug", "from"):
            path = path.replace(f"{{{name}}}", {"slug": "nowhere", "from": "1990-01-01"}[name])
        while "{" in path:
            before, _, rest = path.partition("{")
            path = f"{before}{uuid.uuid4()}{rest.partition('}')[2]}"
        found += [Operation(method.upper(), path) for method in methods]
    return found


@pytest.fixture(scope="module")
def client(federation: Federation) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=federation.url, timeout=PATIENCE_SECONDS) as opened:
        yield opened


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def keys_by_role(federation: Federation) -> Mapping[str, str]:
    keys = federation.keys
    return {
        "member": keys.members[MEMBER],
        "network": keys.network,
        "funder": keys.funder,
        "auditor": keys.auditor,
        "operator": keys.operator,
    }


def test_no_operation_answers_without_a_good_key(client: httpx.Client) -> None:
    operations = documented_operations()
    # Wrong keys are counted by address, and other tests come from this one: a few are enough.
    wrong = dict.fromkeys(operations[::6], bearer("rm_0000000000000000_" + "x" * 43))
    for operation in operations:
        for headers in ({}, wrong.get(operation, {})):
            answer = client.request(operation.method, operation.path, headers=headers)
            assert answer.status_code == 401, operation
            assert answer.headers["content-type"] == "application/problem+json", operation


def test_every_role_on_every_operation_is_answered_or_refused_by_name(
    client: httpx.Client, federation: Federation
) -> None:
    for role, key in keys_by_role(federation).items():
        for operation in documented_operations():
            body = "{}" if operation.method in ("POST", "PATCH") else None
            headers = {**bearer(key), "Content-Type": "application/json"}
            answer = client.request(operation.method, operation.path, headers=headers, content=body)
            told = (role, operation, answer.status_code, answer.text[:200])
            assert answer.status_code < 500, told
            assert answer.headers["x-trace-id"], told
            assert answer.headers["x-content-type-options"] == "nosniff", told
            if not answer.is_success:
                assert answer.headers["content-type"] == "application/problem+json", told
                assert answer.json()["code"], told


def post(client: httpx.Client, key: str, path: str, body: dict[str, object]) -> dict[str, str]:
    answer = client.post(path, json=body, headers=bearer(key))
    assert answer.status_code in (200, 201), answer.text
    document: dict[str, str] = answer.json()
    return document


@pytest.fixture(scope="module")
def facts(client: httpx.Client, federation: Federation) -> None:
    """A borrower, two loans, a repayment, a session, an outcome and a contribution of one year."""
    key = federation.keys.members[MEMBER]
    borrower = {"external_id": "G-B1"}
    post(client, key, "/v1/borrowers", {**borrower, "kind": "person", "region_code": REGION})
    terms = {"principal": "5000.00", "annual_rate": "7", "instalments": 24}
    loans = [
        post(
            client,
            key,
            "/v1/loans",
            {
                "external_id": f"G-L{number}",
                "borrower": borrower,
                "terms": terms,
                "disbursed_on": "1995-05-01",
                "region_code": REGION,
            },
        )
        for number in (1, 2)
    ]
    post(
        client,
        key,
        f"/v1/loans/{loans[0]['loan_id']}/repayments",
        {"external_id": "G-R1", "paid_on": "1995-06-01", "amount": "223.86"},
    )
    post(
        client,
        key,
        "/v1/coaching-sessions",
        {
            "external_id": "G-S1",
            "borrower": borrower,
            "held_on": "1995-06-02",
            "duration_minutes": 95,
            "mode": "in_person",
            "stage": "pre_start",
        },
    )
    post(
        client,
        key,
        f"/v1/funds/{MEMBER}/contributions",
        {
            "external_id": "G-C1",
            "contributor": "Caisse",
            "contributor_kind": "financial_institution",
            "instrument": "donation",
            "amount": "50000.00",
            "received_on": "1995-04-02",
        },
    )


def test_regional_totals_are_the_facts(
    client: httpx.Client, federation: Federation, facts: None
) -> None:
    answer = client.get(REPORT, params=YEAR, headers=bearer(federation.keys.network))
    document = answer.json()
    region = next(one for one in document["regions"] if one["region_code"] == REGION)
    assert region["loans"] == {"count": 2, "amount": "10000.00", "mean_amount": "5000.00"}
    assert region["repayments"]["amount"] == "223.86"
    assert region["repayments"]["interest"] == "29.17"  # 5,000.00 x 7 % / 12
    assert region["coaching"] == {"sessions": 1, "hours": "1.58", "people": 1}
    assert region["capital"]["private"] == "50000.00"
    # On 31 March 1996 both loans are more than 90 days behind.
    assert region["portfolio"]["par90_ratio"] == "1.0000"
    assert region["portfolio"]["outstanding_principal"] == "9805.31"
    for figure in ("count", "amount"):
        whole = sum(Decimal(str(one["loans"][figure])) for one in document["regions"])
        assert Decimal(str(document["total"]["loans"][figure])) == whole


def test_a_member_sees_its_own_figures_alone(
    client: httpx.Client, federation: Federation, facts: None
) -> None:
    members = federation.keys.members
    own = client.get(REPORT, params=YEAR, headers=bearer(members[MEMBER])).json()
    assert own["total"]["loans"]["count"] == 2
    assert own["total"]["organisations"] <= 1
    other = client.get(REPORT, params=YEAR, headers=bearer(members["laval"])).json()
    assert other["total"]["loans"]["count"] == 0
    assert other["total"]["capital"]["private"] == "0.00"
    assert {region["region_code"] for region in other["regions"]} <= {"13"}


@pytest.mark.parametrize(
    "group_by",
    ["organisation", "month", "product", "gender", "stage", "sector", "clientele", "funding"],
)
def test_groups_are_of_the_same_loans(
    client: httpx.Client, federation: Federation, facts: None, group_by: str
) -> None:
    document = client.get(
        REPORT, params={**YEAR, "group_by": group_by}, headers=bearer(federation.keys.network)
    ).json()
    counts = [group["loans"]["count"] for group in document["total"]["groups"]]
    assert sum(counts) == document["total"]["loans"]["count"]  # these loans are in one group each


def test_the_partnership_report_reaches_the_funder(
    client: httpx.Client, federation: Federation, facts: None
) -> None:
    query = {"fiscal_year": "1995-1996"}
    whole = client.get(REPORT, params=YEAR, headers=bearer(federation.keys.network)).json()
    at_risk = whole["total"]["portfolio"]["par30_ratio"]  # of other tests' loans too
    for key in (federation.keys.funder, federation.keys.network, federation.keys.auditor):
        answer = client.get("/v1/reports/partnership", params=query, headers=bearer(key))
        assert answer.status_code == 200, answer.text
        values = {one["code"]: one["value"] for one in answer.json()["indicators"]}
        assert (values["loans_count"], values["loans_amount"]) == (2, "10000.00")
        assert values["par30_ratio"] == at_risk != "0.0000"
        assert values["capital_private"] == "50000.00"
    as_csv = client.get(
        "/v1/reports/partnership.csv", params=query, headers=bearer(federation.keys.funder)
    )
    assert as_csv.text.splitlines()[0].startswith("exercice,section,code,libelle")


def test_the_document_served_is_the_committed_one(client: httpx.Client) -> None:
    assert client.get("/openapi.json").content == (API_FOLDER / "openapi.json").read_bytes()
