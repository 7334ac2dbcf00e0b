"""Create the funds schema: contributions, the journal, reservations, agreements."""

from alembic import op

from services.common.import_tables import create_import_tables
from services.common.schema import create_kernel_tables, grant, open_to_totals, protect_tenant_table

revision = "0001"
down_revision = None

APP_ROLE = "funds_app"
TOTALS_ROLE = "funds_totals"

FACTS = (
    "contributions",
    "contribution_repayments",
    "contribution_reversals",
    "journal_transactions",
    "postings",
    "reservations",
    "reservation_decisions",
    "agreements",
    "agreement_payments",
)
UPDATES = {
    "funds": "name",
    "account_days": "amount_cents",
    "journal_cursors": "last_event_number",
}
"""The tables beside the facts, and the one column of each that may change."""

TOTALS_COLUMNS = {
    "funds": "slug, name",
    "contributions": (
        "contribution_id, contributor_kind, instrument, purpose, amount_cents, received_on,"
        " recorded_at"
    ),
    "organisation_counters": "last_event_number",
    "account_days": "account, occurred_on, amount_cents",
    "journal_cursors": "source, last_event_number",
    "contribution_repayments": (
        "repayment_id, contribution_id, amount_cents, repaid_on, recorded_at"
    ),
    "contribution_reversals": "reversal_id, contribution_id, repayment_id, recorded_at",
}
"""What the totals role reads of every organisation, beside organisation_id."""

RECORDED = """
    recorded_at timestamptz NOT NULL DEFAULT now(),
    recorded_by text NOT NULL
"""


def upgrade() -> None:
    create_kernel_tables(APP_ROLE)
    create_import_tables(APP_ROLE)
    create_funds()
    create_contributions()
    create_corrections()
    create_journal()
    create_kept_figures()
    create_reservations()
    create_agreements()
    for table in (*FACTS, *UPDATES):
        protect_tenant_table(APP_ROLE, table)
    grant(APP_ROLE, "SELECT, INSERT", FACTS)
    for table, column in UPDATES.items():
        grant(APP_ROLE, f"SELECT, INSERT, UPDATE ({column})", [table])
    for table, columns in TOTALS_COLUMNS.items():
        open_to_totals(TOTALS_ROLE, table, columns)
    op.execute(f"GRANT EXECUTE ON FUNCTION set_reader(text) TO {TOTALS_ROLE}")


def downgrade() -> None:
    raise NotImplementedError("facts are append-only: a migration is followed, never undone")


def create_funds() -> None:
    op.execute(
        """
        CREATE TABLE funds (
            organisation_id uuid CONSTRAINT funds_pkey PRIMARY KEY,
            slug text NOT NULL,
            name text NOT NULL
        )
        """
    )


def create_contributions() -> None:
    op.execute(
        f"""
        CREATE TABLE contributions (
            organisation_id uuid NOT NULL,
            contribution_id uuid NOT NULL DEFAULT uuidv7(),
            external_id text NOT NULL,
            fingerprint bytea NOT NULL,
            contributor text NOT NULL,
            contributor_kind text NOT NULL,
            instrument text NOT NULL,
            purpose text NOT NULL,
            amount_cents bigint NOT NULL,
            received_on date NOT NULL,
            annual_rate numeric(11, 8),
            repayable_on date,
            {RECORDED},
            CONSTRAINT contributions_pkey PRIMARY KEY (organisation_id, contribution_id),
            CONSTRAINT contributions_external_id_key UNIQUE (organisation_id, external_id),
            CONSTRAINT contributions_contributor_kind_known
                CHECK (contributor_kind IN (
                    'state', 'federal', 'municipal',
                    'financial_institution', 'enterprise', 'foundation', 'union',
                    'individual', 'religious_community', 'non_profit', 'cooperative'
                )),
            CONSTRAINT contributions_instrument_known
                CHECK (instrument IN (
                    'grant', 'donation', 'placement', 'interest_free_loan', 'guarantee'
                )),
            CONSTRAINT contributions_purpose_known CHECK (purpose IN ('capital', 'operations')),
            CONSTRAINT contributions_amount_positive CHECK (amount_cents > 0),
            CONSTRAINT contributions_rate_bounds CHECK (annual_rate BETWEEN 0 AND 100),
            CONSTRAINT contributions_repayable_after_received CHECK (repayable_on >= received_on)
        )
        """
    )
    op.execute(
        f"""
        CREATE TABLE contribution_repayments (
            organisation_id uuid NOT NULL,
            repayment_id uuid NOT NULL DEFAULT uuidv7(),
            contribution_id uuid NOT NULL,
            external_id text NOT NULL,
            fingerprint bytea NOT NULL,
            amount_cents bigint NOT NULL,
            repaid_on date NOT NULL,
            {RECORDED},
            CONSTRAINT contribution_repayments_pkey PRIMARY KEY (organisation_id, repayment_id),
            CONSTRAINT contribution_repayments_external_id_key
                UNIQUE (organisation_id, external_id),
            CONSTRAINT contribution_repayments_amount_positive CHECK (amount_cents > 0),
            CONSTRAINT contribution_repayments_contribution_fkey
                FOREIGN KEY (organisation_id, contribution_id)
                REFERENCES contributions (organisation_id, contribution_id)
        )
        """
    )
    op.execute(
        "CREATE INDEX contribution_repayments_contribution"
        " ON contribution_repayments (organisation_id, contribution_id)"
    )


def create_corrections() -> None:
    """A fact is reversed at most once; a reversal names one fact of either kind."""
    op.execute(
        f"""
        CREATE TABLE contribution_reversals (
            organisation_id uuid NOT NULL,
            reversal_id uuid NOT NULL DEFAULT uuidv7(),
            external_id text,
            fingerprint bytea NOT NULL,
            contribution_id uuid,
            repayment_id uuid,
            reason text NOT NULL,
            {RECORDED},
            CONSTRAINT contribution_reversals_pkey PRIMARY KEY (organisation_id, reversal_id),
            CONSTRAINT contribution_reversals_external_id_key
                UNIQUE (organisation_id, external_id),
            CONSTRAINT contribution_reversals_contribution_key
                UNIQUE (organisation_id, contribution_id),
            CONSTRAINT contribution_reversals_repayment_key
                UNIQUE (organisation_id, repayment_id),
            CONSTRAINT contribution_reversals_one_fact
                CHECK ((contribution_id IS NULL) <> (repayment_id IS NULL)),
            CONSTRAINT contribution_reversals_contribution_fkey
                FOREIGN KEY (organisation_id, contribution_id)
                REFERENCES contributions (organisation_id, contribution_id),
            CONSTRAINT contribution_reversals_repayment_fkey
                FOREIGN KEY (organisation_id, repayment_id)
                REFERENCES contribution_repayments (organisation_id, repayment_id)
        )
        """
    )


def create_journal() -> None:
    """A posting moves an amount between two accounts: no row can be out of balance."""
    op.execute(
        """
        CREATE TABLE journal_transactions (
            organisation_id uuid NOT NULL,
            transaction_number bigint NOT NULL,
            kind text NOT NULL,
            occurred_on date NOT NULL,
            subject_id text NOT NULL,
            fact_id text,
            recorded_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT journal_transactions_pkey PRIMARY KEY (organisation_id, transaction_number)
        )
        """
    )
    op.execute(
        "CREATE INDEX journal_transactions_subject"
        " ON journal_transactions (organisation_id, subject_id)"
    )
    op.execute(
        """
        CREATE TABLE postings (
            organisation_id uuid NOT NULL,
            transaction_number bigint NOT NULL,
            posting_number integer NOT NULL,
            debit_account text NOT NULL,
            credit_account text NOT NULL,
            amount_cents bigint NOT NULL,
            occurred_on date NOT NULL,
            CONSTRAINT postings_pkey
                PRIMARY KEY (organisation_id, transaction_number, posting_number),
            CONSTRAINT postings_amount_positive CHECK (amount_cents > 0),
            CONSTRAINT postings_two_accounts CHECK (debit_account <> credit_account),
            CONSTRAINT postings_transaction_fkey FOREIGN KEY (organisation_id, transaction_number)
                REFERENCES journal_transactions (organisation_id, transaction_number)
        )
        """
    )


def create_kept_figures() -> None:
    op.execute(
        """
        CREATE TABLE account_days (
            organisation_id uuid NOT NULL,
            account text NOT NULL,
            occurred_on date NOT NULL,
            amount_cents bigint NOT NULL,
            CONSTRAINT account_days_pkey PRIMARY KEY (organisation_id, account, occurred_on)
        )
        """
    )
    op.execute(
        """
        CREATE TABLE journal_cursors (
            organisation_id uuid NOT NULL,
            source text NOT NULL,
            last_event_number bigint NOT NULL,
            CONSTRAINT journal_cursors_pkey PRIMARY KEY (organisation_id, source)
        )
        """
    )


def create_reservations() -> None:
    op.execute(
        f"""
        CREATE TABLE reservations (
            organisation_id uuid NOT NULL,
            reservation_id text NOT NULL,
            amount_cents bigint NOT NULL,
            {RECORDED},
            CONSTRAINT reservations_pkey PRIMARY KEY (organisation_id, reservation_id),
            CONSTRAINT reservations_amount_positive CHECK (amount_cents > 0)
        )
        """
    )
    op.execute(
        f"""
        CREATE TABLE reservation_decisions (
            organisation_id uuid NOT NULL,
            reservation_id text NOT NULL,
            decision text NOT NULL,
            decided_on date NOT NULL,
            {RECORDED},
            CONSTRAINT reservation_decisions_pkey PRIMARY KEY (organisation_id, reservation_id),
            CONSTRAINT reservation_decisions_decision_known
                CHECK (decision IN ('posted', 'voided')),
            CONSTRAINT reservation_decisions_reservation_fkey
                FOREIGN KEY (organisation_id, reservation_id)
                REFERENCES reservations (organisation_id, reservation_id)
        )
        """
    )


def create_agreements() -> None:
    op.execute(
        f"""
        CREATE TABLE agreements (
            organisation_id uuid NOT NULL,
            agreement_id uuid NOT NULL DEFAULT uuidv7(),
            external_id text NOT NULL,
            fingerprint bytea NOT NULL,
            funder text NOT NULL,
            title text NOT NULL,
            from_on date NOT NULL,
            to_on date NOT NULL,
            amount_cents bigint NOT NULL,
            purpose text NOT NULL,
            targets jsonb NOT NULL,
            obligations jsonb NOT NULL,
            {RECORDED},
            CONSTRAINT agreements_pkey PRIMARY KEY (organisation_id, agreement_id),
            CONSTRAINT agreements_external_id_key UNIQUE (organisation_id, external_id),
            CONSTRAINT agreements_dates_in_order CHECK (from_on <= to_on),
            CONSTRAINT agreements_amount_positive CHECK (amount_cents > 0),
            CONSTRAINT agreements_purpose_known CHECK (purpose IN ('capital', 'operations'))
        )
        """
    )
    op.execute(
        f"""
        CREATE TABLE agreement_payments (
            organisation_id uuid NOT NULL,
            payment_id uuid NOT NULL DEFAULT uuidv7(),
            agreement_id uuid NOT NULL,
            external_id text NOT NULL,
            fingerprint bytea NOT NULL,
            paid_on date NOT NULL,
            amount_cents bigint NOT NULL,
            beneficiary text,
            {RECORDED},
            CONSTRAINT agreement_payments_pkey PRIMARY KEY (organisation_id, payment_id),
            CONSTRAINT agreement_payments_external_id_key UNIQUE (organisation_id, external_id),
            CONSTRAINT agreement_payments_amount_positive CHECK (amount_cents > 0),
            CONSTRAINT agreement_payments_agreement_fkey
                FOREIGN KEY (organisation_id, agreement_id)
                REFERENCES agreements (organisation_id, agreement_id)
        )
        """
    )
    op.execute(
        "CREATE INDEX agreement_payments_agreement"
        " ON agreement_payments (organisation_id, agreement_id)"
    )
