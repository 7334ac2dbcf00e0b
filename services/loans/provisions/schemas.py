"""A provision matrix as it is posted and as it is shown."""

from datetime import date

from services.common.fields import Answer, CalendarDate
from services.loans.provisions.rules import MatrixRules


class MatrixBody(MatrixRules):
    """A new matrix, in force from `effective_from` on."""

    effective_from: CalendarDate

    def to_rules(self) -> MatrixRules:
        kept = self.model_dump_json(include=set(MatrixRules.model_fields))
        return MatrixRules.model_validate_json(kept)


class MatrixAnswer(MatrixRules):
    """`effective_until` is the last day in force, when a later matrix is on record."""

    effective_from: date
    effective_until: date | None


class MatrixList(Answer):
    items: list[MatrixAnswer]
    next: str | None = None
