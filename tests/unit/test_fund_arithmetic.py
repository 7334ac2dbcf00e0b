"""What a fund owes and to whom, posting by posting, and what may be recorded of a contribution."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from services.common.errors import InputError
from services.common.text import Text
from services.common.validation import say
from services.funds.agreements.arithmetic import DueAfter, DueRule, list_due_dates
from services.funds.contributions.arithmetic import (
    NOT_REPAYABLE,
    RATE_REFUSED,
    REPAYABLE_BEFORE_RECEIVED,
    Balance,
    ContributionDraft,
    Movement,
    check_contribution,
    check_repayment,
    sum_by_source,
)
from services.funds.journal.arithmetic import (
    Kind,
    LoanFact,
    LoanFactKind,
    Posting,
    Transaction,
    move,
    post_loan_fact,
    sum_by_account,
    swap,
)
from services.funds.vocabulary import ContributorKind, Instrument, Purpose, Source

DAY = date(2025, 10, 1)


# --- agreements ------------------------------------------------------------------------------


def test_a_document_is_due_after_each_fiscal_year_of_the_agreement() -> None:
    each = DueRule(DueAfter.FISCAL_YEAR_END, 4)
    assert list_due_dates(each, date(2025, 3, 31), date(2026, 4, 1)) == [
        date(2025, 7, 31),
        date(2026, 7, 31),
        date(2027, 7, 31),
    ]
    once = DueRule(DueAfter.AGREEMENT_END, 1)
    assert list_due_dates(once, date(2025, 4, 1), date(2028, 3, 31)) == [date(2028, 4, 30)]


# --- contributions ---------------------------------------------------------------------------

PLACED = ContributionDraft(
    external_id="P-1",
    contributor="Caisse",
    contributor_kind=ContributorKind.FINANCIAL_INSTITUTION,
    instrument=Instrument.PLACEMENT,
    purpose=Purpose.CAPITAL,
    amount_cents=100_00,
    received_on=DAY,
    annual_rate=Decimal("2.50"),
    repayable_on=DAY,
)
GIVEN = replace(PLACED, instrument=Instrument.DONATION, annual_rate=None, repayable_on=None)
LENT = replace(GIVEN, instrument=Instrument.INTEREST_FREE_LOAN)

NO_RATE = InputError("/annual_rate", "contribution.rate", RATE_REFUSED)


@pytest.mark.parametrize(
    ("draft", "today", "found"),
    [
        (PLACED, DAY, []),
        (GIVEN, DAY, []),
        (LENT, DAY, []),
        (
            PLACED,
            date(2025, 9, 30),
            [InputError("/received_on", "date.future", say("date.future", {}))],
        ),
        (replace(GIVEN, annual_rate=Decimal(0)), DAY, [NO_RATE]),
        (replace(LENT, annual_rate=Decimal("0.01")), DAY, [NO_RATE]),
        (replace(LENT, annual_rate=Decimal("0.00"), repayable_on=DAY), DAY, []),
        (
            replace(GIVEN, repayable_on=date(2026, 1, 1)),
            DAY,
            [InputError("/repayable_on", "contribution.not_repayable", NOT_REPAYABLE)],
        ),
        (
            replace(PLACED, repayable_on=date(2025, 9, 30)),
            DAY,
            [InputError("/repayable_on", "contribution.repayable_on", REPAYABLE_BEFORE_RECEIVED)],
        ),
    ],
)
def test_what_a_contribution_cannot_say(
    draft: ContributionDraft, today: date, found: list[InputError]
) -> None:
    assert list(check_contribution(draft, today)) == found


def test_two_posts_with_the_same_content_are_one_contribution() -> None:
    assert PLACED.content() == {
        "contributor": "Caisse",
        "contributor_kind": "financial_institution",
        "instrument": "placement",
        "purpose": "capital",
        "amount_cents": 100_00,
        "received_on": "2025-10-01",
        "annual_rate": "2.5",
        "repayable_on": "2025-10-01",
    }
    assert (GIVEN.content()["annual_rate"], GIVEN.content()["repayable_on"]) == (None, None)
    assert replace(PLACED, annual_rate=Decimal("2.5")).fingerprint == PLACED.fingerprint
    assert (PLACED.source, GIVEN.annual_rate_text) == (Source.PRIVATE, None)


def test_a_repayment_takes_no_more_than_what_is_left() -> None:
    assert list(check_repayment(5_00, DAY, DAY, 5_00, DAY)) == []
    assert list(check_repayment(5_01, date(2025, 10, 2), date(2025, 10, 3), 5_00, DAY)) == [
        InputError("/repaid_on", "date.future", say("date.future", {})),
        InputError(
            "/repaid_on",
            "contribution.repaid_before_received",
            Text(
                "Le remboursement précède la contribution, reçue le 2025-10-03.",
                "The repayment is before the contribution, received on 2025-10-03.",
            ),
        ),
        InputError(
            "/amount",
            "contribution.left_exceeded",
            Text(
                "Il ne reste que 5.00 $ de cette contribution.",
                "Only $5.00 is left of this contribution.",
            ),
        ),
    ]


def test_what_contributors_have_in_a_fund_by_source_and_purpose() -> None:
    state, bank, person = (
        ContributorKind.STATE,
        ContributorKind.FINANCIAL_INSTITUTION,
        ContributorKind.INDIVIDUAL,
    )
    assert sum_by_source(
        [
            Movement(state, Instrument.GRANT, Purpose.OPERATIONS, 7),
            Movement(bank, Instrument.PLACEMENT, Purpose.CAPITAL, 10),
            Movement(bank, Instrument.PLACEMENT, Purpose.CAPITAL, -4),
            Movement(person, Instrument.DONATION, Purpose.CAPITAL, 1),
            Movement(bank, Instrument.GUARANTEE, Purpose.CAPITAL, 30),
        ]
    ) == Balance(
        capital={Source.PUBLIC: 0, Source.PRIVATE: 6, Source.COMMUNITY: 1},
        operations={Source.PUBLIC: 7, Source.PRIVATE: 0, Source.COMMUNITY: 0},
        guarantees={Source.PUBLIC: 0, Source.PRIVATE: 30, Source.COMMUNITY: 0},
    )


# --- journal ---------------------------------------------------------------------------------


def test_a_posting_moves_an_amount_the_way_of_its_sign() -> None:
    assert move("a", "b", 0) == []
    assert move("a", "b", 1) == [Posting("a", "b", 1)]
    assert move("a", "b", -1) == [Posting("b", "a", 1)]
    assert swap([Posting("a", "b", 1), Posting("c", "a", 2)]) == [
        Posting("b", "a", 1),
        Posting("a", "c", 2),
    ]
    twice = [Posting("a", "b", 1), Posting("a", "b", 2), Posting("b", "c", 4)]
    assert sum_by_account(twice) == {"a": 3, "b": 1, "c": -4}


FACT = LoanFact(LoanFactKind.REPAYMENT, "fact", "loan", DAY, 100, 60, 25, 10)
CASH, LOANS = "cash:capital", "loans:receivable"


@pytest.mark.parametrize(
    ("fact", "kind", "postings"),
    [
        (  # 60 lent, 10 of them kept as fees
            replace(FACT, kind=LoanFactKind.DISBURSEMENT),
            Kind.DISBURSEMENT,
            [Posting(LOANS, CASH, 50), Posting(LOANS, "income:fees", 10)],
        ),
        (  # 5 are over what it settles
            FACT,
            Kind.REPAYMENT,
            [
                Posting(CASH, LOANS, 60),
                Posting(CASH, "income:interest", 25),
                Posting(CASH, "income:fees", 10),
                Posting(CASH, "liability:borrowers", 5),
            ],
        ),
        (  # a fee charged before took over what interest had got
            replace(
                FACT,
                kind=LoanFactKind.ALLOCATION,
                amount_cents=0,
                principal_cents=0,
                interest_cents=-10,
            ),
            Kind.ALLOCATION,
            [Posting("income:interest", CASH, 10), Posting(CASH, "income:fees", 10)],
        ),
        (
            replace(FACT, kind=LoanFactKind.REFUND),
            Kind.REFUND,
            [Posting("liability:borrowers", CASH, 100)],
        ),
        (
            replace(FACT, kind=LoanFactKind.WRITE_OFF),
            Kind.WRITE_OFF,
            [Posting("losses:loans", LOANS, 60)],
        ),
        (
            replace(FACT, kind=LoanFactKind.RECOVERY),
            Kind.RECOVERY,
            [Posting(CASH, "income:recoveries", 100)],
        ),
        (
            replace(FACT, kind=LoanFactKind.RECOVERY, is_reversal=True),
            Kind.REVERSAL,
            [Posting("income:recoveries", CASH, 100)],
        ),
    ],
)
def test_what_each_fact_of_a_loan_moves(
    fact: LoanFact, kind: Kind, postings: list[Posting]
) -> None:
    assert post_loan_fact(fact) == Transaction(kind, DAY, "loan", "fact", postings)


def test_a_disbursement_gives_back_what_its_reservation_took() -> None:
    disbursement = replace(FACT, kind=LoanFactKind.DISBURSEMENT, fees_cents=0)
    back, own = Posting(CASH, "loans:in_transit", 60), Posting(LOANS, CASH, 60)
    assert post_loan_fact(disbursement, 60).postings == [back, own]
    # Taking it back does not reserve it again.
    gone = post_loan_fact(replace(disbursement, is_reversal=True), 60)
    assert gone.postings == [Posting(CASH, LOANS, 60)]
