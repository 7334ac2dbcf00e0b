"""Long imports as jobs, the digest of what an import read, files whose content may be dropped."""

from services.common.import_tables import create_import_jobs

revision = "0003"
down_revision = "0002"

APP_ROLE = "funds_app"


def upgrade() -> None:
    create_import_jobs(APP_ROLE)
