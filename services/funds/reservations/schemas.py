"""What is sent and answered about reservations."""

from datetime import date, datetime
from typing import Annotated, Literal

from fastapi import Path
from pydantic import Field

from services.common.fields import Answer, Body, PositiveAmount, SignedAmount
from services.funds.reservations.queries import Decision

_FORM = r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,99}$"

ReservationId = Annotated[
    str, Field(pattern=_FORM, description="Donné par l'appelant : l'identifiant du prêt.")
]
ReservationPath = Annotated[str, Path(pattern=_FORM)]


class ReservationBody(Body):
    reservation_id: ReservationId
    amount: PositiveAmount


class ReservationAnswer(Answer):
    """A reservation as it was made; where it stands is on its page."""

    reservation_id: str
    fund: str
    amount: SignedAmount
    currency: Literal["CAD"] = "CAD"
    reserved_at: datetime


class ReservationState(ReservationAnswer):
    """A reservation and where it stands."""

    state: Literal["pending", "posted", "voided"]


class DecisionAnswer(Answer):
    """How a reservation ended."""

    reservation_id: str
    fund: str
    amount: SignedAmount
    currency: Literal["CAD"] = "CAD"
    state: Decision
    decided_on: date
