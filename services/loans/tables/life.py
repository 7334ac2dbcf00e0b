"""What happens to a loan after its contract, but for repayments."""

from datetime import date
from uuid import UUID

from services.common.tables import (
    Cents,
    Document,
    Key,
    NewKey,
    Personal,
    RecordedAt,
    Revision,
    Words,
    index,
    references,
    unique,
)
from services.loans.tables.base import LoansTable


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
