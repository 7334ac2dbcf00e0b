"""Recording contributions and the repayments made to contributors, with their journal entries."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from services.common import audit, outbox
from services.common.database import WriteSession
from services.common.errors import InputError, JsonValue, Unprocessable
from services.common.identity import Principal
from services.common.locks import list_dates, refuse_locked, require_unlocked
from services.common.money import format_cents
from services.common.recording import CONFLICT, Recorded, drafts_of, settle, sort_batch, to_problem
from services.common.strict_json import fingerprint
from services.common.text import Text
from services.funds import tenancy
from services.funds.contributions import queries
from services.funds.contributions.arithmetic import (
    ContributionDraft,
    check_contribution,
    check_repayment,
)
from services.funds.contributions.queries import Contribution, Repayment
from services.funds.contributions.schemas import RepaymentBody
from services.funds.journal.accounts import contribution_accounts
from services.funds.journal.arithmetic import Kind, Posting, Transaction, swap
from services.funds.journal.commands import record_transactions

UNKNOWN_CONTRIBUTION = InputError(
    "/contribution/external_id",
    "contribution.unknown",
    Text("Aucune contribution n'a cet identifiant.", "No contribution has this identifier."),
)

NEEDED_BY_REPAYMENTS = InputError(
    "",
    "reversal.needed_by_repayments",
    Text(
        "Une part de cette contribution a été remboursée : renversez d'abord ces remboursements.",
        "Part of this contribution has been repaid: reverse those repayments first.",
    ),
)


async def record_contributions(
    session: WriteSession,
    principal: Principal,
    drafts: Sequence[ContributionDraft],
    today: date,
    reason: str | None = None,
) -> Recorded:
    """Record what is new and sound among the drafts of the principal's own fund.

    With a `reason`, those that say something else of a contribution on record correct it. The
    number of SQL statements does not grow with the number of drafts.
    """
    external_ids = [draft.external_id for draft in drafts]
    batch = sort_batch(
        external_ids,
        [draft.fingerprint for draft in drafts],
        await queries.read_fingerprints(session, external_ids),
    )
    on_record = await queries.find_on_record(session, [external_ids[r] for r in batch.changed])
    batch = settle(batch, drafts, drafts_of(on_record), _tell_columns, reason)
    refused: dict[int, list[InputError]] = {}
    for row in batch.to_record:
        found = list(check_contribution(drafts[row], today))
        known = on_record.get(external_ids[row])
        if known is not None and known.repaid_cents:
            found.append(NEEDED_BY_REPAYMENTS)
        if found:
            refused[row] = found
    dates = list_dates(batch, drafts, on_record, lambda draft: draft.received_on)
    await refuse_locked(session, "/received_on", dates, refused)
    good = [drafts[row] for row in batch.to_record if row not in refused]
    if good:
        replaced = [on_record[external_ids[r]] for r in batch.changed if r not in refused]
        reversals = await _reverse(session, principal, replaced, reason)
        revisions = {known.draft.external_id: known.revision + 1 for known in replaced}
        new = await queries.insert_contributions(
            session, good, [revisions.get(d.external_id, 1) for d in good], principal.subject
        )
        await _follow(
            session, principal, {new[draft.external_id]: draft for draft in good}, reversals
        )
    absent = await queries.count_absent(session, external_ids) if batch.is_resend else 0
    return batch.conclude(refused, absent)


def _tell_columns(draft: ContributionDraft) -> dict[str, str]:
    """What a contribution says, by the columns of a sheet."""
    content = {**draft.content(), "amount_cents": format_cents(draft.amount_cents)}
    return {
        name.removesuffix("_cents"): str(value)
        for name, value in content.items()
        if value is not None
    }


async def _reverse(
    session: WriteSession,
    principal: Principal,
    replaced: Sequence[Contribution],
    reason: str | None,
) -> list[Transaction]:
    """Reverse the contributions that corrections replace; returns what that moves."""
    gone = {c.contribution_id: c.draft for c in replaced if not c.is_reversed}
    if not gone:
        return []
    assert reason is not None, "a correction has a reason"
    reversal_ids = await queries.reverse_contributions(
        session,
        list(gone),
        reason,
        [reversal_content(contribution_id, reason) for contribution_id in gone],
        principal.subject,
    )
    told: list[JsonValue] = [
        {"reversal_id": str(reversal_ids[contribution_id]), "fact_id": str(contribution_id)}
        for contribution_id in gone
    ]
    await outbox.append_all(session, "contribution.reversed", told)
    details: dict[str, JsonValue] = {"kind": "contribution", "count": len(gone)}
    await audit.append(session, principal, "facts.corrected", details)
    return [
        reversal_of(contribution_id, draft, str(reversal_ids[contribution_id]))
        for contribution_id, draft in gone.items()
    ]


def reversal_content(fact_id: UUID, reason: str) -> bytes:
    """What makes two posts the same reversal."""
    return fingerprint({"fact": str(fact_id), "reason": reason})


def reversal_of(
    contribution_id: UUID, draft: ContributionDraft, reversal_id: str | None
) -> Transaction:
    """What reversing a contribution moves: all that receiving it did, on the same day."""
    return Transaction(
        Kind.CONTRIBUTION_REVERSAL,
        draft.received_on,
        str(contribution_id),
        reversal_id,
        swap(postings_of(draft, draft.amount_cents)),
    )


async def _follow(
    session: WriteSession,
    principal: Principal,
    recorded: dict[UUID, ContributionDraft],
    reversals: Sequence[Transaction],
) -> None:
    """What goes with new contributions: the fund, the journal, one event, one audit entry."""
    assert principal.organisation is not None, "contributions are recorded by a member"
    await tenancy.record_fund(session, principal.organisation)
    await record_transactions(
        session,
        [
            *reversals,
            *(
                Transaction(
                    Kind.CONTRIBUTION,
                    draft.received_on,
                    str(contribution_id),
                    str(contribution_id),
                    postings_of(draft, draft.amount_cents),
                )
                for contribution_id, draft in recorded.items()
            ),
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
    that is unknown or has not that much left, or a date in a locked month.
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
    await require_unlocked(session, "/repaid_on", body.repaid_on)
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
