"""Create the loans schema: borrowers, loans, facts, and the figures kept beside them."""

from alembic import op

from services.common.import_tables import create_import_tables
from services.common.schema import create_kernel_tables, grant, open_to_totals, protect_tenant_table

revision = "0001"
down_revision = None

APP_ROLE = "loans_app"
TOTALS_ROLE = "loans_totals"

FACTS = (
    "loans",
    "disbursements",
    "schedule_versions",
    "instalments",
    "repayments",
    "write_offs",
    "recoveries",
    "coaching_sessions",
    "outcomes",
    "reversals",
)
DESCRIPTIONS = ("borrowers",)
KEPT_FIGURES = ("allocations", "loan_states", "daily_totals")

TOTALS_COLUMNS = {
    "organisation_counters": "last_event_number",
    "events": "event_number, recorded_at",
    "borrowers": "borrower_id, kind, birth_year, gender, region_code, clienteles, social_economy",
    "loans": (
        "loan_id, borrower_id, product, stage, sector_code, region_code, principal_cents,"
        " contracted_on, disbursed_on, funding_state_cents, funding_community_cents,"
        " funding_private_cents, other_financing_cents"
    ),
    "disbursements": "loan_id, disbursed_on, amount_cents",
    "instalments": "loan_id, version, number, due_on, principal_cents, interest_cents, fees_cents",
    "repayments": "repayment_id, loan_id, paid_on, amount_cents",
    "write_offs": "write_off_id, loan_id, written_off_on, amount_cents",
    "recoveries": "recovery_id, loan_id, recovered_on, amount_cents",
    "coaching_sessions": (
        "coaching_session_id, borrower_id, loan_id, region_code, held_on, duration_minutes,"
        " mode, stage"
    ),
    "outcomes": (
        "outcome_id, loan_id, observed_on, business_status, jobs_created, jobs_maintained,"
        " other_financing_cents"
    ),
    "reversals": "fact_kind, fact_id",
    "allocations": "repayment_id, loan_id, fees_cents, interest_cents, principal_cents",
    "loan_states": "loan_id, from_on, until_on, outstanding_principal_cents, oldest_unpaid_due_on",
    "daily_totals": (
        "region_code, on_date, loans_count, loans_cents, repayments_count, repayments_cents,"
        " principal_cents, interest_cents, fees_cents, written_off_cents, recovered_cents,"
        " active_loans_change, outstanding_change_cents, par30_change_cents, par90_change_cents"
    ),
}
"""What the totals role reads of every organisation, beside organisation_id."""

RECORDED = """
    recorded_at timestamptz NOT NULL DEFAULT now(),
    recorded_by text NOT NULL
"""


def upgrade() -> None:
    create_kernel_tables(APP_ROLE)
    create_borrowers()
    create_loans()
    create_schedules()
    create_payments()
    create_follow_up()
    create_reversals()
    create_kept_figures()
    create_import_tables(APP_ROLE)
    for table in (*FACTS, *DESCRIPTIONS, *KEPT_FIGURES):
        protect_tenant_table(APP_ROLE, table)
    grant(APP_ROLE, "SELECT, INSERT", FACTS)
    grant(APP_ROLE, "SELECT, INSERT, UPDATE", DESCRIPTIONS)
    grant(APP_ROLE, "SELECT, INSERT, UPDATE, DELETE", KEPT_FIGURES)
    for table, columns in TOTALS_COLUMNS.items():
        open_to_totals(TOTALS_ROLE, table, columns)
    op.execute(f"GRANT EXECUTE ON FUNCTION set_reader(text) TO {TOTALS_ROLE}")


def downgrade() -> None:
    raise NotImplementedError("facts are append-only: a migration is followed, never undone")


def create_borrowers() -> None:
    op.execute(
        f"""
        CREATE TABLE borrowers (
            organisation_id uuid NOT NULL,
            borrower_id uuid NOT NULL DEFAULT uuidv7(),
            external_id text NOT NULL,
            is_registered boolean NOT NULL,
            kind text NOT NULL,
            given_name text,
            family_name text,
            legal_name text,
            birth_year integer,
            gender text,
            region_code text,
            municipality text,
            postal_code text,
            clienteles text[] NOT NULL,
            enterprise_name text,
            neq text,
            sector_code text,
            social_economy boolean,
            consents text,
            fingerprint bytea NOT NULL,
            {RECORDED},
            CONSTRAINT borrowers_pkey PRIMARY KEY (organisation_id, borrower_id),
            CONSTRAINT borrowers_external_id UNIQUE (organisation_id, external_id),
            CONSTRAINT borrowers_kind CHECK (kind IN ('person', 'legal_person'))
        )
        """
    )


def create_loans() -> None:
    op.execute(
        f"""
        CREATE TABLE loans (
            organisation_id uuid NOT NULL,
            loan_id uuid NOT NULL DEFAULT uuidv7(),
            external_id text NOT NULL,
            borrower_id uuid NOT NULL,
            product text NOT NULL,
            stage text,
            purpose text,
            sector_code text,
            region_code text NOT NULL,
            principal_cents bigint NOT NULL,
            terms jsonb NOT NULL,
            contracted_on date NOT NULL,
            disbursed_on date NOT NULL,
            funding_state_cents bigint NOT NULL,
            funding_community_cents bigint NOT NULL,
            funding_private_cents bigint NOT NULL,
            other_financing_cents bigint NOT NULL,
            fingerprint bytea NOT NULL,
            {RECORDED},
            CONSTRAINT loans_pkey PRIMARY KEY (organisation_id, loan_id),
            CONSTRAINT loans_external_id UNIQUE (organisation_id, external_id),
            CONSTRAINT loans_borrower FOREIGN KEY (organisation_id, borrower_id)
                REFERENCES borrowers (organisation_id, borrower_id),
            CONSTRAINT loans_principal CHECK (principal_cents > 0),
            CONSTRAINT loans_dates CHECK (contracted_on <= disbursed_on),
            CONSTRAINT loans_funding CHECK (
                least(funding_state_cents, funding_community_cents, funding_private_cents) >= 0
                AND funding_state_cents + funding_community_cents + funding_private_cents
                    <= principal_cents),
            CONSTRAINT loans_other_financing CHECK (other_financing_cents >= 0)
        )
        """
    )
    op.execute("CREATE INDEX loans_borrower_id ON loans (organisation_id, borrower_id)")
    op.execute(
        f"""
        CREATE TABLE disbursements (
            organisation_id uuid NOT NULL,
            disbursement_id uuid NOT NULL DEFAULT uuidv7(),
            loan_id uuid NOT NULL,
            disbursed_on date NOT NULL,
            amount_cents bigint NOT NULL,
            fees_withheld_cents bigint NOT NULL,
            {RECORDED},
            CONSTRAINT disbursements_pkey PRIMARY KEY (organisation_id, disbursement_id),
            CONSTRAINT disbursements_loan UNIQUE (organisation_id, loan_id),
            CONSTRAINT disbursements_loan_id FOREIGN KEY (organisation_id, loan_id)
                REFERENCES loans (organisation_id, loan_id),
            CONSTRAINT disbursements_amount
                CHECK (amount_cents > 0 AND fees_withheld_cents BETWEEN 0 AND amount_cents)
        )
        """
    )


def create_schedules() -> None:
    op.execute(
        f"""
        CREATE TABLE schedule_versions (
            organisation_id uuid NOT NULL,
            loan_id uuid NOT NULL,
            version integer NOT NULL,
            effective_on date NOT NULL,
            reason text NOT NULL,
            {RECORDED},
            CONSTRAINT schedule_versions_pkey PRIMARY KEY (organisation_id, loan_id, version),
            CONSTRAINT schedule_versions_loan FOREIGN KEY (organisation_id, loan_id)
                REFERENCES loans (organisation_id, loan_id)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE instalments (
            organisation_id uuid NOT NULL,
            loan_id uuid NOT NULL,
            version integer NOT NULL,
            number integer NOT NULL,
            due_on date NOT NULL,
            principal_cents bigint NOT NULL,
            interest_cents bigint NOT NULL,
            fees_cents bigint NOT NULL,
            CONSTRAINT instalments_pkey PRIMARY KEY (organisation_id, loan_id, version, number),
            CONSTRAINT instalments_version FOREIGN KEY (organisation_id, loan_id, version)
                REFERENCES schedule_versions (organisation_id, loan_id, version),
            CONSTRAINT instalments_amounts
                CHECK (least(principal_cents, interest_cents, fees_cents) >= 0)
        )
        """
    )


def create_payments() -> None:
    op.execute(
        f"""
        CREATE TABLE repayments (
            organisation_id uuid NOT NULL,
            repayment_id uuid NOT NULL DEFAULT uuidv7(),
            loan_id uuid NOT NULL,
            external_id text NOT NULL,
            paid_on date NOT NULL,
            amount_cents bigint NOT NULL,
            method text,
            fingerprint bytea NOT NULL,
            {RECORDED},
            CONSTRAINT repayments_pkey PRIMARY KEY (organisation_id, repayment_id),
            CONSTRAINT repayments_external_id UNIQUE (organisation_id, external_id),
            CONSTRAINT repayments_loan FOREIGN KEY (organisation_id, loan_id)
                REFERENCES loans (organisation_id, loan_id),
            CONSTRAINT repayments_amount CHECK (amount_cents > 0)
        )
        """
    )
    op.execute("CREATE INDEX repayments_loan_id ON repayments (organisation_id, loan_id, paid_on)")
    for table, key, on in (
        ("write_offs", "write_off_id", "written_off_on"),
        ("recoveries", "recovery_id", "recovered_on"),
    ):
        op.execute(
            f"""
            CREATE TABLE {table} (
                organisation_id uuid NOT NULL,
                {key} uuid NOT NULL DEFAULT uuidv7(),
                loan_id uuid NOT NULL,
                external_id text NOT NULL,
                {on} date NOT NULL,
                amount_cents bigint NOT NULL,
                reason text NOT NULL,
                fingerprint bytea NOT NULL,
                {RECORDED},
                CONSTRAINT {table}_pkey PRIMARY KEY (organisation_id, {key}),
                CONSTRAINT {table}_external_id UNIQUE (organisation_id, external_id),
                CONSTRAINT {table}_loan FOREIGN KEY (organisation_id, loan_id)
                    REFERENCES loans (organisation_id, loan_id),
                CONSTRAINT {table}_amount CHECK (amount_cents > 0)
            )
            """
        )
        op.execute(f"CREATE INDEX {table}_loan_id ON {table} (organisation_id, loan_id, {on})")


def create_follow_up() -> None:
    op.execute(
        f"""
        CREATE TABLE coaching_sessions (
            organisation_id uuid NOT NULL,
            coaching_session_id uuid NOT NULL DEFAULT uuidv7(),
            external_id text NOT NULL,
            borrower_id uuid NOT NULL,
            loan_id uuid,
            region_code text NOT NULL,
            coach text,
            held_on date NOT NULL,
            duration_minutes integer NOT NULL,
            mode text NOT NULL,
            stage text NOT NULL,
            topics text[] NOT NULL,
            next_action text,
            fingerprint bytea NOT NULL,
            {RECORDED},
            CONSTRAINT coaching_sessions_pkey PRIMARY KEY (organisation_id, coaching_session_id),
            CONSTRAINT coaching_sessions_external_id UNIQUE (organisation_id, external_id),
            CONSTRAINT coaching_sessions_borrower FOREIGN KEY (organisation_id, borrower_id)
                REFERENCES borrowers (organisation_id, borrower_id),
            CONSTRAINT coaching_sessions_loan FOREIGN KEY (organisation_id, loan_id)
                REFERENCES loans (organisation_id, loan_id),
            CONSTRAINT coaching_sessions_duration CHECK (duration_minutes BETWEEN 1 AND 1440)
        )
        """
    )
    op.execute(
        "CREATE INDEX coaching_sessions_held_on ON coaching_sessions (organisation_id, held_on)"
    )
    op.execute(
        f"""
        CREATE TABLE outcomes (
            organisation_id uuid NOT NULL,
            outcome_id uuid NOT NULL DEFAULT uuidv7(),
            loan_id uuid NOT NULL,
            external_id text NOT NULL,
            observed_on date NOT NULL,
            business_status text NOT NULL,
            jobs_created integer NOT NULL,
            jobs_maintained integer NOT NULL,
            turnover_cents bigint,
            other_financing_cents bigint,
            fingerprint bytea NOT NULL,
            {RECORDED},
            CONSTRAINT outcomes_pkey PRIMARY KEY (organisation_id, outcome_id),
            CONSTRAINT outcomes_external_id UNIQUE (organisation_id, external_id),
            CONSTRAINT outcomes_loan FOREIGN KEY (organisation_id, loan_id)
                REFERENCES loans (organisation_id, loan_id),
            CONSTRAINT outcomes_jobs CHECK (least(jobs_created, jobs_maintained) >= 0)
        )
        """
    )
    op.execute("CREATE INDEX outcomes_loan_id ON outcomes (organisation_id, loan_id, observed_on)")


def create_reversals() -> None:
    op.execute(
        f"""
        CREATE TABLE reversals (
            organisation_id uuid NOT NULL,
            fact_kind text NOT NULL,
            fact_id uuid NOT NULL,
            reversal_id uuid NOT NULL DEFAULT uuidv7(),
            reason text NOT NULL,
            {RECORDED},
            CONSTRAINT reversals_pkey PRIMARY KEY (organisation_id, fact_kind, fact_id),
            CONSTRAINT reversals_fact_kind CHECK (fact_kind IN
                ('repayment', 'write_off', 'recovery', 'coaching_session', 'outcome'))
        )
        """
    )


def create_kept_figures() -> None:
    op.execute(
        """
        CREATE TABLE allocations (
            organisation_id uuid NOT NULL,
            loan_id uuid NOT NULL,
            repayment_id uuid NOT NULL,
            fees_cents bigint NOT NULL,
            interest_cents bigint NOT NULL,
            principal_cents bigint NOT NULL,
            CONSTRAINT allocations_pkey PRIMARY KEY (organisation_id, loan_id, repayment_id),
            CONSTRAINT allocations_amounts
                CHECK (least(fees_cents, interest_cents, principal_cents) >= 0)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE loan_states (
            organisation_id uuid NOT NULL,
            loan_id uuid NOT NULL,
            from_on date NOT NULL,
            until_on date NOT NULL,
            outstanding_principal_cents bigint NOT NULL,
            oldest_unpaid_due_on date,
            CONSTRAINT loan_states_pkey PRIMARY KEY (organisation_id, loan_id, from_on),
            CONSTRAINT loan_states_dates CHECK (from_on < until_on),
            CONSTRAINT loan_states_outstanding CHECK (outstanding_principal_cents >= 0)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE daily_totals (
            organisation_id uuid NOT NULL,
            region_code text NOT NULL,
            on_date date NOT NULL,
            loans_count bigint NOT NULL,
            loans_cents bigint NOT NULL,
            repayments_count bigint NOT NULL,
            repayments_cents bigint NOT NULL,
            principal_cents bigint NOT NULL,
            interest_cents bigint NOT NULL,
            fees_cents bigint NOT NULL,
            written_off_cents bigint NOT NULL,
            recovered_cents bigint NOT NULL,
            active_loans_change bigint NOT NULL,
            outstanding_change_cents bigint NOT NULL,
            par30_change_cents bigint NOT NULL,
            par90_change_cents bigint NOT NULL,
            CONSTRAINT daily_totals_pkey PRIMARY KEY (organisation_id, region_code, on_date)
        )
        """
    )
