"""Corrections: a fact's identifier names its revisions, of which the newest is known.

A correction reverses what is on record and records what was sent as the next revision. Imports
keep what they answered beside their counts.
"""

from alembic import op

from services.common.import_tables import add_import_reports

revision = "0005"
down_revision = "0004"

REVISED = (
    "loans",
    "repayments",
    "write_offs",
    "recoveries",
    "disbursements",
    "fees",
    "refunds",
    "reschedulings",
    "moratoria",
    "coaching_sessions",
    "outcomes",
)


def upgrade() -> None:
    for table in REVISED:
        op.execute(
            f"ALTER TABLE {table} ADD COLUMN revision integer NOT NULL DEFAULT 1"
            f" CONSTRAINT {table}_revision CHECK (revision >= 1)"
        )
        op.execute(f"ALTER TABLE {table} DROP CONSTRAINT {table}_external_id")
        op.execute(
            f"ALTER TABLE {table} ADD CONSTRAINT {table}_external_id"
            " UNIQUE (organisation_id, external_id, revision)"
        )
    add_import_reports()
