"""Give loans a life: later disbursements, fees, refunds, new schedules, purposes of payments."""

from alembic import op

from services.common.schema import grant, open_to_totals, protect_tenant_table

revision = "0002"
down_revision = "0001"

APP_ROLE = "loans_app"
TOTALS_ROLE = "loans_totals"

FACTS = ("fees", "refunds", "reschedulings", "moratoria")
TOTALS_COLUMNS = {
    "fees": "fee_id, loan_id, charged_on, amount_cents",
    "refunds": "refund_id, loan_id, refunded_on, amount_cents",
    "reschedulings": "rescheduling_id, loan_id, rescheduled_on",
    "moratoria": "moratorium_id, loan_id, starts_on, kind",
    "schedule_spans": "loan_id, version, from_on, until_on",
}

RECORDED = """
    reason text NOT NULL,
    fingerprint bytea NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    recorded_by text NOT NULL
"""

FACT_KINDS = (
    "loan",
    "disbursement",
    "repayment",
    "fee",
    "refund",
    "write_off",
    "recovery",
    "rescheduling",
    "moratorium",
    "coaching_session",
    "outcome",
)


def upgrade() -> None:
    change_loans()
    create_fact("fees", "fee_id", "charged_on", "amount_cents bigint NOT NULL")
    create_fact("refunds", "refund_id", "refunded_on", "amount_cents bigint NOT NULL")
    create_fact("reschedulings", "rescheduling_id", "rescheduled_on", "terms jsonb NOT NULL")
    create_fact(
        "moratoria",
        "moratorium_id",
        "starts_on",
        "kind text NOT NULL, periods integer NOT NULL, interest text NOT NULL",
    )
    for table in ("fees", "refunds"):
        op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {table}_amount CHECK (amount_cents > 0)")
    op.execute("ALTER TABLE moratoria ADD CONSTRAINT moratoria_periods CHECK (periods > 0)")
    create_schedule_spans()
    for table in (*FACTS, "schedule_spans"):
        protect_tenant_table(APP_ROLE, table)
    grant(APP_ROLE, "SELECT, INSERT", FACTS)
    grant(APP_ROLE, "SELECT, INSERT, UPDATE, DELETE", ["schedule_spans"])
    for table, columns in TOTALS_COLUMNS.items():
        open_to_totals(TOTALS_ROLE, table, columns)
    op.execute(f"GRANT SELECT (disbursement_id, number) ON disbursements TO {TOTALS_ROLE}")


def downgrade() -> None:
    raise NotImplementedError("facts are append-only: a migration is followed, never undone")


def change_loans() -> None:
    op.execute("ALTER TABLE loans ADD interest_accrual text, ADD allocation_order text")
    op.execute("ALTER TABLE schedule_versions ADD cause_kind text, ADD cause_id uuid")
    op.execute("ALTER TABLE repayments ADD purpose text, ADD surplus text")
    op.execute(
        """
        ALTER TABLE disbursements
            ADD number integer NOT NULL DEFAULT 1,
            ADD external_id text,
            ADD fingerprint bytea,
            DROP CONSTRAINT disbursements_loan,
            ADD CONSTRAINT disbursements_number UNIQUE (organisation_id, loan_id, number),
            ADD CONSTRAINT disbursements_external_id UNIQUE (organisation_id, external_id),
            ADD CONSTRAINT disbursements_named
                CHECK (number = 1 OR external_id IS NOT NULL AND fingerprint IS NOT NULL)
        """
    )
    kinds = ", ".join(f"'{kind}'" for kind in FACT_KINDS)
    op.execute(
        f"""
        ALTER TABLE reversals
            DROP CONSTRAINT reversals_fact_kind,
            ADD CONSTRAINT reversals_fact_kind CHECK (fact_kind IN ({kinds}))
        """
    )


def create_fact(table: str, key: str, on: str, content: str) -> None:
    op.execute(
        f"""
        CREATE TABLE {table} (
            organisation_id uuid NOT NULL,
            {key} uuid NOT NULL DEFAULT uuidv7(),
            loan_id uuid NOT NULL,
            external_id text NOT NULL,
            {on} date NOT NULL,
            {content},
            {RECORDED},
            CONSTRAINT {table}_pkey PRIMARY KEY (organisation_id, {key}),
            CONSTRAINT {table}_external_id UNIQUE (organisation_id, external_id),
            CONSTRAINT {table}_loan FOREIGN KEY (organisation_id, loan_id)
                REFERENCES loans (organisation_id, loan_id)
        )
        """
    )
    op.execute(f"CREATE INDEX {table}_loan_id ON {table} (organisation_id, loan_id, {on})")


def create_schedule_spans() -> None:
    op.execute(
        """
        CREATE TABLE schedule_spans (
            organisation_id uuid NOT NULL,
            loan_id uuid NOT NULL,
            version integer NOT NULL,
            from_on date NOT NULL,
            until_on date NOT NULL,
            CONSTRAINT schedule_spans_pkey PRIMARY KEY (organisation_id, loan_id, version),
            CONSTRAINT schedule_spans_dates CHECK (from_on <= until_on)
        )
        """
    )
