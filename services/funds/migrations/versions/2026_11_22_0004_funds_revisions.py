"""Corrections of contributions; imports keep what they answered beside their counts."""

from alembic import op

from services.common.import_tables import add_import_reports

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.execute(
        "ALTER TABLE contributions ADD COLUMN revision integer NOT NULL DEFAULT 1"
        " CONSTRAINT contributions_revision CHECK (revision >= 1)"
    )
    op.execute("ALTER TABLE contributions DROP CONSTRAINT contributions_external_id_key")
    op.execute(
        "ALTER TABLE contributions ADD CONSTRAINT contributions_external_id_key"
        " UNIQUE (organisation_id, external_id, revision)"
    )
    add_import_reports()
