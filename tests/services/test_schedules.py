"""POST /v1/schedules over HTTP: nothing is stored, so that hardly a test needs the database."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from fastapi import FastAPI
from httpx import ASGITransport, AsyncClient
from joserfc.jwk import OKPKey
from pydantic import SecretStr

from services.common.app import create_service
from services.common.calendar import DayCount
from services.common.identity import Principal, Role, sign_principal
from services.common.money import format_cents
from services.common.settings import ServiceSettings
from services.loans.schedules.routes import router
from services.loans.schedules.schemas import QuoteAnswer
from tests.support.databases import ClonedDatabase
from tests.unit.schedule_cases import read_cases

QUOTE: dict[str, object] = {
    "principal": "5000.00",
    "annual_rate": "7",
    "instalments": 24,
    "frequency": "months",
    "repay_every": 1,
    "disbursed_on": "2026-01-15",
    "first_due_on": None,
    "interest_method": "declining_balance",
    "amortisation": "equal_instalments",
    "day_count": "period_fraction",
    "rounding": "half_up",
    "smoothing": False,
    "instalment_multiple": None,
    "grace": {"principal_periods": 0, "interest_periods": 0},
    "down_payment_percent": None,
    "fees": [{"amount": "150.00", "charged": "withheld"}],
}
SHORT: dict[str, object] = {
    "principal": "300.00",
    "annual_rate": "0",
    "instalments": 3,
    "disbursed_on": "2026-01-31",
}


@asynccontextmanager
async def open_client(database_url: str, keys: Path) -> AsyncIterator[tuple[FastAPI, AsyncClient]]:
    """The loans service with the quotes alone, called as a member would be by the gateway."""
    key = OKPKey.generate_key("Ed25519")
    public_key = keys / "public.pem"
    public_key.write_bytes(key.as_pem(private=False))
    settings = ServiceSettings(
        database_url=SecretStr(database_url), token_public_key_file=public_key
    )
    app = create_service("loans", settings, [router])
    token = sign_principal(Principal("key", Role.MEMBER, "montreal", ("06",)), key)
    headers = {"Authorization": f"Bearer {token}", "Accept-Language": "en"}
    transport = ASGITransport(app)
    async with AsyncClient(transport=transport, base_url="http://loans", headers=headers) as client:
        yield app, client


@pytest.fixture(scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[AsyncClient]:
    nowhere = "postgresql+asyncpg://nobody@localhost/nothing"
    async with open_client(nowhere, tmp_path_factory.mktemp("keys")) as (_, client):
        yield client


async def test_a_quote_with_every_setting(client: AsyncClient) -> None:
    response = await client.post("/v1/schedules", json=QUOTE)
    assert response.status_code == 200
    quote = response.json()
    assert len(quote["rows"]) == 24
    assert quote["rows"][0] == {
        "number": 1,
        "due_on": "2026-02-15",
        "principal": "194.69",
        "interest": "29.17",
        "fees": "0.00",
        "payment": "223.86",
        "balance": "4805.31",
    }
    assert quote["rows"][-1]["payment"] == "223.93"
    assert quote["rows"][-1]["balance"] == "0.00"
    assert quote["totals"] == {
        "principal": "5000.00",
        "interest": "372.71",
        "fees": "0.00",
        "payment": "5372.71",
    }
    assert (quote["fees_withheld"], quote["net_advance"]) == ("150.00", "4850.00")
    assert Decimal(quote["apr"]).quantize(Decimal("0.0001")) == Decimal("10.0267")
    assert quote["criminal_rate"] == {
        "limit": "35",
        "basis": "annual_percentage_rate",
        "verdict": "accept",
    }
    assert quote["currency"] == "CAD"


async def test_every_case_of_the_independent_calculator(client: AsyncClient) -> None:
    """The cases once more, as an outsider would post them; answers keep to their own schema."""
    for case in read_cases():
        percent, multiple = case["down_payment_pct"], case["multiple"]
        terms = {
            "principal": case["principal"],
            "annual_rate": case["annual_rate"],
            "instalments": case["instalments"],
            "frequency": case["frequency"],
            "repay_every": case["repay_every"],
            "disbursed_on": case["disbursed_on"],
            "interest_method": case["interest"],
            "amortisation": case["amortisation"].replace("installments", "instalments"),
            "rounding": case["rounding"],
            "smoothing": case["smoothing"],
            "instalment_multiple": None if multiple is None else f"{multiple}.00",
            "grace": {
                "principal_periods": case["grace_principal"],
                "interest_periods": case["grace_interest"],
                "interest_free_periods": case["interest_free"],
            },
            "down_payment_percent": None if percent is None else str(percent),
        }
        for day_count in set(case["day_counts_ok"]) & set(DayCount):
            body = {**terms, "day_count": day_count}
            response = await client.post("/v1/schedules", json=body)
            rows = QuoteAnswer.model_validate_json(response.content).rows
            assert [
                [str(row.due_on), format_cents(row.principal), format_cents(row.interest)]
                for row in rows
            ] == case["rows"], case["id"]


async def test_the_required_terms_are_enough(client: AsyncClient) -> None:
    quote = (await client.post("/v1/schedules", json=SHORT)).json()
    assert [row["due_on"] for row in quote["rows"]] == ["2026-02-28", "2026-03-31", "2026-04-30"]
    assert [row["payment"] for row in quote["rows"]] == ["100.00"] * 3
    assert quote["apr"] == "0"


async def test_the_criminal_rate_depends_on_the_day_and_the_borrower(client: AsyncClient) -> None:
    async def judged(**changes: object) -> tuple[str | None, str]:
        dear = {**SHORT, "principal": "20000.00", "annual_rate": "40", **changes}
        rate = (await client.post("/v1/schedules", json=dear)).json()["criminal_rate"]
        return rate["limit"], rate["verdict"]

    assert await judged() == ("35", "refuse")
    assert await judged(borrower_kind="legal_person") == ("48", "accept")
    assert await judged(contracted_on="2024-12-31") == ("60", "accept")
    assert await judged(borrower_kind="legal_person", principal="500000.01") == (None, "accept")


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"principal": "0.00"}, "/principal", "amount.zero"),
        ({"principal": "-5.00"}, "/principal", "amount.negative"),
        ({"principal": "5.001"}, "/principal", "amount.decimals"),
        ({"principal": 5000}, "/principal", "amount.form"),
        ({"annual_rate": "7.123456789"}, "/annual_rate", "rate.decimals"),
        ({"annual_rate": "NaN"}, "/annual_rate", "rate.form"),
        ({"instalments": 0}, "/instalments", "number.too_small"),
        ({"instalments": 601}, "/instalments", "number.too_large"),
        ({"disbursed_on": "2026-02-30"}, "/disbursed_on", "date.impossible"),
        (
            {"first_due_on": "2026-01-30"},
            "/first_due_on",
            "schedule.first_due_before_disbursement",
        ),
        (
            {"grace": {"principal_periods": 3}},
            "/grace/principal_periods",
            "schedule.grace_too_long",
        ),
        ({"grace": {"moratorium": 1}}, "/grace/moratorium", "unknown_field"),
        ({"day_count": "actual/366"}, "/day_count", "choice"),
        ({"instalment_multiple": "1000.00"}, "/instalments", "schedule.never_amortises"),
        ({"fees": [{"amount": "300.00"}]}, "/fees", "schedule.nothing_advanced"),
        ({"intrest": "7"}, "/intrest", "unknown_field"),
    ],
)
async def test_bad_terms_are_placed(
    client: AsyncClient, changes: dict[str, object], pointer: str, code: str
) -> None:
    response = await client.post("/v1/schedules", json={**SHORT, **changes})
    assert response.status_code == 422
    problem = response.json()
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [(pointer, code)]


async def test_refusals_are_in_the_language_asked(client: AsyncClient) -> None:
    too_long = {**SHORT, "grace": {"interest_periods": 3}}
    english = (await client.post("/v1/schedules", json=too_long)).json()
    french = (
        await client.post("/v1/schedules", json=too_long, headers={"Accept-Language": "fr"})
    ).json()
    assert english["code"] == french["code"] == "schedule.grace_too_long"
    assert english["detail"] == "The grace must lie between 0 and 2 periods for this loan."
    assert french["detail"] == "Le différé doit être entre 0 et 2 périodes pour ce prêt."


async def test_a_quote_needs_a_principal(client: AsyncClient) -> None:
    response = await client.post("/v1/schedules", json=SHORT, headers={"Authorization": ""})
    assert response.status_code == 401


async def test_an_idempotency_key_holds_one_quote(database: ClonedDatabase, tmp_path: Path) -> None:
    """The one case that needs the database: the key, not the quote, is kept."""
    async with (
        open_client(database.url("loans_app"), tmp_path) as (app, client),
        app.router.lifespan_context(app),
    ):
        headers = {"Idempotency-Key": "quote-1"}
        first = await client.post("/v1/schedules", json=SHORT, headers=headers)
        again = await client.post("/v1/schedules", json=SHORT, headers=headers)
        other = await client.post("/v1/schedules", json=QUOTE, headers=headers)
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert again.headers["Idempotent-Replayed"] == "true"
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key.reused")
