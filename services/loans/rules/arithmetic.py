"""Rules on facts: conditions as data, evaluated by one function. Nothing is ever executed.

A rule breaks when all its conditions hold. A condition compares a field with a constant, with
another field, or with another field and so many days or months; on a field that says nothing it
does not hold, unless it asks for just that.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import Literal

from services.common.calendar import Frequency, add_periods
from services.common.errors import InputError
from services.common.text import Text

Value = None | int | Decimal | str | date
Facts = Mapping[str, Value]
Severity = Literal["error", "warning"]


class FieldKind(StrEnum):
    NUMBER = "number"
    DATE = "date"
    TEXT = "text"


class Operator(StrEnum):
    IS_MISSING = "is_missing"
    IS_PRESENT = "is_present"
    EQUAL = "equal"
    NOT_EQUAL = "not_equal"
    LESS_THAN = "less_than"
    AT_MOST = "at_most"
    GREATER_THAN = "greater_than"
    AT_LEAST = "at_least"


_ORDERS: Mapping[Operator, tuple[int, ...]] = {
    Operator.IS_MISSING: (),
    Operator.IS_PRESENT: (),
    Operator.EQUAL: (0,),
    Operator.NOT_EQUAL: (-1, 1),
    Operator.LESS_THAN: (-1,),
    Operator.AT_MOST: (-1, 0),
    Operator.GREATER_THAN: (1,),
    Operator.AT_LEAST: (0, 1),
}
"""By operator: how the left side may stand to the right one, as `compare` says; none to none."""

_DATE, _NUMBER, _TEXT = FieldKind.DATE, FieldKind.NUMBER, FieldKind.TEXT

FIELDS: Mapping[str, Mapping[str, FieldKind]] = {
    "loans": {
        "contracted_on": _DATE,
        "disbursed_on": _DATE,
        "first_due_on": _DATE,
        "principal": _NUMBER,
        "annual_rate": _NUMBER,
        "instalments": _NUMBER,
        "other_financing": _NUMBER,
        "product": _TEXT,
        "stage": _TEXT,
        "borrower_kind": _TEXT,
        "gender": _TEXT,
        "birth_year": _NUMBER,
    },
    "repayments": {"paid_on": _DATE, "amount": _NUMBER, "method": _TEXT},
    "coaching-sessions": {
        "held_on": _DATE,
        "duration_minutes": _NUMBER,
        "mode": _TEXT,
        "stage": _TEXT,
    },
    "outcomes": {
        "observed_on": _DATE,
        "business_status": _TEXT,
        "jobs_created": _NUMBER,
        "jobs_maintained": _NUMBER,
        "turnover": _NUMBER,
        "other_financing": _NUMBER,
    },
    "period": dict.fromkeys(
        (
            "loans_count",
            "loans_amount",
            "repayments_count",
            "repayments_amount",
            "repayments_principal",
            "repayments_interest",
            "repayments_fees",
            "portfolio_active_loans",
            "portfolio_outstanding_principal",
            "portfolio_par30",
            "portfolio_par90",
            "portfolio_written_off",
            "portfolio_recovered",
            "coaching_sessions",
            "coaching_minutes",
            "coaching_people",
            "outcomes_jobs_created",
            "outcomes_jobs_maintained",
            "outcomes_enterprises_created",
            "outcomes_enterprises_maintained",
        ),
        _NUMBER,
    ),
}
"""What a rule may name: fields of a fact under the names of the contract, figures of a month.

Amounts are in dollars, as they are written; rates in percent a year.
"""

UNITS = {"days": Frequency.DAYS, "months": Frequency.MONTHS}


_NUMBERS = (int, Decimal)  # a union made at each call would take longer than the comparison


def compare(left: Value, right: Value) -> int:
    """-1, 0 or 1: the left side comes before the right one, equals it, or comes after."""
    if isinstance(left, _NUMBERS) and isinstance(right, _NUMBERS):
        return (left > right) - (left < right)
    if isinstance(left, date) and isinstance(right, date):
        return (left > right) - (left < right)
    assert isinstance(left, str), "a rule compares two values of one kind"
    assert isinstance(right, str), "a rule compares two values of one kind"
    return (left > right) - (left < right)


@lru_cache(maxsize=4096)
def _later(day: date, unit: Frequency, count: Decimal) -> date:
    """The same few hundred days stand in most sheets."""
    return add_periods(day, unit, int(count))


@dataclass(frozen=True, slots=True)
class Condition:
    """`field operator [other_field +] value`; the unit is that of what is added to a date."""

    field: str
    operator: Operator
    value: Value = None
    other_field: str | None = None
    unit: Frequency | None = None
    orders: tuple[int, ...] = dataclass_field(init=False, repr=False)

    def __post_init__(self) -> None:
        # Looked up once: a sheet of ten thousand loans asks it some hundred thousand times.
        object.__setattr__(self, "orders", _ORDERS[self.operator])

    def holds(self, facts: Facts) -> bool:
        left = facts.get(self.field)
        if left is None:
            return self.operator is Operator.IS_MISSING
        if not self.orders:
            return self.operator is Operator.IS_PRESENT
        right = self.value if self.other_field is None else self._add_up(facts)
        return right is not None and compare(left, right) in self.orders

    def _add_up(self, facts: Facts) -> Value:
        """The other field, and so much more."""
        assert self.other_field is not None, "there is another field"
        other = facts.get(self.other_field)
        if other is None or self.value is None:
            return other
        assert isinstance(self.value, Decimal), "what is added is a number"
        if self.unit is not None:
            assert isinstance(other, date), "a unit is for dates"
            return _later(other, self.unit, self.value)
        assert isinstance(other, int | Decimal), "only numbers and dates are added to"
        return other + self.value


@dataclass(frozen=True, slots=True)
class Rule:
    """One version of a rule; `place` is the column it points at."""

    code: str
    version: int
    kind: str
    severity: Severity
    place: str
    conditions: Sequence[Condition]
    message: Text
    from_on: date
    until_on: date | None

    def is_broken(self, facts: Facts) -> bool:
        return all(condition.holds(facts) for condition in self.conditions)

    def to_error(self) -> InputError:
        return InputError(f"/{self.place}", self.code, self.message)


def to_dollars(cents: int | None) -> Decimal | None:
    """An amount as rules compare it."""
    return None if cents is None else Decimal(cents).scaleb(-2)


def read_value(kind: FieldKind, written: str) -> Value:
    """A constant of a rule as it is written. Raises ValueError or ArithmeticError."""
    if kind is FieldKind.DATE:
        return date.fromisoformat(written)
    if kind is FieldKind.TEXT:
        return written
    number = Decimal(written)
    if not number.is_finite():
        raise ValueError("a rule compares finite numbers")
    return number


def read_condition(kind: str, written: Mapping[str, object]) -> Condition:
    """A condition from its data. Raises ValueError, KeyError or ArithmeticError when it is none."""
    field, chosen = str(written["field"]), Operator(str(written["operator"]))
    field_kind = FIELDS[kind][field]
    other = written.get("other_field")
    unit = UNITS[str(written["unit"])] if written.get("unit") else None
    value = None if written.get("value") is None else str(written["value"])
    if chosen in (Operator.IS_MISSING, Operator.IS_PRESENT):
        if (value, other, unit) != (None, None, None):
            raise ValueError("nothing is compared")
        return Condition(field, chosen)
    if other is None:
        if value is None or unit is not None:
            raise ValueError("a field is compared with a value or with another field")
        return Condition(field, chosen, read_value(field_kind, value))
    if FIELDS[kind][str(other)] is not field_kind:
        raise ValueError("two fields of different kinds are not compared")
    if (unit is not None) != (value is not None and field_kind is FieldKind.DATE):
        raise ValueError("what is added to a date has a unit, and nothing else has")
    if value is not None and field_kind is FieldKind.TEXT:
        raise ValueError("nothing is added to a text")
    added = None if value is None else read_value(FieldKind.NUMBER, value)
    if unit is not None and (
        not isinstance(added, Decimal) or not 0 <= added <= 36_500 or added % 1
    ):
        raise ValueError("a whole number of days or months is added to a date")
    return Condition(field, chosen, added, str(other), unit)


def rules_on(rules: Iterable[Rule], day: date) -> list[Rule]:
    """Of each rule the version in force on a day: the newest of those begun, unless it has ended.

    A version that ended ends the rule: an older one does not come back.
    """
    newest: dict[str, Rule] = {}
    for rule in rules:
        known = newest.get(rule.code)
        if rule.from_on <= day and (known is None or known.version < rule.version):
            newest[rule.code] = rule
    return [rule for rule in newest.values() if rule.until_on is None or day <= rule.until_on]


def find_broken(rules: Sequence[Rule], rows: Sequence[tuple[date, Facts]]) -> list[list[Rule]]:
    """The rules each row breaks, by position; a row's rules are those of its own date."""
    of_day: dict[date, list[Rule]] = {}
    broken = []
    for day, facts in rows:
        in_force = of_day.get(day)
        if in_force is None:
            in_force = of_day[day] = rules_on(rules, day)
        broken.append([rule for rule in in_force if rule.is_broken(facts)])
    return broken
