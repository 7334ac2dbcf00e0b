"""The sums of the report on provisions: by class of the matrix, by organisation, in all. Pure."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass
from functools import reduce

from gateway.reports.arithmetic import Organisation, UnknownOrganisation


@dataclass(frozen=True, slots=True)
class ClassFigures:
    """Loans of one class, their outstanding principal and what is set aside for them, in cents."""

    loans: int = 0
    outstanding_cents: int = 0
    provision_cents: int = 0
    rescheduled_loans: int = 0
    rescheduled_cents: int = 0
    par30_cents: int = 0
    par30_or_rescheduled_cents: int = 0

    def __add__(self, other: "ClassFigures") -> "ClassFigures":
        return ClassFigures(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


@dataclass(frozen=True, slots=True)
class Line:
    """One organisation, or all of them (slug ""): each class of the matrix, and their sum."""

    slug: str
    classes: tuple[ClassFigures, ...]

    @property
    def total(self) -> ClassFigures:
        return reduce(ClassFigures.__add__, self.classes, ClassFigures())


def sum_provisions(
    organisations: Sequence[Organisation],
    figures: Mapping[uuid.UUID, Mapping[int, ClassFigures]],
    classes_count: int,
) -> tuple[list[Line], Line]:
    """A line for each member and for whoever has loans, in order of slug; and their total.

    Raises UnknownOrganisation for loans of an organisation the register does not know.
    """
    known = {organisation.organisation_id for organisation in organisations}
    if not figures.keys() <= known:
        raise UnknownOrganisation(", ".join(str(one) for one in figures.keys() - known))
    lines = [
        _line(one.slug, figures.get(one.organisation_id, {}), classes_count)
        for one in sorted(organisations, key=lambda one: one.slug)
        if one.is_member or one.organisation_id in figures
    ]
    return lines, Line("", tuple(_sum_columns(lines, classes_count)))


def _line(slug: str, by_class: Mapping[int, ClassFigures], classes_count: int) -> Line:
    numbers = range(classes_count)
    return Line(slug, tuple(by_class.get(number, ClassFigures()) for number in numbers))


def _sum_columns(lines: Sequence[Line], classes_count: int) -> Iterable[ClassFigures]:
    for number in range(classes_count):
        of_class = (line.classes[number] for line in lines)
        yield reduce(ClassFigures.__add__, of_class, ClassFigures())
