"""Canned answers of the parts for reports: two regions with members, one with facts alone."""

import json

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from services.common.errors import JsonValue
from services.common.identity import organisation_id
from tests.services.gateway.upstreams import Behaviour, Bench

MOMENT = "2026-04-02T12:00:00+00:00"
REGIONS: list[JsonValue] = [
    {"code": "06", "name": "Montréal"},
    {"code": "11", "name": "Gaspésie–Îles-de-la-Madeleine"},
    {"code": "13", "name": "Laval"},
    {"code": "15", "name": "=Laurentides"},
]


def organisation(slug: str, *region_codes: str, until: str | None = None) -> dict[str, JsonValue]:
    return {
        "slug": slug,
        "region_codes": list(region_codes),
        "memberships": [{"from": "2000-01-01", "to": until, "from_status": "confirmed"}],
    }


def loans_row(slug: str, region: str, group: str | None = None, **more: int) -> JsonValue:
    """A row whose every count is 1 and every amount 1.00, unless said."""
    count = more.get("count", 1)
    amount = f"{more.get('dollars', 1)}.00"
    return {
        "organisation_id": str(organisation_id(slug)),
        "region_code": region,
        "group": group,
        "loans": {"count": count, "amount": amount},
        "repayments": {
            "count": count,
            "amount": amount,
            "principal": amount,
            "interest": "0.00",
            "fees": "0.00",
        },
        "portfolio": {
            "active_loans": count,
            "outstanding_principal": amount,
            "par30": f"{more.get('par30', 0)}.00",
            "par90": "0.00",
            "written_off": "0.00",
            "recovered": "0.00",
        },
        "coaching": {"sessions": count, "minutes": 95 * count, "people": count},
        "outcomes": {
            "jobs_created": count,
            "jobs_maintained": 0,
            "enterprises_created": 0,
            "enterprises_maintained": 0,
        },
    }


def funds_row(slug: str, public: str, private: str, community: str) -> JsonValue:
    return {
        "organisation_id": str(organisation_id(slug)),
        "capital": {"public": public, "private": private, "community": community},
        "operating_subsidy": "1000.00",
    }


def indicators_row(slug: str, **more: JsonValue) -> JsonValue:
    cohort: JsonValue = {"active": 7, "closed": 3, "unknown": 2}
    row: dict[str, JsonValue] = {
        "organisation_id": str(organisation_id(slug)),
        "loans_count": 3,
        "loans_amount": "20000.00",
        "other_financing": "90000.00",
        "people_coached": 40,
        "coaching_minutes": 6000,
        "jobs_created": 4,
        "jobs_maintained": 6,
        "enterprises_created": 3,
        "enterprises_maintained": 2,
        "survival": {"1": cohort, "3": cohort, "5": {"active": 0, "closed": 0, "unknown": 4}},
        "repayment": {
            "principal_due": "3000.00",
            "principal_repaid": "2000.00",
            "due_in_period": "1000.00",
            "on_time": "725.00",
            "recovered_in_period": "1100.00",
        },
        "outstanding_principal": "10000.00",
        "par30": "692.00",
        "written_off": "100.00",
        "mean_portfolio": "8000.00",
        "disbursed_to_date": "100000.00",
        "written_off_to_date": "3000.00",
        "recovered_to_date": "1000.00",
        "borrowers": {
            "total": 30,
            "women": 16,
            "gender_known": 29,
            "under_35": 12,
            "age_known": 30,
            "immigrants": 3,
        },
    }
    return {**row, **more}


def answering(document: JsonValue, asked: list[str] | None = None) -> Behaviour:
    async def answer(request: Request) -> Response:
        if asked is not None:
            asked.append(request.url.query)
        return JSONResponse(json.loads(json.dumps(document)))

    return answer


def listing(*items: JsonValue) -> Behaviour:
    return answering({"items": list(items), "next": None})


def prepare(bench: Bench) -> None:
    """Parts that answer what both reports ask."""
    bench.registry.behaviours |= {
        "/v1/regions": listing(*REGIONS),
        "/internal/organisations": listing(
            organisation("montreal", "06"),
            organisation("laval", "13"),
            organisation("gaspesie", "11", "06"),
            organisation("former", "15", until="2025-06-30"),
        ),
    }
    bench.loans.behaviours |= {
        "/internal/totals": answering(
            {
                "recorded_until": MOMENT,
                "rows": [
                    loans_row("montreal", "06", count=12, dollars=84000, par30=5811),
                    loans_row("gaspesie", "06", count=2, dollars=10000),
                    loans_row("former", "15", count=1, dollars=500),
                ],
            }
        ),
        "/internal/indicators": answering(
            {"recorded_until": MOMENT, "organisations": [indicators_row("montreal")]}
        ),
    }
    bench.funds.behaviours |= {
        "/internal/totals": answering(
            {
                "recorded_until": None,
                "rows": [
                    funds_row("montreal", "0.00", "50000.00", "25000.00"),
                    funds_row("gaspesie", "0.00", "0.10", "0.20"),
                ],
            }
        ),
        "/v1/agreements": listing(agreement("2020-04-01", "2030-03-31", loans_count="2")),
    }


def agreement(first: str, last: str, **targets: str) -> dict[str, JsonValue]:
    return {
        "agreement_id": "019f0000-0000-7000-8000-000000000001",
        "external_id": f"E-{first}",
        "funder": "Ministère",
        "title": "Entente",
        "from": first,
        "to": last,
        "amount": "100000.00",
        "paid": "50000.00",
        "targets": [{"indicator": name, "value": value} for name, value in targets.items()],
    }
