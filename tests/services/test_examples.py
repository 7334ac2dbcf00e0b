"""The sheets of docs/examples, sent as a member would: dry first, then for good, then again."""

from collections.abc import Callable, Mapping
from datetime import date
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


@pytest.mark.parametrize(
    ("service", "create_app", "sheets"),
    [("loans", create_loans, LOANS_SHEETS), ("funds", create_funds, FUNDS_SHEETS)],
    ids=["loans", "funds"],
)
async def test_the_examples_are_recorded_once(
    database: ClonedDatabase,
    tmp_path: Path,
    service: str,
    create_app: Callable[[], FastAPI],
    sheets: Mapping[str, str],
) -> None:
    key = OKPKey.generate_key("Ed25519")
    public_key_file = tmp_path / "public.pem"
    public_key_file.write_bytes(key.as_pem(private=False))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("RESEAU_DATABASE_URL", database.url(f"{service}_app"))
        environment.setenv("RESEAU_TOTALS_DATABASE_URL", database.url(f"{service}_totals"))
        environment.setenv("RESEAU_TOKEN_PUBLIC_KEY_FILE", str(public_key_file))
        app = create_app()
    app.state.today = lambda: TODAY
    headers = {
        "Authorization": f"Bearer {sign_principal(MEMBER, key)}",
        "Content-Type": "text/csv",
    }
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://service") as http,
    ):
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
                    headers=headers,
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
