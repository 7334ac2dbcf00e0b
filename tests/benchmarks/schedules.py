"""Quotes of 60 equal instalments, one core, in process."""

import time
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from statistics import median

from services.loans.schedules.apr import annual_percentage_rate, cash_flows
from services.loans.schedules.arithmetic import build_schedule
from services.loans.schedules.terms import ScheduleTerms

QUOTES = 1000
ROUNDS = 5
QUOTES_PER_SECOND_TARGET = 3000


def measure() -> Iterator[str]:
    """Schedules alone, and schedules with their annual percentage rate."""
    terms = [
        ScheduleTerms(
            principal_cents=500_000 + 1_000 * n,
            annual_rate=Decimal("8.25"),
            instalments=60,
            disbursed_on=date(2026, 1, 15),
        )
        for n in range(QUOTES)
    ]
    for name, with_rate in (("schedules", False), ("schedules with their APR", True)):
        rates = sorted(_quotes_per_second(terms, with_rate) for _ in range(ROUNDS))
        yield (
            f"{name}: {median(rates):.0f} a second ({rates[0]:.0f} to {rates[-1]:.0f}),"
            f" target {QUOTES_PER_SECOND_TARGET}"
        )


def _quotes_per_second(terms: list[ScheduleTerms], with_rate: bool) -> float:
    began = time.process_time()
    for each in terms:
        schedule = build_schedule(each)
        assert len(schedule.rows) == each.instalments
        if with_rate:
            annual_percentage_rate(cash_flows(each, schedule))
    return len(terms) / (time.process_time() - began)
