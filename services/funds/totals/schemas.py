"""What the gateway reads for the network's reports."""

from datetime import datetime
from uuid import UUID

from services.common.fields import Answer, SignedAmount
from services.funds.funds.schemas import SourceAmounts


class TotalsRow(Answer):
    """An organisation that has contributions; one that has none has no row."""

    organisation_id: UUID
    capital: SourceAmounts
    operating_subsidy: SignedAmount


class TotalsAnswer(Answer):
    recorded_until: datetime | None
    rows: list[TotalsRow]
