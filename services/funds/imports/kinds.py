"""The kind of sheet the funds service takes: contributions."""

from pydantic import TypeAdapter

from services.common.import_kinds import import_kind
from services.common.text import Text
from services.funds.contributions.commands import record_contributions
from services.funds.contributions.schemas import ContributionBody
from services.funds.imports import columns

CONTRIBUTIONS = import_kind(
    name="contributions",
    title=Text("Contributions", "Contributions"),
    columns=columns.CONTRIBUTIONS,
    model=TypeAdapter(ContributionBody),
    to_draft=ContributionBody.to_draft,
    record=record_contributions,
)
