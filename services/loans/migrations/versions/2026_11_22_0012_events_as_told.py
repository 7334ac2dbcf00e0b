"""Keep what the other services hear of as it is: it is read once, and compressing it costs more."""

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.execute("ALTER TABLE events ALTER COLUMN payload SET STORAGE EXTERNAL")


def downgrade() -> None:
    raise NotImplementedError("facts are append-only: a migration is followed, never undone")
