"""Recording borrowers: one from the JSON API, or a whole sheet; the same function."""

from collections.abc import Sequence
from datetime import date

from services.common import audit, outbox
from services.common.database import WriteSession
from services.common.errors import InputError, JsonValue
from services.common.identity import Principal
from services.common.messages import MESSAGES
from services.common.recording import Recorded, refuse, sort_batch
from services.common.text import Text
from services.loans.borrowers import queries
from services.loans.borrowers.drafts import BorrowerDraft

WITHDRAWN_BEFORE_GIVEN = Text(
    "Ce consentement serait retiré avant d'avoir été donné.",
    "This consent would be withdrawn before it was given.",
)


async def record_borrowers(
    session: WriteSession, principal: Principal, drafts: Sequence[BorrowerDraft], today: date
) -> Recorded:
    """Record what is new. A borrower known only through a loan is completed, not in conflict."""
    known = await queries.find_known(session, [d.external_id for d in drafts])
    batch = sort_batch(
        [d.external_id for d in drafts],
        [d.fingerprint for d in drafts],
        {name: b.fingerprint for name, b in known.items() if b.is_registered},
    )
    refused: dict[int, list[InputError]] = {}
    for row in batch.new:
        _check(drafts[row], row, today, refused)
    good = [drafts[row] for row in batch.new if row not in refused]
    if good:
        await queries.put_borrowers(session, good, True, principal.subject)
        told: dict[str, JsonValue] = {"count": len(good)}
        await outbox.append(session, "borrowers.recorded", told)
        await audit.append(session, principal, "borrowers.recorded", told)
    return batch.conclude(refused)


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
