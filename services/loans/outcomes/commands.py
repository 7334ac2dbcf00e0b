"""Recording outcomes: one from the JSON API, or a whole sheet; the same function."""

from collections.abc import Sequence
from datetime import date

from services.common import audit, outbox
from services.common.database import WriteSession
from services.common.errors import JsonValue
from services.common.identity import Principal
from services.common.messages import MESSAGES
from services.common.recording import Recorded, refuse, sort_batch
from services.common.text import Text
from services.loans.loans import queries as loans
from services.loans.loans.commands import Refused, require_loan
from services.loans.outcomes import queries
from services.loans.outcomes.schemas import OutcomeDraft


async def record_outcomes(
    session: WriteSession, principal: Principal, drafts: Sequence[OutcomeDraft], today: date
) -> Recorded:
    """Record the outcomes that are new and sound; tell what is wrong with each of the others."""
    batch = sort_batch(
        [d.external_id for d in drafts],
        [d.fingerprint for d in drafts],
        await queries.find_known(session, [d.external_id for d in drafts]),
    )
    known = await loans.find_known(
        session, list({drafts[row].loan_external_id for row in batch.new})
    )
    refused: Refused = {}
    for row in batch.new:
        draft = drafts[row]
        loan = require_loan(refused, row, known.get(draft.loan_external_id))
        if loan is not None and draft.observed_on < loan.disbursed_on:
            message = Text(
                f"Cette date précède le versement du prêt ({loan.disbursed_on}).",
                f"This date comes before the loan's disbursement ({loan.disbursed_on}).",
            )
            refuse(refused, row, "/observed_on", "outcome.before_disbursement", message)
        if draft.observed_on > today:
            refuse(refused, row, "/observed_on", "date.future", MESSAGES["date.future"])
    good = [drafts[row] for row in batch.new if row not in refused]
    if good:
        loan_ids = [known[draft.loan_external_id].loan_id for draft in good]
        await queries.insert_outcomes(session, good, loan_ids, principal.subject)
        told: dict[str, JsonValue] = {"count": len(good)}
        await outbox.append(session, "outcomes.recorded", told)
        await audit.append(session, principal, "outcomes.recorded", told)
    return batch.conclude(refused)
