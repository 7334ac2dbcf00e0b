"""Mappings of imports: an organisation's own titles and codes; what reading a file said."""

from services.common.import_tables import add_import_readings, create_mapping_tables

revision = "0003"
down_revision = "0002"

APP_ROLE = "loans_app"


def upgrade() -> None:
    create_mapping_tables(APP_ROLE)
    add_import_readings()


def downgrade() -> None:
    raise NotImplementedError("facts are append-only: a migration is followed, never undone")
