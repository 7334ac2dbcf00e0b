"""GET /v1/reports/partnership and the dictionary of its indicators."""

import csv
import io
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.common.errors import JsonValue
from tests.services.gateway import reported
from tests.services.gateway.reported import agreement, answering, indicators_row, listing
from tests.services.gateway.upstreams import (
    AUDITOR_KEY,
    FUNDER_KEY,
    MEMBER_KEY,
    NETWORK_KEY,
    OPERATOR_KEY,
    Bench,
    problem,
)

PATH = "/v1/reports/partnership"
YEAR = {"fiscal_year": "2025-2026"}
CODES = [
    "loans_count",
    "loans_amount",
    "loans_mean_amount",
    "people_coached",
    "coaching_hours",
    "jobs_created",
    "jobs_maintained",
    "enterprises_created",
    "enterprises_maintained",
    "survival_1y",
    "survival_3y",
    "survival_5y",
    "repayment_rate",
    "repayment_rate_on_time",
    "repayment_rate_current",
    "par30_ratio",
    "write_off_ratio",
    "loss_rate",
    "capital_public",
    "capital_private",
    "capital_community",
    "operating_subsidy",
    "leverage_private_to_public",
    "leverage_other_financing",
    "cost_per_loan",
    "cost_per_job",
    "cost_per_person",
    "cost_per_hour",
    "share_women",
    "share_under_35",
    "share_immigrants",
]


@pytest.fixture
async def network(bench: Bench) -> AsyncIterator[httpx.AsyncClient]:
    reported.prepare(bench)
    async with bench.open_client(NETWORK_KEY) as client:
        yield client


async def read(
    client: httpx.AsyncClient, key: str = NETWORK_KEY
) -> dict[str, dict[str, JsonValue]]:
    headers = {"Authorization": f"Bearer {key}"}
    answer = await client.get(PATH, params=YEAR, headers=headers)
    assert answer.status_code == 200, answer.text
    return {one["code"]: one for one in answer.json()["indicators"]}


async def test_holds_every_indicator_of_the_contract(network: httpx.AsyncClient) -> None:
    indicators = await read(network)
    assert sorted(indicators) == sorted(CODES)
    asked = "code label unit scope value target attainment definition_version confidentiality"
    assert all(one.keys() >= set(asked.split()) for one in indicators.values())


async def test_computes_each_from_whole_numbers(network: httpx.AsyncClient) -> None:
    values = {code: one["value"] for code, one in (await read(network)).items()}
    assert values == {
        "loans_count": 3,
        "loans_amount": "20000.00",
        "loans_mean_amount": "6666.67",
        "people_coached": 40,
        "coaching_hours": "100.00",
        "jobs_created": 4,
        "jobs_maintained": 6,
        "enterprises_created": 3,
        "enterprises_maintained": 2,
        "survival_1y": "70.00",
        "survival_3y": "70.00",
        "survival_5y": None,
        "repayment_rate": "66.67",
        "repayment_rate_on_time": "72.50",
        "repayment_rate_current": "110.00",
        "par30_ratio": "0.0692",
        "write_off_ratio": "0.0125",
        "loss_rate": "2.00",
        "capital_public": "0.00",
        "capital_private": "50000.10",
        "capital_community": "25000.20",
        "operating_subsidy": "2000.00",
        "leverage_private_to_public": "37.5002",
        "leverage_other_financing": "4.5000",
        "cost_per_loan": "666.67",
        "cost_per_job": "200.00",
        "cost_per_person": "50.00",
        "cost_per_hour": "20.00",
        "share_women": "55.17",
        "share_under_35": "40.00",
        "share_immigrants": "10.00",
    }


async def test_what_cannot_be_divided_says_so(network: httpx.AsyncClient) -> None:
    survival = (await read(network))["survival_5y"]
    assert (survival["value"], survival["status"]) == (None, "M")
    assert survival["reason"] == "aucune valeur : le dénominateur est nul"
    assert survival["unknown_status"] == 4


async def test_sets_values_against_the_targets_of_covering_agreements(
    bench: Bench, network: httpx.AsyncClient
) -> None:
    bench.funds.behaviours["/v1/agreements"] = listing(
        agreement(
            "2025-04-01", "2026-03-31", loans_count="2", par30_ratio="0.05", cost_per_job="0"
        ),
        agreement("2024-04-01", "2025-03-31", jobs_created="1000"),
        agreement("2025-05-01", "2027-03-31", jobs_created="1000"),
        agreement("2020-04-01", "2030-03-31", people_coached="50", loans_count="2"),
        agreement("2021-04-01", "2030-03-31", people_coached="60"),
    )
    indicators = await read(network)
    loans = indicators["loans_count"]
    assert (loans["target"], loans["attainment"], loans["attained"]) == (2, "1.5000", True)
    risk = indicators["par30_ratio"]
    assert (risk["target"], risk["attainment"], risk["attained"]) == ("0.0500", "1.3840", False)
    assert (indicators["jobs_created"]["target"], indicators["jobs_created"]["targets"]) == (
        None,
        [],
    )
    people = indicators["people_coached"]
    assert (people["target"], people["attainment"]) == (None, None)
    assert people["reason"] == "plusieurs ententes fixent des cibles différentes"
    cost = indicators["cost_per_job"]
    assert (cost["target"], cost["attainment"], cost["attained"]) == ("0.00", None, False)


async def test_reads_every_page_of_the_agreements(bench: Bench, network: httpx.AsyncClient) -> None:
    async def paged(request: Request) -> Response:
        following = None if "cursor" in request.query_params else "/v1/agreements?cursor=x"
        first = "2019-04-01" if following is None else "2020-04-01"
        page = {"items": [agreement(first, "2030-03-31", loans_count="2")], "next": following}
        return JSONResponse(page)

    bench.funds.behaviours["/v1/agreements"] = paged
    document = (await network.get(PATH, params=YEAR)).json()
    assert [one["from"] for one in document["agreements"]] == ["2020-04-01", "2019-04-01"]
    for elsewhere in ("http://127.0.0.1/v1/agreements?cursor=x", "/v1/funds?x", "/v1/agreements"):
        bench.funds.behaviours["/v1/agreements"] = answering({"items": [], "next": elsewhere})
        assert (await network.get(PATH, params=YEAR)).status_code == 502


async def test_protects_persons_before_the_funder(bench: Bench, network: httpx.AsyncClient) -> None:
    for key, protected in ((NETWORK_KEY, False), (AUDITOR_KEY, False), (FUNDER_KEY, True)):
        indicators = await read(network, key)
        immigrants = indicators["share_immigrants"]  # 3 of 30: fewer than k = 5
        assert immigrants["value"] == (None if protected else "10.00")
        assert immigrants["confidentiality"] == ("C" if protected else "F")
        assert indicators["share_women"]["value"] == "55.17"
        assert indicators["loans_amount"]["value"] == "20000.00"


async def test_a_withheld_share_leaves_nothing_to_compute_it_from(
    bench: Bench, network: httpx.AsyncClient
) -> None:
    small: JsonValue = {"active": 2, "closed": 1, "unknown": 1}
    bench.loans.behaviours["/internal/indicators"] = answering(
        {
            "recorded_until": None,
            "organisations": [indicators_row("montreal", survival={"1": small, "3": small})],
        }
    )
    bench.funds.behaviours["/v1/agreements"] = listing(
        agreement("2025-04-01", "2026-03-31", share_immigrants="20", survival_1y="70")
    )
    indicators = await read(network, FUNDER_KEY)
    for code in ("share_immigrants", "survival_1y"):
        one = indicators[code]
        shown = (one["value"], one["attainment"], one["attained"], one["unknown_status"])
        assert shown == (None, None, None, None)
        assert one["reason"] == "supprimé (confidentialité)"


async def test_is_french_whatever_is_asked(network: httpx.AsyncClient) -> None:
    french = await network.get(PATH, params=YEAR)
    english = await network.get(PATH, params=YEAR, headers={"Accept-Language": "en"})
    assert french.content == english.content
    assert english.headers["content-language"] == "fr-CA"
    refused = await network.get(
        PATH, params={"fiscal_year": "2025"}, headers={"Accept-Language": "en"}
    )
    assert refused.json()["title"] == "Données à corriger"
    as_csv = await network.get(f"{PATH}.csv", params=YEAR, headers={"Accept-Language": "en"})
    assert as_csv.headers["content-language"] == "fr-CA"


async def test_as_csv(network: httpx.AsyncClient) -> None:
    answer = await network.get(PATH, params=YEAR, headers={"Accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert "rapport-partenariat-2025-2026.csv" in answer.headers["content-disposition"]
    assert len(rows) == len(CODES)
    assert rows[0]["libelle"] == "Subvention de fonctionnement"
    assert {row["section"] for row in rows} == {"Efficience", "Efficacité", "Effets"}
    assert next(row for row in rows if row["code"] == "loans_count")["atteinte"] == "1.5000"


@pytest.mark.parametrize(
    ("key", "status"),
    [
        (NETWORK_KEY, 200),
        (FUNDER_KEY, 200),
        (AUDITOR_KEY, 200),
        (MEMBER_KEY, 403),
        (OPERATOR_KEY, 403),
    ],
)
async def test_who_may_read(network: httpx.AsyncClient, key: str, status: int) -> None:
    headers = {"Authorization": f"Bearer {key}"}
    assert (await network.get(PATH, params=YEAR, headers=headers)).status_code == status


@pytest.mark.parametrize(
    "fiscal_year",
    ["2025-2027", "2026-2025", "2025", "25-26", "2199-2200", "0001-0002", "２０２５-２０２６"],
)
async def test_refuses_what_is_no_fiscal_year(network: httpx.AsyncClient, fiscal_year: str) -> None:
    answer = await network.get(PATH, params={"fiscal_year": fiscal_year})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/fiscal_year"


async def test_without_a_fiscal_year_is_the_last_one_over(network: httpx.AsyncClient) -> None:
    document = (await network.get(PATH)).json()
    assert document["as_of"] == document["period"]["to"]


async def test_a_missing_part_is_named(bench: Bench, network: httpx.AsyncClient) -> None:
    async def fail(request: Request) -> Response:
        return problem(503, "database.unavailable")

    bench.funds.behaviours["/v1/agreements"] = fail
    answer = await network.get(PATH, params=YEAR)
    assert (answer.status_code, answer.json()["missing"]) == (503, ["funds"])


async def test_the_dictionary_defines_every_indicator(network: httpx.AsyncClient) -> None:
    for key in (MEMBER_KEY, OPERATOR_KEY):
        answer = await network.get("/v1/indicators", headers={"Authorization": f"Bearer {key}"})
        items = {item["code"]: item for item in answer.json()["items"]}
        assert sorted(items) == sorted(CODES)
        assert all(item["formula"]["fr"] and item["formula"]["en"] for item in items.values())
    network.headers.pop("authorization")
    assert (await network.get("/v1/indicators")).status_code == 401
