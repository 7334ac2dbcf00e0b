"""The tables of the funds service, by kind; migrations, grants and the catalogue's checks read it.

Every table is a tenant table; agreements belong to NO_ORGANISATION, the network itself.

    funds                                    the slug and name of an organisation we have heard of
    contributions ─┬─ contribution_repayments      what contributors give and get back
                   └─ contribution_reversals
    journal_transactions ─ postings          the journal; account_days is kept beside it
    journal_cursors                          how far the loans' events have been posted
    reservations ─ reservation_decisions     money set aside, then posted or voided
    agreements ─ agreement_payments
"""

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
"""Append-only: the service may read and insert, never update or delete."""

DESCRIPTIONS = ("funds",)
"""What the register calls an organisation; the register keeps its history."""

KEPT_FIGURES = ("account_days", "journal_cursors")
"""Written in the transaction of the fact; `reseau verify` rebuilds the first from the postings."""

TENANT_TABLES = FACTS + DESCRIPTIONS + KEPT_FIGURES

UPDATES = {
    "funds": "name",
    "account_days": "amount_cents",
    "journal_cursors": "last_event_number",
}
"""The one column of each that may change."""

TOTALS_COLUMNS: dict[str, tuple[str, ...]] = {
    "funds": ("organisation_id", "slug", "name"),
    "contributions": (
        "organisation_id",
        "contribution_id",
        "contributor_kind",
        "instrument",
        "purpose",
        "amount_cents",
        "received_on",
        "recorded_at",
    ),
    "organisation_counters": ("organisation_id", "last_event_number"),
    "account_days": ("organisation_id", "account", "occurred_on", "amount_cents"),
    "journal_cursors": ("organisation_id", "source", "last_event_number"),
    "contribution_repayments": (
        "organisation_id",
        "repayment_id",
        "contribution_id",
        "amount_cents",
        "repaid_on",
        "recorded_at",
    ),
    "contribution_reversals": (
        "organisation_id",
        "reversal_id",
        "contribution_id",
        "repayment_id",
        "recorded_at",
    ),
}
"""What the totals role reads of every organisation: nothing that names a contributor."""
