"""The tables of the loans service, by kind; the catalogue's checks read it.

    borrowers ─ loans ─┬─ disbursements
                       ├─ schedule_versions ─ instalments
                       ├─ repayments           loan_figures    ┐
                       ├─ fees                 schedule_spans  ├ kept beside the facts
                       ├─ refunds              daily_totals    ┘
                       ├─ write_offs
                       ├─ recoveries
                       ├─ reschedulings
                       ├─ moratoria
                       ├─ outcomes
        └──────────────┴─ coaching_sessions    reversals: of any fact

Every table of facts is a tenant table: `organisation_id` comes first in each of its keys, and
row-level security is forced on it. The network's catalogue, `product_versions` and
`provision_matrices`, is small, the same for every member, and only added to: reference tables.
"""

from datetime import date
from uuid import UUID

from sqlalchemy import UniqueConstraint
from sqlmodel import SQLModel

from services.common.tables import (
    BigInt,
    Cents,
    CentsList,
    CentsOrNone,
    DateKey,
    DayList,
    Document,
    First,
    IdList,
    Key,
    NewId,
    NewKey,
    Personal,
    PersonalOrNone,
    RecordedAt,
    Revision,
    SmallKey,
    TextKey,
    WordList,
    Words,
    WordsOrNone,
    index,
    new_registry,
    references,
    unique,
)


class LoansTable(SQLModel, registry=new_registry()):
    """A table of the schema `loans`."""


class Borrower(LoansTable, table=True):
    __tablename__ = "borrowers"
    __table_args__ = (unique("borrowers_external_id", "external_id"),)

    organisation_id: Key
    borrower_id: NewKey
    external_id: Personal
    is_registered: bool
    kind: Words
    given_name: PersonalOrNone
    family_name: PersonalOrNone
    legal_name: PersonalOrNone
    birth_year: int | None
    gender: WordsOrNone
    region_code: WordsOrNone
    municipality: PersonalOrNone
    postal_code: PersonalOrNone
    clienteles: WordList
    enterprise_name: PersonalOrNone
    neq: PersonalOrNone
    sector_code: WordsOrNone
    social_economy: bool | None
    consents: PersonalOrNone
    fingerprint: bytes
    recorded_at: RecordedAt
    recorded_by: Words


class Loan(LoansTable, table=True):
    __tablename__ = "loans"
    __table_args__ = (
        unique("loans_external_id", "external_id", "revision"),
        references("loans_borrower", "borrowers", "borrower_id"),
        index("loans_borrower_id", "borrower_id"),
    )

    organisation_id: Key
    loan_id: NewKey
    external_id: Personal
    borrower_id: UUID
    product: Words
    stage: WordsOrNone
    purpose: PersonalOrNone
    sector_code: WordsOrNone
    region_code: Words
    principal_cents: Cents
    terms: Document
    contracted_on: date
    disbursed_on: date
    funding_state_cents: Cents
    funding_community_cents: Cents
    funding_private_cents: Cents
    other_financing_cents: Cents
    interest_accrual: WordsOrNone
    allocation_order: WordsOrNone
    fingerprint: bytes
    recorded_at: RecordedAt
    recorded_by: Words
    product_version: int | None
    revision: Revision


class Disbursement(LoansTable, table=True):
    """The first comes with its loan; a later one is posted, under an identifier of its own."""

    __tablename__ = "disbursements"
    __table_args__ = (
        unique("disbursements_number", "loan_id", "number"),
        unique("disbursements_external_id", "external_id", "revision"),
        references("disbursements_loan_id", "loans", "loan_id"),
    )

    organisation_id: Key
    disbursement_id: NewKey
    loan_id: UUID
    number: First
    external_id: PersonalOrNone
    fingerprint: bytes | None
    disbursed_on: date
    amount_cents: Cents
    fees_withheld_cents: Cents
    recorded_at: RecordedAt
    recorded_by: Words
    revision: Revision


class ScheduleVersion(LoansTable, table=True):
    __tablename__ = "schedule_versions"
    __table_args__ = (references("schedule_versions_loan", "loans", "loan_id"),)

    organisation_id: Key
    loan_id: Key
    version: SmallKey
    effective_on: date
    reason: Personal
    cause_kind: WordsOrNone
    cause_id: UUID | None
    recorded_at: RecordedAt
    recorded_by: Words


class Instalment(LoansTable, table=True):
    __tablename__ = "instalments"
    __table_args__ = (references("instalments_version", "schedule_versions", "loan_id", "version"),)

    organisation_id: Key
    loan_id: Key
    version: SmallKey
    number: SmallKey
    due_on: date
    principal_cents: Cents
    interest_cents: Cents
    fees_cents: Cents


class Repayment(LoansTable, table=True):
    __tablename__ = "repayments"
    __table_args__ = (
        unique("repayments_external_id", "external_id", "revision"),
        references("repayments_loan", "loans", "loan_id"),
        index("repayments_loan_id", "loan_id", "paid_on"),
    )

    organisation_id: Key
    repayment_id: NewKey
    loan_id: UUID
    external_id: Personal
    paid_on: date
    amount_cents: Cents
    method: WordsOrNone
    purpose: WordsOrNone
    surplus: WordsOrNone
    fingerprint: bytes
    recorded_at: RecordedAt
    recorded_by: Words
    revision: Revision


class WriteOff(LoansTable, table=True):
    __tablename__ = "write_offs"
    __table_args__ = (
        unique("write_offs_external_id", "external_id", "revision"),
        references("write_offs_loan", "loans", "loan_id"),
        index("write_offs_loan_id", "loan_id", "written_off_on"),
    )

    organisation_id: Key
    write_off_id: NewKey
    loan_id: UUID
    external_id: Personal
    written_off_on: date
    amount_cents: Cents
    reason: Personal
    fingerprint: bytes
    recorded_at: RecordedAt
    recorded_by: Words
    revision: Revision


class Recovery(LoansTable, table=True):
    __tablename__ = "recoveries"
    __table_args__ = (
        unique("recoveries_external_id", "external_id", "revision"),
        references("recoveries_loan", "loans", "loan_id"),
        index("recoveries_loan_id", "loan_id", "recovered_on"),
    )

    organisation_id: Key
    recovery_id: NewKey
    loan_id: UUID
    external_id: Personal
    recovered_on: date
    amount_cents: Cents
    reason: Personal
    fingerprint: bytes
    recorded_at: RecordedAt
    recorded_by: Words
    revision: Revision


class Fee(LoansTable, table=True):
    """Charged during the life of a loan; those of its contract are in its terms."""

    __tablename__ = "fees"
    __table_args__ = (
        unique("fees_external_id", "external_id", "revision"),
        references("fees_loan", "loans", "loan_id"),
        index("fees_loan_id", "loan_id", "charged_on"),
    )

    organisation_id: Key
    fee_id: NewKey
    loan_id: UUID
    external_id: Personal
    charged_on: date
    amount_cents: Cents
    reason: Personal
    fingerprint: bytes
    recorded_at: RecordedAt
    recorded_by: Words
    revision: Revision


class Refund(LoansTable, table=True):
    """Given back to a borrower who had paid more than the loan asked for."""

    __tablename__ = "refunds"
    __table_args__ = (
        unique("refunds_external_id", "external_id", "revision"),
        references("refunds_loan", "loans", "loan_id"),
        index("refunds_loan_id", "loan_id", "refunded_on"),
    )

    organisation_id: Key
    refund_id: NewKey
    loan_id: UUID
    external_id: Personal
    refunded_on: date
    amount_cents: Cents
    reason: Personal
    fingerprint: bytes
    recorded_at: RecordedAt
    recorded_by: Words
    revision: Revision


class Rescheduling(LoansTable, table=True):
    __tablename__ = "reschedulings"
    __table_args__ = (
        unique("reschedulings_external_id", "external_id", "revision"),
        references("reschedulings_loan", "loans", "loan_id"),
        index("reschedulings_loan_id", "loan_id", "rescheduled_on"),
    )

    organisation_id: Key
    rescheduling_id: NewKey
    loan_id: UUID
    external_id: Personal
    rescheduled_on: date
    terms: Document
    reason: Personal
    fingerprint: bytes
    recorded_at: RecordedAt
    recorded_by: Words
    revision: Revision


class Moratorium(LoansTable, table=True):
    __tablename__ = "moratoria"
    __table_args__ = (
        unique("moratoria_external_id", "external_id", "revision"),
        references("moratoria_loan", "loans", "loan_id"),
        index("moratoria_loan_id", "loan_id", "starts_on"),
    )

    organisation_id: Key
    moratorium_id: NewKey
    loan_id: UUID
    external_id: Personal
    starts_on: date
    kind: Words
    periods: int
    interest: Words
    reason: Personal
    fingerprint: bytes
    recorded_at: RecordedAt
    recorded_by: Words
    revision: Revision


class CoachingSession(LoansTable, table=True):
    __tablename__ = "coaching_sessions"
    __table_args__ = (
        unique("coaching_sessions_external_id", "external_id", "revision"),
        references("coaching_sessions_borrower", "borrowers", "borrower_id"),
        references("coaching_sessions_loan", "loans", "loan_id"),
        index("coaching_sessions_held_on", "held_on"),
    )

    organisation_id: Key
    coaching_session_id: NewKey
    external_id: Personal
    borrower_id: UUID
    loan_id: UUID | None
    region_code: Words
    coach: PersonalOrNone
    held_on: date
    duration_minutes: int
    mode: Words
    stage: Words
    topics: WordList
    next_action: PersonalOrNone
    fingerprint: bytes
    recorded_at: RecordedAt
    recorded_by: Words
    revision: Revision


class Outcome(LoansTable, table=True):
    __tablename__ = "outcomes"
    __table_args__ = (
        unique("outcomes_external_id", "external_id", "revision"),
        references("outcomes_loan", "loans", "loan_id"),
        index("outcomes_loan_id", "loan_id", "observed_on"),
    )

    organisation_id: Key
    outcome_id: NewKey
    loan_id: UUID
    external_id: Personal
    observed_on: date
    business_status: Words
    jobs_created: int
    jobs_maintained: int
    turnover_cents: CentsOrNone
    other_financing_cents: CentsOrNone
    fingerprint: bytes
    recorded_at: RecordedAt
    recorded_by: Words
    revision: Revision


class Reversal(LoansTable, table=True):
    """At most one of each fact; `fact_kind` names the table of `fact_id`."""

    __tablename__ = "reversals"

    organisation_id: Key
    fact_kind: TextKey
    fact_id: Key
    reversal_id: NewId
    reason: Personal
    recorded_at: RecordedAt
    recorded_by: Words


class LoanFigures(LoansTable, table=True):
    """How each repayment of a loan is split, and what the loan owes from which day on.

    The views `allocations` and `loan_states` show them row by row. A split changes when an earlier
    repayment is recorded or reversed; a state holds until the next, the last one for ever.
    """

    __tablename__ = "loan_figures"

    organisation_id: Key
    loan_id: Key
    repayment_ids: IdList
    fees_cents: CentsList
    interest_cents: CentsList
    principal_cents: CentsList
    from_on: DayList
    outstanding_principal_cents: CentsList
    oldest_unpaid_due_on: DayList


class ScheduleSpan(LoansTable, table=True):
    """Which schedule of a loan is in force when, once it has more than its contract's.

    Its instalments due after `from_on` and up to `until_on` are those asked for.
    """

    __tablename__ = "schedule_spans"

    organisation_id: Key
    loan_id: Key
    version: SmallKey
    from_on: date
    until_on: date


class DailyTotals(LoansTable, table=True):
    """What all loans of a region add to the totals of one day."""

    __tablename__ = "daily_totals"

    organisation_id: Key
    region_code: TextKey
    on_date: DateKey
    loans_count: BigInt
    loans_cents: Cents
    repayments_count: BigInt
    repayments_cents: Cents
    principal_cents: Cents
    interest_cents: Cents
    fees_cents: Cents
    written_off_cents: Cents
    recovered_cents: Cents
    active_loans_change: BigInt
    outstanding_change_cents: Cents
    par30_change_cents: Cents
    par90_change_cents: Cents


class ProductVersion(LoansTable, table=True):
    """The rules of a product from `effective_on` until its next version."""

    __tablename__ = "product_versions"
    __table_args__ = (
        UniqueConstraint("code", "effective_on", name="product_versions_effective_on"),
    )

    code: TextKey
    version: SmallKey
    effective_on: date
    rules: Document
    recorded_at: RecordedAt
    recorded_by: Words


class ProvisionMatrix(LoansTable, table=True):
    """Percentages by days past due from `effective_on` until the next matrix."""

    __tablename__ = "provision_matrices"

    effective_on: DateKey
    rules: Document
    recorded_at: RecordedAt
    recorded_by: Words


FACTS = (
    Loan,
    Disbursement,
    ScheduleVersion,
    Instalment,
    Repayment,
    WriteOff,
    Recovery,
    Fee,
    Refund,
    Rescheduling,
    Moratorium,
    CoachingSession,
    Outcome,
    Reversal,
)
"""Append-only: the service may read and insert, never update or delete."""

DESCRIPTIONS = (Borrower,)
"""Who the facts are about: a description may be completed; each change is audited."""

KEPT_FIGURES = (LoanFigures, ScheduleSpan, DailyTotals)
"""Derived from the facts in the transaction that records them; `reseau verify` rebuilds them."""

TENANT_TABLES = (*FACTS, *DESCRIPTIONS, *KEPT_FIGURES)

REFERENCE_TABLES = (ProductVersion, ProvisionMatrix)
"""The network's catalogue: every member reads it, the network adds to it."""
