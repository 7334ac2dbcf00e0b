"""Keep apart what later fees took of the surplus of repayments: it counts on the fees' dates."""

from alembic import op

revision = "0009"
down_revision = "0008"

APP_ROLE = "loans_app"
TOTALS_ROLE = "loans_totals"

COLUMNS = {
    "credit_repayment_ids": "uuid[]",
    "credit_fee_ids": "uuid[]",
    "credit_used_on": "date[]",
    "credit_used_cents": "bigint[]",
}


def upgrade() -> None:
    for column, kind in COLUMNS.items():
        op.execute(f"ALTER TABLE loan_figures ADD COLUMN {column} {kind} NOT NULL DEFAULT '{{}}'")
        op.execute(f"ALTER TABLE loan_figures ALTER COLUMN {column} DROP DEFAULT")
    op.execute(
        """
        ALTER TABLE loan_figures ADD CONSTRAINT loan_figures_credit_uses CHECK (
            0 < ALL (credit_used_cents)
            AND cardinality(credit_fee_ids) = cardinality(credit_repayment_ids)
            AND cardinality(credit_used_on) = cardinality(credit_repayment_ids)
            AND cardinality(credit_used_cents) = cardinality(credit_repayment_ids))
        """
    )
    op.execute(f"GRANT SELECT ({', '.join(COLUMNS)}) ON loan_figures TO {TOTALS_ROLE}")
    op.execute(
        """
        CREATE VIEW credit_uses WITH (security_invoker = true) AS
        SELECT f.organisation_id, f.loan_id, u.*
        FROM loan_figures f CROSS JOIN LATERAL unnest(
            f.credit_repayment_ids, f.credit_fee_ids, f.credit_used_on, f.credit_used_cents
        ) WITH ORDINALITY AS u (repayment_id, fee_id, used_on, amount_cents, number)
        """
    )
    op.execute(f"GRANT SELECT ON credit_uses TO {APP_ROLE}")
    columns = "organisation_id, loan_id, repayment_id, fee_id, used_on, amount_cents"
    op.execute(f"GRANT SELECT ({columns}) ON credit_uses TO {TOTALS_ROLE}")


def downgrade() -> None:
    raise NotImplementedError("facts are append-only: a migration is followed, never undone")
