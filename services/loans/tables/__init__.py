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

    period_events: what became of each month

Every table of facts is a tenant table: `organisation_id` comes first in each of its keys, and
row-level security is forced on it. The network's catalogue, `product_versions` and
`provision_matrices`, is small, the same for every member, and only added to: reference tables.
"""

from services.loans.tables.base import (
    LoansTable,
)
from services.loans.tables.follow_up import (
    CoachingSession,
    Outcome,
    PeriodEvent,
)
from services.loans.tables.kept import (
    DailyTotals,
    LoanFigures,
    ScheduleSpan,
)
from services.loans.tables.lending import (
    Borrower,
    Disbursement,
    Instalment,
    Loan,
    Repayment,
    Reversal,
    ScheduleVersion,
)
from services.loans.tables.life import (
    Fee,
    Moratorium,
    Recovery,
    Refund,
    Rescheduling,
    WriteOff,
)
from services.loans.tables.network import (
    ProductVersion,
    ProvisionMatrix,
    ReportingDeadline,
    ReportingStart,
    ValidationRule,
)

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
    PeriodEvent,
)
"""Append-only: the service may read and insert, never update or delete."""

DESCRIPTIONS = (Borrower,)
"""Who the facts are about: a description may be completed; each change is audited."""

KEPT_FIGURES = (LoanFigures, ScheduleSpan, DailyTotals)
"""Derived from the facts in the transaction that records them; `reseau verify` rebuilds them."""

TENANT_TABLES = (*FACTS, *DESCRIPTIONS, *KEPT_FIGURES)

REFERENCE_TABLES = (
    ProductVersion,
    ProvisionMatrix,
    ValidationRule,
    ReportingDeadline,
    ReportingStart,
)
"""What the network says to all: every member reads it, the network adds to it."""

__all__ = [
    "DESCRIPTIONS",
    "FACTS",
    "KEPT_FIGURES",
    "REFERENCE_TABLES",
    "TENANT_TABLES",
    "Borrower",
    "CoachingSession",
    "DailyTotals",
    "Disbursement",
    "Fee",
    "Instalment",
    "Loan",
    "LoanFigures",
    "LoansTable",
    "Moratorium",
    "Outcome",
    "PeriodEvent",
    "ProductVersion",
    "ProvisionMatrix",
    "Recovery",
    "Refund",
    "Repayment",
    "ReportingDeadline",
    "ReportingStart",
    "Rescheduling",
    "Reversal",
    "ScheduleSpan",
    "ScheduleVersion",
    "ValidationRule",
    "WriteOff",
]
