"""Assembles the demonstration: every member's files, the agreements, the write-offs.

Everything is dated up to `today`. A build of a later day in the same fiscal year holds all that an
earlier one holds, byte for byte and row by row: loading it again adds what is new.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date

from deploy.demonstration.agreements import Agreement, build_agreement
from deploy.demonstration.capital import draw_contributions
from deploy.demonstration.coaching import (
    Session,
    draw_loan_sessions,
    draw_newcomers,
    write_sessions,
)
from deploy.demonstration.draws import fiscal_year_start
from deploy.demonstration.following import draw_follow_ups
from deploy.demonstration.lending import PlannedLoan, draw_loans, write_loan
from deploy.demonstration.network import MEMBERS, MemberPlan
from deploy.demonstration.people import draw_coaches
from deploy.demonstration.repaying import WriteOff, draw_payments, write_off, write_repayments
from deploy.demonstration.reporting import ReportedMonth, draw_reported_months
from deploy.demonstration.rows import (
    BorrowerRow,
    CoachingSessionRow,
    ContributionRow,
    DemonstrationFile,
    ImportKind,
    LoanRow,
    OutcomeRow,
    RepaymentRow,
    write_csv,
)

SEED = 20_000
COMPLETE_FISCAL_YEARS = 5
# One more year of loans comes first: the books do not open empty, and the last complete year has
# a five-year survival to show.
OPENING_FISCAL_YEARS = 1


@dataclass(frozen=True, slots=True)
class MemberBooks:
    """All of one member, each list in the order it is posted in.

    `planned` holds the loans of `loans` with their schedules and what will become of them.
    """

    organisation: str
    contributions: list[ContributionRow]
    borrowers: list[BorrowerRow]
    loans: list[LoanRow]
    repayments: list[RepaymentRow]
    coaching_sessions: list[CoachingSessionRow]
    outcomes: list[OutcomeRow]
    write_offs: list[WriteOff]
    planned: list[PlannedLoan]

    def files(self) -> Iterator[DemonstrationFile]:
        """Contributions first, so that the fund holds what it lends; then what others refer to."""
        slug = self.organisation
        texts: tuple[tuple[ImportKind, str], ...] = (
            ("contributions", write_csv(ContributionRow._fields, self.contributions)),
            ("borrowers", write_csv(BorrowerRow._fields, self.borrowers)),
            ("loans", write_csv(LoanRow._fields, self.loans)),
            ("repayments", write_csv(RepaymentRow._fields, self.repayments)),
            ("coaching-sessions", write_csv(CoachingSessionRow._fields, self.coaching_sessions)),
            ("outcomes", write_csv(OutcomeRow._fields, self.outcomes)),
        )
        for kind, text in texts:
            yield DemonstrationFile(slug, kind, text)


def build_demonstration(today: date, seed: int = SEED) -> Iterator[DemonstrationFile]:
    """The files of every member, in the order to post them; nothing is dated after `today`."""
    for books in build_books(today, seed):
        yield from books.files()


def build_agreements(today: date, seed: int = SEED) -> list[Agreement]:
    """One a fiscal year, the current one too; payments to come are left out."""
    agreements = [build_agreement(seed, fiscal_year) for fiscal_year in fiscal_years(today)]
    return [_until(agreement, today) for agreement in agreements]


def build_write_offs(today: date, seed: int = SEED) -> list[WriteOff]:
    return [one for books in build_books(today, seed) for one in books.write_offs]


def build_books(today: date, seed: int = SEED) -> Iterator[MemberBooks]:
    """One member at a time, so that the first is posted while the next is drawn."""
    for plan in MEMBERS:
        yield _build_member(plan, today, seed)


def build_reported_months(today: date, seed: int = SEED) -> dict[str, list[ReportedMonth]]:
    """By member, the months it submitted."""
    return {plan.slug: draw_reported_months(seed, plan.slug, today) for plan in MEMBERS}


def fiscal_years(today: date) -> range:
    """The opening year, five complete ones and the current one, each by its first year."""
    current = today.year if today >= fiscal_year_start(today.year) else today.year - 1
    return range(current - COMPLETE_FISCAL_YEARS - OPENING_FISCAL_YEARS, current + 1)


def _build_member(plan: MemberPlan, today: date, seed: int) -> MemberBooks:
    years = fiscal_years(today)
    opened_on = fiscal_year_start(years.start)
    coaches = draw_coaches(seed, plan)
    books = MemberBooks(plan.slug, [], [], [], [], [], [], [], [])
    borrowers: dict[str, BorrowerRow] = {}

    def record_sessions(prefix: str, sessions: tuple[Session, ...] | list[Session]) -> None:
        """Numbered before the cut, so that a session keeps its identifier on a later day."""
        rows = write_sessions(seed, plan.slug, coaches, prefix, sessions)
        for session, row in zip(sessions, rows, strict=True):
            if opened_on <= session.held_on <= today:
                borrowers.setdefault(session.borrower.external_id, session.borrower)
                books.coaching_sessions.append(row)

    # Those who borrow in the first months of next year may already have come.
    for fiscal_year in range(years.start, years.stop + 1):
        for loan in draw_loans(seed, plan, fiscal_year):
            record_sessions(loan.external_id, draw_loan_sessions(seed, plan.slug, loan))
            if loan.disbursed_on <= today:
                borrowers.setdefault(loan.borrower.external_id, loan.borrower)
                _record_loan(books, loan, today, seed)
    for fiscal_year in years:
        for newcomer in draw_newcomers(seed, plan, fiscal_year):
            record_sessions(newcomer.borrower.external_id, newcomer.sessions)
    books.borrowers.extend(borrowers.values())
    books.contributions.extend(
        one.row
        for one in draw_contributions(seed, plan, years.start, years)
        if one.received_on <= today
    )
    _sort_by_date(books)
    return books


def _record_loan(books: MemberBooks, loan: PlannedLoan, today: date, seed: int) -> None:
    slug = books.organisation
    payments = draw_payments(seed, slug, loan)
    books.planned.append(loan)
    books.loans.append(write_loan(loan))
    books.repayments.extend(
        row
        for payment, row in zip(payments, write_repayments(seed, slug, loan, payments), strict=True)
        if payment.paid_on <= today
    )
    books.outcomes.extend(
        one.row for one in draw_follow_ups(seed, slug, loan) if one.observed_on <= today
    )
    lost = write_off(slug, loan, payments)
    if lost is not None and lost.written_off_on <= today:
        books.write_offs.append(lost)


def _sort_by_date(books: MemberBooks) -> None:
    """As they happened; the identifier settles a day's order."""
    books.loans.sort(key=lambda row: (row.disbursed_on, row.external_id))
    books.repayments.sort(key=lambda row: (row.paid_on, row.external_id))
    books.coaching_sessions.sort(key=lambda row: (row.held_on, row.external_id))
    books.outcomes.sort(key=lambda row: (row.observed_on, row.external_id))
    books.borrowers.sort(key=lambda row: row.external_id)


def _until(agreement: Agreement, today: date) -> Agreement:
    paid = tuple(one for one in agreement.payments if one.paid_on <= today)
    return replace(agreement, payments=paid)
