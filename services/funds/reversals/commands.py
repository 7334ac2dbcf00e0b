"""Reversing a fact of a contributor, once. A reversal is not reversed: the fact is posted again.

The fact counts for nothing from its own date on, as if it had never been told; when it was told and
when it was taken back stay on record. Sent again for the same reason, the reversal is replayed.
"""

from dataclasses import replace
from uuid import UUID

from services.common import audit, outbox
from services.common.database import WriteSession
from services.common.errors import Conflict, Problem, not_found
from services.common.identity import Principal
from services.common.locks import require_unlocked
from services.common.recording import CONFLICT, to_problem
from services.common.text import Text
from services.funds.contributions import queries as contributions
from services.funds.contributions.commands import (
    NEEDED_BY_REPAYMENTS,
    postings_of,
    reversal_content,
    reversal_of,
)
from services.funds.journal.arithmetic import Kind, Transaction
from services.funds.journal.commands import record_transactions
from services.funds.reversals import queries
from services.funds.reversals.queries import Fact, Reversal
from services.funds.reversals.schemas import ReversalBody

CONTRIBUTION = Text("Contribution", "Contribution")
REPAYMENT = Text("Remboursement", "Repayment")
ALREADY_REVERSED = Text(
    "Ce fait a déjà été renversé ; un fait ne l'est qu'une fois.",
    "This fact has already been reversed; a fact is reversed only once.",
)
REVERSAL_OF_REVERSAL = Text(
    "Un renversement ne se renverse pas : inscrivez de nouveau le fait.",
    "A reversal is not reversed: post the fact again.",
)


async def reverse_contribution(
    session: WriteSession, principal: Principal, contribution_id: UUID, body: ReversalBody
) -> tuple[Reversal, bool]:
    """True when the reversal is new. Raises NotFound, Conflict or Unprocessable."""
    contribution = await contributions.find_contribution(session, contribution_id)
    if contribution is None:
        raise await _not_there(session, contribution_id, CONTRIBUTION)
    if contribution.repaid_cents and not contribution.is_reversed:
        raise to_problem([NEEDED_BY_REPAYMENTS])
    return await _reverse(
        session,
        principal,
        Fact(contribution_id=contribution_id),
        body,
        reversal_of(contribution_id, contribution.draft, None),
    )


async def reverse_repayment(
    session: WriteSession, principal: Principal, repayment_id: UUID, body: ReversalBody
) -> tuple[Reversal, bool]:
    """True when the reversal is new. Raises NotFound, Conflict or Unprocessable."""
    repayment = await contributions.find_repayment(session, repayment_id)
    if repayment is None:
        raise await _not_there(session, repayment_id, REPAYMENT)
    contribution = await contributions.find_contribution(session, repayment.contribution_id)
    assert contribution is not None, "a repayment is of a contribution"
    return await _reverse(
        session,
        principal,
        Fact(repayment_id=repayment_id),
        body,
        Transaction(
            Kind.REPAYMENT_TO_CONTRIBUTOR_REVERSAL,
            repayment.repaid_on,
            str(repayment.contribution_id),
            None,
            postings_of(contribution.draft, repayment.amount_cents),
        ),
    )


async def _reverse(
    session: WriteSession,
    principal: Principal,
    fact: Fact,
    body: ReversalBody,
    transaction: Transaction,
) -> tuple[Reversal, bool]:
    content = reversal_content(fact.fact_id, body.reason)
    if body.external_id is not None:
        known = await queries.find_reversal_told_as(session, body.external_id)
        if known is not None and known.fingerprint == content:
            return known, False
        if known is not None:
            raise to_problem([CONFLICT])
    standing = await queries.find_reversal_of(session, fact)
    if standing is not None:
        if standing.fingerprint == content and body.external_id is None:
            return standing, False
        raise Conflict(ALREADY_REVERSED, code="reversal.exists")
    await require_unlocked(session, "", transaction.occurred_on)
    reversal = await queries.insert_reversal(
        session, fact, body.external_id, body.reason, content, principal.subject
    )
    identifier = str(reversal.reversal_id)
    await record_transactions(session, [replace(transaction, fact_id=identifier)])
    await outbox.append(
        session, "contribution.reversed", {"reversal_id": identifier, "fact_id": str(fact.fact_id)}
    )
    await audit.append(session, principal, "contribution.reverse", {"reversal_id": identifier})
    return reversal, True


async def _not_there(session: WriteSession, identifier: UUID, noun: Text) -> Problem:
    """Another organisation's fact is not there either; a reversal of one's own is told apart."""
    if await queries.is_reversal(session, identifier):
        return Conflict(REVERSAL_OF_REVERSAL, code="reversal.of_reversal")
    return not_found(noun)
