"""What a sheet of contributions looks like: the columns and what members call them."""

from pydantic import TypeAdapter

from services.common.cells import CellKind
from services.common.columns import Column
from services.common.import_kinds import import_kind
from services.funds.contributions.commands import record_contributions
from services.funds.contributions.schemas import ContributionBody

CONTRIBUTIONS = import_kind(
    name="contributions",
    columns=(
        Column("external_id", aliases=("identifiant", "no", "numéro"), required=True),
        Column("contributor", aliases=("contributeur", "bailleur", "donateur"), required=True),
        Column(
            "contributor_kind",
            aliases=("type de contributeur", "type contributeur"),
            required=True,
        ),
        Column("instrument", aliases=("forme", "type d'apport"), required=True),
        Column("purpose", aliases=("usage", "objet")),
        Column("amount", CellKind.AMOUNT, aliases=("montant",), required=True),
        Column(
            "received_on", CellKind.DATE, aliases=("reçu le", "date de réception"), required=True
        ),
        Column("annual_rate", CellKind.RATE, aliases=("taux annuel", "taux")),
        Column("repayable_on", CellKind.DATE, aliases=("remboursable le", "échéance")),
    ),
    model=TypeAdapter(ContributionBody),
    to_draft=ContributionBody.to_draft,
    record=record_contributions,
)
