"""Which version a loan is signed under, and each way to depart from it, on each side of a bound."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from pydantic import TypeAdapter, ValidationError

from services.common.calendar import DayCount, Frequency
from services.common.money import Rounding
from services.common.text import Text
from services.loans.loans.cycles import BorrowedLoan, Cycle, rank_loans
from services.loans.positions.facts import Accrual, AllocationOrder, MoratoriumKind
from services.loans.products.arithmetic import (
    AgreedMoratorium,
    Candidate,
    Catalogue,
    ProductVersion,
    find_deviations,
    find_last_due_on,
)
from services.loans.products.rules import Conventions, ProductRules
from services.loans.schedules.terms import (
    Amortisation,
    Fee,
    FeeCharged,
    InterestMethod,
    NonWorkingDays,
    ScheduleTerms,
)
from services.loans.vocabulary import BorrowerKind

NAMES = {"fr": "Prêt", "en": "Loan"}
TERMS = ScheduleTerms(
    principal_cents=500_000,
    annual_rate=Decimal(7),
    instalments=24,
    disbursed_on=date(2026, 1, 31),
)
LOAN = Candidate(TERMS, stage="start", borrower_kind=BorrowerKind.PERSON)


def rules(**content: object) -> ProductRules:
    return ProductRules.model_validate({"names": NAMES, **content})


def codes(content: dict[str, object], loan: Candidate = LOAN) -> list[tuple[str, str]]:
    return [(found.pointer, found.code) for found in find_deviations(rules(**content), loan)]


def with_terms(**changes: object) -> Candidate:
    """Terms as they are read back from the record."""
    said = {name: getattr(TERMS, name) for name in ScheduleTerms.__slots__}
    return replace(LOAN, terms=TypeAdapter(ScheduleTerms).validate_python({**said, **changes}))


def test_a_product_without_rules_lets_everything_be() -> None:
    assert find_deviations(rules(), LOAN) == []


@pytest.mark.parametrize(
    ("limits", "is_within"),
    [
        ({"amount_min": "5000.00", "amount_max": "5000.00"}, True),
        ({"amount_min": "5000.01"}, False),
        ({"amount_max": "4999.99"}, False),
    ],
)
def test_the_amount(limits: dict[str, object], is_within: bool) -> None:
    expected = [] if is_within else [("/principal", "product.amount_out_of_range")]
    assert codes({"limits": limits}) == expected


@pytest.mark.parametrize(
    ("limits", "is_within"),
    [
        ({"annual_rate_min": "7", "annual_rate_max": "7.00"}, True),
        ({"annual_rate_min": "7.00000001"}, False),
        ({"annual_rate_max": "6.99999999"}, False),
    ],
)
def test_the_rate(limits: dict[str, object], is_within: bool) -> None:
    expected = [] if is_within else [("/annual_rate", "product.rate_out_of_range")]
    assert codes({"limits": limits}) == expected


@pytest.mark.parametrize(
    ("terms", "months_max", "is_within"),
    [
        ({}, 24, True),
        ({}, 23, False),
        ({"repay_every": 2, "instalments": 12}, 24, True),
        ({"frequency": Frequency.WEEKS, "instalments": 4}, 1, True),
        ({"frequency": Frequency.WEEKS, "instalments": 5}, 1, False),
        ({"frequency": Frequency.DAYS, "instalments": 28}, 1, True),
        # A first instalment put off makes the term longer; moved to a working day, it does not.
        ({"first_due_on": date(2026, 4, 30)}, 24, False),
        ({"first_due_on": date(2026, 4, 30)}, 26, True),
        ({"non_working_days": NonWorkingDays.MOVE_LATER}, 24, True),
    ],
)
def test_the_term(terms: dict[str, object], months_max: int, is_within: bool) -> None:
    expected = [] if is_within else [("/instalments", "product.term_out_of_range")]
    assert codes({"limits": {"term_months_max": months_max}}, with_terms(**terms)) == expected


def test_a_term_too_short() -> None:
    assert codes({"limits": {"term_months_min": 24}}) == []
    assert codes({"limits": {"term_months_min": 25}}) == [
        ("/instalments", "product.term_out_of_range")
    ]


def test_the_last_due_date_returns_to_its_day() -> None:
    assert find_last_due_on(replace(TERMS, instalments=2)) == date(2026, 3, 31)
    later = with_terms(first_due_on=date(2026, 4, 30), repay_every=2, instalments=3).terms
    assert find_last_due_on(later) == date(2026, 8, 30)


@pytest.mark.parametrize(
    ("limits", "found"),
    [
        ({"amount_max": "150.00"}, 0),
        ({"amount_max": "149.99"}, 1),
        ({"percent_max": "3"}, 0),
        ({"percent_max": "2.99999999"}, 1),
        ({"amount_max": "1.00", "percent_max": "1"}, 2),
    ],
)
def test_fees_withheld_and_added_count_together(limits: dict[str, object], found: int) -> None:
    loan = with_terms(fees=(Fee(100_00), Fee(50_00, FeeCharged.ADDED)))
    assert codes({"fees": limits}, loan) == [("/fee", "product.fee_above_limit")] * found
    assert codes({"fees": limits}) == []


@pytest.mark.parametrize(
    ("convention", "expected", "other"),
    [
        ("frequency", "months", {"frequency": Frequency.WEEKS}),
        ("interest_method", "declining_balance", {"interest_method": InterestMethod.FLAT}),
        ("amortisation", "equal_instalments", {"amortisation": Amortisation.EQUAL_PRINCIPAL}),
        ("day_count", "period_fraction", {"day_count": DayCount.ACTUAL_365}),
        ("rounding", "half_up", {"rounding": Rounding.UP}),
        ("smoothing", False, {"smoothing": True}),
        ("instalment_multiple", "1.00", {"instalment_multiple_cents": 500}),
        ("non_working_days", "keep", {"non_working_days": NonWorkingDays.MOVE_LATER}),
    ],
)
def test_each_convention(convention: str, expected: object, other: dict[str, object]) -> None:
    content: dict[str, object] = {"conventions": {convention: expected}}
    loan = with_terms(instalment_multiple_cents=100)
    assert codes(content, loan) == []
    assert codes(content, with_terms(**{"instalment_multiple_cents": 100, **other})) == [
        (f"/{convention}", "product.convention_differs")
    ]
    assert convention in Conventions.model_fields


@pytest.mark.parametrize(
    ("convention", "expected", "told"),
    [
        ("smoothing", True, "Le produit prévoit « oui » ; le prêt a « non »."),
        ("instalment_multiple", "5.00", "Le produit prévoit « 5.00 » ; le prêt a « 1.00 »."),
        ("rounding", "up", "Le produit prévoit « up » ; le prêt a « half_up »."),
    ],
)
def test_a_convention_is_told_as_people_write_it(
    convention: str, expected: object, told: str
) -> None:
    loan = with_terms(instalment_multiple_cents=100)
    [found] = find_deviations(rules(conventions={convention: expected}), loan)
    assert found.message.fr == told


def test_a_convention_is_told_in_english_too() -> None:
    for expected, told in ((True, '"yes"; the loan has "no"'), (False, '"no"; the loan has "yes"')):
        loan = with_terms(smoothing=not expected)
        [found] = find_deviations(rules(conventions={"smoothing": expected}), loan)
        assert found.message.en == f"The product provides for {told}."


def test_how_interest_runs_and_payments_are_split() -> None:
    daily: dict[str, object] = {
        "interest_accrual": "daily",
        "allocation_order": "interest_fees_principal",
    }
    # What a loan does not say, it has by default.
    assert codes(daily) == [
        ("/interest_accrual", "product.convention_differs"),
        ("/allocation_order", "product.convention_differs"),
    ]
    loan = replace(
        LOAN,
        interest_accrual=Accrual.DAILY,
        allocation_order=AllocationOrder.INTEREST_FEES_PRINCIPAL,
    )
    assert codes(daily, loan) == []
    # So it is of interest on overdue interest, which goes with daily interest alone.
    compound = {**daily, "interest_on_overdue_interest": True}
    differs = [("/interest_on_overdue_interest", "product.convention_differs")]
    assert codes(compound, loan) == differs
    agreed = replace(loan, interest_on_overdue_interest=True)
    assert (codes(compound, agreed), codes(daily, agreed)) == ([], differs)
    with pytest.raises(ValidationError) as refused:
        codes({"interest_on_overdue_interest": True})
    assert [e["type"] for e in refused.value.errors()] == ["loan.overdue_interest_not_daily"]


@pytest.mark.parametrize(
    ("moratoria", "found"),
    [
        ([(MoratoriumKind.CAPITAL_ONLY, 3), (MoratoriumKind.CAPITAL_ONLY, 2)], 0),
        ([(MoratoriumKind.CAPITAL_ONLY, 4)], 1),
        ([(MoratoriumKind.CAPITAL_AND_INTEREST, 1)], 1),
        ([(MoratoriumKind.CAPITAL_ONLY, 3), (MoratoriumKind.CAPITAL_ONLY, 3)], 1),
        ([(MoratoriumKind.CAPITAL_ONLY, 6)], 2),
    ],
)
def test_moratoria(moratoria: list[tuple[MoratoriumKind, int]], found: int) -> None:
    allowed = [{"kind": "capital_only", "periods_max": 3}]
    loan = replace(LOAN, moratoria=[AgreedMoratorium(*one) for one in moratoria])
    content: dict[str, object] = {"moratoria": {"allowed": allowed, "periods_max": 5}}
    assert codes(content, loan) == [("/moratoria", "product.moratorium")] * found


@pytest.mark.parametrize(
    ("eligibility", "found"),
    [
        ({"borrower_kinds": ["person"], "stages": ["start"], "cycle_max": 2}, []),
        ({"borrower_kinds": ["legal_person"]}, [("/borrower_kind", "product.borrower_kind")]),
        ({"stages": ["growth"]}, [("/stage", "product.stage")]),
        ({"cycle_max": 1}, [("/product", "product.not_eligible_for_cycle")]),
        ({"cycle_min": 3}, [("/product", "product.not_eligible_for_cycle")]),
        ({"previous_loan_closed": True}, [("/contracted_on", "product.previous_loan_open")]),
    ],
)
def test_eligibility(eligibility: dict[str, object], found: list[tuple[str, str]]) -> None:
    loan = replace(LOAN, rank=2, is_previous_open=True)
    assert codes({"eligibility": eligibility}, loan) == found
    assert ("/stage", "product.stage") not in codes(
        {"eligibility": eligibility}, replace(loan, stage=None)
    )


@pytest.mark.parametrize(
    ("content", "french", "english"),
    [
        (
            {"limits": {"amount_min": "6000.00"}},
            "Le capital (5000.00 $) sort des limites du produit : au moins 6000.00 $.",
            "The principal (5000.00 $) is outside the product's limits: at least 6000.00 $.",
        ),
        (
            {"limits": {"annual_rate_min": "2.50", "annual_rate_max": "6"}},
            "Le taux annuel (10 %) sort des limites du produit : au moins 2.5 %, au plus 6 %.",
            "The yearly rate (10 %) is outside the product's limits: at least 2.5 %, at most 6 %.",
        ),
        (
            {"limits": {"term_months_max": 12}},
            "Le dernier versement (2028-01-31) sort des limites du produit : au plus 2027-01-31.",
            "The last instalment (2028-01-31) is outside the product's limits: at most 2027-01-31.",
        ),
        (
            {"fees": {"amount_max": "20.00"}},
            "Les frais (50.00 $) dépassent ce que le produit permet : 20.00 $.",
            "The fees (50.00 $) are over what the product allows: 20.00 $.",
        ),
        (
            {"fees": {"percent_max": "0.5"}},
            "Les frais (50.00 $) dépassent ce que le produit permet : 0.5 %.",
            "The fees (50.00 $) are over what the product allows: 0.5 %.",
        ),
        (
            {"conventions": {"frequency": "weeks"}},
            "Le produit prévoit « hebdomadaire » ; le prêt a « mensuel ».",
            'The product provides for "weekly"; the loan has "monthly".',
        ),
        (
            {"conventions": {"instalment_multiple": "5.00"}},
            "Le produit prévoit « 5.00 » ; le prêt a « aucun ».",
            'The product provides for "5.00"; the loan has "none".',
        ),
        (
            {"eligibility": {"borrower_kinds": ["legal_person"]}},
            "Le produit n'est pas offert à ce genre d'emprunteur : personne.",
            "The product is not offered to this kind of borrower: person.",
        ),
        (
            {"eligibility": {"stages": ["growth"]}},
            "Le produit n'est pas offert à ce stade : démarrage.",
            "The product is not offered at this stage: start.",
        ),
        (
            {"eligibility": {"cycle_min": 3}},
            "Le rang du prêt chez l'emprunteur (2) sort des limites du produit : au moins 3.",
            "The loan's rank for its borrower (2) is outside the product's limits: at least 3.",
        ),
        (
            {"eligibility": {"previous_loan_closed": True}},
            "Un prêt précédent du même emprunteur n'était pas remboursé à la date du contrat.",
            "An earlier loan of the same borrower was not repaid on the contract date.",
        ),
        (
            {"moratoria": {"allowed": []}},
            "Le produit ne permet pas un moratoire de 3 périodes (capital_only).",
            "The product does not allow a moratorium of 3 periods (capital_only).",
        ),
        (
            {
                "moratoria": {
                    "allowed": [{"kind": "capital_only", "periods_max": 3}],
                    "periods_max": 2,
                }
            },
            "Les moratoires du prêt (3 périodes) dépassent ce que le produit permet : 2.",
            "The moratoria of the loan (3 periods) are over what the product allows: 2.",
        ),
    ],
)
def test_a_departure_says_what_was_found_and_what_is_allowed(
    content: dict[str, object], french: str, english: str
) -> None:
    loan = replace(
        with_terms(annual_rate=Decimal(10), fees=(Fee(50_00),)),
        rank=2,
        is_previous_open=True,
        moratoria=[AgreedMoratorium(MoratoriumKind.CAPITAL_ONLY, 3)],
    )
    # Where the content says nothing of moratoria, those of the loan are let be.
    anything = {"allowed": [{"kind": "capital_only", "periods_max": 3}]}
    (found,) = find_deviations(rules(**{"moratoria": anything, **content}), loan)
    assert found.message == Text(french, english)


@pytest.mark.parametrize(
    "content",
    [
        {"limits": {"amount_min": "2.00", "amount_max": "1.99"}},
        {"limits": {"term_months_min": 2, "term_months_max": 1}},
        {"limits": {"annual_rate_min": "2", "annual_rate_max": "1"}},
        {"eligibility": {"cycle_min": 2, "cycle_max": 1}},
    ],
)
def test_a_maximum_under_its_minimum_is_refused(content: dict[str, object]) -> None:
    with pytest.raises(ValidationError) as refused:
        rules(**content)
    assert [error["type"] for error in refused.value.errors()] == ["range.reversed"]


def test_a_loan_is_signed_under_the_version_of_its_day() -> None:
    versions = [
        ProductVersion("p", number, day, rules())
        for number, day in enumerate((date(2020, 1, 1), date(2025, 1, 1)), 1)
    ]
    catalogue = Catalogue({"p": versions})
    found = {
        day: catalogue.find_in_force("p", day)
        for day in (date(2019, 12, 31), date(2020, 1, 1), date(2024, 12, 31), date(2025, 1, 1))
    }
    assert list(found.values()) == [None, versions[0], versions[0], versions[1]]
    assert catalogue.find_in_force("q", date(2025, 1, 1)) is None
    # What was recorded before there were versions carries the first, if it was in force.
    assert catalogue.find_signed("p", None, date(2026, 1, 1)) is versions[0]
    assert catalogue.find_signed("p", None, date(2019, 1, 1)) is None
    assert catalogue.find_signed("p", 2, date(2026, 1, 1)) is versions[1]
    assert catalogue.find_signed("p", 3, date(2026, 1, 1)) is None
    assert catalogue.find_signed("q", 1, date(2026, 1, 1)) is None


def test_rules_come_back_as_they_were_kept() -> None:
    whole = rules(
        limits={"amount_max": "20000.00", "annual_rate_max": "12.5"},
        conventions={"frequency": "weeks", "day_count": "actual/365"},
        moratoria={"allowed": [{"kind": "capital_only", "periods_max": 6}], "periods_max": 6},
        eligibility={"borrower_kinds": ["person"], "stages": ["démarrage"]},
    )
    assert ProductRules.model_validate_json(whole.model_dump_json()) == whole
    assert whole.eligibility.stages == ["start"]


def test_loans_of_a_borrower_in_the_order_they_were_signed() -> None:
    loans = [
        BorrowedLoan("c", date(2024, 6, 1)),
        BorrowedLoan("a", date(2023, 1, 1), owing_until=date(2024, 6, 1)),
        BorrowedLoan("b", date(2023, 7, 1), owing_until=date(2024, 1, 1)),
        BorrowedLoan("d", date(2024, 6, 1), owing_until=date(9999, 12, 31)),
        BorrowedLoan("e", date(2030, 1, 1)),
    ]
    assert rank_loans(loans) == {
        "a": Cycle(1, False),
        "b": Cycle(2, True),  # a was still owed
        "c": Cycle(3, False),  # a was settled that very day
        "d": Cycle(4, False),
        "e": Cycle(5, True),
    }
