"""What the network says to every organisation alike: rules and deadlines, by version and by date.

Reference tables: small, copied to every node of a distributed database, without row-level security.
Rows are added, never changed.
"""

from datetime import date

from services.common.tables import DateKey, Document, RecordedAt, SmallKey, TextKey, Words
from services.loans.tables import LoansTable


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


REFERENCE_TABLES = (ValidationRule, ReportingDeadline)
