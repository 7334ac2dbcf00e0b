"""The mapping rules and the independent totals, on cases worked by hand."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from tests.portfolios.declining_balance import (
    OverpaymentError,
    Payment,
    equal_instalments,
    position,
    share_payments,
)
from tests.portfolios.import_rows import (
    LeftOut,
    LoanRow,
    MappedLoan,
    Organisation,
    Portfolio,
    organisation_of,
    write_portfolios,
)
from tests.portfolios.independent_totals import (
    Books,
    Totals,
    read_books,
    read_loan,
    regional_totals,
)
from tests.portfolios.kiva import map_kiva
from tests.portfolios.map_portfolios import map_portfolios
from tests.portfolios.sba import UnusableRowError, map_sba, read_date
from tests.portfolios.shared_data import shared_directory, shared_file

ORGANISATIONS = (Organisation("laval", "13"), Organisation("montreal", "06"))
SBA_ROW = {
    "LoanNr_ChkDgt": "1000000001",
    "NAICS": "722110",
    "ApprovalDate": "1/19/2005",
    "Term": "24",
    "NewExist": "2",
    "CreateJob": "4",
    "RetainedJob": "1",
    "ChgOffDate": "",
    "DisbursementDate": "1/31/2005",
    "DisbursementGross": "5000",
    "MIS_Status": "P I F",
    "ChgOffPrinGr": "0",
}
KIVA_ROW = {
    "row_id": "19011",
    "loan_amount": "1000",
    "activity": "General Store",
    "country": "El Salvador",
    "gender": "female",
}


def map_one_sba(**changes: str) -> MappedLoan | LeftOut:
    (only,) = map_sba([{**SBA_ROW, **changes}], ORGANISATIONS)
    return only


def mapped_sba(**changes: str) -> MappedLoan:
    only = map_one_sba(**changes)
    assert isinstance(only, MappedLoan)
    return only


# Published for 5,000 $ at 7 % over 24 months: 223.86 a month, 223.93 last, 372.71 of interest.
def test_the_second_calculator_agrees_with_a_published_schedule() -> None:
    rows = equal_instalments(Decimal(5000), Decimal(7), 24, "months", date(2026, 1, 31))
    payments = [row.principal + row.interest for row in rows]
    assert payments == [Decimal("223.86")] * 23 + [Decimal("223.93")]
    assert sum(row.interest for row in rows) == Decimal("372.71")
    assert sum(row.principal for row in rows) == Decimal("5000.00")
    assert [row.due_on for row in rows[:3]] == [
        date(2026, 2, 28),
        date(2026, 3, 31),
        date(2026, 4, 30),
    ]


# 6.00 $ at 7 % for one month is 0.035 $ exactly: half a cent goes up, nothing is lost to 7/12.
def test_a_half_cent_of_interest_goes_up() -> None:
    (row,) = equal_instalments(Decimal(6), Decimal(7), 1, "months", date(2026, 1, 1))
    assert row.interest == Decimal("0.04")


def test_weeks_and_days_take_their_part_of_a_year_of_360_days() -> None:
    (week,) = equal_instalments(Decimal(3600), Decimal(10), 1, "weeks", date(2026, 1, 1))
    (day,) = equal_instalments(Decimal(3600), Decimal(10), 1, "days", date(2026, 1, 1))
    assert (week.due_on, week.interest) == (date(2026, 1, 8), Decimal("7.00"))
    assert (day.due_on, day.interest) == (date(2026, 1, 2), Decimal("1.00"))


# 300 $ at 12 % over three months: interest 3.00, 2.01, 1.01; principal 99.01, 100.00, 100.99.
def test_a_payment_meets_the_oldest_interest_then_its_principal() -> None:
    rows = equal_instalments(Decimal(300), Decimal(12), 3, "months", date(2026, 1, 1))
    assert [(row.principal, row.interest) for row in rows] == [
        (Decimal("99.01"), Decimal("3.00")),
        (Decimal("100.00"), Decimal("2.01")),
        (Decimal("100.99"), Decimal("1.01")),
    ]
    shares, unpaid = share_payments(rows, [Payment(date(2026, 2, 1), Decimal("110.00"))])
    assert sum(share.interest for share in shares) == Decimal("5.01")
    assert sum(share.principal for share in shares) == Decimal("104.99")
    assert [row.principal for row in unpaid] == [
        Decimal("0.00"),
        Decimal("94.02"),
        Decimal("100.99"),
    ]


def test_more_than_the_schedule_is_an_overpayment() -> None:
    rows = equal_instalments(Decimal(300), Decimal(0), 3, "months", date(2026, 1, 1))
    with pytest.raises(OverpaymentError):
        share_payments(rows, [Payment(date(2026, 2, 1), Decimal("300.01"))])


def test_days_past_due_count_from_the_oldest_instalment_even_partly_unpaid() -> None:
    rows = equal_instalments(Decimal(300), Decimal(0), 3, "months", date(2026, 1, 1))
    payments = [Payment(date(2026, 2, 1), Decimal("99.99"))]
    found = position(rows, payments, date(2026, 3, 4))
    assert (found.outstanding_principal, found.days_past_due) == (Decimal("200.01"), 31)
    assert position(rows, payments, date(2026, 1, 31)).outstanding_principal == Decimal("300.00")


def loan_row(**changes: str) -> LoanRow:
    mapped = mapped_sba()
    return replace(
        mapped.loan,
        principal="300.00",
        annual_rate="12.00",
        instalments="3",
        contracted_on="2026-01-01",
        disbursed_on="2026-01-01",
        region_code="13",
        **changes,
    )


def books_of(row: LoanRow, *payments: Payment) -> Books:
    loan = read_loan({name: getattr(row, name) for name in LoanRow.__slots__}, payments)
    return Books((loan,), ())


def test_totals_of_a_period_count_its_own_facts_alone() -> None:
    books = books_of(
        loan_row(),
        Payment(date(2026, 2, 1), Decimal("102.01")),
        Payment(date(2026, 3, 1), Decimal("50.00")),
    )
    assert regional_totals(books, date(2026, 3, 1), date(2026, 3, 31)) == {
        "13": Totals(
            repayments_count=1,
            repayments_amount=Decimal("50.00"),
            repayments_principal=Decimal("47.99"),
            repayments_interest=Decimal("2.01"),
            active_loans=1,
            outstanding_principal=Decimal("153.00"),
        )
    }


# The second instalment fell due on 1 March: 30 days on 31 March, 31 days on 1 April.
def test_a_loan_is_at_risk_once_past_the_bound_and_not_on_it() -> None:
    books = books_of(loan_row(), Payment(date(2026, 2, 1), Decimal("102.01")))
    january = (date(2026, 1, 1), date(2026, 1, 31))
    on_the_bound = regional_totals(books, *january, as_of=date(2026, 3, 31))["13"]
    past_it = regional_totals(books, *january, as_of=date(2026, 4, 1))["13"]
    past_ninety = regional_totals(books, *january, as_of=date(2026, 5, 31))["13"]
    assert (on_the_bound.par30, on_the_bound.par30_ratio) == (Decimal("0.00"), Decimal("0.0000"))
    assert (past_it.par30, past_it.par30_ratio) == (Decimal("200.99"), Decimal("1.0000"))
    assert (past_it.par90, past_ninety.par90) == (Decimal("0.00"), Decimal("200.99"))
    assert (past_it.loans_count, past_it.loans_mean_amount) == (1, Decimal("300.00"))


def test_a_loan_disbursed_after_the_date_has_no_position() -> None:
    found = regional_totals(books_of(loan_row()), date(2025, 12, 1), date(2025, 12, 31))["13"]
    assert found == Totals()


def test_files_read_back_give_the_same_totals(tmp_path: Path) -> None:
    mapped = mapped_sba()
    portfolio = Portfolio([mapped.loan], list(mapped.repayments), list(mapped.outcomes), [])
    write_portfolios({mapped.organisation: portfolio, "empty": Portfolio()}, tmp_path)
    found = regional_totals(read_books(tmp_path), date(2005, 1, 1), date(2007, 12, 31))
    assert found[mapped.loan.region_code].repayments_principal == Decimal("5000.00")
    assert found[mapped.loan.region_code].jobs_created == 4
    assert found[mapped.loan.region_code].outstanding_principal == 0


def test_a_fee_is_refused_rather_than_ignored() -> None:
    with pytest.raises(ValueError, match="has a fee"):
        books_of(loan_row(fee="25.00"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1/19/2005", date(2005, 1, 19)),
        ("10-Mar-09", date(2009, 3, 10)),
        ("3-Apr-89", date(1989, 4, 3)),
        (" 12/31/2004 ", date(2004, 12, 31)),
        ("", None),
    ],
)
def test_both_date_forms_are_read(text: str, expected: date | None) -> None:
    assert read_date(text) == expected


def test_a_date_of_another_form_is_not_guessed() -> None:
    with pytest.raises(UnusableRowError, match="date of an unknown form"):
        read_date("31/12/2004")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Term": "0"}, "no term"),
        ({"Term": "601"}, "term over 600 months"),
        ({"DisbursementDate": ""}, "DisbursementDate blank"),
        ({"ApprovalDate": ""}, "ApprovalDate blank"),
        ({"DisbursementDate": "1/18/2005"}, "disbursed before approval"),
        ({"DisbursementGross": "0"}, "nothing disbursed"),
        ({"ChgOffDate": "2010"}, "date of an unknown form"),
    ],
)
def test_a_row_that_gives_no_loan_is_left_out_with_its_reason(
    changes: Mapping[str, str], reason: str
) -> None:
    assert map_one_sba(**changes) == LeftOut("sba", "1000000001", reason)


def test_a_repeated_identifier_is_left_out() -> None:
    first, second = map_sba([SBA_ROW, SBA_ROW], ORGANISATIONS)
    assert isinstance(first, MappedLoan)
    assert second == LeftOut("sba", "1000000001", "identifier repeated")


def test_a_loan_paid_in_full_closes_to_the_cent() -> None:
    mapped = mapped_sba()
    assert mapped.loan.stage == "start"
    assert mapped.loan.sector_code == "722110"
    assert len(mapped.repayments) == 24
    assert repaid_principal(mapped) == Decimal("5000.00")


def test_what_falls_due_after_the_observation_is_paid_on_its_last_day() -> None:
    mapped = mapped_sba(Term="240")
    assert mapped.repayments[-1].paid_on == "2014-12-31"
    assert repaid_principal(mapped) == Decimal("5000.00")


def test_a_charge_off_leaves_what_the_source_says_outstanding() -> None:
    mapped = mapped_sba(MIS_Status="CHGOFF", ChgOffDate="10-Mar-06", ChgOffPrinGr="3210")
    assert repaid_principal(mapped) == Decimal("1790.00")
    assert max(row.paid_on for row in mapped.repayments) <= "2006-03-10"
    assert [(one.amount, one.written_off_on) for one in mapped.write_offs] == [
        ("3210.00", "2006-03-10")
    ]
    assert mapped.outcomes[0].business_status == "closed"


def test_an_early_charge_off_is_preceded_by_one_lump() -> None:
    mapped = mapped_sba(MIS_Status="CHGOFF", ChgOffDate="15-Apr-05", ChgOffPrinGr="1000")
    assert [row.paid_on for row in mapped.repayments] == ["2005-02-28", "2005-03-31", "2005-04-15"]
    assert repaid_principal(mapped) == Decimal("4000.00")


def test_a_loss_over_the_loan_is_the_loan() -> None:
    mapped = mapped_sba(MIS_Status="CHGOFF", ChgOffDate="10-Mar-06", ChgOffPrinGr="9000")
    assert mapped.repayments == ()
    assert mapped.write_offs[0].amount == "5000.00"


@pytest.mark.parametrize(
    "changes",
    [
        {"MIS_Status": ""},
        {"MIS_Status": "CHGOFF", "ChgOffDate": "3-Apr-89", "ChgOffPrinGr": "100"},
        {"ChgOffDate": "", "ChgOffPrinGr": "100"},
    ],
)
def test_nothing_is_derived_where_the_source_contradicts_itself(
    changes: Mapping[str, str],
) -> None:
    mapped = mapped_sba(**changes)
    assert (mapped.repayments, mapped.write_offs) == ((), ())


def repaid_principal(mapped: MappedLoan) -> Decimal:
    rows = equal_instalments(
        Decimal(mapped.loan.principal),
        Decimal(mapped.loan.annual_rate),
        int(mapped.loan.instalments),
        mapped.loan.frequency,
        date.fromisoformat(mapped.loan.disbursed_on),
    )
    payments = [
        Payment(date.fromisoformat(row.paid_on), Decimal(row.amount)) for row in mapped.repayments
    ]
    shares, _ = share_payments(rows, payments)
    return sum((share.principal for share in shares), Decimal(0))


def test_a_microloan_keeps_what_the_source_has() -> None:
    (only,) = map_kiva([KIVA_ROW], ORGANISATIONS)
    assert isinstance(only, MappedLoan)
    assert (only.loan.principal, only.loan.gender, only.loan.sector_code) == (
        "1000.00",
        "woman",
        "445110",
    )
    assert only.loan.disbursed_on >= only.loan.contracted_on


def test_a_microloan_without_an_amount_is_left_out() -> None:
    assert list(map_kiva([{**KIVA_ROW, "loan_amount": ""}], ORGANISATIONS)) == [
        LeftOut("kiva", "19011", "no amount")
    ]


def test_a_row_goes_to_one_organisation_whatever_its_neighbours() -> None:
    rows = [{**KIVA_ROW, "row_id": str(number)} for number in range(200)]
    forward = list(map_kiva(rows, ORGANISATIONS))
    backward = list(map_kiva(rows[::-1], ORGANISATIONS))[::-1]
    assert forward == backward
    used = {one.organisation for one in forward if isinstance(one, MappedLoan)}
    assert used == {"laval", "montreal"}


def test_the_spreading_is_fixed_for_ever() -> None:
    assert organisation_of("sba:1162075009", ORGANISATIONS).slug == "laval"
    assert organisation_of("sba:1162075011", ORGANISATIONS).slug == "montreal"


def test_both_real_portfolios_map_whole() -> None:
    shared_file("portfolios/sba_small_loans.csv")
    mapping = map_portfolios(shared_directory())
    loans = [loan for one in mapping.portfolios.values() for loan in one.loans]
    assert len(loans) + len(mapping.left_out) == 1_500 + 20_000
    assert [one.reason for one in mapping.left_out] == ["DisbursementDate blank"] * 2
    assert len({loan.external_id for loan in loans}) == len(loans)
    assert sum(Decimal(loan.principal) for loan in loans) == Decimal("50177835.00")
    lent_to_by_every_one = [len(one.loans) for one in mapping.portfolios.values()]
    assert min(lent_to_by_every_one) > 1_000
