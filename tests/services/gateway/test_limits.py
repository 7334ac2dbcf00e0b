"""The moving window, with a clock of our own."""

import pytest

from gateway.limits import NAMES_MAX, MovingWindow, RateLimits
from services.common.errors import TooManyRequests


class Clock:
    """Stands still until it is told to move."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_no_stretch_of_a_minute_holds_more_than_the_limit() -> None:
    clock = Clock()
    window = MovingWindow(3, clock)
    counted = []
    for _ in range(100):
        counted.append(window.count("a"))
        clock.now += 7.0
    moments = [index * 7.0 for index, is_counted in enumerate(counted) if is_counted]
    for moment in moments:
        assert len([other for other in moments if moment <= other < moment + 60]) <= 3
    assert sum(counted) == 34  # three in each 63 seconds, and one


def test_says_how_many_are_left_and_when_the_next_may_come() -> None:
    clock = Clock()
    window = MovingWindow(2, clock)
    window.count("a")
    clock.now += 20.5
    window.count("a")
    standing = window.standing("a")
    assert (standing.remaining, standing.reset_seconds) == (0, 40)
    assert not window.count("a")
    clock.now += 39.5
    assert window.count("a")


def test_names_do_not_share_a_window_and_the_quietest_is_forgotten() -> None:
    window = MovingWindow(1)
    assert window.count("a")
    assert window.count("b")
    assert not window.count("a")
    for number in range(NAMES_MAX):
        window.count(f"n{number}")
    assert window.count("a")


def test_an_ipv6_party_is_counted_by_its_network() -> None:
    rates = RateLimits(10, 2)
    rates.count_refusal("2001:db8::1")
    rates.count_refusal("2001:db8::2")
    with pytest.raises(TooManyRequests):
        rates.refuse_held_up("2001:db8::3")
    rates.refuse_held_up("2001:db8:0:1::3")
    rates.refuse_held_up("")
