"""Recording coaching sessions: one from the JSON API, or a whole sheet; the same function."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

from services.common import audit, outbox
from services.common.database import WriteSession
from services.common.errors import JsonValue
from services.common.identity import Principal
from services.common.locks import list_dates, refuse_locked
from services.common.messages import MESSAGES
from services.common.recording import (
    OnRecord,
    Recorded,
    drafts_of,
    next_revision,
    refuse,
    settle,
    sort_batch,
)
from services.common.text import Text
from services.loans.borrowers import queries as borrowers
from services.loans.borrowers.queries import KnownBorrower
from services.loans.coaching_sessions import queries
from services.loans.coaching_sessions.queries import Placed
from services.loans.coaching_sessions.schemas import CoachingSessionDraft
from services.loans.content import tell_columns
from services.loans.loans import queries as loans
from services.loans.loans.commands import only_region, require_loan
from services.loans.loans.profiles import BORROWER_UNKNOWN, Refused
from services.loans.loans.queries import KnownLoan
from services.loans.reversals.commands import reverse_replaced
from services.loans.reversals.queries import count_absent
from services.loans.rules.arithmetic import Facts
from services.loans.rules.commands import check_rows


async def record_coaching_sessions(
    session: WriteSession,
    principal: Principal,
    drafts: Sequence[CoachingSessionDraft],
    today: date,
    reason: str | None = None,
) -> Recorded:
    """Record the sessions that are new and sound; tell what is wrong with each of the others.

    With a `reason`, those that say something else of a session on record correct it.
    """
    external_ids = [d.external_id for d in drafts]
    batch = sort_batch(
        external_ids,
        [d.fingerprint for d in drafts],
        await queries.find_known(session, external_ids),
    )
    on_record = await queries.find_on_record(session, [external_ids[r] for r in batch.changed])
    drafts = [_keep_untold(draft, on_record) for draft in drafts] if on_record else drafts
    batch = settle(batch, drafts, drafts_of(on_record), tell_columns, reason)
    to_record = [drafts[row] for row in batch.to_record]
    people = await borrowers.find_known(session, list({d.borrower_external_id for d in to_record}))
    known_loans = await loans.find_known(
        session, list({d.loan_external_id for d in to_record if d.loan_external_id})
    )
    refused: Refused = {}
    for row in batch.to_record:
        _check(drafts[row], row, people, known_loans, today, refused)
    dates = list_dates(batch, drafts, on_record, lambda draft: draft.held_on)
    await refuse_locked(session, "/held_on", dates, refused)
    held_on = {row: drafts[row].held_on for row in batch.to_record}
    warned = await check_rows(
        session, "coaching-sessions", held_on, lambda row: describe(drafts[row]), refused
    )
    placed: list[Placed] = []
    for row in batch.to_record:
        if row in refused:
            continue
        draft = drafts[row]
        person = people[draft.borrower_external_id]
        loan = known_loans.get(draft.loan_external_id or "")
        region = person.region_code or (loan.region_code if loan else None)
        region = region or only_region(principal)
        if region is None:
            refuse(refused, row, "/borrower_external_id", "borrower.no_region", NO_REGION)
            continue
        revision = next_revision(on_record.get(draft.external_id))
        loan_id = loan.loan_id if loan else None
        placed.append(Placed(draft, person.borrower_id, loan_id, region, revision))
    if placed:
        gone = [on_record[external_ids[r]] for r in batch.changed if r not in refused]
        await reverse_replaced(session, principal, "coaching_session", gone, reason)
        await queries.insert_coaching_sessions(session, placed, principal.subject)
        told: dict[str, JsonValue] = {"count": len(placed)}
        await outbox.append(session, "coaching_sessions.recorded", told)
        await audit.append(session, principal, "coaching_sessions.recorded", told)
    absent = await count_absent(session, "coaching_session", external_ids) if batch.is_resend else 0
    return batch.conclude(refused, absent, warned)


def _keep_untold(
    draft: CoachingSessionDraft, on_record: Mapping[str, OnRecord[CoachingSessionDraft]]
) -> CoachingSessionDraft:
    """A sheet has no column for the next action: the one on record stays when none is told."""
    known = on_record.get(draft.external_id)
    if known is None or draft.next_action is not None:
        return draft
    return replace(draft, next_action=known.draft.next_action)


def describe(draft: CoachingSessionDraft) -> Facts:
    """As rules see it."""
    return {
        "held_on": draft.held_on,
        "duration_minutes": draft.duration_minutes,
        "mode": draft.mode.value,
        "stage": draft.stage.value,
    }


NO_REGION = Text(
    "La région de cette personne n'est pas inscrite.", "This person's region is not on record."
)


def _check(
    draft: CoachingSessionDraft,
    row: int,
    people: Mapping[str, KnownBorrower],
    known_loans: Mapping[str, KnownLoan],
    today: date,
    refused: Refused,
) -> None:
    person = people.get(draft.borrower_external_id)
    if person is None:
        refuse(refused, row, "/borrower_external_id", "borrower.unknown", BORROWER_UNKNOWN)
    if draft.loan_external_id is not None:
        loan = require_loan(refused, row, known_loans.get(draft.loan_external_id))
        if loan and person and loan.borrower_id != person.borrower_id:
            message = Text(
                "Ce prêt est celui d'un autre emprunteur.", "This loan is another borrower's."
            )
            refuse(refused, row, "/loan_external_id", "loan.other_borrower", message)
    if draft.held_on > today:
        refuse(refused, row, "/held_on", "date.future", MESSAGES["date.future"])
