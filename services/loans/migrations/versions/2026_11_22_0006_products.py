"""Create the network's catalogue, products and provision matrices, and put the first ones in it.

The first versions are what the network was seen lending under; none is binding, so that what was
lent otherwise is recorded all the same. The network posts what it decides after them.
"""

import json
from collections.abc import Mapping
from datetime import date

from alembic import op
from sqlalchemy import text

from services.common.schema import grant

revision = "0006"
down_revision = "0005"

APP_ROLE = "loans_app"
TOTALS_ROLE = "loans_totals"

EFFECTIVE_ON = date(1990, 1, 1)
RECORDED_BY = "migration"

ON_BALANCE = {"interest_method": "declining_balance"}
MONTHLY = {**ON_BALANCE, "frequency": "months"}


def rules(
    names: tuple[str, str],
    amounts: tuple[str, str],
    months: tuple[int, int],
    conventions: Mapping[str, object],
    *,
    capital_only: int,
    everything: int,
    **eligibility: object,
) -> Mapping[str, object]:
    allowed = [
        {"kind": kind, "periods_max": periods}
        for kind, periods in (("capital_only", capital_only), ("capital_and_interest", everything))
        if periods
    ]
    return {
        "names": {"fr": names[0], "en": names[1]},
        "binding": False,
        "limits": {
            "amount_min": amounts[0],
            "amount_max": amounts[1],
            "term_months_min": months[0],
            "term_months_max": months[1],
            "annual_rate_min": "0",
            "annual_rate_max": "12",
        },
        "conventions": conventions,
        "interest_accrual": "scheduled",
        "allocation_order": "fees_interest_principal",
        "moratoria": {"allowed": allowed, "periods_max": capital_only + everything or None},
        "fees": {"percent_max": "5"},
        "eligibility": eligibility,
    }


PRODUCTS = {
    "individual_loan": rules(
        ("Prêt individuel", "Individual loan"),
        ("500.00", "20000.00"),
        (1, 60),
        MONTHLY,
        capital_only=6,
        everything=3,
        previous_loan_closed=True,
    ),
    "circle_loan": rules(
        ("Prêt de cercle", "Circle loan"),
        ("1000.00", "5000.00"),
        (1, 36),
        ON_BALANCE,
        capital_only=6,
        everything=3,
        borrower_kinds=["person"],
        previous_loan_closed=True,
    ),
    "bridge_loan": rules(
        ("Prêt relais", "Bridge loan"),
        ("500.00", "50000.00"),
        (1, 24),
        ON_BALANCE,
        capital_only=6,
        everything=3,
    ),
    "first_loan": rules(
        ("Premier prêt", "First loan"),
        ("100.00", "5000.00"),
        (1, 36),
        ON_BALANCE,
        capital_only=6,
        everything=3,
        borrower_kinds=["person"],
        cycle_min=1,
        cycle_max=1,
    ),
    "emergency_loan": rules(
        ("Coup de pouce", "Emergency loan"),
        ("20.00", "1000.00"),
        (0, 3),
        ON_BALANCE,
        capital_only=0,
        everything=0,
        borrower_kinds=["person"],
    ),
}

# The grid most microfinance institutions start from; rescheduled loans as the MicroBanking
# Bulletin provisions them. An illustration, not the policy of any member.
MATRIX = {
    "current_rate": "0",
    "rescheduled_rate_min": "50",
    "classes": [
        {"days_over": 0, "rate": "10"},
        {"days_over": 30, "rate": "25"},
        {"days_over": 60, "rate": "50"},
        {"days_over": 90, "rate": "75"},
        {"days_over": 180, "rate": "100"},
    ],
}

RECORDED = """
    recorded_at timestamptz NOT NULL DEFAULT now(),
    recorded_by text NOT NULL
"""


def upgrade() -> None:
    create_tables()
    grant(APP_ROLE, "SELECT, INSERT", ["product_versions", "provision_matrices"])
    op.execute(f"GRANT SELECT (effective_on, rules) ON provision_matrices TO {TOTALS_ROLE}")
    op.execute("ALTER TABLE loans ADD COLUMN product_version integer")
    fill_tables()


def downgrade() -> None:
    raise NotImplementedError("facts are append-only: a migration is followed, never undone")


def create_tables() -> None:
    op.execute(
        f"""
        CREATE TABLE product_versions (
            code text NOT NULL,
            version integer NOT NULL,
            effective_on date NOT NULL,
            rules jsonb NOT NULL,
            {RECORDED},
            CONSTRAINT product_versions_pkey PRIMARY KEY (code, version),
            CONSTRAINT product_versions_effective_on UNIQUE (code, effective_on),
            CONSTRAINT product_versions_version CHECK (version >= 1)
        )
        """
    )
    op.execute(
        f"""
        CREATE TABLE provision_matrices (
            effective_on date NOT NULL,
            rules jsonb NOT NULL,
            {RECORDED},
            CONSTRAINT provision_matrices_pkey PRIMARY KEY (effective_on)
        )
        """
    )


def fill_tables() -> None:
    insert = text(
        "INSERT INTO product_versions (code, version, effective_on, rules, recorded_by)"
        " VALUES (:code, 1, :effective_on, cast(:rules AS jsonb), :recorded_by)"
    )
    for code, content in PRODUCTS.items():
        op.get_bind().execute(insert, _row(content, code=code))
    op.get_bind().execute(
        text(
            "INSERT INTO provision_matrices (effective_on, rules, recorded_by)"
            " VALUES (:effective_on, cast(:rules AS jsonb), :recorded_by)"
        ),
        _row(MATRIX),
    )


def _row(content: Mapping[str, object], **more: str) -> dict[str, object]:
    return {
        "effective_on": EFFECTIVE_ON,
        "rules": json.dumps(content),
        "recorded_by": RECORDED_BY,
        **more,
    }
