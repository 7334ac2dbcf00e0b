"""Keep the splits and the states of a loan in one row, an array a column.

An import of repayments then writes a row a loan instead of two a repayment. Who reads them row by
row reads the views `allocations` and `loan_states`, which were tables.
"""

from alembic import op

from services.common.schema import grant, open_to_totals, protect_tenant_table

revision = "0008"
down_revision = "0007"

APP_ROLE = "loans_app"
TOTALS_ROLE = "loans_totals"

FIGURES = (
    "loan_id, repayment_ids, fees_cents, interest_cents, principal_cents,"
    " from_on, outstanding_principal_cents, oldest_unpaid_due_on"
)
VIEWS = {
    "allocations": "repayment_id, loan_id, fees_cents, interest_cents, principal_cents",
    "loan_states": "loan_id, from_on, until_on, outstanding_principal_cents, oldest_unpaid_due_on",
}


def upgrade() -> None:
    create_figures()
    # Row-level security is forced on their owner too, who has no policy: it would move nothing.
    for table in (*VIEWS, "repayments"):
        op.execute(f"ALTER TABLE {table} NO FORCE ROW LEVEL SECURITY")
    move_figures()
    op.execute("ALTER TABLE repayments FORCE ROW LEVEL SECURITY")
    for table in VIEWS:
        op.execute(f"DROP TABLE {table}")
    protect_tenant_table(APP_ROLE, "loan_figures")
    grant(APP_ROLE, "SELECT, INSERT, UPDATE, DELETE", ["loan_figures"])
    open_to_totals(TOTALS_ROLE, "loan_figures", FIGURES)
    create_views()


def downgrade() -> None:
    raise NotImplementedError("facts are append-only: a migration is followed, never undone")


def create_figures() -> None:
    op.execute(
        """
        CREATE TABLE loan_figures (
            organisation_id uuid NOT NULL,
            loan_id uuid NOT NULL,
            repayment_ids uuid[] NOT NULL,
            fees_cents bigint[] NOT NULL,
            interest_cents bigint[] NOT NULL,
            principal_cents bigint[] NOT NULL,
            from_on date[] NOT NULL,
            outstanding_principal_cents bigint[] NOT NULL,
            oldest_unpaid_due_on date[] NOT NULL,
            CONSTRAINT loan_figures_pkey PRIMARY KEY (organisation_id, loan_id),
            CONSTRAINT loan_figures_splits CHECK (
                0 <= ALL (fees_cents) AND 0 <= ALL (interest_cents) AND 0 <= ALL (principal_cents)
                AND cardinality(fees_cents) = cardinality(repayment_ids)
                AND cardinality(interest_cents) = cardinality(repayment_ids)
                AND cardinality(principal_cents) = cardinality(repayment_ids)),
            CONSTRAINT loan_figures_states CHECK (
                0 <= ALL (outstanding_principal_cents) AND cardinality(from_on) > 0
                AND cardinality(outstanding_principal_cents) = cardinality(from_on)
                AND cardinality(oldest_unpaid_due_on) = cardinality(from_on))
        )
        """
    )


def move_figures() -> None:
    op.execute(
        f"""
        INSERT INTO loan_figures (organisation_id, {FIGURES})
        SELECT s.organisation_id, s.loan_id, coalesce(a.repayment_ids, '{{}}'),
               coalesce(a.fees_cents, '{{}}'), coalesce(a.interest_cents, '{{}}'),
               coalesce(a.principal_cents, '{{}}'), s.from_on, s.outstanding_principal_cents,
               s.oldest_unpaid_due_on
        FROM (SELECT organisation_id, loan_id, array_agg(from_on ORDER BY from_on) AS from_on,
                     array_agg(outstanding_principal_cents ORDER BY from_on)
                         AS outstanding_principal_cents,
                     array_agg(oldest_unpaid_due_on ORDER BY from_on) AS oldest_unpaid_due_on
              FROM loan_states GROUP BY 1, 2) AS s
        LEFT JOIN (SELECT organisation_id, loan_id,
                          array_agg(repayment_id ORDER BY n) AS repayment_ids,
                          array_agg(fees_cents ORDER BY n) AS fees_cents,
                          array_agg(interest_cents ORDER BY n) AS interest_cents,
                          array_agg(principal_cents ORDER BY n) AS principal_cents
                   FROM (SELECT a.*, row_number() OVER (ORDER BY f.paid_on,
                                                        f.external_id COLLATE "C") AS n
                         FROM allocations a
                         JOIN repayments f USING (organisation_id, loan_id, repayment_id)) AS a
                   GROUP BY 1, 2) AS a USING (organisation_id, loan_id)
        ON CONFLICT DO NOTHING
        """
    )


def create_views() -> None:
    op.execute(
        """
        CREATE VIEW allocations WITH (security_invoker = true) AS
        SELECT f.organisation_id, f.loan_id, a.*
        FROM loan_figures f CROSS JOIN LATERAL unnest(
            f.repayment_ids, f.fees_cents, f.interest_cents, f.principal_cents
        ) AS a (repayment_id, fees_cents, interest_cents, principal_cents)
        """
    )
    op.execute(
        """
        CREATE VIEW loan_states WITH (security_invoker = true) AS
        SELECT f.organisation_id, f.loan_id, s.*
        FROM loan_figures f CROSS JOIN LATERAL unnest(
            f.from_on, f.from_on[2:] || date '9999-12-31',
            f.outstanding_principal_cents, f.oldest_unpaid_due_on
        ) AS s (from_on, until_on, outstanding_principal_cents, oldest_unpaid_due_on)
        """
    )
    for view, columns in VIEWS.items():
        op.execute(f"GRANT SELECT ON {view} TO {APP_ROLE}")
        op.execute(f"GRANT SELECT (organisation_id, {columns}) ON {view} TO {TOTALS_ROLE}")
