"""GET /v1/reports/regional-totals: the shape of the contract, whole or not at all."""

import csv
import io
import json
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from services.common.errors import JsonValue
from tests.services.gateway import reported
from tests.services.gateway.reported import answering, funds_row, loans_row
from tests.services.gateway.upstreams import (
    AUDITOR_KEY,
    FUNDER_KEY,
    NETWORK_KEY,
    OPERATOR_KEY,
    Bench,
    problem,
)

PATH = "/v1/reports/regional-totals"
YEAR = {"from": "2025-04-01", "to": "2026-03-31"}


@pytest.fixture
async def network(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    reported.prepare(bench)
    async with bench.open_client(NETWORK_KEY) as client:
        yield client


async def test_has_the_shape_of_the_contract(network: httpx.AsyncClient) -> None:
    answer = await network.get(PATH, params=YEAR)
    document = answer.json()
    assert answer.status_code == 200
    assert answer.headers["ratelimit-policy"].startswith('"key"')
    assert document["period"] == YEAR
    assert (document["as_of"], document["currency"]) == ("2026-03-31", "CAD")
    assert document["sources"]["registry"] == {}
    assert document["sources"]["loans"]["recorded_until"].startswith("2026-04-02T12:00:00")
    montreal = document["regions"][0]
    assert list(montreal) == [
        "region_code",
        "region_name",
        "organisations",
        "loans",
        "repayments",
        "portfolio",
        "capital",
        "coaching",
        "outcomes",
    ]
    assert montreal["organisations"] == 2
    assert montreal["loans"] == {"count": 14, "amount": "94000.00", "mean_amount": "6714.29"}
    assert montreal["portfolio"]["par30_ratio"] == "0.0618"
    assert montreal["portfolio"]["par90_ratio"] == "0.0000"
    assert montreal["capital"] == {
        "public": "0.00",
        "private": "50000.10",
        "community": "25000.20",
    }
    assert montreal["coaching"] == {"sessions": 14, "hours": "22.17", "people": 14}


async def test_shows_zeros_where_members_did_nothing(network: httpx.AsyncClient) -> None:
    regions = {
        r["region_code"]: r for r in (await network.get(PATH, params=YEAR)).json()["regions"]
    }
    assert list(regions) == ["06", "11", "13", "15"]
    assert regions["13"]["loans"] == {"count": 0, "amount": "0.00", "mean_amount": "0.00"}
    assert regions["13"]["portfolio"]["par30_ratio"] == "0.0000"
    assert regions["11"]["organisations"] == 1
    assert regions["15"]["organisations"] == 0  # a former member's loan still counts
    assert regions["15"]["loans"]["count"] == 1


async def test_the_total_counts_an_organisation_of_two_regions_once(
    network: httpx.AsyncClient,
) -> None:
    total = (await network.get(PATH, params=YEAR)).json()["total"]
    assert total["organisations"] == 3
    assert total["loans"] == {"count": 15, "amount": "94500.00", "mean_amount": "6300.00"}
    assert total["capital"]["private"] == "50000.10"
    assert "region_code" not in total


async def test_a_member_sees_its_own(bench: Bench, client: httpx.AsyncClient) -> None:
    reported.prepare(bench)
    rows = [loans_row("montreal", "06", count=12, dollars=84000)]
    bench.loans.behaviours["/internal/totals"] = answering({"recorded_until": None, "rows": rows})
    own_funds = [funds_row("montreal", "0.00", "1.00", "0.00")]
    bench.funds.behaviours["/internal/totals"] = answering(
        {"recorded_until": None, "rows": own_funds}
    )
    document = (await client.get(PATH, params=YEAR)).json()
    assert [region["region_code"] for region in document["regions"]] == ["06"]
    assert document["total"]["organisations"] == 1


@pytest.mark.parametrize(
    ("key", "status"),
    [
        (NETWORK_KEY, 200),
        (AUDITOR_KEY, 200),
        (FUNDER_KEY, 403),
        (OPERATOR_KEY, 403),
        ("unknown", 401),
    ],
)
async def test_who_may_read(network: httpx.AsyncClient, key: str, status: int) -> None:
    answer = await network.get(PATH, params=YEAR, headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == status
    if key == FUNDER_KEY:
        assert "/v1/reports/partnership" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("query", "code", "pointer"),
    [
        ({"from": "2025-04-01"}, "period.incomplete", "/to"),
        ({"to": "2025-04-01"}, "period.incomplete", "/from"),
        ({"from": "2025-04-02", "to": "2025-04-01"}, "period.reversed", "/to"),
        ({**YEAR, "as_of": "2026-02-30"}, "date.impossible", "/as_of"),
        ({**YEAR, "from": "2025-4-1"}, "date.form", "/from"),
        ({**YEAR, "group_by": "colour"}, "choice", "/group_by"),
        ({**YEAR, "region": "06"}, "unknown_field", "/region"),
        (
            {"from": "2000-01-01", "to": "2026-03-31", "group_by": "month"},
            "period.too_long",
            "/to",
        ),
    ],
)
async def test_refuses_what_it_cannot_answer(
    network: httpx.AsyncClient, query: dict[str, str], code: str, pointer: str
) -> None:
    answer = await network.get(PATH, params=query)
    assert answer.status_code == 422
    assert [(e["code"], e["pointer"]) for e in answer.json()["errors"]] == [(code, pointer)]


async def test_without_dates_is_the_fiscal_year_in_progress(network: httpx.AsyncClient) -> None:
    period = (await network.get(PATH)).json()["period"]
    assert period["from"].endswith("-04-01")
    assert period["from"] <= period["to"]


@pytest.mark.parametrize("down", [["registry"], ["funds"], ["loans"], ["funds", "loans"]])
async def test_a_missing_part_is_named_and_no_total_is_shown(
    bench: Bench, network: httpx.AsyncClient, down: list[str]
) -> None:
    async def fail(request: Request) -> Response:
        return problem(503, "database.unavailable")

    for name in down:
        part = {"registry": bench.registry, "funds": bench.funds, "loans": bench.loans}[name]
        path = "/v1/regions" if name == "registry" else "/internal/totals"
        part.behaviours[path] = fail
    answer = await network.get(PATH, params=YEAR)
    assert (answer.status_code, answer.json()["missing"]) == (503, down)
    assert "regions" not in answer.json()
    assert "retry-after" in answer.headers


@pytest.mark.parametrize(
    "nonsense",
    [
        {},
        {"recorded_until": None, "rows": [{}]},
        {"recorded_until": None, "rows": [{"organisation_id": "x"}]},
        {"recorded_until": None, "rows": None},
        {"recorded_until": "yesterday", "rows": []},
    ],
)
async def test_nonsense_of_a_part_is_refused(
    bench: Bench, network: httpx.AsyncClient, nonsense: dict[str, None]
) -> None:
    bench.loans.behaviours["/internal/totals"] = answering(nonsense)
    answer = await network.get(PATH, params=YEAR)
    assert (answer.status_code, answer.json()["part"]) == (502, "loans")


async def test_amounts_that_are_no_amounts_are_refused(
    bench: Bench, network: httpx.AsyncClient
) -> None:
    for amount in (1, True, "1.005", "NaN", "1e3", None, ""):
        row = json.dumps(funds_row("montreal", "0.00", "0.00", "0.00"))
        broken: JsonValue = {**json.loads(row), "operating_subsidy": amount}
        bench.funds.behaviours["/internal/totals"] = answering(
            {"recorded_until": None, "rows": [broken]}
        )
        assert (await network.get(PATH, params=YEAR)).status_code == 502, amount


async def test_facts_of_nobody_known_are_never_left_out(
    bench: Bench, network: httpx.AsyncClient
) -> None:
    rows = [funds_row("nobody", "0.00", "1.00", "0.00")]
    bench.funds.behaviours["/internal/totals"] = answering({"recorded_until": None, "rows": rows})
    answer = await network.get(PATH, params=YEAR)
    assert (answer.status_code, answer.json()["code"]) == (502, "register.incomplete")
    bench.funds.behaviours["/internal/totals"] = answering({"recorded_until": None, "rows": []})
    stray = [loans_row("montreal", "99")]
    bench.loans.behaviours["/internal/totals"] = answering({"recorded_until": None, "rows": stray})
    assert (await network.get(PATH, params=YEAR)).json()["code"] == "register.incomplete"


async def test_by_organisation(network: httpx.AsyncClient) -> None:
    document = (await network.get(PATH, params={**YEAR, "group_by": "organisation"})).json()
    assert (document["group_by"], document["additive"]) == ("organisation", True)
    groups = {g["key"]: g for g in document["regions"][0]["groups"]}
    assert list(groups) == ["gaspesie", "montreal"]
    assert groups["montreal"]["loans"]["count"] == 12
    assert groups["montreal"]["capital"]["private"] == "50000.00"
    assert len(document["total"]["groups"]) == 3


async def test_by_clientele_groups_may_overlap(bench: Bench, network: httpx.AsyncClient) -> None:
    whole = bench.loans.behaviours["/internal/totals"]
    rows = [
        loans_row("montreal", "06", "women", count=9),
        loans_row("gaspesie", "06", "women", count=1),
        loans_row("montreal", "06", "immigrants", count=8),
    ]
    refined = answering({"recorded_until": None, "rows": rows})

    async def answer(request: Request) -> Response:
        return await (refined if "group_by" in request.query_params else whole)(request)

    bench.loans.behaviours["/internal/totals"] = answer
    document = (await network.get(PATH, params={**YEAR, "group_by": "clientele"})).json()
    assert document["additive"] is False
    assert document["regions"][0]["loans"]["count"] == 14
    groups = document["regions"][0]["groups"]
    assert [(g["key"], g["loans"]["count"]) for g in groups] == [("immigrants", 8), ("women", 10)]
    assert "capital" not in groups[0]


async def test_by_month_asks_for_each_month(bench: Bench, network: httpx.AsyncClient) -> None:
    asked: list[str] = []
    rows = [loans_row("montreal", "06", count=2)]
    bench.loans.behaviours["/internal/totals"] = answering(
        {"recorded_until": None, "rows": rows}, asked
    )
    query = {"from": "2025-04-15", "to": "2025-06-10", "group_by": "month"}
    document = (await network.get(PATH, params=query)).json()
    keys = [group["key"] for group in document["regions"][0]["groups"]]
    assert keys == ["2025-04", "2025-05", "2025-06"]
    assert sorted(asked)[0] == "from=2025-04-15&to=2025-04-30&as_of=2025-04-30"
    assert len(asked) == 4


async def test_as_csv(network: httpx.AsyncClient) -> None:
    by_path = await network.get(f"{PATH}.csv", params=YEAR)
    by_header = await network.get(PATH, params=YEAR, headers={"Accept": "text/csv"})
    assert by_path.content == by_header.content
    assert by_path.headers["content-type"].startswith("text/csv; charset=utf-8")
    assert "attachment" in by_path.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(by_path.text, newline="")))
    assert [row["region_code"] for row in rows] == ["06", "11", "13", "15", "total"]
    assert rows[0]["loans_amount"] == "94000.00"
    assert rows[0]["portfolio_par30_ratio"] == "0.0618"
    assert rows[3]["region_name"] == "'=Laurentides"
    assert rows[4]["organisations"] == "3"
    assert (rows[0]["from"], rows[0]["group"]) == ("2025-04-01", "")


async def test_as_csv_with_groups(network: httpx.AsyncClient) -> None:
    query = {**YEAR, "group_by": "organisation"}
    answer = await network.get(f"{PATH}.csv", params=query)
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [(row["region_code"], row["group"]) for row in rows[:3]] == [
        ("06", ""),
        ("06", "gaspesie"),
        ("06", "montreal"),
    ]
    assert rows[1]["organisations"] == ""


async def test_json_unless_csv_is_preferred(network: httpx.AsyncClient) -> None:
    for accept in ("*/*", "application/json, text/csv", "text/csv;q=0.5, */*;q=0.8", "image/png"):
        answer = await network.get(PATH, params=YEAR, headers={"Accept": accept})
        assert answer.headers["content-type"] == "application/json", accept


async def test_the_home_page_asks_for_itself(bench: Bench) -> None:
    reported.prepare(bench)
    async with bench.open_client() as anyone:
        page = await anyone.get("/")
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "Montréal" in page.text
