"""Add whether overdue interest of a loan bears interest: of those on record, none does."""

from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.execute(
        """
        ALTER TABLE loans
            ADD interest_on_overdue_interest boolean,
            ADD CONSTRAINT loans_overdue_interest_daily CHECK (
                interest_on_overdue_interest IS NOT TRUE
                OR interest_accrual IS NOT DISTINCT FROM 'daily')
        """
    )


def downgrade() -> None:
    raise NotImplementedError("facts are append-only: a migration is followed, never undone")
