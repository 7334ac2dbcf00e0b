"""What the loans service tells of the months of an organisation, read strictly.

    reporting_period.locked    {month: "2026-03"}
    reporting_period.reopened  {month: "2026-03"}

Its other events do not concern the locks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.common.outbox import Event


@dataclass(frozen=True, slots=True)
class LockStep:
    """A month, by its first day, locked or reopened; in the order of the numbers."""

    number: int
    month: date
    kind: Literal["locked", "reopened"]


class _Told(BaseModel):
    """What another service tells; fields may be added to it, never renamed."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    month: Annotated[str, Field(pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])$")]


def read_steps(event: Event) -> Sequence[LockStep]:
    """The step an event tells, if any. Raises pydantic's ValidationError if not as agreed."""
    match event.type:
        case "reporting_period.locked":
            return [LockStep(event.number, _read_month(event), "locked")]
        case "reporting_period.reopened":
            return [LockStep(event.number, _read_month(event), "reopened")]
    return []


def _read_month(event: Event) -> date:
    return date.fromisoformat(f"{_Told.model_validate(event.payload).month}-01")
