"""What is asked and answered about organisations and their memberships."""

from typing import Annotated, TypeVar

from pydantic import Field

from services.common.errors import JsonValue
from services.common.fields import Answer, Body, CalendarDate, Name, Reason, RegionCode
from services.registry.organisations.arithmetic import (
    Certainty,
    FormerName,
    Membership,
    Organisation,
    Status,
)

Slug = Annotated[
    str,
    Field(
        pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$",
        max_length=60,
        description="Identifiant public de l'organisme ; il ne change jamais.",
        examples=["montreal"],
    ),
]
Website = Annotated[
    str,
    Field(
        pattern=r"^(https?://)?[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+(/[!-~]*)?$",
        max_length=200,
        examples=["fonds-emprunt.qc.ca"],
    ),
]
Year = Annotated[int, Field(ge=1900, le=2199)]
RegionCodes = Annotated[list[RegionCode], Field(min_length=1, max_length=17)]
# JSON knows no enumeration: the text is read as one of the values, and nothing else is coerced.
CertaintyText = Annotated[Certainty, Field(strict=False)]
StatusText = Annotated[Status, Field(strict=False)]


class MembershipBody(Body):
    """Une période d'adhésion, bornes comprises ; sans `to`, elle est en cours."""

    from_on: CalendarDate = Field(alias="from")
    to_on: CalendarDate | None = Field(None, alias="to")
    from_status: CertaintyText = Field(
        Certainty.CONFIRMED, description="Ce que vaut la date de début."
    )

    def to_membership(self) -> Membership:
        return Membership(self.from_on, self.to_on, self.from_status)


class MembershipEndBody(Body):
    """Le dernier jour de la période."""

    to_on: CalendarDate = Field(alias="to")


class FormerNameBody(Body):
    """Un ancien nom ; `until` est le dernier jour où il a pu servir, s'il est connu."""

    name: Name
    until_on: CalendarDate | None = Field(None, alias="until")


class OrganisationBody(Body):
    """Un organisme à inscrire au registre."""

    slug: Slug
    name: Name
    region_codes: RegionCodes
    territory: Name | None = None
    city: Name | None = None
    website: Website | None = None
    status: StatusText = Status.ACTIVE
    name_status: CertaintyText = Certainty.CONFIRMED
    founded_on_year: Year | None = None
    source: Reason | None = Field(None, description="D'où vient ce qui est inscrit ici.")
    memberships: list[MembershipBody] = Field([], max_length=50)
    former_names: list[FormerNameBody] = Field([], max_length=50)

    def to_organisation(self) -> Organisation:
        return Organisation(
            slug=self.slug,
            name=self.name,
            name_status=self.name_status,
            region_codes=tuple(sorted(set(self.region_codes))),
            territory=self.territory,
            city=self.city,
            website=self.website,
            status=self.status,
            founded_on_year=self.founded_on_year,
            source=self.source,
            memberships=tuple(
                sorted((m.to_membership() for m in self.memberships), key=lambda m: m.from_on)
            ),
            former_names=tuple(FormerName(f.name, f.until_on) for f in self.former_names),
        )


_Value = TypeVar("_Value")


class OrganisationPatch(Body):
    """Ce qui change (RFC 7396) : un champ absent reste tel quel, `null` efface un champ facultatif.

    Un changement de nom garde l'ancien parmi `former_names`.
    """

    name: Name = ""
    region_codes: RegionCodes = Field([])
    territory: Name | None = None
    city: Name | None = None
    website: Website | None = None
    status: StatusText = Status.ACTIVE
    name_status: CertaintyText = Certainty.CONFIRMED
    founded_on_year: Year | None = None
    source: Reason | None = None

    def change(self, before: Organisation) -> Organisation:
        """The organisation with the fields that were sent; the defaults above are never read."""

        def choose(field: str, sent: _Value, kept: _Value) -> _Value:
            return sent if field in self.model_fields_set else kept

        region_codes = tuple(sorted(set(self.region_codes)))
        return Organisation(
            slug=before.slug,
            name=choose("name", self.name, before.name),
            name_status=choose("name_status", self.name_status, before.name_status),
            region_codes=choose("region_codes", region_codes, before.region_codes),
            territory=choose("territory", self.territory, before.territory),
            city=choose("city", self.city, before.city),
            website=choose("website", self.website, before.website),
            status=choose("status", self.status, before.status),
            founded_on_year=choose("founded_on_year", self.founded_on_year, before.founded_on_year),
            source=choose("source", self.source, before.source),
            memberships=before.memberships,
            former_names=before.former_names,
            version=before.version,
        )


class MembershipAnswer(Answer):
    from_on: CalendarDate = Field(serialization_alias="from")
    to_on: CalendarDate | None = Field(serialization_alias="to")
    from_status: Certainty


class FormerNameAnswer(Answer):
    name: str
    until_on: CalendarDate | None = Field(serialization_alias="until")


class OrganisationAnswer(Answer):
    slug: Slug
    name: str
    region_codes: list[RegionCode]
    territory: str | None
    city: str | None
    website: str | None
    status: Status
    memberships: list[MembershipAnswer]
    former_names: list[FormerNameAnswer]
    name_status: Certainty
    founded_on_year: int | None
    source: str | None


class OrganisationList(Answer):
    items: list[OrganisationAnswer]
    next: str | None = Field(description="Le chemin de la page suivante, ou null à la dernière.")


def to_document(organisation: Organisation) -> dict[str, JsonValue]:
    """The representation of an organisation, the same for every reader."""
    answer = OrganisationAnswer(
        slug=organisation.slug,
        name=organisation.name,
        region_codes=list(organisation.region_codes),
        territory=organisation.territory,
        city=organisation.city,
        website=organisation.website,
        status=organisation.status,
        memberships=[_answer_membership(membership) for membership in organisation.memberships],
        former_names=[
            FormerNameAnswer(name=former.name, until_on=former.until_on)
            for former in organisation.former_names
        ],
        name_status=organisation.name_status,
        founded_on_year=organisation.founded_on_year,
        source=organisation.source,
    )
    return answer.model_dump(mode="json", by_alias=True)


def to_membership_document(membership: Membership) -> dict[str, JsonValue]:
    return _answer_membership(membership).model_dump(mode="json", by_alias=True)


def _answer_membership(membership: Membership) -> MembershipAnswer:
    return MembershipAnswer(
        from_on=membership.from_on,
        to_on=membership.to_on,
        from_status=membership.from_status,
    )
