"""The tables of the loans service, by kind; migrations, grants and the catalogue's checks read it.

Every table is a tenant table: `organisation_id` comes first in each of its keys, and row-level
security is forced on it. There is no reference table here: the regions belong to the registry.
"""

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
"""Append-only: the service may read and insert, never update or delete."""

DESCRIPTIONS = ("borrowers",)
"""Who the facts are about: a description may be completed; each change is audited."""

KEPT_FIGURES = ("allocations", "loan_states", "daily_totals")
"""Derived from the facts in the transaction that records them; `reseau verify` rebuilds them."""

TENANT_TABLES = FACTS + DESCRIPTIONS + KEPT_FIGURES

TOTALS_COLUMNS: dict[str, tuple[str, ...]] = {
    "organisation_counters": ("organisation_id", "last_event_number"),
    "events": ("organisation_id", "event_number", "recorded_at"),
    "borrowers": (
        "organisation_id",
        "borrower_id",
        "kind",
        "birth_year",
        "gender",
        "region_code",
        "clienteles",
        "social_economy",
    ),
    "loans": (
        "organisation_id",
        "loan_id",
        "borrower_id",
        "product",
        "stage",
        "sector_code",
        "region_code",
        "principal_cents",
        "contracted_on",
        "disbursed_on",
        "funding_state_cents",
        "funding_community_cents",
        "funding_private_cents",
        "other_financing_cents",
    ),
    "disbursements": ("organisation_id", "loan_id", "disbursed_on", "amount_cents"),
    "instalments": (
        "organisation_id",
        "loan_id",
        "version",
        "number",
        "due_on",
        "principal_cents",
        "interest_cents",
        "fees_cents",
    ),
    "repayments": ("organisation_id", "repayment_id", "loan_id", "paid_on", "amount_cents"),
    "write_offs": ("organisation_id", "write_off_id", "loan_id", "written_off_on", "amount_cents"),
    "recoveries": ("organisation_id", "recovery_id", "loan_id", "recovered_on", "amount_cents"),
    "coaching_sessions": (
        "organisation_id",
        "coaching_session_id",
        "borrower_id",
        "loan_id",
        "region_code",
        "held_on",
        "duration_minutes",
        "mode",
        "stage",
    ),
    "outcomes": (
        "organisation_id",
        "outcome_id",
        "loan_id",
        "observed_on",
        "business_status",
        "jobs_created",
        "jobs_maintained",
        "other_financing_cents",
    ),
    "reversals": ("organisation_id", "fact_kind", "fact_id"),
    "allocations": (
        "organisation_id",
        "repayment_id",
        "loan_id",
        "fees_cents",
        "interest_cents",
        "principal_cents",
    ),
    "loan_states": (
        "organisation_id",
        "loan_id",
        "from_on",
        "until_on",
        "outstanding_principal_cents",
        "oldest_unpaid_due_on",
    ),
    "daily_totals": (
        "organisation_id",
        "region_code",
        "on_date",
        "loans_count",
        "loans_cents",
        "repayments_count",
        "repayments_cents",
        "principal_cents",
        "interest_cents",
        "fees_cents",
        "written_off_cents",
        "recovered_cents",
        "active_loans_change",
        "outstanding_change_cents",
        "par30_change_cents",
        "par90_change_cents",
    ),
}
"""What the totals role may read of every organisation: nothing here names or locates a person."""
