"""The first month that the network asks for; who made a key that acts; who cancelled an import.

The first row is the month in which the tables are made: before it nobody was asked for anything.
"""

from alembic import op

from services.common.import_tables import add_job_cancellations
from services.common.schema import grant

revision = "0011"
down_revision = "0010"

APP_ROLE = "loans_app"
TOTALS_ROLE = "loans_totals"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE reporting_starts (
            version integer NOT NULL,
            month_on date NOT NULL,
            asked_on date NOT NULL,
            recorded_at timestamptz NOT NULL DEFAULT now(),
            recorded_by text NOT NULL,
            CONSTRAINT reporting_starts_pkey PRIMARY KEY (version),
            CONSTRAINT reporting_starts_month CHECK (extract(day FROM month_on) = 1)
        )
        """
    )
    grant(APP_ROLE, "SELECT, INSERT", ["reporting_starts"])
    op.execute(f"GRANT SELECT (version, month_on, asked_on) ON reporting_starts TO {TOTALS_ROLE}")
    op.execute(
        """
        INSERT INTO reporting_starts (version, month_on, asked_on, recorded_by)
        SELECT 1, date_trunc('month', today), today, 'migration'
        FROM (SELECT cast(now() AT TIME ZONE 'America/Toronto' AS date) AS today) AS clock
        """
    )
    op.execute("ALTER TABLE period_events ADD COLUMN key_made_by text")
    add_job_cancellations()


def downgrade() -> None:
    raise NotImplementedError("facts are append-only: a migration is followed, never undone")
