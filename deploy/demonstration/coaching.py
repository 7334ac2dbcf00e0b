"""Coaching: the people who never borrow (six in seven), and the borrowers before and after."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from deploy.demonstration.draws import chance, day_in_fiscal_year, stream, working_day
from deploy.demonstration.lending import PlannedLoan, count_loans
from deploy.demonstration.network import MemberPlan
from deploy.demonstration.people import draw_borrower
from deploy.demonstration.rows import BorrowerRow, CoachingSessionRow
from deploy.demonstration.words import TOPICS_AFTER, TOPICS_BEFORE

# Newcomers who do not borrow, for each loan of the year. With the borrowers under follow-up, and
# those of the year before who still come, some seven people are coached for one loan granted.
NEWCOMERS_PER_LOAN = 3.8
NEWCOMERS_SPREAD = (0.9, 1.1)
FOLLOW_UPS_MAX = 8
# Modes with their weight and the shortest and longest session, in quarters of an hour.
MODES = (("in_person", 45, 4, 8), ("video", 25, 3, 6), ("phone", 14, 1, 3), ("group", 16, 8, 12))


@dataclass(frozen=True, slots=True)
class Session:
    borrower: BorrowerRow
    loan_external_id: str
    held_on: date
    stage: str


@dataclass(frozen=True, slots=True)
class Newcomer:
    """Someone received who does not borrow."""

    borrower: BorrowerRow
    sessions: tuple[Session, ...]


def draw_newcomers(seed: int, plan: MemberPlan, fiscal_year: int) -> Iterator[Newcomer]:
    """People of a year; their numbers follow those of its borrowers."""
    borrowers = count_loans(seed, plan, fiscal_year)
    spread = stream(seed, plan.slug, "newcomers", fiscal_year).uniform(*NEWCOMERS_SPREAD)
    for number in range(
        borrowers + 1, borrowers + 1 + round(borrowers * NEWCOMERS_PER_LOAN * spread)
    ):
        draw = stream(seed, plan.slug, "newcomer", fiscal_year, number)
        borrower = draw_borrower(seed, plan, fiscal_year, number)
        held_on = day_in_fiscal_year(draw, fiscal_year)
        stage = draw.choices(("pre_start", "post_start"), (76, 24))[0]
        sessions = []
        for _ in range(draw.choices((1, 2, 3, 4, 5), (28, 30, 22, 12, 8))[0]):
            sessions.append(Session(borrower, "", held_on, stage))
            held_on = working_day(held_on + timedelta(days=draw.randrange(8, 60)))
        yield Newcomer(borrower, tuple(sessions))


def draw_loan_sessions(seed: int, slug: str, loan: PlannedLoan) -> list[Session]:
    """Sessions from the first contact to the loan, then a follow-up every month or two."""
    draw = stream(seed, slug, "sessions", loan.external_id)
    before = "pre_start" if loan.stage in {"pre_start", "start"} else "post_start"
    sessions = []
    held_on = working_day(loan.first_contact_on)
    while held_on < loan.contracted_on:
        sessions.append(Session(loan.borrower, "", held_on, before))
        held_on = working_day(held_on + timedelta(days=draw.randrange(20, 50)))
    held_on = loan.disbursed_on
    until = min(loan.last_due_on, loan.closes_on)
    for _ in range(FOLLOW_UPS_MAX):
        held_on = working_day(held_on + timedelta(days=draw.randrange(30, 110)))
        if held_on >= until:
            break
        sessions.append(Session(loan.borrower, loan.external_id, held_on, "post_loan"))
    return sessions


def write_sessions(
    seed: int, slug: str, coaches: tuple[str, ...], prefix: str, sessions: Iterable[Session]
) -> Iterator[CoachingSessionRow]:
    """`prefix` names the person or the loan the sessions belong to, in their identifiers."""
    draw = stream(seed, slug, "session details", prefix)
    coach = draw.choice(coaches)
    for number, session in enumerate(sessions, start=1):
        mode, minutes = _draw_mode(draw)
        topics = TOPICS_BEFORE if session.stage == "pre_start" else TOPICS_AFTER
        yield CoachingSessionRow(
            external_id=f"A-{prefix}-{number:02d}",
            borrower_external_id=session.borrower.external_id,
            loan_external_id=session.loan_external_id,
            held_on=session.held_on.isoformat(),
            duration_minutes=str(minutes),
            mode=mode,
            stage=session.stage,
            topics="|".join(draw.sample(topics, 1 + chance(draw, 40))),
            coach=coach,
        )


def _draw_mode(draw: Random) -> tuple[str, int]:
    mode, _, shortest, longest = draw.choices(MODES, [weight for _, weight, _, _ in MODES])[0]
    return mode, 15 * draw.randint(shortest, longest)
