"""What the network says to every organisation alike, by version and by date.

Reference tables: small, copied to every node of a distributed database, without row-level security.
Rows are added, never changed.
"""

from datetime import date

from sqlalchemy import UniqueConstraint

from services.common.tables import (
    DateKey,
    Document,
    RecordedAt,
    SmallKey,
    TextKey,
    Words,
)
from services.loans.tables.base import LoansTable


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


class ValidationRule(LoansTable, table=True):
    """What the network finds wrong or odd, by version; `conditions` are data, never code."""

    __tablename__ = "validation_rules"

    code: TextKey
    version: SmallKey
    kind: Words
    severity: Words
    place: Words
    conditions: Document
    message_fr: Words
    message_en: Words
    from_on: date
    until_on: date | None
    recorded_at: RecordedAt
    recorded_by: Words


class ReportingDeadline(LoansTable, table=True):
    """Days after a month's end by which it is due, for the months from `from_on` on."""

    __tablename__ = "reporting_deadlines"

    from_on: DateKey
    days: int
    recorded_at: RecordedAt
    recorded_by: Words


class ReportingStart(LoansTable, table=True):
    """The first month that is asked for, by version; `asked_on` is the day it was said."""

    __tablename__ = "reporting_starts"

    version: SmallKey
    month_on: date
    asked_on: date
    recorded_at: RecordedAt
    recorded_by: Words
