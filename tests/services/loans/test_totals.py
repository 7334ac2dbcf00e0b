"""/internal/totals: kept figures, sums by dimension, and naive sums in Python are the same."""

from collections import defaultdict
from datetime import date, datetime, timedelta

import pytest

from services.common.errors import JsonValue
from services.common.identity import Role
from tests.services.loans.conftest import (
    Client,
    Document,
    Loans,
    borrower,
    coaching_session,
    codes_of,
    outcome,
    pay,
    record_borrower,
    record_loan,
    terms,
)
from tests.services.loans.naive_totals import Figures, Portfolio, post_portfolio, sum_portfolio

pytestmark = pytest.mark.xdist_group("totals")  # its portfolios are posted once, on one worker

PATH = "/internal/totals"
DIMENSIONS = ("product", "gender", "stage", "sector", "clientele", "funding")
PERIODS = [
    # from, to, as_of
    ("2024-04-01", "2025-03-31", "2025-03-31"),
    ("2025-04-01", "2026-03-31", "2026-03-31"),
    ("2024-01-01", "2026-03-31", "2025-07-14"),
    ("2025-06-01", "2025-06-01", "2024-12-25"),
    ("2025-01-01", "2025-12-31", "2027-06-30"),  # a date to come
]


@pytest.fixture(scope="module")
async def portfolios(loans: Loans) -> list[Portfolio]:
    return [await post_portfolio(loans.as_member(None, "06", "13"), seed) for seed in (1, 2)]


async def ask(client: Client, of: Client, first: str, last: str, **query: str) -> list[Document]:
    """The rows of one organisation."""
    answer = await client.get(PATH, **{"from": first, "to": last, **query})
    assert answer.status_code == 200, answer.text
    rows: list[Document] = answer.json()["rows"]
    return [row for row in rows if row["organisation_id"] == str(of.organisation_id)]


def to_days(first: str, last: str, as_of: str) -> tuple[date, date, date]:
    return date.fromisoformat(first), date.fromisoformat(last), date.fromisoformat(as_of)


PLACES = {
    "loans": {"count": "loans", "amount": "loans_cents"},
    "repayments": {
        "count": "repayments",
        "amount": "repayments_cents",
        "principal": "principal_cents",
        "interest": "interest_cents",
        "fees": "fees_cents",
    },
    "portfolio": {
        "active_loans": "active",
        "outstanding_principal": "outstanding_cents",
        "par30": "par30_cents",
        "par90": "par90_cents",
        "written_off": "written_off_cents",
        "recovered": "recovered_cents",
    },
    "coaching": {"sessions": "sessions", "minutes": "minutes", "people": "people"},
    "outcomes": {
        "jobs_created": "jobs_created",
        "jobs_maintained": "jobs_maintained",
        "enterprises_created": "enterprises_created",
        "enterprises_maintained": "enterprises_maintained",
    },
}
"""Where the answer holds each figure."""


def flatten(row: Document) -> Figures:
    """What is not nothing in a row: counts, and amounts in cents."""
    figures: Figures = {}
    for part, names in PLACES.items():
        section = row[part]
        assert isinstance(section, dict)
        assert section.keys() == names.keys()
        for name, ours in names.items():
            figures[ours] = int(str(section[name]).replace(".", ""))
    return {name: value for name, value in figures.items() if value}


def by_place(rows: list[Document]) -> dict[tuple[JsonValue, JsonValue], Figures]:
    found = {(row["region_code"], row["group"]): flatten(row) for row in rows}
    assert len(found) == len(rows), "a region and a group stand in one row"
    return {place: figures for place, figures in found.items() if figures}


@pytest.mark.parametrize(("first", "last", "as_of"), PERIODS)
async def test_totals_are_the_naive_sums(
    portfolios: list[Portfolio], network: Client, first: str, last: str, as_of: str
) -> None:
    for portfolio in portfolios:
        expected = sum_portfolio(portfolio, *to_days(first, last, as_of))
        rows = await ask(network, portfolio.client, first, last, as_of=as_of)
        assert by_place(rows) == expected
        assert len(expected) == 2


@pytest.mark.parametrize("dimension", DIMENSIONS)
@pytest.mark.parametrize(("first", "last", "as_of"), PERIODS)
async def test_totals_by_dimension_are_the_naive_sums(
    portfolios: list[Portfolio], network: Client, first: str, last: str, as_of: str, dimension: str
) -> None:
    for portfolio in portfolios:
        rows = await ask(network, portfolio.client, first, last, as_of=as_of, group_by=dimension)
        assert by_place(rows) == sum_portfolio(portfolio, *to_days(first, last, as_of), dimension)


@pytest.mark.parametrize("dimension", ["product", "gender", "stage", "sector"])
async def test_groups_add_up_to_their_line(
    portfolios: list[Portfolio], network: Client, dimension: str
) -> None:
    """All but people, who may be coached on two loans."""
    for portfolio in portfolios:
        lines = by_place(await ask(network, portfolio.client, "2024-01-01", "2026-03-31"))
        added: dict[JsonValue, Figures] = defaultdict(lambda: defaultdict(int))
        for (region, _), figures in by_place(
            await ask(network, portfolio.client, "2024-01-01", "2026-03-31", group_by=dimension)
        ).items():
            for name, value in figures.items():
                added[region][name] += value
        for (region, _), line in lines.items():
            line.pop("people")
            added[region].pop("people")
            assert added[region] == line


async def test_every_day_of_a_year_as_the_day_before_it_plus_its_changes(
    portfolios: list[Portfolio], network: Client
) -> None:
    """PAR on each of 40 days in a row, some past and some to come."""
    portfolio = portfolios[0]
    for offset in range(0, 800, 20):
        day = date(2024, 6, 1) + timedelta(days=offset)
        rows = await ask(network, portfolio.client, "2024-01-01", "2024-01-01", as_of=str(day))
        expected = sum_portfolio(portfolio, date(2024, 1, 1), date(2024, 1, 1), day)
        assert by_place(rows) == expected, day


async def test_as_of_is_the_last_day_unless_said(loans: Loans, network: Client) -> None:
    member = loans.as_member()
    lent = await record_loan(member)
    await pay(member, lent["loan_id"], ("2025-06-01", "106.62"))
    [row] = await ask(network, member, "2025-04-01", "2025-05-31")
    assert flatten(row)["outstanding_cents"] == 120_000
    [row] = await ask(network, member, "2025-04-01", "2025-06-01")
    assert flatten(row)["outstanding_cents"] == 110_538


async def test_an_organisation_without_facts_has_no_row(loans: Loans, network: Client) -> None:
    """The gateway knows the members: zeros are its to show."""
    member = loans.as_member()
    assert await ask(network, member, "2025-04-01", "2026-03-31") == []
    await record_borrower(member)
    for dimension in DIMENSIONS:
        rows = await ask(network, member, "2025-04-01", "2026-03-31", group_by=dimension)
        assert rows == []


async def test_a_member_sees_its_own_organisation_alone(
    portfolios: list[Portfolio], loans: Loans
) -> None:
    own, other = (portfolio.client for portfolio in portfolios)
    for query in ({}, {"group_by": "product"}):
        answer = await own.get(PATH, **{"from": "2024-01-01", "to": "2026-03-31", **query})
        seen = {row["organisation_id"] for row in answer.json()["rows"]}
        assert seen == {str(own.organisation_id)}
    assert await ask(other, own, "2024-01-01", "2026-03-31") == []
    stranger = await loans.as_member().get(PATH, **{"from": "2024-01-01", "to": "2026-03-31"})
    assert stranger.json() == {"recorded_until": None, "rows": []}


async def test_until_when_facts_are_counted(loans: Loans, network: Client) -> None:
    """Whatever is recorded moves it: loans and repayments, sessions, outcomes, descriptions."""
    member = loans.as_member()

    async def recorded_until() -> datetime:
        answer = await member.get(PATH, **{"from": "2025-04-01", "to": "2026-03-31"})
        return datetime.fromisoformat(answer.json()["recorded_until"])

    await member.post("/v1/borrowers", borrower(external_id="E-1"))
    moments = [await recorded_until()]
    lent = await record_loan(member)
    moments.append(await recorded_until())
    await member.post("/v1/coaching-sessions", coaching_session({"external_id": "E-1"}))
    moments.append(await recorded_until())
    seen = (await member.post("/v1/outcomes", outcome(lent["external_id"]))).json()
    moments.append(await recorded_until())
    await member.post(f"/v1/outcomes/{seen['outcome_id']}/reversals", {"reason": "x"})
    moments.append(await recorded_until())
    assert moments == sorted(set(moments))
    assert moments[0].tzinfo is not None
    answer = await network.get(PATH, **{"from": "2025-04-01", "to": "2026-03-31"})
    assert datetime.fromisoformat(answer.json()["recorded_until"]) >= moments[-1]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"from": "2025-04-01"}, {"/to": "missing"}),
        ({"from": "2025-04-01", "to": "2025-03-31"}, {"/to": "period.reversed"}),
        ({"from": "1743465600", "to": "2025-03-31"}, {"/from": "date.form"}),
        ({"from": "2025-02-30", "to": "2025-03-31"}, {"/from": "date.impossible"}),
        (
            {"from": "2025-04-01", "to": "2025-04-30", "as_of": "demain"},
            {"/as_of": "date.form"},
        ),
        (
            {"from": "2025-04-01", "to": "2025-04-30", "group_by": "colour"},
            {"/group_by": "choice"},
        ),
    ],
)
async def test_a_question_badly_put_is_refused(
    network: Client, query: dict[str, str], expected: dict[str, str]
) -> None:
    answer = await network.get(PATH, **query)
    assert answer.status_code == 422
    assert codes_of(answer) == expected


@pytest.mark.parametrize("role", [Role.NETWORK, Role.FUNDER, Role.AUDITOR, Role.SERVICE])
async def test_those_who_report_see_every_organisation(
    portfolios: list[Portfolio], loans: Loans, role: Role
) -> None:
    client = loans.as_role(role)
    for portfolio in portfolios:
        assert len(await ask(client, portfolio.client, "2024-01-01", "2026-03-31")) == 2


async def test_the_portfolios_hold_something_of_everything(portfolios: list[Portfolio]) -> None:
    """Else the sums above would be equal for want of facts."""
    seen: set[str] = set()
    for portfolio in portfolios:
        for period in PERIODS:
            for figures in sum_portfolio(portfolio, *to_days(*period)).values():
                seen |= figures.keys()
    expected = {name for names in PLACES.values() for name in names.values()}
    assert seen == expected


async def test_fees_repaid(loans: Loans, network: Client) -> None:
    member = loans.as_member()
    fees: JsonValue = [{"amount": "25.00", "charged": "added"}]
    lent = await record_loan(member, terms=terms(fees=fees))
    await pay(member, lent["loan_id"], ("2025-05-15", "10.00"), ("2025-06-15", "20.00"))
    for query in ({}, {"group_by": "stage"}):
        [row] = await ask(network, member, "2025-04-01", "2026-03-31", **query)
        figures = flatten(row)
        assert (figures["fees_cents"], figures["interest_cents"]) == (2_500, 500)
        assert figures["repayments_cents"] == 3_000
