"""From what is on record to what is answered."""

from services.funds.contributions.queries import Contribution, Repayment
from services.funds.contributions.schemas import (
    ContributionAnswer,
    ContributionState,
    RepaymentAnswer,
    RepaymentState,
)


def answer_contribution(slug: str, found: Contribution) -> ContributionAnswer:
    """The fact itself, the same for ever."""
    draft = found.draft
    return ContributionAnswer(
        contribution_id=found.contribution_id,
        fund=slug,
        external_id=draft.external_id,
        contributor=draft.contributor,
        contributor_kind=draft.contributor_kind,
        source=draft.source,
        instrument=draft.instrument,
        purpose=draft.purpose,
        amount=draft.amount_cents,
        received_on=draft.received_on,
        annual_rate=draft.annual_rate_text,
        repayable_on=draft.repayable_on,
        recorded_at=found.recorded_at,
    )


def describe_contribution(slug: str, found: Contribution) -> ContributionState:
    """The fact and what became of it."""
    return ContributionState(
        **dict(answer_contribution(slug, found)),
        is_reversed=found.is_reversed,
        repaid=found.repaid_cents,
        left=found.left_cents,
    )


def answer_repayment(slug: str, found: Repayment) -> RepaymentAnswer:
    """The fact itself, the same for ever."""
    return RepaymentAnswer(
        repayment_id=found.repayment_id,
        fund=slug,
        external_id=found.external_id,
        contribution_id=found.contribution_id,
        amount=found.amount_cents,
        repaid_on=found.repaid_on,
        recorded_at=found.recorded_at,
    )


def describe_repayment(slug: str, found: Repayment) -> RepaymentState:
    """The fact and whether it stands."""
    return RepaymentState(**dict(answer_repayment(slug, found)), is_reversed=found.is_reversed)
