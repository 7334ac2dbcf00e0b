"""Recording outcomes: one from the JSON API, or a whole sheet; the same function."""

from collections.abc import Sequence
from datetime import date

from services.common import audit, outbox
from services.common.database import WriteSession
from services.common.errors import JsonValue
from services.common.identity import Principal
from services.common.locks import list_dates, refuse_locked
from services.common.messages import MESSAGES
from services.common.recording import Recorded, drafts_of, next_revision, refuse, settle, sort_batch
from services.common.text import Text
from services.loans.content import tell_columns
from services.loans.loans import queries as loans
from services.loans.loans.commands import require_loan
from services.loans.loans.profiles import Refused
from services.loans.loans.queries import KnownLoan
from services.loans.outcomes import queries
from services.loans.outcomes.schemas import OutcomeDraft
from services.loans.reversals.commands import reverse_replaced
from services.loans.reversals.queries import count_absent
from services.loans.rules.arithmetic import Facts, to_dollars
from services.loans.rules.commands import check_rows


async def record_outcomes(
    session: WriteSession,
    principal: Principal,
    drafts: Sequence[OutcomeDraft],
    today: date,
    reason: str | None = None,
) -> Recorded:
    """Record the outcomes that are new and sound; tell what is wrong with each of the others.

    With a `reason`, those that say something else of an outcome on record correct it.
    """
    external_ids = [d.external_id for d in drafts]
    batch = sort_batch(
        external_ids,
        [d.fingerprint for d in drafts],
        await queries.find_known(session, external_ids),
    )
    on_record = await queries.find_on_record(session, [external_ids[r] for r in batch.changed])
    batch = settle(batch, drafts, drafts_of(on_record), tell_columns, reason)
    known = await loans.find_known(
        session, list({drafts[row].loan_external_id for row in batch.to_record})
    )
    refused: Refused = {}
    for row in batch.to_record:
        _check(drafts[row], row, known.get(drafts[row].loan_external_id), today, refused)
    dates = list_dates(batch, drafts, on_record, lambda draft: draft.observed_on)
    await refuse_locked(session, "/observed_on", dates, refused)
    observed_on = {row: drafts[row].observed_on for row in batch.to_record}
    warned = await check_rows(
        session, "outcomes", observed_on, lambda row: describe(drafts[row]), refused
    )
    good = [drafts[row] for row in batch.to_record if row not in refused]
    if good:
        gone = [on_record[external_ids[r]] for r in batch.changed if r not in refused]
        await reverse_replaced(session, principal, "outcome", gone, reason)
        loan_ids = [known[draft.loan_external_id].loan_id for draft in good]
        revisions = [next_revision(on_record.get(draft.external_id)) for draft in good]
        await queries.insert_outcomes(session, good, loan_ids, revisions, principal.subject)
        told: dict[str, JsonValue] = {"count": len(good)}
        await outbox.append(session, "outcomes.recorded", told)
        await audit.append(session, principal, "outcomes.recorded", told)
    absent = await count_absent(session, "outcome", external_ids) if batch.is_resend else 0
    return batch.conclude(refused, absent, warned)


def _check(
    draft: OutcomeDraft, row: int, loan: KnownLoan | None, today: date, refused: Refused
) -> None:
    known = require_loan(refused, row, loan)
    if known is not None and draft.observed_on < known.disbursed_on:
        message = Text(
            f"Cette date précède le versement du prêt ({known.disbursed_on}).",
            f"This date comes before the loan's disbursement ({known.disbursed_on}).",
        )
        refuse(refused, row, "/observed_on", "outcome.before_disbursement", message)
    if draft.observed_on > today:
        refuse(refused, row, "/observed_on", "date.future", MESSAGES["date.future"])


def describe(draft: OutcomeDraft) -> Facts:
    """As rules see it."""
    return {
        "observed_on": draft.observed_on,
        "business_status": draft.business_status.value,
        "jobs_created": draft.jobs_created,
        "jobs_maintained": draft.jobs_maintained,
        "turnover": to_dollars(draft.turnover_cents),
        "other_financing": to_dollars(draft.other_financing_cents),
    }
