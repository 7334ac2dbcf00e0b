"""Recording borrowers: one from the JSON API, or a whole sheet; the same function."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from services.common import audit, outbox
from services.common.database import WriteSession
from services.common.errors import InputError, JsonValue
from services.common.identity import Principal
from services.common.messages import MESSAGES
from services.common.recording import OnRecord, Recorded, drafts_of, refuse, settle, sort_batch
from services.common.text import Text
from services.loans.borrowers import queries
from services.loans.borrowers.drafts import BorrowerDraft
from services.loans.content import tell_columns

WITHDRAWN_BEFORE_GIVEN = Text(
    "Ce consentement serait retiré avant d'avoir été donné.",
    "This consent would be withdrawn before it was given.",
)


async def record_borrowers(
    session: WriteSession,
    principal: Principal,
    drafts: Sequence[BorrowerDraft],
    today: date,
    reason: str | None = None,
) -> Recorded:
    """Record what is new. A borrower known only through a loan is completed, not in conflict.

    With a `reason`, those described otherwise are described anew.
    """
    external_ids = [d.external_id for d in drafts]
    known = await queries.find_known(session, external_ids)
    batch = sort_batch(
        external_ids,
        [d.fingerprint for d in drafts],
        {name: b.fingerprint for name, b in known.items() if b.is_registered},
    )
    on_record = await queries.find_on_record(session, [external_ids[r] for r in batch.changed])
    drafts = [_keep_consents(draft, on_record) for draft in drafts]
    batch = settle(batch, drafts, drafts_of(on_record), tell_columns, reason)
    refused: dict[int, list[InputError]] = {}
    for row in batch.to_record:
        _check(drafts[row], row, today, refused)
    good = [drafts[row] for row in batch.to_record if row not in refused]
    if good:
        await queries.put_borrowers(session, good, True, principal.subject)
        told: dict[str, JsonValue] = {"count": len(good)}
        await outbox.append(session, "borrowers.recorded", told)
        await audit.append(session, principal, "borrowers.recorded", told)
    corrected = sum(row not in refused for row in batch.changed)
    if corrected:
        details: dict[str, JsonValue] = {"kind": "borrower", "count": corrected}
        await audit.append(session, principal, "facts.corrected", details)
    absent = await queries.count_absent(session, external_ids) if batch.is_resend else 0
    return batch.conclude(refused, absent)


def _keep_consents(
    draft: BorrowerDraft, on_record: Mapping[str, OnRecord[BorrowerDraft]]
) -> BorrowerDraft:
    """A sheet has no column for consents: those on record stay when none is told."""
    known = on_record.get(draft.external_id)
    if known is None or draft.consents or not known.draft.consents:
        return draft
    return replace(draft, consents=known.draft.consents)


def _check(
    draft: BorrowerDraft, row: int, today: date, refused: dict[int, list[InputError]]
) -> None:
    future = MESSAGES["date.future"]
    if draft.birth_year is not None and draft.birth_year > today.year:
        refuse(refused, row, "/birth_year", "date.future", future)
    for position, consent in enumerate(draft.consents):
        if consent.given_on > today:
            refuse(refused, row, f"/consents/{position}/given_on", "date.future", future)
        if consent.withdrawn_on is not None and consent.withdrawn_on < consent.given_on:
            pointer = f"/consents/{position}/withdrawn_on"
            refuse(refused, row, pointer, "consent.withdrawn_before_given", WITHDRAWN_BEFORE_GIVEN)
