"""Two real portfolios go in through the gateway; the regional totals equal independent sums.

To the loan and to the cent. The federation may already hold other facts: what the reports answered
before is added to what is expected after.
"""

import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple, TypedDict

import httpx
import pytest

from tests.portfolios.import_rows import write_portfolios
from tests.portfolios.independent_totals import (
    Books,
    Totals,
    read_books,
    regional_totals,
)
from tests.portfolios.map_portfolios import map_portfolios
from tests.portfolios.shared_data import shared_directory, shared_file
from tests.support.federations import Federation

KINDS = ("loans", "repayments", "outcomes")
BY_COMMAND_LINE = "estrie"
IMPORT_SECONDS_MAX = 600.0
ATTEMPTS_MAX = 10
MEMBERS_AT_ONCE = 3


class Period(NamedTuple):
    period_from: date
    period_to: date
    as_of: date


# All there is; the year of most of the small loans, seen from now and seen from its own end; a year
# that holds most of the microloans, at a moment when their repayments are under way.
PERIODS = (
    Period(date(1980, 1, 1), date(2026, 3, 31), date(2026, 3, 31)),
    Period(date(2004, 4, 1), date(2005, 3, 31), date(2026, 3, 31)),
    Period(date(2004, 4, 1), date(2005, 3, 31), date(2005, 3, 31)),
    Period(date(2008, 4, 1), date(2009, 3, 31), date(2008, 12, 15)),
)


class Flow(TypedDict):
    count: int
    amount: str


class Loans(Flow):
    mean_amount: str


class Repayments(Flow):
    principal: str
    interest: str
    fees: str


class Position(TypedDict):
    active_loans: int
    outstanding_principal: str
    par30: str
    par30_ratio: str
    par90: str
    par90_ratio: str


class Outcomes(TypedDict):
    jobs_created: int
    jobs_maintained: int


class Answer(TypedDict):
    """What is compared of a region, or of the total."""

    loans: Loans
    repayments: Repayments
    portfolio: Position
    outcomes: Outcomes


@dataclass(frozen=True, slots=True)
class Report:
    regions: Mapping[str, Answer]
    total: Answer


@dataclass(frozen=True, slots=True)
class Posted:
    """The mapped files, and what the reports answered before they were posted."""

    folder: Path
    before: Mapping[Period, Report]


def send(request: httpx.Request, client: httpx.Client) -> httpx.Response:
    """Wait when told to; anything else is for the caller to judge."""
    for _ in range(ATTEMPTS_MAX):
        response = client.send(request)
        if response.status_code != 429:
            return response
        time.sleep(float(response.headers["Retry-After"]))
    raise AssertionError(f"{request.url} was refused {ATTEMPTS_MAX} times for its rate")


def open_client(federation: Federation, key: str) -> httpx.Client:
    return httpx.Client(
        base_url=federation.url,
        headers={"Authorization": f"Bearer {key}"},
        timeout=IMPORT_SECONDS_MAX,
    )


def get_report(federation: Federation, period: Period) -> Report:
    parameters = {
        "from": period.period_from.isoformat(),
        "to": period.period_to.isoformat(),
        "as_of": period.as_of.isoformat(),
    }
    with open_client(federation, federation.keys.network) as client:
        request = client.build_request("GET", "/v1/reports/regional-totals", params=parameters)
        response = send(request, client)
    assert response.status_code == 200, response.text
    document = response.json()
    return Report({one["region_code"]: one for one in document["regions"]}, document["total"])


def post_file(federation: Federation, slug: str, kind: str, path: Path) -> httpx.Response:
    with open_client(federation, federation.keys.members[slug]) as client:
        request = client.build_request(
            "POST",
            "/v1/imports",
            params={"kind": kind},
            headers={"Content-Type": "text/csv"},
            content=path.read_bytes(),
        )
        return send(request, client)


def run_import(federation: Federation, slug: str, kind: str, path: Path) -> None:
    """As a member does it."""
    subprocess.run(
        [
            *(sys.executable, "-m", "deploy.command_line", "import", str(path)),
            *("--kind", kind, "--url", federation.url, "--key", federation.keys.members[slug]),
        ],
        check=True,
        timeout=IMPORT_SECONDS_MAX,
    )


def count_rows(path: Path) -> int:
    """No cell of these files holds a line break."""
    return len(path.read_text(encoding="utf-8").splitlines()) - 1


def post_portfolio(federation: Federation, folder: Path, slug: str) -> None:
    for kind in KINDS:
        path = folder / slug / f"{kind}.csv"
        if slug == BY_COMMAND_LINE:
            run_import(federation, slug, kind, path)
            continue
        response = post_file(federation, slug, kind, path)
        assert response.status_code == 201, response.text
        counts = response.json()["counts"]
        rows = count_rows(path)
        assert counts == {"received": rows, "created": rows, "unchanged": 0, "rejected": 0}


@pytest.fixture(scope="module")
def posted(federation: Federation, tmp_path_factory: pytest.TempPathFactory) -> Posted:
    """Both portfolios, imported: fifteen organisations by request, one by the command line."""
    shared_file("portfolios/sba_small_loans.csv")
    shared_file("portfolios/kiva_microloans.csv")
    folder = tmp_path_factory.mktemp("portfolios")
    portfolios = map_portfolios(shared_directory()).portfolios
    write_portfolios(portfolios, folder)
    before = {period: get_report(federation, period) for period in PERIODS}
    with ThreadPoolExecutor(MEMBERS_AT_ONCE) as members:
        for done in [members.submit(post_portfolio, federation, folder, s) for s in portfolios]:
            done.result()
    return Posted(folder, before)


@pytest.fixture(scope="module")
def books(posted: Posted) -> Mapping[str, Books]:
    """The mapped files read back, by organisation."""
    slugs = [one.name for one in posted.folder.iterdir()]
    return {slug: read_books(posted.folder, [slug]) for slug in slugs}


def expected_totals(books: Mapping[str, Books], period: Period) -> dict[str, Totals]:
    found: dict[str, Totals] = {}
    for one in books.values():
        for code, totals in regional_totals(one, *period).items():
            found[code] = found.get(code, Totals()) + totals
    return found


def read_totals(answer: Answer) -> Totals:
    loans, repayments = answer["loans"], answer["repayments"]
    portfolio, outcomes = answer["portfolio"], answer["outcomes"]
    return Totals(
        loans_count=loans["count"],
        loans_amount=Decimal(loans["amount"]),
        repayments_count=repayments["count"],
        repayments_amount=Decimal(repayments["amount"]),
        repayments_principal=Decimal(repayments["principal"]),
        repayments_interest=Decimal(repayments["interest"]),
        repayments_fees=Decimal(repayments["fees"]),
        active_loans=portfolio["active_loans"],
        outstanding_principal=Decimal(portfolio["outstanding_principal"]),
        par30=Decimal(portfolio["par30"]),
        par90=Decimal(portfolio["par90"]),
        jobs_created=outcomes["jobs_created"],
        jobs_maintained=outcomes["jobs_maintained"],
    )


def assert_quotients(answer: Answer) -> None:
    """Means and shares are of the answer's own sums, rounded half up."""
    totals, portfolio = read_totals(answer), answer["portfolio"]
    assert Decimal(answer["loans"]["mean_amount"]) == totals.loans_mean_amount
    assert Decimal(portfolio["par30_ratio"]) == totals.par30_ratio
    assert Decimal(portfolio["par90_ratio"]) == totals.par90_ratio


@pytest.mark.parametrize("period", PERIODS, ids=lambda period: f"{period[0]}_{period[2]}")
def test_regional_totals_equal_an_independent_sum(
    federation: Federation, posted: Posted, books: Mapping[str, Books], period: Period
) -> None:
    expected = expected_totals(books, period)
    before, after = posted.before[period], get_report(federation, period)
    assert expected
    assert set(expected) <= set(after.regions)
    for code, answer in after.regions.items():
        was = read_totals(before.regions[code]) if code in before.regions else Totals()
        assert read_totals(answer) == was + expected.get(code, Totals()), code
        assert_quotients(answer)
    everything = sum(expected.values(), read_totals(before.total))
    assert read_totals(after.total) == everything
    assert_quotients(after.total)


def test_posting_a_file_again_changes_nothing(federation: Federation, posted: Posted) -> None:
    before = get_report(federation, PERIODS[0])
    for kind in KINDS:
        path = posted.folder / "laval" / f"{kind}.csv"
        response = post_file(federation, "laval", kind, path)
        assert response.status_code == 200, response.text
        rows = count_rows(path)
        assert response.json()["counts"] == {
            "received": rows,
            "created": 0,
            "unchanged": rows,
            "rejected": 0,
        }
    assert get_report(federation, PERIODS[0]) == before
