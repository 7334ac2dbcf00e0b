"""The demonstration stays within what the network published, and never lies about the future."""

import csv
import io
import os
import subprocess
import sys
from collections import Counter, defaultdict
from datetime import date, timedelta
from decimal import Decimal
from hashlib import sha256

import pytest

from deploy.demonstration import (
    DemonstrationFile,
    MemberBooks,
    build_agreements,
    build_books,
    build_demonstration,
    build_reported_months,
    first_asked_month,
)
from deploy.demonstration.build import fiscal_years
from deploy.demonstration.network import MEMBERS
from deploy.demonstration.reporting import DUE_DAYS, OF_THE_GUIDES
from services.common.calendar import add_months
from services.common.money import parse_cents
from services.loans.schedules.apr import (
    Verdict,
    cash_flows,
    criminal_rate_limit,
    judge,
)
from services.loans.vocabulary import BorrowerKind
from tests.portfolios.import_rows import read_organisations
from tests.portfolios.shared_data import shared_file

pytestmark = pytest.mark.xdist_group("demonstration")  # built once, on one worker

TODAY = date(2026, 11, 22)
LAST_COMPLETE_YEAR = 2025
POSTING_ORDER = (
    "contributions",
    "borrowers",
    "loans",
    "repayments",
    "coaching-sessions",
    "outcomes",
)
DATE_COLUMNS = ("received_on", "contracted_on", "disbursed_on", "paid_on", "held_on", "observed_on")
Cells = dict[str, str]
Rows = dict[str, list[tuple[str, Cells]]]


@pytest.fixture(scope="module")
def books() -> list[MemberBooks]:
    return list(build_books(TODAY))


@pytest.fixture(scope="module")
def files(books: list[MemberBooks]) -> list[DemonstrationFile]:
    return [file for member in books for file in member.files()]


def read_rows(file: DemonstrationFile) -> list[Cells]:
    return list(csv.DictReader(io.StringIO(file.csv)))


def fiscal_year(text: str) -> int:
    day = date.fromisoformat(text)
    return day.year if day.month >= 4 else day.year - 1


def gather_rows(files: list[DemonstrationFile]) -> Rows:
    """By kind, each row with the organisation it is of."""
    found: Rows = {kind: [] for kind in POSTING_ORDER}
    for file in files:
        found[file.kind].extend((file.organisation, row) for row in read_rows(file))
    return found


@pytest.fixture(scope="module")
def rows(files: list[DemonstrationFile]) -> Rows:
    return gather_rows(files)


def test_every_member_has_its_files_in_posting_order(files: list[DemonstrationFile]) -> None:
    expected = [(plan.slug, kind) for plan in MEMBERS for kind in POSTING_ORDER]
    assert [(file.organisation, file.kind) for file in files] == expected


def test_the_members_are_those_of_the_register() -> None:
    register = read_organisations(shared_file("register/organisations.csv"))
    assert {(one.slug, one.region_code) for one in register} == {
        (plan.slug, plan.region_code) for plan in MEMBERS
    }


def test_nothing_is_dated_after_today_nor_before_the_books_open(
    files: list[DemonstrationFile],
) -> None:
    dates = [
        row[column]
        for file in files
        for row in read_rows(file)
        for column in DATE_COLUMNS
        if row.get(column)
    ]
    assert max(dates) <= TODAY.isoformat()
    assert min(dates) >= "2020-03-20"  # a contract signed before the first disbursement
    assert TODAY - date.fromisoformat(max(dates)) < timedelta(days=4)


def test_a_build_is_the_same_bytes_whatever_the_hash_seed(files: list[DemonstrationFile]) -> None:
    program = (
        "import sys; from datetime import date; from hashlib import sha256\n"
        "from deploy.demonstration import build_demonstration\n"
        "text = ''.join(file.csv for file in build_demonstration(date(2026, 11, 22)))\n"
        "sys.stdout.write(sha256(text.encode()).hexdigest())"
    )
    elsewhere = subprocess.run(
        [sys.executable, "-c", program],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": "1"},
    )
    here = "".join(file.csv for file in files)
    assert elsewhere.stdout == sha256(here.encode()).hexdigest()


def test_another_seed_is_another_network() -> None:
    assert next(build_demonstration(TODAY, seed=1)) != next(build_demonstration(TODAY, seed=2))


def test_a_later_day_only_adds_rows(files: list[DemonstrationFile]) -> None:
    earlier = list(build_demonstration(date(2026, 7, 2)))
    for before, after in zip(earlier, files, strict=True):
        assert set(before.csv.splitlines()) <= set(after.csv.splitlines())


def test_identifiers_are_unique_within_an_organisation_and_kind(
    files: list[DemonstrationFile],
) -> None:
    for file in files:
        identifiers = [row["external_id"] for row in read_rows(file)]
        assert len(identifiers) == len(set(identifiers)), (file.organisation, file.kind)


def test_what_a_row_refers_to_is_in_the_files_before_it(rows: Rows) -> None:
    borrowers = {(slug, row["external_id"]) for slug, row in rows["borrowers"]}
    loans = {(slug, row["external_id"]): row for slug, row in rows["loans"]}
    for slug, row in rows["loans"]:
        assert (slug, row["borrower_external_id"]) in borrowers
    for slug, row in rows["repayments"]:
        assert loans[slug, row["loan_external_id"]]["disbursed_on"] <= row["paid_on"]
    for slug, row in rows["outcomes"]:
        assert loans[slug, row["loan_external_id"]]["disbursed_on"] <= row["observed_on"]
    for slug, row in rows["coaching-sessions"]:
        assert (slug, row["borrower_external_id"]) in borrowers
        assert not row["loan_external_id"] or (slug, row["loan_external_id"]) in loans


def test_loans_keep_within_what_the_network_lends(rows: Rows) -> None:
    by_year: dict[int, list[int]] = defaultdict(list)
    usual_terms = 0
    for _, row in rows["loans"]:
        principal_cents = parse_cents(row["principal"])
        by_year[fiscal_year(row["disbursed_on"])].append(principal_cents)
        funding = ("funding_state", "funding_community", "funding_private")
        assert sum(parse_cents(row[column]) for column in funding) == principal_cents
        assert 500_00 <= principal_cents <= 20_000_00
        assert 0 <= Decimal(row["annual_rate"]) <= 10
        assert row["contracted_on"] <= row["disbursed_on"]
        usual_terms += row["frequency"] == "months" and 12 <= int(row["instalments"]) <= 36
    assert (
        sorted(by_year) == list(fiscal_years(TODAY)) == [2020, 2021, 2022, 2023, 2024, 2025, 2026]
    )
    for year, amounts in by_year.items():
        assert year == 2026 or 200 <= len(amounts) <= 400
        assert 5_000_00 <= sum(amounts) / len(amounts) <= 7_000_00
    assert usual_terms > 0.75 * sum(len(amounts) for amounts in by_year.values())


def test_members_differ_in_size(rows: Rows) -> None:
    loans = Counter(slug for slug, _ in rows["loans"])
    largest = [slug for slug, _ in loans.most_common(2)]
    assert largest == ["montreal", "fonds-emprunt-quebec"]
    assert loans.most_common()[-1][0] == "charlevoix"
    founded_lately = Counter(
        fiscal_year(row["disbursed_on"])
        for slug, row in rows["loans"]
        if slug == "centre-du-quebec"
    )
    assert founded_lately[2020] < founded_lately[2025] / 1.5


def test_some_seven_people_are_coached_for_one_loan(rows: Rows) -> None:
    people: dict[int, set[tuple[str, str]]] = defaultdict(set)
    for slug, row in rows["coaching-sessions"]:
        people[fiscal_year(row["held_on"])].add((slug, row["borrower_external_id"]))
    loans = Counter(fiscal_year(row["disbursed_on"]) for _, row in rows["loans"])
    for year in range(2021, LAST_COMPLETE_YEAR + 1):
        assert 6 <= len(people[year]) / loans[year] <= 8


def test_near_seven_enterprises_in_ten_are_open_after_five_years(rows: Rows) -> None:
    status = Counter(
        row["business_status"] for _, row in rows["outcomes"] if row["external_id"].endswith("-S5")
    )
    known = status["active"] + status["sold"] + status["closed"]
    assert known > 200
    assert 0.65 <= (status["active"] + status["sold"]) / known <= 0.75
    assert 0 < status["unknown"] < known / 5


def test_repayment_stays_between_80_and_93_percent(books: list[MemberBooks]) -> None:
    """Principal repaid over principal fallen due, prepayments apart; and loans close exactly."""
    as_of = date(2026, 3, 31)
    due_cents = repaid_cents = paid_up = 0
    for member in books:
        received: Counter[str] = Counter()
        for row in member.repayments:
            if row.paid_on <= as_of.isoformat():
                received[row.loan_external_id] += parse_cents(row.amount)
        for loan in member.planned:
            asked = [row for row in loan.schedule.rows if row.due_on <= as_of]
            left = received[loan.external_id]
            assert left <= loan.schedule.totals.payment_cents
            paid_up += left == loan.schedule.totals.payment_cents
            for instalment in asked:
                left -= min(left, instalment.interest_cents)
                principal_cents = min(left, instalment.principal_cents)
                left -= principal_cents
                repaid_cents += principal_cents
                due_cents += instalment.principal_cents
    assert 0.80 <= repaid_cents / due_cents <= 0.93
    assert paid_up > 700


def test_no_loan_is_near_the_criminal_rate(books: list[MemberBooks]) -> None:
    for member in books:
        for loan in member.planned:
            kind = BorrowerKind(loan.borrower.kind)
            limit = criminal_rate_limit(loan.contracted_on, kind, loan.terms.principal_cents)
            assert judge(cash_flows(loan.terms, loan.schedule), limit) is Verdict.ACCEPT


def test_every_way_of_repaying_occurs(books: list[MemberBooks]) -> None:
    manners = Counter(loan.manner for member in books for loan in member.planned)
    assert len(manners) == 5
    assert min(manners.values()) > 50


def test_what_is_written_off_is_what_was_left(books: list[MemberBooks]) -> None:
    write_offs = [(member, one) for member in books for one in member.write_offs]
    assert 100 < len(write_offs) < 300
    for member, one in write_offs:
        loan = next(loan for loan in member.planned if loan.external_id == one.loan_external_id)
        left = sum(
            parse_cents(row.amount)
            for row in member.repayments
            if row.loan_external_id == one.loan_external_id
        )
        repaid_cents = 0
        for instalment in loan.schedule.rows:
            left -= min(left, instalment.interest_cents)
            principal_cents = min(left, instalment.principal_cents)
            left -= principal_cents
            repaid_cents += principal_cents
        assert one.amount_cents == loan.terms.principal_cents - repaid_cents
        assert one.written_off_on <= TODAY


def test_funds_usually_cover_what_is_lent(rows: Rows) -> None:
    moves: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for slug, row in rows["contributions"]:
        if row["purpose"] == "capital":
            moves[slug].append((row["received_on"], parse_cents(row["amount"])))
    for slug, row in rows["repayments"]:
        moves[slug].append((row["paid_on"], parse_cents(row["amount"])))
    for slug, row in rows["loans"]:
        moves[slug].append((row["disbursed_on"], -parse_cents(row["principal"])))
    never_short = 0
    for own in moves.values():
        balance_cents = lowest_cents = 0
        for _, amount_cents in sorted(own, key=lambda one: (one[0], -one[1])):
            balance_cents += amount_cents
            lowest_cents = min(lowest_cents, balance_cents)
        assert balance_cents > 0
        never_short += lowest_cents == 0
    assert never_short >= 0.8 * len(MEMBERS)


def test_capital_comes_from_the_three_sides(rows: Rows) -> None:
    public, private = {"state", "federal", "municipal"}, {"financial_institution", "enterprise"}
    for slug in {plan.slug for plan in MEMBERS}:
        own = [row for member, row in rows["contributions"] if member == slug]
        kinds = {row["contributor_kind"] for row in own if row["purpose"] == "capital"}
        assert kinds & public
        assert kinds & private
        assert kinds & {"individual", "religious_community", "non_profit", "cooperative"}
        operations = [row for row in own if row["purpose"] == "operations"]
        assert {row["contributor_kind"] for row in operations} == {"state"}
        repayable = [row for row in own if row["repayable_on"]]
        assert all(row["repayable_on"] > TODAY.isoformat() for row in repayable)


def test_each_year_has_its_agreement_with_targets_and_payments() -> None:
    agreements = build_agreements(TODAY)
    assert [one.period_from.year for one in agreements] == list(fiscal_years(TODAY))
    for agreement in agreements:
        assert len(agreement.targets) >= 8
        assert (agreement.period_from.month, agreement.period_to.month) == (4, 3)
        paid = sum(payment.amount_cents for payment in agreement.payments)
        is_over = agreement.period_to < TODAY
        assert paid == agreement.amount_cents if is_over else 0 < paid < agreement.amount_cents
        assert all(payment.paid_on <= TODAY for payment in agreement.payments)


@pytest.mark.parametrize("today", [TODAY, date(2026, 4, 1), date(2027, 3, 16), date(2027, 9, 30)])
def test_months_take_their_steps_in_order_and_none_in_the_future(today: date) -> None:
    first = first_asked_month(today)
    assert first.month == 4
    assert today - timedelta(days=580) < first < today - timedelta(days=180)
    reported = build_reported_months(today)
    assert reported.keys() == {plan.slug for plan in MEMBERS}
    for slug, months in reported.items():
        assert [m.month for m in months] == [add_months(first, n) for n in range(len(months))]
        assert len(months) >= 5
        for said in months:
            steps = [said.submitted_on, said.rejected_on, said.approved_on, said.locked_on]
            taken = [day for day in steps if day is not None]
            assert add_months(said.month, 1) <= taken[0]
            assert taken == sorted(taken)
            assert taken[-1] <= today
        locked = [m.locked_on is not None for m in months]
        assert locked == sorted(locked, reverse=True)
        assert not (slug == OF_THE_GUIDES and any(locked))


def test_some_months_are_late_and_the_latest_of_one_member_is_missing() -> None:
    reported = build_reported_months(TODAY)
    every = [month for months in reported.values() for month in months]
    late = sum((m.submitted_on - add_months(m.month, 1)).days >= DUE_DAYS for m in every)
    assert 0.05 * len(every) < late < 0.25 * len(every)
    assert reported[OF_THE_GUIDES][-1].month == date(2026, 9, 1)
    assert max(len(months) for months in reported.values()) == 7  # April to October
    assert sum(month.locked_on is not None for month in every) == 3 * (len(MEMBERS) - 1)


def test_a_postal_code_is_only_its_first_half(rows: Rows) -> None:
    areas = {row["postal_code"] for _, row in rows["borrowers"]}
    assert {len(area) for area in areas} == {3}
    assert {area[0] for area in areas} <= {"G", "H", "J"}


@pytest.mark.parametrize("today", [date(2018, 4, 1), date(2024, 2, 29)])
def test_any_day_has_a_demonstration(today: date) -> None:
    files = list(build_demonstration(today))
    loans = [row for _, row in gather_rows(files)["loans"]]
    assert len(loans) > 1_000
    assert max(row["disbursed_on"] for row in loans) <= today.isoformat()
