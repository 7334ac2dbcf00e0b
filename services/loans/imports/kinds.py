"""The kinds of sheets the loans service takes: their columns, the model of a row, who records."""

from pydantic import TypeAdapter

from services.common.import_kinds import ImportKind, KindElsewhere, WorkbookKind, import_kind
from services.common.text import Text
from services.loans.borrowers.commands import record_borrowers
from services.loans.coaching_sessions.commands import record_coaching_sessions
from services.loans.coaching_sessions.schemas import CoachingSessionBody
from services.loans.imports import columns, follow_up_columns
from services.loans.imports.quick import quick_repayments
from services.loans.imports.rows import BorrowerRow, LoanRow, RepaymentRow
from services.loans.loans.commands import record_loans
from services.loans.outcomes.commands import record_outcomes
from services.loans.outcomes.schemas import OutcomeBody
from services.loans.repayments.commands import record_repayments
from services.loans.repayments.drafts import RepaymentDrafts

LOAN_WEIGHT = 20
"""What a loan takes of the memory beside its instalments, in instalments."""

BORROWERS = import_kind(
    name="borrowers",
    title=Text("Emprunteurs", "Borrowers"),
    columns=columns.BORROWERS,
    model=TypeAdapter(BorrowerRow),
    to_draft=BorrowerRow.to_draft,
    record=record_borrowers,
    sheet_names=("emprunteurs", "clients", "bénéficiaires"),
)

LOANS = import_kind(
    name="loans",
    title=Text("Prêts", "Loans"),
    columns=columns.LOANS,
    model=TypeAdapter(LoanRow),
    to_draft=LoanRow.to_draft,
    record=record_loans,
    sheet_names=("prêts", "microcrédits", "portefeuille"),
    weigh=lambda draft: LOAN_WEIGHT + len(draft.schedule.due_on),
)

REPAYMENTS = import_kind(
    name="repayments",
    title=Text("Remboursements", "Repayments"),
    columns=follow_up_columns.REPAYMENTS,
    model=TypeAdapter(RepaymentRow),
    to_draft=RepaymentRow.draft,
    record=record_repayments,
    sheet_names=("remboursements", "paiements", "encaissements"),
    gather=RepaymentDrafts,
    quick=quick_repayments,
)

COACHING_SESSIONS = import_kind(
    name="coaching-sessions",
    title=Text("Rencontres", "Coaching sessions"),
    columns=follow_up_columns.COACHING_SESSIONS,
    model=TypeAdapter(CoachingSessionBody),
    to_draft=CoachingSessionBody.to_draft,
    record=record_coaching_sessions,
    sheet_names=("rencontres", "accompagnement", "coaching", "séances"),
)

OUTCOMES = import_kind(
    name="outcomes",
    title=Text("Résultats", "Outcomes"),
    columns=follow_up_columns.OUTCOMES,
    model=TypeAdapter(OutcomeBody),
    to_draft=OutcomeBody.to_draft,
    record=record_outcomes,
    sheet_names=("suivis", "résultats", "retombées"),
)

KINDS: tuple[ImportKind, ...] = (BORROWERS, LOANS, REPAYMENTS, COACHING_SESSIONS, OUTCOMES)
"""In the order in which they refer to each other."""

CONTRIBUTIONS = KindElsewhere(
    name="contributions",
    shown=Text("contributions", "contributions"),
    sheet_names=("contributions", "apports", "dons", "bailleurs"),
    titles=("contributor", "contributeur", "bailleur", "donateur"),
)
"""What the funds record: a sheet of them is left out here, and its sender is told what to do."""

WORKBOOK = WorkbookKind(KINDS, [CONTRIBUTIONS])
