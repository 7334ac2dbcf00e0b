"""The sheets of docs/examples, sent as a member would: dry first, then for good, then again."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date
from itertools import product
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from joserfc.jwk import OKPKey

from services.common.identity import Principal, Role, sign_principal
from services.funds.app import create_app as create_funds
from services.loans.app import create_app as create_loans
from tests.support.databases import ClonedDatabase

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
TODAY = date(2026, 3, 31)
MEMBER = Principal("key-of-the-examples", Role.MEMBER, "organisme-des-exemples", ("06",))

LOANS_SHEETS = {  # in the order a member sends them
    "borrowers": "emprunteurs.csv",
    "loans": "prets.csv",
    "repayments": "remboursements.csv",
    "coaching-sessions": "rencontres.csv",
    "outcomes": "resultats.csv",
}
FUNDS_SHEETS = {"contributions": "contributions.csv"}


@asynccontextmanager
async def serving(
    database: ClonedDatabase,
    folder: Path,
    service: str,
    create_app: Callable[[], FastAPI],
    caller: Principal = MEMBER,
) -> AsyncIterator[httpx.AsyncClient]:
    """The service, as one member calls it."""
    key = OKPKey.generate_key("Ed25519")
    public_key_file = folder / "public.pem"
    public_key_file.write_bytes(key.as_pem(private=False))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("RESEAU_DATABASE_URL", database.url(f"{service}_app"))
        environment.setenv("RESEAU_TOTALS_DATABASE_URL", database.url(f"{service}_totals"))
        environment.setenv("RESEAU_TOKEN_PUBLIC_KEY_FILE", str(public_key_file))
        app = create_app()
    app.state.today = lambda: TODAY
    transport = httpx.ASGITransport(app)
    headers = {"Authorization": f"Bearer {sign_principal(caller, key)}"}
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://service", headers=headers) as http,
    ):
        yield http


each_service = pytest.mark.parametrize(
    ("service", "create_app", "sheets"),
    [("loans", create_loans, LOANS_SHEETS), ("funds", create_funds, FUNDS_SHEETS)],
    ids=["loans", "funds"],
)


@each_service
async def test_the_examples_are_recorded_once(
    database: ClonedDatabase,
    tmp_path: Path,
    service: str,
    create_app: Callable[[], FastAPI],
    sheets: Mapping[str, str],
) -> None:
    async with serving(database, tmp_path, service, create_app) as http:
        for kind, sheet in sheets.items():
            content = (EXAMPLES / sheet).read_bytes()
            rows = len(content.splitlines()) - 1
            for dry_run, status, created in (
                ("true", 200, rows),
                ("false", 201, rows),
                ("false", 200, 0),
            ):
                response = await http.post(
                    "/v1/imports",
                    params={"kind": kind, "dry_run": dry_run},
                    headers={"Content-Type": "text/csv"},
                    content=content,
                )
                answer = response.json()
                assert (response.status_code, answer["errors"]) == (status, [])
                assert answer["counts"] == {
                    "received": rows,
                    "created": created,
                    "unchanged": rows - created,
                    "rejected": 0,
                }


@each_service
async def test_a_template_is_an_import_as_it_is(
    database: ClonedDatabase,
    tmp_path: Path,
    service: str,
    create_app: Callable[[], FastAPI],
    sheets: Mapping[str, str],
) -> None:
    """In French and in English, as a workbook and as CSV: the same two facts."""
    member = replace(MEMBER, organisation="organisme-des-modeles")
    async with serving(database, tmp_path, service, create_app, member) as http:
        for kind in sheets:
            statuses = []
            for language, ending in product(("fr", "en"), ("xlsx", "csv")):
                template = await http.get(
                    f"/v1/import-templates/{kind}.{ending}", headers={"Accept-Language": language}
                )
                assert template.status_code == 200
                sent = await http.post(
                    "/v1/imports",
                    params={"kind": kind},
                    headers={"Content-Type": template.headers["content-type"]},
                    content=template.content,
                )
                answer = sent.json()
                assert (answer["errors"], answer["warnings"], answer["notices"]) == ([], [], [])
                statuses.append((sent.status_code, answer["counts"]["received"]))
            assert statuses == [(201, 2), (200, 2), (200, 2), (200, 2)], kind


@each_service
async def test_templates_are_for_members_and_the_network_office(
    database: ClonedDatabase,
    tmp_path: Path,
    service: str,
    create_app: Callable[[], FastAPI],
    sheets: Mapping[str, str],
) -> None:
    for role in Role:
        organisation = MEMBER.organisation if role is Role.MEMBER else None
        caller = Principal("key", role, organisation)
        async with serving(database, tmp_path, service, create_app, caller) as http:
            for kind in sheets:
                for ending in ("xlsx", "csv"):
                    answer = await http.get(f"/v1/import-templates/{kind}.{ending}")
                    allowed = role in (Role.MEMBER, Role.NETWORK)
                    assert answer.status_code == (200 if allowed else 403), role
            nowhere = await http.get("/v1/import-templates/nothing.xlsx")
            assert nowhere.status_code == (404 if allowed else 403)
