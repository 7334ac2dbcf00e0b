"""A whole portfolio as a member's spreadsheet holds it, and what a service then has of it."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import httpx
from xlsxwriter.workbook import Workbook

from tests.services.loans.conftest import Client, Loans, loan_row, write_csv
from tests.support.workbooks import Value, workbook, write

Row = dict[str, object]
Portfolio = dict[str, list[Row]]
"""Rows by kind, in the order in which they refer to each other."""

KINDS = ("borrowers", "loans", "repayments", "coaching-sessions", "outcomes")
FRENCH = {
    "borrowers": "Emprunteurs",
    "loans": "Prêts 2025",
    "repayments": "Remboursements",
    "coaching-sessions": "Rencontres",
    "outcomes": "Suivis",
}
REASON = {"on_change": "correct", "reason": "Erreurs de saisie trouvées à la vérification"}


def make_portfolio(loans_count: int = 20) -> Portfolio:
    """Loans of 1,200 $ over twelve months, each with four repayments, a session, an outcome."""
    names = [f"{number:03d}" for number in range(1, loans_count + 1)]
    start = date(2025, 1, 10)
    opened = {name: start + timedelta(days=7 * place) for place, name in enumerate(names)}
    return {
        "borrowers": [
            {
                "external_id": f"E-{name}",
                "kind": "person",
                "given_name": "Zoé",
                "family_name": f"Bégin {name}",
                "birth_year": "1988",
                "gender": "woman",
                "region_code": "06",
                "municipality": "Montréal",
                "clienteles": "immigrant",
            }
            for name in names
        ],
        "loans": [
            loan_row(
                f"P-{name}",
                borrower_external_id=f"E-{name}",
                birth_year="1988",
                clienteles="immigrant",
                contracted_on=opened[name],
                disbursed_on=opened[name],
            )
            for name in names
        ],
        "repayments": [
            {
                "external_id": f"R-{name}-{number}",
                "loan_external_id": f"P-{name}",
                "paid_on": opened[name] + timedelta(days=31 * number),
                "amount": "106.62",
                "method": "cheque",
            }
            for name in names
            for number in range(1, 5)
        ],
        "coaching-sessions": [
            {
                "external_id": f"S-{name}",
                "borrower_external_id": f"E-{name}",
                "loan_external_id": f"P-{name}",
                "held_on": opened[name] + timedelta(days=20),
                "duration_minutes": "60",
                "mode": "video",
                "stage": "post_loan",
                "topics": "budget",
                "coach": "Luc",
            }
            for name in names
        ],
        "outcomes": [
            {
                "external_id": f"O-{name}",
                "loan_external_id": f"P-{name}",
                "observed_on": opened[name] + timedelta(days=200),
                "business_status": "active",
                "jobs_created": "2",
                "jobs_maintained": "1",
                "turnover": "45000.00",
                "other_financing": "",
            }
            for name in names
        ],
    }


def change(portfolio: Portfolio, kind: str, external_id: str, **changes: object) -> Portfolio:
    """The same portfolio with another content of one row."""
    assert any(row["external_id"] == external_id for row in portfolio[kind]), external_id
    rows = [
        {**row, **changes} if row["external_id"] == external_id else row for row in portfolio[kind]
    ]
    return {**portfolio, kind: rows}


async def send_all(client: Client, portfolio: Portfolio, **query: str) -> dict[str, httpx.Response]:
    """Each kind as a file of its own, in order."""
    return {
        kind: await client.send(kind, write_csv(rows), **query) for kind, rows in portfolio.items()
    }


async def read_state(loans: Loans, client: Client) -> Mapping[str, object]:
    """All that may not depend on how the facts came: totals by day, what stands, what was told."""
    organisation = client.organisation_id
    daily = await loans.look(
        "SELECT * FROM daily_totals WHERE organisation_id = $1 ORDER BY region_code, on_date",
        organisation,
    )
    moving = [tuple(row)[1:] for row in daily if any(tuple(row)[3:])]
    standing = {
        table: [
            tuple(row)
            for row in await loans.look(
                f"""
                SELECT {columns} FROM {table} f WHERE organisation_id = $1 AND NOT EXISTS (
                    SELECT FROM reversals r WHERE r.organisation_id = f.organisation_id
                    AND r.fact_kind = '{kind}' AND r.fact_id = f.{kind}_id)
                ORDER BY external_id
                """,
                organisation,
            )
        ]
        for table, kind, columns in (
            (
                "loans",
                "loan",
                "external_id, stage, purpose, sector_code, region_code, principal_cents, terms,"
                " contracted_on, disbursed_on, funding_state_cents, other_financing_cents",
            ),
            ("repayments", "repayment", "external_id, paid_on, amount_cents, method"),
            (
                "coaching_sessions",
                "coaching_session",
                "external_id, region_code, held_on, duration_minutes, mode, stage, topics",
            ),
            ("outcomes", "outcome", "external_id, observed_on, business_status, jobs_created"),
        )
    }
    positions = await loans.look(
        """
        SELECT l.external_id, s.from_on, s.until_on, s.outstanding_principal_cents,
               s.oldest_unpaid_due_on
        FROM loan_states s JOIN loans l USING (organisation_id, loan_id)
        WHERE organisation_id = $1 ORDER BY 1, 2
        """,
        organisation,
    )
    return {
        "daily": moving,
        "standing": standing,
        "positions": [tuple(row) for row in positions],
        "told": await loans.sum_told(client),
    }


def to_table(rows: Sequence[dict[str, object]]) -> list[list[Value]]:
    table: list[list[Value]] = [[*rows[0]]]
    return table + [[str(cell) for cell in row.values()] for row in rows]


def make_book(
    portfolio: Portfolio,
    order: Sequence[str] = KINDS,
    names: dict[str, str] | None = None,
    others: Sequence[tuple[str, list[list[Value]], bool]] = (),
) -> bytes:
    """`others` are further sheets: their names, what they hold, and whether they are hidden."""

    def fill(book: Workbook) -> None:
        for kind in order:
            write(book, book.add_worksheet((names or FRENCH)[kind]), to_table(portfolio[kind]))
        for name, table, is_hidden in others:
            sheet = book.add_worksheet(name)
            write(book, sheet, table)
            if is_hidden:
                sheet.hide()

    return workbook(fill)
