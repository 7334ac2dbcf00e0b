from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from services.common.working_days import (
    is_working_day,
    quebec_holidays,
    working_day_from,
    working_day_until,
)


def test_holidays_of_a_year() -> None:
    """The eight of the Act respecting labour standards and of the National Holiday Act."""
    holidays = " ".join(f"{day:%m-%d}" for day in sorted(quebec_holidays(2026)))
    assert holidays == "01-01 04-03 05-18 06-24 07-01 09-07 10-12 12-25"


def test_the_nearest_working_days() -> None:
    saturday = date(2026, 5, 16)  # Monday 18 is the National Patriots' Day
    assert working_day_from(saturday) == date(2026, 5, 19)
    assert working_day_until(saturday) == date(2026, 5, 15)
    assert working_day_from(date(2026, 5, 19)) == date(2026, 5, 19)
    # Christmas on a Sunday is kept on the Monday.
    assert working_day_from(date(2022, 12, 25)) == date(2022, 12, 27)


@given(st.dates(date(1970, 1, 1), date(2150, 1, 1)))
def test_a_working_day_is_never_far(day: date) -> None:
    for moved in (working_day_from(day), working_day_until(day)):
        assert is_working_day(moved)
        assert abs(moved - day) <= timedelta(days=4)
