"""How pytest runs against mutants: few examples, always the same, and no cached answers."""

import pytest
from hypothesis import Phase, settings

from services.common.calendar import due_dates
from services.common.working_days import quebec_holidays


def pytest_configure() -> None:
    settings.register_profile(
        "mutants",
        settings.get_profile("suite"),
        max_examples=10,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
    )
    settings.load_profile("mutants")


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A mutant is asked anew: what the code without it answered is forgotten."""
    due_dates.cache_clear()
    quebec_holidays.cache_clear()
