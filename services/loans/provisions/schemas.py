"""A provision matrix as it is posted and as it is shown."""

from datetime import date

from services.common.fields import Answer, CalendarDate
from services.loans.provisions.rules import MatrixRules


class MatrixBody(MatrixRules):
    """A new matrix, in force from `effective_from` on."""

    effective_from: CalendarDate

    def to_rules(self) -> MatrixRules:
        return MatrixRules.model_validate(
            {name: getattr(self, name) for name in MatrixRules.model_fields}
        )


class MatrixAnswer(MatrixRules):
    """`effective_until` is the last day in force, when a later matrix is on record."""

    effective_from: date
    effective_until: date | None


class MatrixList(Answer):
    items: list[MatrixAnswer]
    next: str | None = None
