"""Holding a whole month to the network's rules: each of its facts, then its figures."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from services.common.database import ReadSession
from services.common.errors import JsonValue
from services.loans.periods.arithmetic import end_of
from services.loans.periods.fact_queries import list_facts
from services.loans.rules.arithmetic import FIELDS, Facts, Rule, Value, find_broken
from services.loans.rules.queries import list_rules

PERIOD = "period"


@dataclass(frozen=True, slots=True)
class Finding:
    """A rule broken by a fact of the month, or by the month as a whole (no external_id)."""

    kind: str
    external_id: str | None
    on: date
    rule: Rule

    @property
    def is_error(self) -> bool:
        return self.rule.severity == "error"


async def find_findings(
    session: ReadSession, month: date, figures: Mapping[str, JsonValue]
) -> list[Finding]:
    """What is wrong or odd in a month, errors first; facts in the order of their dates."""
    rules = await list_rules(session, list(FIELDS))
    found = []
    for kind in FIELDS:
        of_kind = [rule for rule in rules if rule.kind == kind]
        if kind == PERIOD:
            last = end_of(month)
            [broken] = find_broken(of_kind, [(last, flatten(figures))])
            found += [Finding(PERIOD, None, last, rule) for rule in broken]
        elif of_kind:
            facts = await list_facts(session, kind, month)
            for fact, broken in zip(
                facts, find_broken(of_kind, [(f.on, f.facts) for f in facts]), strict=True
            ):
                found += [Finding(kind, fact.external_id, fact.on, rule) for rule in broken]
    return sorted(found, key=lambda finding: not finding.is_error)


def flatten(figures: Mapping[str, JsonValue]) -> Facts:
    """`{"coaching": {"sessions": 3}}` as `coaching_sessions`; amounts as numbers."""
    flat: dict[str, Value] = {}
    for group, members in figures.items():
        assert isinstance(members, Mapping), "figures come in groups"
        for name, value in members.items():
            assert isinstance(value, int | str), "a figure is a count or an amount"
            flat[f"{group}_{name}"] = Decimal(value)
    return flat


def count_warnings(found: Sequence[Finding]) -> dict[str, int]:
    """How often each rule warns."""
    return dict(sorted(Counter(f.rule.code for f in found if not f.is_error).items()))
