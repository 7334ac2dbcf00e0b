"""The schedules of the independent calculator, as they stand in the network's shared files."""

import json
from typing import TypedDict, cast

from tests.unit.shared_files import shared_file


class Case(TypedDict):
    id: str
    principal: str
    annual_rate: str
    disbursed_on: str
    instalments: int
    repay_every: int
    frequency: str
    interest: str
    amortisation: str
    grace_principal: int
    grace_interest: int
    interest_free: int
    down_payment_pct: int | None
    day_counts_ok: list[str]
    rounding: str
    smoothing: bool
    multiple: int | None
    rows: list[list[str]]


def read_cases() -> list[Case]:
    """Every case; the test is skipped when the files are not there."""
    text = shared_file("data/vectors/loan_schedules.json").read_text(encoding="utf-8")
    return cast(list[Case], json.loads(text)["cases"])
