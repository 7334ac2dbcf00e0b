"""Who borrows, under which terms, and what is paid out and back."""

from datetime import date
from uuid import UUID

from services.common.tables import (
    Cents,
    Document,
    First,
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
    references,
    unique,
)
from services.loans.tables.base import LoansTable


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
    interest_on_overdue_interest: bool | None
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
