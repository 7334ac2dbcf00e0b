"""The tables of the funds service, by kind; the catalogue's checks read it.

Every table is a tenant table; agreements belong to NO_ORGANISATION, the network itself.

    funds                                    the slug and name of an organisation we have heard of
    contributions ─┬─ contribution_repayments      what contributors give and get back
                   └─ contribution_reversals
    journal_transactions ─ postings          the journal; account_days is kept beside it
    journal_cursors                          how far the loans' events have been posted
    period_events                            months that the loans service locked or reopened
    reservations ─ reservation_decisions     money set aside, then posted or voided
    agreements ─ agreement_payments
"""

from datetime import date
from decimal import Decimal
from typing import Annotated
from uuid import UUID

from sqlalchemy import Numeric
from sqlmodel import Field, SQLModel

from services.common.tables import (
    BigInt,
    Cents,
    DateKey,
    Document,
    Key,
    NewKey,
    NumberKey,
    Personal,
    PersonalOrNone,
    RecordedAt,
    Revision,
    SmallKey,
    TextKey,
    Words,
    WordsOrNone,
    index,
    new_registry,
    references,
    unique,
)


class FundsTable(SQLModel, registry=new_registry()):
    """A table of the schema `funds`."""


class Fund(FundsTable, table=True):
    __tablename__ = "funds"

    organisation_id: Key
    slug: Words
    name: Words


class Contribution(FundsTable, table=True):
    __tablename__ = "contributions"
    __table_args__ = (unique("contributions_external_id_key", "external_id", "revision"),)

    organisation_id: Key
    contribution_id: NewKey
    external_id: Personal
    fingerprint: bytes
    contributor: Personal
    contributor_kind: Words
    instrument: Words
    purpose: Words
    amount_cents: Cents
    received_on: date
    annual_rate: Annotated[Decimal | None, Field(sa_type=Numeric(11, 8))]
    repayable_on: date | None
    recorded_at: RecordedAt
    recorded_by: Words
    revision: Revision


class ContributionRepayment(FundsTable, table=True):
    __tablename__ = "contribution_repayments"
    __table_args__ = (
        unique("contribution_repayments_external_id_key", "external_id"),
        references("contribution_repayments_contribution_fkey", "contributions", "contribution_id"),
        index("contribution_repayments_contribution", "contribution_id"),
    )

    organisation_id: Key
    repayment_id: NewKey
    contribution_id: UUID
    external_id: Personal
    fingerprint: bytes
    amount_cents: Cents
    repaid_on: date
    recorded_at: RecordedAt
    recorded_by: Words


class ContributionReversal(FundsTable, table=True):
    """Of a contribution or of a repayment; each is reversed at most once."""

    __tablename__ = "contribution_reversals"
    __table_args__ = (
        unique("contribution_reversals_external_id_key", "external_id"),
        unique("contribution_reversals_contribution_key", "contribution_id"),
        unique("contribution_reversals_repayment_key", "repayment_id"),
        references("contribution_reversals_contribution_fkey", "contributions", "contribution_id"),
        references(
            "contribution_reversals_repayment_fkey", "contribution_repayments", "repayment_id"
        ),
    )

    organisation_id: Key
    reversal_id: NewKey
    external_id: PersonalOrNone
    fingerprint: bytes
    contribution_id: UUID | None
    repayment_id: UUID | None
    reason: Personal
    recorded_at: RecordedAt
    recorded_by: Words


class JournalTransaction(FundsTable, table=True):
    __tablename__ = "journal_transactions"
    __table_args__ = (index("journal_transactions_subject", "subject_id"),)

    organisation_id: Key
    transaction_number: NumberKey
    kind: Words
    occurred_on: date
    subject_id: Words
    fact_id: WordsOrNone
    recorded_at: RecordedAt


class Posting(FundsTable, table=True):
    """An amount moved between two accounts: no row can be out of balance."""

    __tablename__ = "postings"
    __table_args__ = (
        references("postings_transaction_fkey", "journal_transactions", "transaction_number"),
    )

    organisation_id: Key
    transaction_number: NumberKey
    posting_number: SmallKey
    debit_account: Words
    credit_account: Words
    amount_cents: Cents
    occurred_on: date


class AccountDay(FundsTable, table=True):
    """What the postings of one day add to an account."""

    __tablename__ = "account_days"

    organisation_id: Key
    account: TextKey
    occurred_on: DateKey
    amount_cents: Cents


class JournalCursor(FundsTable, table=True):
    __tablename__ = "journal_cursors"

    organisation_id: Key
    source: TextKey
    last_event_number: BigInt


class PeriodEvent(FundsTable, table=True):
    """A month locked or reopened, under the number of the event that told it."""

    __tablename__ = "period_events"

    organisation_id: Key
    month_on: DateKey
    event_number: NumberKey
    kind: Words
    recorded_at: RecordedAt


class Reservation(FundsTable, table=True):
    __tablename__ = "reservations"

    organisation_id: Key
    reservation_id: TextKey
    amount_cents: Cents
    recorded_at: RecordedAt
    recorded_by: Words


class ReservationDecision(FundsTable, table=True):
    __tablename__ = "reservation_decisions"
    __table_args__ = (
        references("reservation_decisions_reservation_fkey", "reservations", "reservation_id"),
    )

    organisation_id: Key
    reservation_id: TextKey
    decision: Words
    decided_on: date
    recorded_at: RecordedAt
    recorded_by: Words


class Agreement(FundsTable, table=True):
    __tablename__ = "agreements"
    __table_args__ = (unique("agreements_external_id_key", "external_id"),)

    organisation_id: Key
    agreement_id: NewKey
    external_id: Words
    fingerprint: bytes
    funder: Words
    title: Words
    from_on: date
    to_on: date
    amount_cents: Cents
    purpose: Words
    targets: Document
    obligations: Document
    recorded_at: RecordedAt
    recorded_by: Words


class AgreementPayment(FundsTable, table=True):
    __tablename__ = "agreement_payments"
    __table_args__ = (
        unique("agreement_payments_external_id_key", "external_id"),
        references("agreement_payments_agreement_fkey", "agreements", "agreement_id"),
        index("agreement_payments_agreement", "agreement_id"),
    )

    organisation_id: Key
    payment_id: NewKey
    agreement_id: UUID
    external_id: Words
    fingerprint: bytes
    paid_on: date
    amount_cents: Cents
    beneficiary: WordsOrNone
    recorded_at: RecordedAt
    recorded_by: Words


FACTS = (
    Contribution,
    ContributionRepayment,
    ContributionReversal,
    JournalTransaction,
    Posting,
    PeriodEvent,
    Reservation,
    ReservationDecision,
    Agreement,
    AgreementPayment,
)
"""Append-only: the service may read and insert, never update or delete."""

DESCRIPTIONS = (Fund,)
"""What the register calls an organisation; the register keeps its history."""

KEPT_FIGURES = (AccountDay, JournalCursor)
"""Written in the transaction of the fact; `reseau verify` rebuilds the first from the postings."""

TENANT_TABLES = (*FACTS, *DESCRIPTIONS, *KEPT_FIGURES)
