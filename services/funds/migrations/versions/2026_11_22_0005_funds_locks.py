"""Months that the loans service locked or reopened; who cancelled a long import."""

from alembic import op

from services.common.import_tables import add_job_cancellations
from services.common.schema import grant, open_to_totals, protect_tenant_table

revision = "0005"
down_revision = "0004"

APP_ROLE = "funds_app"
TOTALS_ROLE = "funds_totals"


def upgrade() -> None:
    op.execute(
        """
        CREATE TABLE period_events (
            organisation_id uuid NOT NULL,
            month_on date NOT NULL,
            event_number bigint NOT NULL,
            kind text NOT NULL,
            recorded_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT period_events_pkey PRIMARY KEY (organisation_id, month_on, event_number),
            CONSTRAINT period_events_month CHECK (extract(day FROM month_on) = 1),
            CONSTRAINT period_events_kind CHECK (kind IN ('locked', 'reopened'))
        )
        """
    )
    protect_tenant_table(APP_ROLE, "period_events")
    grant(APP_ROLE, "SELECT, INSERT", ["period_events"])
    open_to_totals(TOTALS_ROLE, "period_events", "month_on, event_number, kind")
    add_job_cancellations()


def downgrade() -> None:
    raise NotImplementedError("facts are append-only: a migration is followed, never undone")
