"""GET /v1/reports/provisions: by class, by organisation, in all; to those who may."""

import csv
import io
from collections.abc import AsyncIterator

import httpx
import pytest

from services.common.errors import JsonValue
from services.common.identity import organisation_id
from tests.services.gateway import reported
from tests.services.gateway.reported import answering
from tests.services.gateway.upstreams import (
    AUDITOR_KEY,
    FUNDER_KEY,
    MEMBER_KEY,
    NETWORK_KEY,
    OPERATOR_KEY,
    Bench,
)

PATH = "/v1/reports/provisions"
MATRIX: JsonValue = {
    "effective_from": "1990-01-01",
    "effective_until": None,
    "current_rate": "0",
    "rescheduled_rate_min": "50",
    "classes": [{"days_over": 0, "rate": "10"}, {"days_over": 30, "rate": "25"}],
}


def row(slug: str, *classes: tuple[int, int, str, str, str]) -> JsonValue:
    """Each class: number, loans, outstanding, provision, par30; nothing is rescheduled."""
    return {
        "organisation_id": str(organisation_id(slug)),
        "classes": [
            {
                "number": number,
                "loans": loans,
                "outstanding_principal": outstanding,
                "provision": provision,
                "rescheduled": {"loans": 0, "outstanding_principal": "0.00"},
                "par30": par30,
                "par30_or_rescheduled": par30,
            }
            for number, loans, outstanding, provision, par30 in classes
        ],
    }


@pytest.fixture
async def network(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    reported.prepare(bench)
    bench.loans.behaviours["/internal/provisions"] = answering(
        {
            "matrix": MATRIX,
            "organisations": [
                row(
                    "montreal",
                    (0, 3, "900.00", "0.00", "0.00"),
                    (2, 1, "100.00", "25.00", "100.00"),
                ),
                row("former", (1, 1, "50.05", "5.01", "0.00")),
            ],
        }
    )
    async with bench.open_client(NETWORK_KEY) as client:
        yield client


async def test_by_class_by_organisation_and_in_all(network: httpx.AsyncClient) -> None:
    document = (await network.get(PATH, params={"as_of": "2026-03-31"})).json()
    assert (document["as_of"], document["currency"]) == ("2026-03-31", "CAD")
    assert document["matrix"]["rescheduled_rate_min"] == "50"
    lines = {line["organisation"]: line for line in document["organisations"]}
    assert list(lines) == ["former", "gaspesie", "laval", "montreal"]
    assert [
        (each["days_over"], each["days_until"], each["rate"], each["provision"])
        for each in lines["montreal"]["classes"]
    ] == [(None, 0, "0", "0.00"), (0, 30, "10", "0.00"), (30, None, "25", "25.00")]
    assert lines["montreal"]["total"] == {
        "loans": 4,
        "outstanding_principal": "1000.00",
        "provision": "25.00",
        "rescheduled": {"loans": 0, "outstanding_principal": "0.00"},
        "par30": "100.00",
        "par30_or_rescheduled": "100.00",
        "risk_coverage": "0.2500",
    }
    assert lines["laval"]["total"]["risk_coverage"] is None
    total = document["total"]["total"]
    assert (total["loans"], total["provision"], total["risk_coverage"]) == (5, "30.01", "0.3001")


async def test_as_csv(network: httpx.AsyncClient) -> None:
    answer = await network.get(f"{PATH}.csv", params={"as_of": "2026-03-31"})
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == 3 * 5
    assert rows[-1] == {
        "as_of": "2026-03-31",
        "organisation": "total",
        "loans": "1",
        "outstanding_principal": "100.00",
        "provision": "25.00",
        "rescheduled_loans": "0",
        "rescheduled_outstanding_principal": "0.00",
        "days_over": "30",
        "days_until": "",
        "rate": "25",
    }


async def test_without_a_matrix_nothing_is_set_aside(
    bench: Bench, network: httpx.AsyncClient
) -> None:
    bench.loans.behaviours["/internal/provisions"] = answering(
        {"matrix": None, "organisations": []}
    )
    document = (await network.get(PATH, params={"as_of": "1980-01-01"})).json()
    assert document["matrix"] is None
    assert document["total"]["total"]["provision"] == "0.00"
    assert (await network.get(f"{PATH}.csv", params={"as_of": "1980-01-01"})).status_code == 200


@pytest.mark.parametrize(
    ("key", "status"),
    [(AUDITOR_KEY, 200), (MEMBER_KEY, 502), (FUNDER_KEY, 403), (OPERATOR_KEY, 403), ("no", 401)],
)
async def test_who_may_read_it(network: httpx.AsyncClient, key: str, status: int) -> None:
    """A member whom the loans told of another organisation is told nothing at all."""
    answer = await network.get(PATH, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == status


async def test_a_member_sees_its_own(bench: Bench, network: httpx.AsyncClient) -> None:
    bench.loans.behaviours["/internal/provisions"] = answering(
        {"matrix": MATRIX, "organisations": [row("montreal", (1, 1, "50.00", "5.00", "0.00"))]}
    )
    answer = await network.get(PATH, headers={"Authorization": f"Bearer {MEMBER_KEY}"})
    assert [line["organisation"] for line in answer.json()["organisations"]] == ["montreal"]


async def test_loans_of_an_organisation_nobody_knows(
    bench: Bench, network: httpx.AsyncClient
) -> None:
    bench.loans.behaviours["/internal/provisions"] = answering(
        {"matrix": MATRIX, "organisations": [row("nobody", (0, 1, "1.00", "0.00", "0.00"))]}
    )
    answer = await network.get(PATH)
    assert (answer.status_code, answer.json()["code"]) == (502, "register.incomplete")


@pytest.mark.parametrize("query", [{"as_of": "2026-02-30"}, {"as_of": "hier"}])
async def test_a_date_that_is_none(network: httpx.AsyncClient, query: dict[str, str]) -> None:
    assert (await network.get(PATH, params=query)).status_code == 422
