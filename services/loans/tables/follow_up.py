"""What is told of people and enterprises, and of each month as a whole."""

from datetime import date
from uuid import UUID

from services.common.tables import (
    CentsOrNone,
    DateKey,
    DocumentOrNone,
    Key,
    NewId,
    NewKey,
    Personal,
    PersonalOrNone,
    RecordedAt,
    Revision,
    SmallKey,
    WordList,
    Words,
    WordsOrNone,
    index,
    references,
    unique,
)
from services.loans.tables.base import LoansTable


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


class PeriodEvent(LoansTable, table=True):
    """One step of a month: submitted, approved, locked, ...; the signature is the submission's."""

    __tablename__ = "period_events"
    __table_args__ = (unique("period_events_id", "period_event_id"),)

    organisation_id: Key
    month_on: DateKey
    event_number: SmallKey
    period_event_id: NewId
    kind: Words
    recorded_on: date
    reason: PersonalOrNone
    request_id: UUID | None
    signed_name: PersonalOrNone
    signed_role: PersonalOrNone
    statement: PersonalOrNone
    figures: DocumentOrNone
    warnings: DocumentOrNone
    digest: bytes | None
    recorded_at: RecordedAt
    recorded_by: Words
    key_made_by: WordsOrNone
