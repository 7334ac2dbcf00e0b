"""Recording contributions and the repayments made to contributors, with their journal entries."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from services.common import audit, outbox
from services.common.database import WriteSession
from services.common.errors import InputError, JsonValue, Unprocessable
from services.common.identity import Principal
from services.common.recording import CONFLICT, Recorded, sort_batch, to_problem
from services.common.strict_json import fingerprint
from services.common.text import Text
from services.funds import tenancy
from services.funds.contributions import queries
from services.funds.contributions.arithmetic import (
    ContributionDraft,
    check_contribution,
    check_repayment,
)
from services.funds.contributions.queries import Repayment
from services.funds.contributions.schemas import RepaymentBody
from services.funds.journal.accounts import contribution_accounts
from services.funds.journal.arithmetic import Kind, Posting, Transaction, swap
from services.funds.journal.commands import record_transactions

UNKNOWN_CONTRIBUTION = InputError(
    "/contribution/external_id",
    "contribution.unknown",
    Text("Aucune contribution n'a cet identifiant.", "No contribution has this identifier."),
)


async def record_contributions(
    session: WriteSession, principal: Principal, drafts: Sequence[ContributionDraft], today: date
) -> Recorded:
    """Record what is new and sound among the drafts of the principal's own fund.

    The number of SQL statements does not grow with the number of drafts.
    """
    external_ids = [draft.external_id for draft in drafts]
    batch = sort_batch(
        external_ids,
        [draft.fingerprint for draft in drafts],
        await queries.read_fingerprints(session, external_ids),
    )
    checked = {row: list(check_contribution(drafts[row], today)) for row in batch.new}
    refused = {row: errors for row, errors in checked.items() if errors}
    good = [drafts[row] for row in batch.new if row not in refused]
    if good:
        new = await queries.insert_contributions(session, good, principal.subject)
        await _follow(session, principal, {new[draft.external_id]: draft for draft in good})
    return batch.conclude(refused)


async def _follow(
    session: WriteSession, principal: Principal, recorded: dict[UUID, ContributionDraft]
) -> None:
    """What goes with new contributions: the fund, the journal, one event, one audit entry."""
    assert principal.organisation is not None, "contributions are recorded by a member"
    await tenancy.record_fund(session, principal.organisation)
    await record_transactions(
        session,
        [
            Transaction(
                Kind.CONTRIBUTION,
                draft.received_on,
                str(contribution_id),
                str(contribution_id),
                postings_of(draft, draft.amount_cents),
            )
            for contribution_id, draft in recorded.items()
        ],
    )
    identifiers: list[JsonValue] = [str(contribution_id) for contribution_id in recorded]
    await outbox.append(session, "contributions.recorded", {"contribution_ids": identifiers})
    await audit.append(session, principal, "contributions.record", {"count": len(identifiers)})


def postings_of(draft: ContributionDraft, amount_cents: int) -> list[Posting]:
    """What receiving `amount_cents` of a contribution moves."""
    debit, credit = contribution_accounts(draft.instrument, draft.purpose, draft.source)
    return [Posting(debit, credit, amount_cents)]


async def record_repayment(
    session: WriteSession, principal: Principal, body: RepaymentBody, today: date
) -> tuple[Repayment, bool]:
    """Pay back part of a contribution; True when it was not on record before.

    Raises Conflict for another content under the same external_id, Unprocessable for a contribution
    that is unknown or has not that much left.
    """
    content = fingerprint(
        {
            "contribution": body.contribution.external_id,
            "amount_cents": body.amount,
            "repaid_on": body.repaid_on.isoformat(),
        }
    )
    known = await queries.find_repayment_told_as(session, body.external_id)
    if known is not None:
        if known.fingerprint != content:
            raise to_problem([CONFLICT])
        return known, False
    contribution = await queries.find_contribution_told_as(session, body.contribution.external_id)
    if contribution is None:
        raise to_problem([UNKNOWN_CONTRIBUTION])
    draft = contribution.draft
    errors = list(
        check_repayment(
            body.amount, body.repaid_on, draft.received_on, contribution.left_cents, today
        )
    )
    if errors:
        raise Unprocessable(errors[0].message, code=errors[0].code, errors=errors)
    repayment = await queries.insert_repayment(
        session,
        body.external_id,
        contribution.contribution_id,
        body.amount,
        body.repaid_on,
        content,
        principal.subject,
    )
    identifier = str(repayment.repayment_id)
    await record_transactions(
        session,
        [
            Transaction(
                Kind.REPAYMENT_TO_CONTRIBUTOR,
                body.repaid_on,
                str(contribution.contribution_id),
                identifier,
                swap(postings_of(draft, body.amount)),
            )
        ],
    )
    await outbox.append(session, "contribution.repaid", {"repayment_id": identifier})
    await audit.append(session, principal, "contribution.repay", {"repayment_id": identifier})
    return repayment, True
