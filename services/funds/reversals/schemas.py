"""What is sent and answered about reversals."""

from datetime import datetime
from uuid import UUID

from services.common.fields import Answer, Body, ExternalId, Reason


class ReversalBody(Body):
    reason: Reason
    external_id: ExternalId | None = None


class ReversalAnswer(Answer):
    """A reversal takes effect on the date of the fact it takes back, and is known from now on."""

    reversal_id: UUID
    fund: str
    external_id: str | None
    contribution_id: UUID | None
    repayment_id: UUID | None
    reason: str
    recorded_at: datetime
