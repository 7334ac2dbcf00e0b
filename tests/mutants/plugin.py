"""How pytest runs against mutants: few examples, always the same, no cached answers, no loops."""

import os
import resource
import signal
from types import FrameType

import pytest
from hypothesis import Phase, settings

from services.common.calendar import due_dates
from services.common.working_days import quebec_holidays

CPU_SECONDS_MAX = 5
"""Of one test. None takes two: a mutant that does turns in a circle."""
MEMORY_MAX = 1 << 30
TIMED_OUT = 36
"""What mutmut reads as out of time."""


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
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_MAX, resource.RLIM_INFINITY))
    signal.signal(signal.SIGVTALRM, _give_up)


def _give_up(number: int, frame: FrameType | None) -> None:
    os._exit(TIMED_OUT)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A mutant is asked anew: what the code without it answered is forgotten."""
    due_dates.cache_clear()
    quebec_holidays.cache_clear()
    signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECONDS_MAX)


def pytest_runtest_teardown(item: pytest.Item) -> None:
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
