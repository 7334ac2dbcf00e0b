"""Figures kept beside the facts."""

from datetime import date

from services.common.tables import (
    BigInt,
    Cents,
    CentsList,
    DateKey,
    DayList,
    IdList,
    Key,
    SmallKey,
    TextKey,
)
from services.loans.tables.base import LoansTable


class LoanFigures(LoansTable, table=True):
    """How each repayment of a loan is split, what later fees took of what it left, and what the
    loan owes from which day on.

    The views `allocations`, `credit_uses` and `loan_states` show them row by row. A split changes
    when an earlier repayment is recorded or reversed; a state holds until the next, the last one
    for ever.
    """

    __tablename__ = "loan_figures"

    organisation_id: Key
    loan_id: Key
    repayment_ids: IdList
    fees_cents: CentsList
    interest_cents: CentsList
    principal_cents: CentsList
    credit_repayment_ids: IdList
    credit_fee_ids: IdList
    credit_used_on: DayList
    credit_used_cents: CentsList
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
