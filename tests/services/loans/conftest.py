"""The loans service behind HTTP, on the run's real PostgreSQL.

Every test acts for an organisation of its own, so that they all share one service and one database.
"""

import csv
import io
import json
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from joserfc.jwk import OKPKey

from services.common.audit import find_breaks
from services.common.database import Database
from services.common.errors import JsonValue
from services.common.identity import Principal, Role, organisation_id, sign_principal
from services.loans.app import create_app
from services.loans.verify import find_differences
from tests.support.databases import ClonedDatabase

TODAY = date(2026, 3, 31)

CSV = "text/csv"
NDJSON = "application/x-ndjson"

Document = dict[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Client:
    """One caller of the service: a role and, for a member, its organisation."""

    http: httpx.AsyncClient
    key: OKPKey
    role: Role
    organisation: str | None = None
    region_codes: tuple[str, ...] = ()
    person: str = ""
    """Tells two keys of one role apart."""
    made_by: str | None = None

    @property
    def organisation_id(self) -> uuid.UUID:
        assert self.organisation is not None, "this role has no organisation"
        return organisation_id(self.organisation)

    @property
    def headers(self) -> dict[str, str]:
        subject = f"key-{self.organisation or self.role}{self.person}"
        principal = Principal(
            subject, self.role, self.organisation, self.region_codes, self.made_by
        )
        return {"Authorization": f"Bearer {sign_principal(principal, self.key)}"}

    async def get(self, path: str, **query: str) -> httpx.Response:
        return await self.http.get(path, params=query or None, headers=self.headers)

    async def post(self, path: str, body: JsonValue, **headers: str) -> httpx.Response:
        """A name of a header is written with underscores: `idempotency_key`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.http.post(path, json=body, headers={**self.headers, **named})

    async def send(
        self,
        kind: str,
        content: bytes | str,
        media_type: str = CSV,
        *,
        language: str = "fr",
        **query: str,
    ) -> httpx.Response:
        """Import a file."""
        return await self.http.post(
            "/v1/imports",
            params={"kind": kind, **query},
            content=content,
            headers={**self.headers, "Content-Type": media_type, "Accept-Language": language},
        )


@dataclass(frozen=True, slots=True)
class Loans:
    """The service under test."""

    app: FastAPI
    database: ClonedDatabase
    http: httpx.AsyncClient
    key: OKPKey

    def as_member(self, slug: str | None = None, *region_codes: str) -> Client:
        """A member of an organisation nobody else acts for, unless one is named."""
        slug = slug or f"org-{uuid.uuid4().hex[:12]}"
        return Client(self.http, self.key, Role.MEMBER, slug, region_codes or ("06",))

    def as_role(self, role: Role) -> Client:
        return Client(self.http, self.key, role)

    async def look(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """Look into the tables themselves, past row-level security."""
        connection = await asyncpg.connect(self.database.superuser_dsn)
        try:
            await connection.execute("SET search_path = loans")
            rows: list[asyncpg.Record] = await connection.fetch(statement, *arguments)
            return rows
        finally:
            await connection.close()

    async def count_rows(self, client: Client) -> dict[str, int]:
        """How many rows the client's organisation has in each table where a test may put some."""
        tables = (
            "borrowers",
            "loans",
            "disbursements",
            "instalments",
            "repayments",
            "write_offs",
            "recoveries",
            "reversals",
            "coaching_sessions",
            "outcomes",
            "allocations",
            "loan_states",
            "daily_totals",
            "events",
        )
        [row] = await self.look(
            "SELECT "
            + ", ".join(
                f"(SELECT count(*) FROM {table} WHERE organisation_id = $1) AS {table}"
                for table in tables
            ),
            client.organisation_id,
        )
        return dict(row)

    async def list_told(self, client: Client) -> list[dict[str, JsonValue]]:
        """What the funds' journal was told of repayments, and of what is no longer so, in order."""
        rows = await self.look(
            """
            SELECT payload ->> 'facts' AS facts FROM events
            WHERE organisation_id = $1 AND type = 'loans.recorded' ORDER BY event_number
            """,
            client.organisation_id,
        )
        told = [
            dict(zip(columns, fact, strict=True))
            for columns in (json.loads(row["facts"]) for row in rows)
            for fact in zip(
                *(
                    column if isinstance(column, list) else [column] * len(columns["id"])
                    for column in columns.values()
                ),
                strict=True,
            )
        ]
        kinds = ("repayment", "allocation")
        return [fact for fact in told if (fact["reversed_kind"] or fact["kind"]) in kinds]

    async def sum_told(self, client: Client) -> dict[str, int]:
        """The sums of it, in cents."""
        told = await self.list_told(client)
        parts = ("amount", "principal", "interest")
        return {part: sum(signed(fact, f"{part}_cents") for fact in told) for part in parts}

    async def sum_fees_told(self, client: Client, place: str) -> dict[str, int]:
        """What it was told of fees repaid on a loan, in cents by date, but for dates without any;
        `place` is the loan's path.
        """
        fees: Counter[str] = Counter()
        for fact in await self.list_told(client):
            if place.endswith(str(fact["loan_id"])):
                fees[str(fact["on"])] += signed(fact, "fees_cents")
        return {day: cents for day, cents in fees.items() if cents}

    async def find_differences(self, client: Client) -> list[str]:
        """What `reseau verify` would say of the client's organisation."""
        database: Database = self.app.state.database
        async with database.read(client.organisation_id) as session:
            found = [difference async for difference in find_differences(session)]
            return found + [difference async for difference in find_breaks(session)]


def signed(fact: Mapping[str, JsonValue], name: str) -> int:
    """Cents of a fact that the journal was told of, below zero for what is taken back."""
    cents = fact[name]
    assert isinstance(cents, int)
    return -cents if fact["kind"] == "reversal" else cents


@pytest.fixture(scope="session")
async def loans(
    database: ClonedDatabase, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Loans]:
    key = OKPKey.generate_key("Ed25519")
    public_key_file = tmp_path_factory.mktemp("loans") / "public.pem"
    public_key_file.write_bytes(key.as_pem(private=False))
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("RESEAU_DATABASE_URL", database.url("loans_app"))
        environment.setenv("RESEAU_TOTALS_DATABASE_URL", database.url("loans_totals"))
        environment.setenv("RESEAU_TOKEN_PUBLIC_KEY_FILE", str(public_key_file))
        app = create_app()
    app.state.today = lambda: TODAY
    await ask_for_all_months(database)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://loans") as http,
    ):
        yield Loans(app, database, http, key)


async def ask_for_all_months(database: ClonedDatabase) -> None:
    """As if the network had always asked; else it asks from the month the tables were made in."""
    connection = await asyncpg.connect(database.superuser_dsn)
    try:
        await connection.execute(
            "INSERT INTO loans.reporting_starts (version, month_on, asked_on, recorded_by)"
            " VALUES (2, '1900-01-01', '1900-01-01', 'test')"
        )
    finally:
        await connection.close()


@pytest.fixture
def member(loans: Loans) -> Client:
    return loans.as_member()


@pytest.fixture(scope="session")
def network(loans: Loans) -> Client:
    return loans.as_role(Role.NETWORK)


def codes_of(response: httpx.Response) -> dict[str, str]:
    """Of a problem document: the code found at each pointer."""
    assert response.headers["content-type"] == "application/problem+json", response.text
    return {error["pointer"]: error["code"] for error in response.json().get("errors", [])}


def some_id(prefix: str) -> str:
    return f"{prefix}-{uuid.uuid4().hex[:10]}"


def borrower(**changes: JsonValue) -> Document:
    """The body of a sound borrower with an identifier of its own."""
    return {
        "external_id": some_id("E"),
        "kind": "person",
        "given_name": "Amélie",
        "family_name": "Tremblay",
        "birth_year": 1990,
        "gender": "woman",
        "region_code": "06",
        "municipality": "Montréal",
        "postal_code": "H2X 1Y4",
        "clienteles": ["immigrant"],
        "enterprise": {"name": "Couture Amélie", "sector_code": "812990", "social_economy": False},
        "consents": [{"purpose": "follow_up", "given_on": "2025-04-01"}],
        **changes,
    }


def terms(**changes: JsonValue) -> Document:
    """1,200 $ at 12 % over 12 months: instalments of 106.62, the first with 12.00 of interest."""
    return {"principal": "1200.00", "annual_rate": "12", "instalments": 12, **changes}


def loan(borrower_id: JsonValue, /, **changes: JsonValue) -> Document:
    """The body of a sound loan; its first instalment falls due on 2025-05-15."""
    return {
        "external_id": some_id("P"),
        "borrower": {"external_id": borrower_id},
        "product": "individual_loan",
        "stage": "start",
        "purpose": "Équipement",
        "terms": terms(),
        "contracted_on": "2025-04-10",
        "disbursed_on": "2025-04-15",
        "region_code": "06",
        "funding": [{"source": "state", "amount": "600.00"}],
        "other_financing": "500.00",
        **changes,
    }


def repayment(
    amount: JsonValue = "106.62", paid_on: JsonValue = "2025-05-15", **changes: JsonValue
) -> Document:
    return {
        "external_id": some_id("R"),
        "paid_on": paid_on,
        "amount": amount,
        "method": "cheque",
        **changes,
    }


async def record_borrower(client: Client, **changes: JsonValue) -> str:
    """Its external_id."""
    posted = await client.post("/v1/borrowers", borrower(**changes))
    assert posted.status_code == 201, posted.text
    found: str = posted.json()["external_id"]
    return found


async def record_loan(client: Client, **changes: JsonValue) -> Document:
    """A loan with a borrower of its own, as it was answered."""
    borrower_id = await record_borrower(client)
    posted = await client.post("/v1/loans", loan(borrower_id, **changes))
    assert posted.status_code == 201, posted.text
    found: Document = posted.json()
    return found


async def pay(client: Client, loan_id: JsonValue, *payments: tuple[str, str]) -> None:
    """Repayments, each a date and an amount."""
    for paid_on, amount in payments:
        posted = await client.post(f"/v1/loans/{loan_id}/repayments", repayment(amount, paid_on))
        assert posted.status_code == 201, posted.text


def write_csv(rows: Sequence[Mapping[str, object]], delimiter: str = ",") -> str:
    """A sheet whose columns are those of the first row."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def loan_row(external_id: str, **changes: object) -> dict[str, object]:
    """A row of a loans sheet, with a borrower of its own."""
    return {
        "external_id": external_id,
        "borrower_external_id": f"E-{external_id}",
        "borrower_kind": "person",
        "gender": "woman",
        "birth_year": "1991",
        "clienteles": "immigrant|under_35",
        "region_code": "06",
        "municipality": "Montréal",
        "product": "individual_loan",
        "stage": "start",
        "sector_code": "722512",
        "principal": "1200.00",
        "annual_rate": "12",
        "instalments": "12",
        "frequency": "months",
        "contracted_on": "2025-04-10",
        "disbursed_on": "2025-04-15",
        "first_due_on": "",
        "fee": "",
        "other_financing": "500.00",
        "funding_state": "600.00",
        "funding_community": "",
        "funding_private": "",
        **changes,
    }


def repayment_row(
    external_id: str, loan_id: str, paid_on: str = "2025-05-15", amount: str = "106.62"
) -> dict[str, object]:
    return {
        "external_id": external_id,
        "loan_external_id": loan_id,
        "paid_on": paid_on,
        "amount": amount,
        "method": "cheque",
    }


def coaching_session(borrower: JsonValue, /, **changes: JsonValue) -> Document:
    """The body of a sound session; `borrower` is a reference."""
    return {
        "external_id": some_id("S"),
        "borrower": borrower,
        "coach": "Luc Gagnon",
        "held_on": "2025-06-10",
        "duration_minutes": 75,
        "mode": "in_person",
        "stage": "post_start",
        "topics": ["plan d'affaires", "budget"],
        **changes,
    }


def outcome(loan_id: JsonValue, /, **changes: JsonValue) -> Document:
    """The body of a sound outcome of a loan named by its external_id."""
    return {
        "external_id": some_id("O"),
        "loan": {"external_id": loan_id},
        "observed_on": "2026-03-15",
        "business_status": "active",
        "jobs_created": 2,
        "jobs_maintained": 1,
        **changes,
    }
