"""What changes an organisation: recording it, describing it anew, its memberships.

Every write of the register queues on the write lock of NO_ORGANISATION, so what is checked here
still holds when it is written.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from services.common import audit, outbox
from services.common.database import ReadSession, WriteSession
from services.common.errors import Conflict, InputError, Unprocessable, not_found
from services.common.idempotency import Answered, created, replayed
from services.common.identity import Principal, organisation_id
from services.common.preconditions import etag_of
from services.common.strict_json import fingerprint
from services.common.text import Text
from services.registry.organisations import queries
from services.registry.organisations.arithmetic import (
    Membership,
    Organisation,
    apply_changes,
    find_overlap,
)
from services.registry.organisations.schemas import (
    OrganisationPatch,
    to_document,
    to_membership_document,
)

_ORDER = Text("La fin précède le début.", "The end comes before the beginning.")
_OVERLAP = Text(
    "Cette période d'adhésion en recoupe une autre.",
    "This period of membership overlaps another.",
)


async def find_or_refuse(session: ReadSession, slug: str) -> Organisation:
    """The organisation of a slug. Raises NotFound."""
    organisation = await queries.find_organisation(session, slug)
    if organisation is None:
        raise not_found(Text("Organisme", "Organisation"))
    return organisation


async def record_organisation(
    session: WriteSession, principal: Principal, organisation: Organisation
) -> Answered:
    """Record an organisation under its slug, once.

    Raises Conflict `slug.conflict` when the slug was recorded with other content.
    """
    refuse_disorder(organisation.memberships)
    document = to_document(organisation)
    location = f"/v1/organisations/{organisation.slug}"
    content = fingerprint(document)
    recorded = await queries.find_fingerprint(session, organisation.slug)
    if recorded == content:
        return replayed(document, location)
    if recorded is not None:
        raise Conflict(
            Text(
                "Cet identifiant est déjà inscrit avec un autre contenu ; rien n'a été changé.",
                "This identifier is already on record with other content; nothing was changed.",
            ),
            code="slug.conflict",
        )
    await queries.insert_organisation(session, organisation, content, principal.subject)
    await outbox.append(session, "organisation.recorded", document)
    await audit.append(
        session, principal, "organisation.record", {"organisation": organisation.slug}
    )
    answered = created(document, location)
    return replace(answered, headers={**answered.headers, "ETag": etag_of(organisation.version)})


def refuse_disorder(memberships: Sequence[Membership]) -> None:
    """Raises Unprocessable when a period ends before it begins, or two of them share a day."""
    errors = [
        InputError(f"/memberships/{index}/to", "date.order", _ORDER)
        for index, membership in enumerate(memberships)
        if _is_reversed(membership)
    ]
    overlap = find_overlap(memberships)
    if not errors and overlap is not None:
        errors = [InputError(f"/memberships/{overlap}/from", "membership.overlap", _OVERLAP)]
    if errors:
        raise Unprocessable(errors[0].message, code=errors[0].code, errors=errors)


def _is_reversed(membership: Membership) -> bool:
    return membership.to_on is not None and membership.to_on < membership.from_on


async def change_organisation(
    session: WriteSession,
    principal: Principal,
    before: Organisation,
    patch: OrganisationPatch,
    today: date,
) -> Organisation:
    """Apply a patch to the organisation as it was read in this very transaction."""
    after = apply_changes(before, patch.change(before), today)
    if after == before:
        return before
    identifier = organisation_id(before.slug)
    await queries.update_organisation(session, after)
    if after.region_codes != before.region_codes:
        await queries.delete_regions(session, identifier)
        await queries.insert_regions(session, identifier, after.region_codes)
    known = len(before.former_names)
    await queries.insert_former_names(session, identifier, known + 1, after.former_names[known:])
    await outbox.append(session, "organisation.changed", to_document(after))
    await audit.append(
        session,
        principal,
        "organisation.change",
        {"organisation": after.slug, "fields": sorted(patch.model_fields_set)},
    )
    return after


async def add_membership(
    session: WriteSession, principal: Principal, slug: str, membership: Membership
) -> Answered:
    """Begin a period of membership; the same period again changes nothing.

    Raises NotFound, Unprocessable `date.order`, or Conflict `membership.overlap`.
    """
    if _is_reversed(membership):
        raise _refuse_end()
    organisation = await find_or_refuse(session, slug)
    location = f"/v1/organisations/{slug}/memberships/{membership.from_on}"
    document = to_membership_document(membership)
    if membership in organisation.memberships:
        return replayed(document, location)
    if find_overlap((*organisation.memberships, membership)) is not None:
        raise Conflict(
            _OVERLAP,
            code="membership.overlap",
            errors=[InputError("/from", "membership.overlap", _OVERLAP)],
        )
    await queries.insert_memberships(session, organisation_id(slug), [membership])
    periods = sorted((*organisation.memberships, membership), key=lambda period: period.from_on)
    await _record_memberships(
        session, principal, replace(organisation, memberships=tuple(periods)), "membership.add"
    )
    return created(document, location)


def find_membership(organisation: Organisation, from_on: date) -> Membership:
    """The period that begins on a day. Raises NotFound."""
    for membership in organisation.memberships:
        if membership.from_on == from_on:
            return membership
    raise not_found(Text("Adhésion", "Membership"))


async def end_membership(
    session: WriteSession, principal: Principal, slug: str, from_on: date, to_on: date
) -> Answered:
    """End the open period that began on a day; ending it again on the same day changes nothing.

    Raises NotFound, Unprocessable `date.order`, or Conflict `membership.ended`.
    """
    organisation = await find_or_refuse(session, slug)
    membership = find_membership(organisation, from_on)
    ended = replace(membership, to_on=to_on)
    if _is_reversed(ended):
        raise _refuse_end()
    document = to_membership_document(ended)
    if membership == ended:
        return replayed(document, f"/v1/organisations/{slug}/memberships/{from_on}")
    if membership.to_on is not None:
        raise Conflict(
            Text(
                f"Cette adhésion a pris fin le {membership.to_on}.",
                f"This membership ended on {membership.to_on}.",
            ),
            code="membership.ended",
        )
    await queries.end_membership(session, organisation_id(slug), from_on, to_on)
    periods = tuple(
        ended if period == membership else period for period in organisation.memberships
    )
    await _record_memberships(
        session, principal, replace(organisation, memberships=periods), "membership.end"
    )
    return Answered(200, document)


def _refuse_end() -> Unprocessable:
    return Unprocessable(
        _ORDER, code="date.order", errors=[InputError("/to", "date.order", _ORDER)]
    )


async def _record_memberships(
    session: WriteSession, principal: Principal, organisation: Organisation, action: str
) -> None:
    """A membership is part of what an organisation shows: its version moves with it."""
    version = organisation.version + 1
    await queries.set_version(session, organisation_id(organisation.slug), version)
    await outbox.append(session, "organisation.changed", to_document(organisation))
    await audit.append(session, principal, action, {"organisation": organisation.slug})
