"""The reversal of a follow-up fact; those of a loan's money are in `loan_facts`."""

from typing import Literal
from uuid import UUID

from services.common.fields import Answer, Body, Reason

FollowUpKind = Literal["coaching_session", "outcome"]


class FollowUpReversalBody(Body):
    reason: Reason


class FollowUpReversalAnswer(Answer):
    reversal_id: UUID
    fact: dict[str, str]
    reason: str
