"""What an indicator is: its formula in words and in code, its sources, who may see it. Pure.

A version changes when a formula does, so that figures of two editions can be told apart. Section
names are those of the ministry's evaluations: efficience, efficacité, effets.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from gateway.reports.measures import Facts
from services.common.money import divide_rounded
from services.common.text import Text


class Section(StrEnum):
    EFFICIENCY = "efficience"
    EFFECTIVENESS = "efficacite"
    EFFECTS = "effets"


SECTION_TITLES = {
    Section.EFFICIENCY: Text("Efficience", "Efficiency"),
    Section.EFFECTIVENESS: Text("Efficacité", "Effectiveness"),
    Section.EFFECTS: Text("Effets", "Effects"),
}


class Unit(StrEnum):
    """How a value is written; in French, like the report."""

    COUNT = "nombre"
    MONEY = "CAD"
    HOURS = "heures"
    PERCENT = "%"
    RATIO = "ratio"


PLACES = {Unit.COUNT: 0, Unit.MONEY: 2, Unit.HOURS: 2, Unit.PERCENT: 2, Unit.RATIO: 4}


class Scope(StrEnum):
    """Whose activity a figure covers."""

    MEMBERS = "membres"
    BOTH = "les deux"


class Protection(StrEnum):
    """What may leave for the funder: everything, or only what speaks of enough persons."""

    OPEN = "open"
    RATIO = "ratio"
    SHARE = "share"
    SENSITIVE_SHARE = "sensitive_share"


@dataclass(frozen=True, slots=True)
class Quotient:
    """A value as it is computed, from whole numbers.

    `group` is how many persons or enterprises it speaks of, `unknown` how many are left out
    because their status is not known.
    """

    numerator: int
    denominator: int = 1
    group: int = 0
    unknown: int | None = None

    @property
    def value(self) -> Fraction | None:
        """None when there is nothing to divide by."""
        return Fraction(self.numerator, self.denominator) if self.denominator > 0 else None

    def in_unit(self, unit: Unit) -> Fraction | None:
        """The value in its unit, exact; None when there is nothing to divide by."""
        value = self.value
        return value * 100 if value is not None and unit is Unit.PERCENT else value

    def rounded(self, unit: Unit) -> Decimal | None:
        """The value in its unit, half-up, once; None when there is nothing to divide by."""
        value = self.in_unit(unit)
        if value is None:
            return None
        scaled = divide_rounded(value.numerator * 10 ** PLACES[unit], value.denominator)
        return Decimal(scaled).scaleb(-PLACES[unit])


@dataclass(frozen=True, slots=True)
class Indicator:
    code: str
    section: Section
    label: Text
    unit: Unit
    formula: Text
    sources: tuple[str, ...]
    measure: Callable[[Facts], Quotient]
    scope: Scope = Scope.MEMBERS
    is_lower_better: bool = False
    protection: Protection = Protection.OPEN
    version: int = 1


def amount(cents: int) -> Quotient:
    """Cents as dollars."""
    return Quotient(cents, 100)
