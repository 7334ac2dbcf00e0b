"""What is asked and answered about access keys."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field

from services.common.clock import LEGAL_TIME
from services.common.errors import JsonValue
from services.common.fields import Answer, Body, CalendarDate, Name, RegionCode
from services.common.identity import Role
from services.registry.keys.arithmetic import find_last_day
from services.registry.keys.queries import KeyRecord

LastDay = Annotated[
    CalendarDate | None,
    Field(description="Le dernier jour où la clé sert, en heure légale du Québec."),
]


class MemberKeyBody(Body):
    """Une clé pour les programmes d'un organisme."""

    role: Literal["member"] = "member"
    label: Name | None = None
    expires_on: LastDay = None


class KeyBody(Body):
    """Une clé pour un rôle du réseau ; celle d'un vérificateur a une fin."""

    role: Literal["network", "funder", "auditor", "operator"]
    label: Name | None = None
    expires_on: LastDay = None


class KeyAnswer(Answer):
    key_id: str
    role: Role
    organisation: str | None
    label: str | None
    created_at: datetime
    created_by: str = Field(description="L'identifiant de la clé qui a créé celle-ci.")
    expires_on: CalendarDate | None
    expires_at: datetime | None
    revoked_at: datetime | None


class NewKeyAnswer(KeyAnswer):
    key: str | None = Field(
        description="La clé elle-même, montrée une seule fois : null quand la requête est rejouée."
    )


class KeyList(Answer):
    items: list[KeyAnswer]
    next: str | None


class AuthenticateBody(Body):
    key: str


class ReadingBody(Body):
    asked: Annotated[str, Field(min_length=1, max_length=500)]


class PrincipalAnswer(Answer):
    key_id: str
    role: Role
    organisation: str | None
    region_codes: list[RegionCode]
    made_by: str
    expires_at: datetime | None


def to_document(record: KeyRecord) -> dict[str, JsonValue]:
    answer = KeyAnswer(
        key_id=record.key_id,
        role=record.role,
        organisation=record.organisation,
        label=record.label,
        created_at=record.created_at,
        created_by=record.created_by,
        expires_on=find_last_day(record.expires_at, LEGAL_TIME) if record.expires_at else None,
        expires_at=record.expires_at,
        revoked_at=record.revoked_at,
    )
    return answer.model_dump(mode="json")
