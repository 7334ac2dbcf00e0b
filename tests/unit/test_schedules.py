from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from services.common.calendar import DayCount, Frequency
from services.common.money import Rounding, format_cents, parse_cents
from services.loans.schedules.arithmetic import Schedule, build_schedule
from services.loans.schedules.terms import (
    Amortisation,
    Fee,
    FeeCharged,
    InterestMethod,
    NonWorkingDays,
    ScheduleError,
    ScheduleTerms,
)
from tests.unit.schedule_cases import Case, read_cases

PLAIN = ScheduleTerms(500_000, Decimal(7), 24, date(2026, 1, 15))


def terms_of(case: Case, day_count: DayCount) -> ScheduleTerms:
    percent = case["down_payment_pct"]
    return ScheduleTerms(
        principal_cents=parse_cents(case["principal"]),
        annual_rate=Decimal(case["annual_rate"]),
        instalments=case["instalments"],
        disbursed_on=date.fromisoformat(case["disbursed_on"]),
        frequency=Frequency(case["frequency"]),
        repay_every=case["repay_every"],
        interest_method=InterestMethod(case["interest"]),
        amortisation=Amortisation(case["amortisation"].replace("installments", "instalments")),
        day_count=day_count,
        rounding=Rounding(case["rounding"]),
        smoothing=case["smoothing"],
        instalment_multiple_cents=case["multiple"] and 100 * case["multiple"],
        principal_grace_periods=case["grace_principal"],
        interest_grace_periods=case["grace_interest"],
        interest_free_periods=case["interest_free"],
        down_payment_percent=None if percent is None else Decimal(percent),
    )


def printed(schedule: Schedule) -> list[list[str]]:
    return [
        [str(row.due_on), format_cents(row.principal_cents), format_cents(row.interest_cents)]
        for row in schedule.rows
    ]


def test_every_case_of_the_independent_calculator() -> None:
    cases = read_cases()
    checked = 0
    for case in cases:
        for name in set(case["day_counts_ok"]) & set(DayCount):
            schedule = build_schedule(terms_of(case, DayCount(name)))
            assert printed(schedule) == case["rows"], (case["id"], name)
            checked += 1
    assert checked >= len(cases) > 0


def payments(terms: ScheduleTerms) -> list[str]:
    return [format_cents(row.payment_cents) for row in build_schedule(terms).rows]


def columns(terms: ScheduleTerms) -> list[tuple[int, int]]:
    """Principal and interest of each row, in cents."""
    return [(row.principal_cents, row.interest_cents) for row in build_schedule(terms).rows]


def interests(terms: ScheduleTerms) -> list[str]:
    return [format_cents(row.interest_cents) for row in build_schedule(terms).rows]


def principals(terms: ScheduleTerms) -> list[str]:
    return [format_cents(row.principal_cents) for row in build_schedule(terms).rows]


def test_an_ordinary_loan() -> None:
    schedule = build_schedule(PLAIN)
    assert payments(PLAIN) == ["223.86"] * 23 + ["223.93"]
    assert format_cents(schedule.totals.interest_cents) == "372.71"
    assert schedule.instalment_cents == 22386
    assert [str(row.due_on) for row in schedule.rows[:2]] == ["2026-02-15", "2026-03-15"]
    assert [row.number for row in schedule.rows] == list(range(1, 25))
    assert schedule.rows[0].balance_cents == 500_000 - schedule.rows[0].principal_cents


def test_a_year_turns_one_day_early_in_31dec() -> None:
    terms = ScheduleTerms(
        1_000_000,
        Decimal(12),
        6,
        date(2023, 12, 12),
        day_count=DayCount.ACTUAL_ACTUAL_31DEC,
        rounding=Rounding.HALF_EVEN,
    )
    assert interests(terms) == ["101.81", "85.14", "64.05", "51.58", "33.45", "17.36"]


def test_month_ends_and_a_rate_of_its_own_each_month() -> None:
    terms = ScheduleTerms(245_000, Decimal("9.99"), 6, date(2023, 10, 31))
    rows = build_schedule(terms).rows
    days = " ".join(f"{row.due_on:%m-%d}" for row in rows)
    assert days == "11-30 12-31 01-31 02-29 03-31 04-30"
    assert principals(terms) == ["399.91", "403.24", "406.60", "409.98", "413.40", "416.87"]
    leap = ScheduleTerms(
        1_000_000,
        Decimal("9.482"),
        6,
        date(2023, 12, 12),
        day_count=DayCount.ACTUAL_ACTUAL_FEB29,
    )
    assert interests(leap) == ["80.53", "67.38", "50.50", "40.74", "26.39", "13.69"]


def test_principal_grace_and_a_multiple() -> None:
    terms = ScheduleTerms(
        500_000,
        Decimal(12),
        18,
        date(2022, 11, 1),
        instalment_multiple_cents=100,
        principal_grace_periods=3,
    )
    assert payments(terms) == ["50.00"] * 3 + ["361.00"] * 14 + ["354.87"]


def test_flat_interest_and_a_multiple() -> None:
    terms = ScheduleTerms(
        500_000,
        Decimal(12),
        18,
        date(2022, 11, 1),
        interest_method=InterestMethod.FLAT,
        instalment_multiple_cents=100,
    )
    assert principals(terms) == ["278.00"] * 17 + ["274.00"]
    assert interests(terms) == ["50.00"] * 18


def test_flat_interest_adds_up_to_its_total() -> None:
    terms = ScheduleTerms(
        10_000, Decimal(7), 6, date(2024, 1, 1), interest_method=InterestMethod.FLAT
    )
    assert interests(terms) == ["0.58"] * 5 + ["0.60"]
    assert principals(terms) == ["16.67"] * 5 + ["16.65"]
    tiny = replace(terms, principal_cents=1_200, annual_rate=Decimal("1.17"), instalments=12)
    assert interests(tiny) == ["0.01"] * 11 + ["0.03"]
    tinier = replace(tiny, annual_rate=Decimal("0.6"))
    assert interests(tinier) == ["0.01"] * 7 + ["0.00"] * 5


def test_a_down_payment_is_the_first_row() -> None:
    terms = ScheduleTerms(
        10_000,
        Decimal(5),
        5,
        date(2024, 1, 1),
        down_payment_percent=Decimal(25),
        fees=(Fee(150, FeeCharged.ADDED),),
    )
    rows = build_schedule(terms).rows
    assert payments(terms) == ["25.00", "16.69", "15.19", "15.19", "15.19", "15.18"]
    assert [row.number for row in rows] == [1, 2, 3, 4, 5, 6]
    assert (str(rows[0].due_on), rows[0].balance_cents) == ("2024-01-01", 7_500)
    assert [row.fees_cents for row in rows] == [0, 150, 0, 0, 0, 0]


def test_a_down_payment_of_one_cent_or_of_half_a_cent() -> None:
    one = ScheduleTerms(100, Decimal(0), 1, date(2026, 1, 1), down_payment_percent=Decimal(1))
    assert principals(one) == ["0.01", "0.99"]
    half = replace(one, principal_cents=101, down_payment_percent=Decimal(50))
    assert principals(half) == ["0.51", "0.50"]
    assert principals(replace(half, rounding=Rounding.UP)) == ["0.51", "0.50"]
    assert principals(replace(half, rounding=Rounding.HALF_EVEN)) == ["0.50", "0.51"]


def test_fees_withheld_are_in_no_row() -> None:
    terms = replace(PLAIN, fees=(Fee(15_000), Fee(2_500, FeeCharged.ADDED)))
    schedule = build_schedule(terms)
    assert schedule.totals.fees_cents == 2_500
    assert schedule.totals.payment_cents == 500_000 + 37_271 + 2_500
    assert schedule.rows[0].payment_cents == 22_386 + 2_500


def test_interest_deferred_falls_due_at_once_after_the_grace() -> None:
    plain = ScheduleTerms(120_000, Decimal(12), 4, date(2026, 1, 1))
    assert interests(plain) == ["12.00", "9.04", "6.06", "3.04"]
    deferred = replace(plain, interest_grace_periods=2)
    assert interests(deferred) == ["0.00", "0.00", "27.10", "3.04"]
    assert principals(deferred) == principals(plain)
    nothing_due = replace(plain, interest_grace_periods=2, principal_grace_periods=2)
    assert payments(nothing_due) == ["0.00", "0.00", "633.01", "609.02"]
    assert interests(nothing_due) == ["0.00", "0.00", "36.00", "6.03"]


def test_interest_free_periods_have_rate_zero() -> None:
    terms = ScheduleTerms(120_000, Decimal(12), 4, date(2026, 1, 1), interest_free_periods=2)
    assert interests(terms) == ["0.00", "0.00", "5.96", "2.99"]
    assert payments(terms) == ["302.24", "302.24", "302.24", "302.23"]
    all_free = replace(terms, interest_free_periods=4)
    assert payments(all_free) == ["300.00"] * 4
    flat = replace(all_free, interest_method=InterestMethod.FLAT)
    assert payments(flat) == ["300.00"] * 4


def test_flat_interest_and_grace() -> None:
    flat = ScheduleTerms(
        120_000, Decimal(12), 4, date(2026, 1, 1), interest_method=InterestMethod.FLAT
    )
    assert interests(replace(flat, interest_grace_periods=2)) == ["0.00", "0.00", "24.00", "24.00"]
    equal_principal = replace(
        flat, interest_grace_periods=2, amortisation=Amortisation.EQUAL_PRINCIPAL
    )
    assert interests(equal_principal) == ["0.00", "0.00", "36.00", "12.00"]
    free = replace(flat, interest_free_periods=1)
    assert interests(free) == ["0.00", "12.00", "12.00", "12.00"]
    late_principal = replace(flat, principal_grace_periods=2)
    assert payments(late_principal) == ["12.00", "12.00", "612.00", "612.00"]


def test_equal_principal() -> None:
    terms = ScheduleTerms(
        100_000, Decimal(12), 3, date(2026, 1, 1), amortisation=Amortisation.EQUAL_PRINCIPAL
    )
    assert principals(terms) == ["333.33", "333.33", "333.34"]
    assert interests(terms) == ["10.00", "6.67", "3.33"]
    assert principals(replace(terms, rounding=Rounding.UP)) == ["333.34", "333.34", "333.32"]
    rounded = replace(terms, instalment_multiple_cents=5_000, principal_grace_periods=1)
    assert principals(rounded) == ["0.00", "500.00", "500.00"]


def test_rounding_up_is_for_the_instalment() -> None:
    up = replace(PLAIN, rounding=Rounding.UP, principal_cents=500_100)
    assert payments(replace(up, rounding=Rounding.HALF_UP))[0] == "223.91"
    assert payments(up)[0] == "223.91"
    assert payments(replace(PLAIN, rounding=Rounding.UP))[0] == "223.87"
    assert interests(replace(PLAIN, rounding=Rounding.UP))[0] == interests(PLAIN)[0]
    tens = replace(PLAIN, rounding=Rounding.UP, instalment_multiple_cents=1000)
    assert set(payments(tens)[:-1]) == {"230.00"}


def test_ties_of_interest() -> None:
    # 50 cents of interest on 10.00 at 6 % over one month is 5.00; 10.10 makes 5.05 cents: no tie.
    # 1.00 at 6 % a month of 1/12 makes exactly half a cent.
    half = ScheduleTerms(100, Decimal(6), 1, date(2026, 1, 1))
    assert interests(half) == ["0.01"]
    assert interests(replace(half, rounding=Rounding.HALF_EVEN)) == ["0.00"]
    assert interests(replace(half, rounding=Rounding.UP)) == ["0.01"]


def test_weeks_and_days() -> None:
    weekly = ScheduleTerms(
        50_000, Decimal("7.2"), 4, date(2026, 2, 20), frequency=Frequency.WEEKS, repay_every=2
    )
    assert [str(row.due_on) for row in build_schedule(weekly).rows] == [
        "2026-03-06",
        "2026-03-20",
        "2026-04-03",
        "2026-04-17",
    ]
    assert interests(weekly) == ["1.40", "1.05", "0.70", "0.35"]
    daily = replace(weekly, frequency=Frequency.DAYS, repay_every=10)
    assert interests(daily)[0] == "1.00"


def test_the_first_due_date_is_free() -> None:
    chosen = replace(PLAIN, first_due_on=date(2026, 3, 31))
    rows = build_schedule(chosen).rows
    assert [str(row.due_on) for row in rows[:3]] == ["2026-03-31", "2026-04-30", "2026-05-31"]
    # 75 days of 360 from 15 January (30/360: the 31st stays, as the start is not a 30th)
    assert format_cents(rows[0].interest_cents) == "73.89"
    weekly = replace(PLAIN, frequency=Frequency.WEEKS, first_due_on=date(2026, 1, 25))
    assert format_cents(build_schedule(weekly).rows[0].interest_cents) == "9.72"
    derived = replace(PLAIN, disbursed_on=date(2026, 1, 31))
    stated = replace(derived, first_due_on=date(2026, 2, 28))
    assert build_schedule(stated) == build_schedule(derived)


def test_due_dates_move_to_working_days_and_amounts_stay() -> None:
    kept = replace(PLAIN, disbursed_on=date(2026, 4, 24), day_count=DayCount.ACTUAL_365)
    later = build_schedule(replace(kept, non_working_days=NonWorkingDays.MOVE_LATER))
    earlier = build_schedule(replace(kept, non_working_days=NonWorkingDays.MOVE_EARLIER))
    assert [str(row.due_on) for row in later.rows[:2]] == ["2026-05-25", "2026-06-25"]
    assert [str(row.due_on) for row in earlier.rows[:2]] == ["2026-05-22", "2026-06-23"]
    for moved in (later, earlier):
        assert [replace(row, due_on=date.min) for row in moved.rows] == [
            replace(row, due_on=date.min) for row in build_schedule(kept).rows
        ]
    # A daily loan skips the weekend rather than be due twice on one day.
    friday = replace(PLAIN, disbursed_on=date(2026, 1, 16), frequency=Frequency.DAYS, instalments=3)
    for rule in (NonWorkingDays.MOVE_LATER, NonWorkingDays.MOVE_EARLIER):
        rows = build_schedule(replace(friday, non_working_days=rule)).rows
        days = [str(row.due_on) for row in rows]
        assert days == ["2026-01-19", "2026-01-20", "2026-01-21"]


def test_a_first_period_longer_than_the_instalment_is_interest_alone() -> None:
    late = replace(PLAIN, instalments=60, first_due_on=date(2026, 6, 1))
    rows = build_schedule(late).rows
    assert (rows[0].principal_cents, rows[0].interest_cents) == (0, 13_222)
    # 5,000.00 x r / (1 - (1 + r) ** -59), with r = 0.07 / 12: 100.408
    assert {row.payment_cents for row in rows[1:-1]} == {100_41}
    assert build_schedule(late).instalment_cents == 100_41


def test_a_first_period_of_ten_years() -> None:
    """100.00 at 1 % a month: 120.00 of interest fall due before the first instalment could be."""
    terms = ScheduleTerms(10_000, Decimal(12), 2, date(2025, 1, 1), first_due_on=date(2035, 1, 1))
    assert columns(terms) == [(0, 12_000), (10_000, 100)]
    # A grace stands as agreed: 1.00, then two of 50.75, or 100.00 / (1 / 1.01 + 1 / 1.01 ** 2).
    grace = replace(terms, instalments=4, principal_grace_periods=2)
    assert columns(grace) == [(0, 12_000), (0, 100), (4_975, 100), (5_025, 50)]
    # The only instalment is the last: it repays all, though 220.00 rounds to no 1,000.00.
    alone = replace(terms, instalments=1, instalment_multiple_cents=100_000)
    assert columns(alone) == [(10_000, 12_000)]
    # 282 days: 45.92 of interest, as much as the instalment, which still is one of the three.
    level = ScheduleTerms(
        8_429, Decimal("70.51"), 3, date(2026, 1, 1), first_due_on=date(2026, 10, 10)
    )
    level = replace(level, day_count=DayCount.ACTUAL_365)
    assert build_schedule(level).instalment_cents == 4_592
    assert columns(level)[:2] == [(0, 4_592), (4_087, 505)]


def test_half_a_cent_of_interest_in_a_long_first_period() -> None:
    """1.00 at 2.5 % a month: 0.525 over 21 months; 0.53 is over the instalment, 0.52 is not."""
    terms = ScheduleTerms(100, Decimal(30), 3, date(2025, 1, 1), first_due_on=date(2026, 10, 1))
    assert columns(terms) == [(0, 53), (49, 3), (51, 1)]
    even = replace(terms, rounding=Rounding.HALF_EVEN)
    assert columns(even) == [(0, 52), (50, 2), (50, 1)]
    # 0.50 at 5 % a month in two: the 0.52 leave all of it to the last, which is refused.
    with pytest.raises(ScheduleError):
        build_schedule(replace(even, principal_cents=50, annual_rate=Decimal(60), instalments=2))


def test_a_broken_first_period_of_weeks_counts_its_days() -> None:
    """10 days of 360 from 25 January, where months of 30 days count 9: 0.36 % of 100.00."""
    terms = ScheduleTerms(10_000, Decimal("12.96"), 1, date(2026, 1, 25))
    terms = replace(terms, first_due_on=date(2026, 2, 4))
    assert columns(replace(terms, frequency=Frequency.WEEKS)) == [(10_000, 36)]
    assert columns(terms) == [(10_000, 32)]


def test_a_period_counted_from_an_anchor_is_whole() -> None:
    """Two months from 28 February to 30 April, not 62 days of 360: 2 % of 100.00."""
    terms = ScheduleTerms(10_000, Decimal(12), 1, date(2025, 2, 28), repay_every=2)
    terms = replace(terms, first_due_on=date(2025, 4, 30), due_anchor=date(2024, 12, 31))
    assert columns(terms) == [(10_000, 200)]


def test_smoothing_brings_the_last_instalment_near() -> None:
    rough = ScheduleTerms(206_800, Decimal("12.97"), 18, date(2026, 1, 1))
    assert payments(rough)[-2:] == ["127.04", "127.14"]
    smooth = replace(rough, smoothing=True)
    assert payments(smooth)[-2:] == ["127.05", "126.97"]
    # A gap of half as many cents as instalments is left alone.
    near = ScheduleTerms(100_000, Decimal(0), 7, date(2026, 1, 1), smoothing=True)
    assert payments(near) == ["142.86"] * 6 + ["142.84"]
    # Rounding up never lets the instalment fall under its exact value.
    up = replace(smooth, rounding=Rounding.UP)
    assert payments(up)[-2:] == ["127.05", "126.97"]
    # Only the instalments that repay principal count: six cents are many for ten, few for 18.
    grace = replace(near, principal_cents=880_900, annual_rate=Decimal("3.66"), instalments=18)
    grace = replace(grace, principal_grace_periods=8)
    assert payments(grace)[-2:] == ["895.75", "895.71"]
    # At most three passes.
    far = ScheduleTerms(
        1_297_100, Decimal(41), 240, date(2026, 1, 1), rounding=Rounding.HALF_EVEN, smoothing=True
    )
    far = replace(far, instalment_multiple_cents=5)
    assert build_schedule(far).instalment_cents == 44_555
    # The gap says to lower it, which would no longer cover the interest.
    stuck = ScheduleTerms(30_500, Decimal("74.22"), 120, date(2026, 1, 1), smoothing=True)
    assert build_schedule(stuck) == build_schedule(replace(stuck, smoothing=False))
    # The last is 0.09 under the others; with them a cent lower it would be 0.09 above: kept.
    level = ScheduleTerms(51_875, Decimal("57.95"), 12, date(2026, 1, 1), smoothing=True)
    assert payments(level)[-2:] == ["57.97", "57.88"]
    # A multiple leaves nowhere to move, and a single instalment has no others to be like.
    for fixed in (replace(rough, instalment_multiple_cents=1000), replace(rough, instalments=1)):
        assert build_schedule(replace(fixed, smoothing=True)) == build_schedule(fixed)


def test_a_loan_repaid_early_by_its_rounding_ends_there() -> None:
    terms = ScheduleTerms(10_000, Decimal(0), 36, date(2026, 1, 1), instalment_multiple_cents=100)
    assert payments(terms) == ["3.00"] * 33 + ["1.00"]
    flat = replace(terms, interest_method=InterestMethod.FLAT, annual_rate=Decimal(1))
    schedule = build_schedule(flat)
    assert schedule.totals.interest_cents == 300
    assert len(schedule.rows) < 36
    assert schedule.rows[-1].balance_cents == 0


def test_the_last_instalment_may_be_of_one_cent() -> None:
    terms = ScheduleTerms(401, Decimal(0), 10, date(2026, 1, 1), rounding=Rounding.UP)
    terms = replace(terms, instalment_multiple_cents=100)
    assert payments(terms) == ["1.00"] * 4 + ["0.01"]
    equal = replace(terms, amortisation=Amortisation.EQUAL_PRINCIPAL)
    assert payments(equal) == ["1.00"] * 4 + ["0.01"]


def test_an_instalment_of_interest_alone_may_start_a_loan() -> None:
    """In months of 31 days the interest takes all of it, in shorter ones it does not."""
    terms = ScheduleTerms(
        183, Decimal("82.11"), 60, date(2026, 1, 1), day_count=DayCount.ACTUAL_365
    )
    rows = build_schedule(terms).rows
    assert [row.principal_cents for row in rows[:4]] == [0, 1, 0, 1]
    assert rows[-1].balance_cents == 0


def test_settings_that_change_nothing() -> None:
    for same in (
        replace(PLAIN, down_payment_percent=Decimal(0)),
        replace(PLAIN, instalment_multiple_cents=1),
        replace(PLAIN, fees=(Fee(0),)),
    ):
        assert build_schedule(same) == build_schedule(PLAIN)
    # The one instalment of a flat loan is what it is, whatever the multiple.
    flat = replace(PLAIN, instalments=1, interest_method=InterestMethod.FLAT)
    assert payments(replace(flat, instalment_multiple_cents=2_000_000)) == ["5029.17"]


def test_single_and_longest_loans() -> None:
    one = replace(PLAIN, instalments=1)
    assert payments(one) == ["5029.17"]
    longest = build_schedule(replace(PLAIN, instalments=600))
    assert len(longest.rows) == 600
    assert longest.rows[-1].balance_cents == 0
