"""The SQL of the organisations, of their former names and of their memberships."""

import uuid
from collections.abc import Sequence
from datetime import date

from sqlalchemy import Row, text

from services.common.database import ReadSession, WriteSession
from services.common.identity import organisation_id
from services.registry.organisations.arithmetic import (
    Certainty,
    FormerName,
    Membership,
    Organisation,
    Status,
    french_sort_key,
)


async def find_organisation(session: ReadSession, slug: str) -> Organisation | None:
    rows = await session.connection.execute(_FIND, {"organisation": organisation_id(slug)})
    row = rows.first()
    return None if row is None else _to_organisation(row)


async def list_members(
    session: ReadSession, as_of: date, region_code: str | None, after: str, limit: int
) -> list[Organisation]:
    """Organisations whose membership covers a day, in French order, after the slug `after`."""
    rows = await session.connection.execute(
        _LIST_MEMBERS,
        {
            "as_of": as_of,
            "region_code": region_code,
            "after": organisation_id(after) if after else None,
            "limit": limit,
        },
    )
    return [_to_organisation(row) for row in rows]


async def list_organisations(session: ReadSession) -> list[Organisation]:
    """Every organisation the register ever knew, member or not, in French order."""
    return [_to_organisation(row) for row in await session.connection.execute(_LIST)]


async def find_fingerprint(session: ReadSession, slug: str) -> bytes | None:
    """The fingerprint of what was first recorded under a slug."""
    rows = await session.connection.execute(_FINGERPRINT, {"organisation": organisation_id(slug)})
    found: bytes | None = rows.scalar()
    return found


async def insert_organisation(
    session: WriteSession, organisation: Organisation, fingerprint: bytes, recorded_by: str
) -> None:
    identifier = organisation_id(organisation.slug)
    await session.connection.execute(
        _INSERT,
        {
            **_columns(organisation, identifier),
            "slug": organisation.slug,
            "fingerprint": fingerprint,
            "recorded_by": recorded_by,
        },
    )
    await insert_regions(session, identifier, organisation.region_codes)
    await insert_former_names(session, identifier, 1, organisation.former_names)
    await insert_memberships(session, identifier, organisation.memberships)


async def update_organisation(session: WriteSession, organisation: Organisation) -> None:
    """Write the columns of the new version; its regions and names are written apart."""
    identifier = organisation_id(organisation.slug)
    await session.connection.execute(_UPDATE, _columns(organisation, identifier))


async def set_version(session: WriteSession, identifier: uuid.UUID, version: int) -> None:
    await session.connection.execute(_SET_VERSION, {"organisation": identifier, "version": version})


async def insert_regions(
    session: WriteSession, identifier: uuid.UUID, region_codes: Sequence[str]
) -> None:
    await session.connection.execute(
        _INSERT_REGIONS, {"organisation": identifier, "region_codes": list(region_codes)}
    )


async def delete_regions(session: WriteSession, identifier: uuid.UUID) -> None:
    await session.connection.execute(_DELETE_REGIONS, {"organisation": identifier})


async def insert_former_names(
    session: WriteSession, identifier: uuid.UUID, number: int, names: Sequence[FormerName]
) -> None:
    """Add former names; `number` is the place of the first in the organisation's history."""
    await session.connection.execute(
        _INSERT_FORMER_NAMES,
        {
            "organisation": identifier,
            "numbers": list(range(number, number + len(names))),
            "names": [former.name for former in names],
            "until": [former.until_on for former in names],
        },
    )


async def insert_memberships(
    session: WriteSession, identifier: uuid.UUID, memberships: Sequence[Membership]
) -> None:
    await session.connection.execute(
        _INSERT_MEMBERSHIPS,
        {
            "organisation": identifier,
            "from_on": [membership.from_on for membership in memberships],
            "to_on": [membership.to_on for membership in memberships],
            "from_status": [membership.from_status.value for membership in memberships],
        },
    )


async def end_membership(
    session: WriteSession, identifier: uuid.UUID, from_on: date, to_on: date
) -> None:
    await session.connection.execute(
        _END_MEMBERSHIP, {"organisation": identifier, "from_on": from_on, "to_on": to_on}
    )


def _columns(organisation: Organisation, identifier: uuid.UUID) -> dict[str, object]:
    return {
        "organisation": identifier,
        "name": organisation.name,
        "sort_key": french_sort_key(organisation.name),
        "name_status": organisation.name_status.value,
        "territory": organisation.territory,
        "city": organisation.city,
        "website": organisation.website,
        "status": organisation.status.value,
        "founded_on_year": organisation.founded_on_year,
        "source": organisation.source,
        "version": organisation.version,
    }


def _to_organisation(row: Row[tuple[object, ...]]) -> Organisation:
    return Organisation(
        slug=row.slug,
        name=row.name,
        name_status=Certainty(row.name_status),
        region_codes=tuple(row.region_codes),
        territory=row.territory,
        city=row.city,
        website=row.website,
        status=Status(row.status),
        founded_on_year=row.founded_on_year,
        source=row.source,
        memberships=tuple(
            Membership(from_on, to_on, Certainty(from_status))
            for from_on, to_on, from_status in zip(
                row.member_from, row.member_to, row.member_from_status, strict=True
            )
        ),
        former_names=tuple(
            FormerName(name, until_on)
            for name, until_on in zip(row.former_names, row.former_until, strict=True)
        ),
        version=row.version,
    )


_ORGANISATION = """
    SELECT o.slug, o.name, o.name_status, o.territory, o.city, o.website, o.status,
           o.founded_on_year, o.source, o.version,
           ARRAY(SELECT r.region_code::text FROM organisation_regions r
                 WHERE r.organisation_id = o.organisation_id
                 ORDER BY r.region_code) AS region_codes,
           ARRAY(SELECT m.from_on FROM memberships m
                 WHERE m.organisation_id = o.organisation_id ORDER BY m.from_on) AS member_from,
           ARRAY(SELECT m.to_on FROM memberships m
                 WHERE m.organisation_id = o.organisation_id ORDER BY m.from_on) AS member_to,
           ARRAY(SELECT m.from_status FROM memberships m
                 WHERE m.organisation_id = o.organisation_id
                 ORDER BY m.from_on) AS member_from_status,
           ARRAY(SELECT f.name FROM former_names f
                 WHERE f.organisation_id = o.organisation_id ORDER BY f.number) AS former_names,
           ARRAY(SELECT f.until_on FROM former_names f
                 WHERE f.organisation_id = o.organisation_id ORDER BY f.number) AS former_until
    FROM organisations o
"""
_FIND = text(f"{_ORGANISATION} WHERE o.organisation_id = :organisation")
_LIST = text(f"{_ORGANISATION} ORDER BY o.sort_key, o.slug")
_LIST_MEMBERS = text(
    f"""
    {_ORGANISATION}
    WHERE EXISTS (SELECT FROM memberships m
                  WHERE m.organisation_id = o.organisation_id
                    AND m.from_on <= :as_of AND (m.to_on IS NULL OR m.to_on >= :as_of))
      AND (cast(:region_code AS text) IS NULL
           OR EXISTS (SELECT FROM organisation_regions r
                      WHERE r.organisation_id = o.organisation_id
                        AND r.region_code = cast(:region_code AS text)))
      AND (cast(:after AS uuid) IS NULL
           OR (o.sort_key, o.slug) > (SELECT a.sort_key, a.slug FROM organisations a
                                      WHERE a.organisation_id = cast(:after AS uuid)))
    ORDER BY o.sort_key, o.slug
    LIMIT :limit
    """
)
_FINGERPRINT = text("SELECT fingerprint FROM organisations WHERE organisation_id = :organisation")
_INSERT = text(
    """
    INSERT INTO organisations (organisation_id, slug, name, sort_key, name_status, territory, city,
                               website, status, founded_on_year, source, version, fingerprint,
                               recorded_by)
    VALUES (:organisation, :slug, :name, :sort_key, :name_status, :territory, :city, :website,
            :status, :founded_on_year, :source, :version, :fingerprint, :recorded_by)
    """
)
_UPDATE = text(
    """
    UPDATE organisations
    SET name = :name, sort_key = :sort_key, name_status = :name_status, territory = :territory,
        city = :city, website = :website, status = :status, founded_on_year = :founded_on_year,
        source = :source, version = :version
    WHERE organisation_id = :organisation
    """
)
_SET_VERSION = text(
    "UPDATE organisations SET version = :version WHERE organisation_id = :organisation"
)
_INSERT_REGIONS = text(
    """
    INSERT INTO organisation_regions (organisation_id, region_code)
    SELECT :organisation, unnest(cast(:region_codes AS text[]))
    """
)
_DELETE_REGIONS = text("DELETE FROM organisation_regions WHERE organisation_id = :organisation")
_INSERT_FORMER_NAMES = text(
    """
    INSERT INTO former_names (organisation_id, number, name, until_on)
    SELECT :organisation, *
    FROM unnest(cast(:numbers AS integer[]), cast(:names AS text[]), cast(:until AS date[]))
    """
)
_INSERT_MEMBERSHIPS = text(
    """
    INSERT INTO memberships (organisation_id, from_on, to_on, from_status)
    SELECT :organisation, *
    FROM unnest(cast(:from_on AS date[]), cast(:to_on AS date[]), cast(:from_status AS text[]))
    """
)
_END_MEMBERSHIP = text(
    """
    UPDATE memberships SET to_on = :to_on
    WHERE organisation_id = :organisation AND from_on = :from_on
    """
)
