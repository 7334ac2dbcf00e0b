"""Rebuilding every figure kept beside the facts, and telling where the record differs from it."""

from collections.abc import AsyncIterator, Mapping
from typing import TypeVar

from pydantic import SecretStr

from services.common.database import ReadSession
from services.common.import_replays import find_damage
from services.common.verification import verify_organisations
from services.loans.positions import queries
from services.loans.positions.arithmetic import replay
from services.loans.positions.daily_totals import sum_days
from services.loans.positions.schedule_queries import load_schedules

Key = TypeVar("Key")
Value = TypeVar("Value")


async def verify(database_url: SecretStr, totals_database_url: SecretStr) -> list[str]:
    """The differences, one sentence each; empty when every kept figure follows from the facts."""
    checks = (find_differences, find_damage)
    return await verify_organisations(database_url, totals_database_url, *checks)


async def find_differences(session: ReadSession) -> AsyncIterator[str]:
    loans = await queries.load_facts(session, await queries.list_loan_ids(session))
    replayed = [(facts, replay(facts)) for facts in loans]
    kept_allocations = await queries.load_allocations(session)
    kept_states = await queries.load_states(session)
    for difference in (
        *_compare(
            "allocations of loan",
            {f.loan_id: list(r.allocations) for f, r in replayed if r.allocations},
            kept_allocations,
        ),
        *_compare(
            "credit uses of loan",
            {f.loan_id: list(r.credit_uses) for f, r in replayed if r.credit_uses},
            await queries.load_credit_uses(session),
        ),
        *_compare("states of loan", {f.loan_id: list(r.states) for f, r in replayed}, kept_states),
        *_compare(
            "schedules of loan",
            {f.loan_id: list(r.schedules) for f, r in replayed if r.schedules},
            await load_schedules(session),
        ),
        *_compare("totals of day", sum_days(replayed), await queries.load_daily_totals(session)),
    ):
        yield difference


def _compare(name: str, expected: Mapping[Key, Value], kept: Mapping[Key, Value]) -> list[str]:
    return [
        f"{name} {key}: kept {kept.get(key)}, from the facts {expected.get(key)}"
        for key in expected.keys() | kept.keys()
        if expected.get(key) != kept.get(key)
    ]
