"""Reporting periods as they are asked for and shown."""

import re
from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import BeforeValidator, Field, PlainSerializer
from pydantic.json_schema import WithJsonSchema
from pydantic_core import PydanticCustomError

from services.common.errors import InputError, Unprocessable
from services.common.fields import Answer, Body, Name, Reason
from services.common.text import Text
from services.loans.periods.arithmetic import MONTHS_MAX, Deadline, State, Step, months_between
from services.loans.rules.arithmetic import Severity

_MONTH = re.compile(r"(19|2[01])[0-9]{2}-(0[1-9]|1[0-2])", re.ASCII)


def parse_month(value: object) -> date:
    """The first day of a month written `2026-03`. Raises PydanticCustomError `month.form`."""
    if isinstance(value, date):
        return value
    if not isinstance(value, str) or not _MONTH.fullmatch(value):
        raise PydanticCustomError("month.form", "refused")
    return date(int(value[:4]), int(value[5:]), 1)


Month = Annotated[
    date,
    BeforeValidator(parse_month),
    PlainSerializer(lambda month: f"{month:%Y-%m}", return_type=str),
    WithJsonSchema(
        {"type": "string", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])$", "example": "2026-03"}
    ),
]


def read_months(first: date, last: date) -> list[date]:
    """The months of a range of days. Raises Unprocessable for one reversed or too long."""
    months = months_between(first, last)
    if months and len(months) <= MONTHS_MAX:
        return months
    code, message = (
        (
            "period.too_long",
            Text(f"Pas plus de {MONTHS_MAX} mois.", f"At most {MONTHS_MAX} months."),
        )
        if months
        else (
            "period.reversed",
            Text("La période finit avant de commencer.", "The period ends before it begins."),
        )
    )
    raise Unprocessable(message, code=code, errors=[InputError("/to", code, message)])


Digest = Annotated[
    str,
    Field(
        pattern=r"^[0-9a-f]{64}$",
        description="SHA-256 (hexadécimal) du JSON canonique (RFC 8785) de "
        '{"organisation", "month", "figures"}.',
    ),
]


FiguresOfMonth = dict[str, dict[str, int | str]]
"""By group, as in a region of the regional totals; minutes of coaching instead of hours."""


class SubmissionBody(Body):
    """Qui soumet, à quel titre, et ce qu'il déclare.

    Avec `digest`, la soumission est refusée si les chiffres ont changé depuis leur lecture.
    """

    name: Name
    role: Name
    statement: Reason
    digest: Digest | None = None


class DecisionBody(Body):
    """Avec `digest`, la décision est refusée si elle porte sur d'autres chiffres."""

    digest: Digest | None = None


class ReasonBody(Body):
    reason: Reason


class StartBody(Body):
    """Le premier mois que le réseau demande ; aucun mois d'avant n'est attendu."""

    from_month: Month = Field(alias="from")


class StartAnswer(Answer):
    from_month: Annotated[Month, Field(serialization_alias="from")]
    asked_on: date = Field(
        description="Le jour où le réseau l'a dit : le délai des mois déjà finis court de ce jour."
    )


class StartList(Answer):
    items: list[StartAnswer]
    next: str | None


class DeadlineBody(Body):
    """Jours accordés après la fin de chaque mois, à partir du mois `from`."""

    from_month: Month = Field(alias="from")
    days: int = Field(ge=0, le=365)

    def to_deadline(self) -> Deadline:
        return Deadline(self.from_month, self.days)


class DeadlineAnswer(Answer):
    from_month: Annotated[Month, Field(serialization_alias="from")]
    days: int


class DeadlineList(Answer):
    items: list[DeadlineAnswer]
    next: str | None


class SignatureAnswer(Answer):
    name: str
    role: str
    statement: str


class EventAnswer(Answer):
    """Ce qui est arrivé à un mois ; `key_id` est la clé d'accès qui l'a fait."""

    event_id: UUID
    organisation: str
    month: Month
    kind: Step
    recorded_on: date
    key_id: str
    reason: str | None
    request_id: UUID | None
    signature: SignatureAnswer | None
    figures: FiguresOfMonth | None = Field(description="À la soumission : ce qui est signé.")
    warnings: dict[str, int] | None = Field(
        description="À la soumission : les avertissements par règle."
    )
    digest: str | None


class PeriodSummaryAnswer(Answer):
    organisation: str
    month: Month
    state: State
    asked: bool = Field(description="Le réseau demande ce mois : il n'est pas d'avant son début.")
    due_on: date
    submitted_on: date | None = Field(description="La première soumission.")
    days_late: int


class PeriodAnswer(PeriodSummaryAnswer):
    """Un mois : ses chiffres d'aujourd'hui et tout ce qui lui est arrivé.

    `figures_changed` : les chiffres ne sont plus ceux de la dernière soumission.
    """

    figures: FiguresOfMonth
    digest: str
    figures_changed: bool
    events: list[EventAnswer]


class PeriodList(Answer):
    items: list[PeriodSummaryAnswer]
    next: str | None


class FindingAnswer(Answer):
    kind: str
    external_id: str | None = Field(description="Nul quand c'est le mois entier qui est en cause.")
    on: date
    column: str
    severity: Severity
    code: str
    message: str


class FindingsAnswer(Answer):
    organisation: str
    month: Month
    errors: int
    warnings: int
    items: list[FindingAnswer] = Field(description="Les erreurs d'abord ; 1 000 au plus.")
    truncated: bool
