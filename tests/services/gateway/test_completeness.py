"""Who has sent what, how late, and against last year: joined from the register and the loans."""

from datetime import date

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from gateway.reports.completeness import MonthSaid, count
from services.common.clock import legal_today
from services.common.errors import JsonValue
from services.common.identity import organisation_id
from tests.services.gateway.reported import answering, listing, organisation
from tests.services.gateway.upstreams import (
    AUDITOR_KEY,
    FUNDER_KEY,
    MEMBER_KEY,
    NETWORK_KEY,
    OPERATOR_KEY,
    Bench,
    problem,
)

MONTHS = [f"2024-{n:02}" for n in range(4, 13)] + [f"2025-{n:02}" for n in range(1, 7)]
QUERY = "/v1/completeness?from=2025-04-01&to=2025-06-30"
AS_OF = "2025-07-20"


def month(name: str, submitted_on: str | None = None, **more: JsonValue) -> dict[str, JsonValue]:
    """A month that is due on the 15th of the next one."""
    year, number = int(name[:4]), int(name[5:])
    due = date(year + number // 12, number % 12 + 1, 15)
    on = date.fromisoformat(submitted_on or AS_OF)
    return {
        "month": name,
        "state": "submitted" if submitted_on else "open",
        "due_on": due.isoformat(),
        "submitted_on": submitted_on,
        "days_late": max(0, (on - due).days),
        **more,
    }


def row(slug: str, name: str, submitted_on: str | None = None, repayments: int = 0) -> JsonValue:
    return {
        "organisation_id": str(organisation_id(slug)),
        **month(name, submitted_on),
        "sent": {"loans": 0, "repayments": repayments, "coaching_sessions": 0, "outcomes": 0},
    }


def prepare(bench: Bench, *rows: JsonValue, asked_from: str = "1900-01") -> list[str]:
    """Two members, one that left on 2025-05-10, and one that never was there; what is asked."""
    asked: list[str] = []
    bench.registry.behaviours["/internal/organisations"] = listing(
        organisation("montreal", "06"),
        organisation("laval", "13"),
        organisation("former", "15", until="2025-05-10"),
        organisation("gone", "15", until="2024-12-31"),
    )
    said: JsonValue = {
        "as_of": AS_OF,
        "asked_from": asked_from,
        "months": [month(name) for name in MONTHS],
        "rows": list(rows),
    }
    bench.loans.behaviours["/internal/completeness"] = answering(said, asked)
    return asked


SENT = (
    row("montreal", "2025-04", "2025-05-10", 12),
    row("montreal", "2025-05", "2025-06-20", 14),
    row("montreal", "2025-06", None, 3),
    row("montreal", "2024-04", "2024-05-01", 9),
    row("laval", "2024-05", "2024-07-01"),
)


async def get(bench: Bench, key: str, path: str = QUERY, **headers: str) -> httpx.Response:
    async with bench.open_client() as client:
        return await client.get(path, headers={"Authorization": f"Bearer {key}", **headers})


async def test_the_network_reads_who_sent_what(bench: Bench) -> None:
    asked = prepare(bench, *SENT)
    answer = await get(bench, NETWORK_KEY)
    assert answer.status_code == 200, answer.text
    assert asked == ["from=2024-04-01&to=2025-06-30"]
    said = answer.json()
    assert (said["from"], said["to"], said["as_of"]) == ("2025-04", "2025-06", AS_OF)
    by_name = {each["organisation"]: each for each in said["organisations"]}
    assert list(by_name) == ["montreal", "laval", "former"]
    april, may, june = by_name["montreal"]["months"]
    assert april == {
        "month": "2025-04",
        "expected": True,
        "state": "submitted",
        "due_on": "2025-05-15",
        "submitted_on": "2025-05-10",
        "days_late": 0,
        "sent": {"loans": 0, "repayments": 12, "coaching_sessions": 0, "outcomes": 0},
        "sent_last_year": {"loans": 0, "repayments": 9, "coaching_sessions": 0, "outcomes": 0},
    }
    assert (may["days_late"], june["days_late"], june["state"]) == (5, 5, "open")
    assert by_name["montreal"]["tally"] == {
        "expected": 3,
        "due": 3,
        "submitted": 2,
        "on_time": 1,
        "late": 1,
        "missing": 1,
        "open_again": 0,
        "completeness": "0.6667",
        "timeliness": "0.3333",
    }
    assert by_name["montreal"]["last_year"]["submitted"] == 1
    assert by_name["laval"]["tally"]["missing"] == 3
    assert by_name["laval"]["last_year"]["late"] == 1
    former = by_name["former"]
    assert [each["expected"] for each in former["months"]] == [True, True, False]
    assert [each["state"] for each in former["months"]] == ["open", "open", None]
    assert former["tally"]["expected"] == 2
    assert former["last_year"]["expected"] == 3
    assert (said["total"]["expected"], said["total"]["submitted"]) == (8, 2)
    assert (said["last_year"]["expected"], said["last_year"]["submitted"]) == (9, 2)


async def test_nothing_is_expected_before_the_network_asked(bench: Bench) -> None:
    """Asked from May 2025 on: what was sent before is shown, and nobody misses it."""
    prepare(bench, *SENT, asked_from="2025-05")
    said = (await get(bench, NETWORK_KEY)).json()
    assert said["asked_from"] == "2025-05"
    by_name = {each["organisation"]: each for each in said["organisations"]}
    assert list(by_name) == ["montreal", "laval", "former"]
    april, may, _ = by_name["montreal"]["months"]
    assert (april["expected"], april["submitted_on"], april["days_late"]) == (
        False,
        "2025-05-10",
        0,
    )
    assert april["sent"]["repayments"] == 12
    assert (may["expected"], may["days_late"]) == (True, 5)
    assert [line["tally"]["expected"] for line in by_name.values()] == [2, 2, 1]
    assert by_name["laval"]["tally"]["missing"] == 2
    for line in by_name.values():
        assert (line["last_year"]["expected"], line["last_year"]["completeness"]) == (0, None)


async def test_a_member_reads_its_own_row(bench: Bench) -> None:
    prepare(bench, *(each for each in SENT if str(organisation_id("montreal")) in str(each)))
    said = (await get(bench, MEMBER_KEY)).json()
    assert [each["organisation"] for each in said["organisations"]] == ["montreal"]
    assert said["total"] == said["organisations"][0]["tally"]


async def test_as_csv(bench: Bench) -> None:
    prepare(bench, *SENT)
    answer = await get(bench, AUDITOR_KEY, QUERY.replace("?", ".csv?"))
    header, first, *rest = answer.text.splitlines()
    assert header == (
        "organisation,month,expected,state,due_on,submitted_on,days_late,sent_loans,"
        "sent_repayments,sent_coaching_sessions,sent_outcomes,sent_last_year_loans,"
        "sent_last_year_repayments,sent_last_year_coaching_sessions,sent_last_year_outcomes"
    )
    assert first == "montreal,2025-04,1,submitted,2025-05-15,2025-05-10,0,0,12,0,0,0,9,0,0"
    assert rest[-1] == "former,2025-06,0,,2025-07-15,,0,0,0,0,0,0,0,0,0"
    assert len(rest) == 8


@pytest.mark.parametrize("key", [FUNDER_KEY, OPERATOR_KEY])
async def test_it_is_not_for_the_others(bench: Bench, key: str) -> None:
    prepare(bench)
    answer = await get(bench, key)
    assert (answer.status_code, answer.json()["code"]) == (403, "access.forbidden")


async def test_without_a_key(bench: Bench) -> None:
    async with bench.open_client() as client:
        assert (await client.get(QUERY)).status_code == 401


async def test_a_fiscal_year_ends_today_at_the_latest(bench: Bench) -> None:
    asked = prepare(bench)
    assert (await get(bench, NETWORK_KEY, "/v1/completeness?fiscal_year=2024-2025")).is_success
    await get(bench, NETWORK_KEY, "/v1/completeness")
    assert asked[0] == "from=2023-04-01&to=2025-03-31"
    assert asked[1].endswith(f"to={legal_today()}")


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("from=2025-04-01", "/to", "period.incomplete"),
        ("to=2025-04-01", "/to", "period.incomplete"),
        (
            "fiscal_year=2024-2025&from=2025-04-01&to=2025-04-30",
            "/fiscal_year",
            "period.incomplete",
        ),
        ("from=2025-04-01&to=2025-03-31", "/to", "period.reversed"),
        ("from=2015-04-01&to=2025-03-31", "/to", "period.too_long"),
        ("fiscal_year=2024-2026", "/fiscal_year", "fiscal_year.form"),
        ("month=2025-04", "/month", "unknown_field"),
    ],
)
async def test_a_range_has_bounds(bench: Bench, query: str, pointer: str, code: str) -> None:
    prepare(bench)
    answer = await get(bench, NETWORK_KEY, f"/v1/completeness?{query}")
    errors = answer.json()["errors"]
    assert (answer.status_code, errors[0]["pointer"], errors[0]["code"]) == (422, pointer, code)


async def test_a_part_that_does_not_answer_is_named(bench: Bench) -> None:
    prepare(bench)

    async def down(_: Request) -> Response:
        return problem(503, "database.unavailable")

    bench.loans.behaviours["/internal/completeness"] = down
    answer = await get(bench, NETWORK_KEY)
    assert (answer.status_code, answer.json()["missing"]) == (503, ["loans"])


async def test_nothing_is_whole_with_an_organisation_nobody_knows(bench: Bench) -> None:
    prepare(bench, *SENT, row("nobody", "2025-04"))
    answer = await get(bench, NETWORK_KEY)
    assert (answer.status_code, answer.json()["code"]) == (502, "register.incomplete")


def test_a_month_is_missing_once_its_day_has_passed() -> None:
    due = date(2025, 5, 15)
    open_month = MonthSaid("2025-04", "open", due, None, 0)
    assert count([open_month], due).missing == 0
    assert count([open_month], due).due == 0
    assert count([open_month], date(2025, 5, 16)).missing == 1
    given_back = MonthSaid("2025-04", "open", due, due, 0)
    tally = count([given_back], due)
    assert (tally.submitted, tally.on_time, tally.missing, tally.open_again) == (1, 1, 0, 1)
    early = MonthSaid("2025-04", "submitted", due, date(2025, 5, 1), 0)
    assert count([early], date(2025, 5, 2)).due == 1
