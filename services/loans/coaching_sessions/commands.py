"""Recording coaching sessions: one from the JSON API, or a whole sheet; the same function."""

from collections.abc import Mapping, Sequence
from datetime import date

from services.common import audit, outbox
from services.common.database import WriteSession
from services.common.errors import JsonValue
from services.common.identity import Principal
from services.common.messages import MESSAGES
from services.common.recording import Recorded, refuse, sort_batch
from services.common.text import Text
from services.loans.borrowers import queries as borrowers
from services.loans.borrowers.queries import KnownBorrower
from services.loans.coaching_sessions import queries
from services.loans.coaching_sessions.queries import Placed
from services.loans.coaching_sessions.schemas import CoachingSessionDraft
from services.loans.loans import queries as loans
from services.loans.loans.commands import BORROWER_UNKNOWN, Refused, only_region, require_loan
from services.loans.loans.queries import KnownLoan


async def record_coaching_sessions(
    session: WriteSession,
    principal: Principal,
    drafts: Sequence[CoachingSessionDraft],
    today: date,
) -> Recorded:
    """Record the sessions that are new and sound; tell what is wrong with each of the others."""
    batch = sort_batch(
        [d.external_id for d in drafts],
        [d.fingerprint for d in drafts],
        await queries.find_known(session, [d.external_id for d in drafts]),
    )
    new = [drafts[row] for row in batch.new]
    people = await borrowers.find_known(session, list({d.borrower_external_id for d in new}))
    known_loans = await loans.find_known(
        session, list({d.loan_external_id for d in new if d.loan_external_id})
    )
    refused: Refused = {}
    placed: list[Placed] = []
    for row in batch.new:
        draft = drafts[row]
        _check(draft, row, people, known_loans, today, refused)
        if row in refused:
            continue
        person = people[draft.borrower_external_id]
        loan = known_loans.get(draft.loan_external_id or "")
        region = person.region_code or (loan.region_code if loan else None)
        region = region or only_region(principal)
        if region is None:
            refuse(refused, row, "/borrower_external_id", "borrower.no_region", NO_REGION)
            continue
        placed.append(Placed(draft, person.borrower_id, loan.loan_id if loan else None, region))
    if placed:
        await queries.insert_coaching_sessions(session, placed, principal.subject)
        told: dict[str, JsonValue] = {"count": len(placed)}
        await outbox.append(session, "coaching_sessions.recorded", told)
        await audit.append(session, principal, "coaching_sessions.recorded", told)
    return batch.conclude(refused)


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
