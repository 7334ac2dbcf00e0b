"""A provision matrix: as it is posted, kept and applied. Pure."""

from decimal import Decimal
from itertools import pairwise
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from services.common.fields import Body, Rate

CLASSES_MAX = 20

DaysOver = Annotated[int, Field(ge=0, le=3650)]


class DelayClass(Body):
    """Loans more than `days_over` days past due, up to where the next class begins."""

    days_over: DaysOver
    rate: Rate


class MatrixRules(Body):
    """Percent of the outstanding principal, by days past due; `current_rate` when not late.

    A rescheduled loan is never provisioned under `rescheduled_rate_min`, however punctual since.
    """

    current_rate: Rate = Decimal(0)
    rescheduled_rate_min: Rate = Decimal(0)
    classes: Annotated[list[DelayClass], Field(min_length=1, max_length=CLASSES_MAX)]

    @field_validator("classes")
    @classmethod
    def _in_order(cls, classes: list[DelayClass]) -> list[DelayClass]:
        if any(after.days_over <= before.days_over for before, after in pairwise(classes)):
            raise PydanticCustomError("provision.classes_disordered", "refused")
        return classes
