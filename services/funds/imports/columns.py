"""The columns of a sheet of contributions, in French and English, with examples."""

from collections.abc import Mapping

from services.common.cells import CellKind
from services.common.columns import Choice, Column
from services.common.text import Text
from services.funds.vocabulary import CONTRIBUTOR_WORDS, INSTRUMENT_WORDS, PURPOSE_WORDS


def _choices(words: Mapping[str, str], shown: Mapping[str, Text]) -> tuple[Choice, ...]:
    return tuple(
        Choice(code, word, tuple(each for each, meant in words.items() if meant == code))
        for code, word in shown.items()
    )


CONTRIBUTORS = _choices(
    CONTRIBUTOR_WORDS,
    {
        "state": Text("État", "state"),
        "federal": Text("fédéral", "federal"),
        "municipal": Text("municipalité", "municipal"),
        "financial_institution": Text("institution financière", "financial institution"),
        "enterprise": Text("entreprise", "enterprise"),
        "foundation": Text("fondation", "foundation"),
        "union": Text("syndicat", "union"),
        "individual": Text("particulier", "individual"),
        "religious_community": Text("communauté religieuse", "religious community"),
        "non_profit": Text("OBNL", "non-profit"),
        "cooperative": Text("coopérative", "cooperative"),
    },
)
INSTRUMENTS = _choices(
    INSTRUMENT_WORDS,
    {
        "grant": Text("subvention", "grant"),
        "donation": Text("don", "donation"),
        "placement": Text("placement", "placement"),
        "interest_free_loan": Text("prêt sans intérêt", "interest-free loan"),
        "guarantee": Text("garantie", "guarantee"),
    },
)
PURPOSES = _choices(
    PURPOSE_WORDS,
    {
        "capital": Text("capital", "capital"),
        "operations": Text("fonctionnement", "operations"),
    },
)

CONTRIBUTIONS = (
    Column(
        "external_id",
        aliases=("identifiant", "no", "numéro"),
        required=True,
        title=Text("No de contribution", "Contribution number"),
        meaning=Text("Votre numéro, pour toujours.", "Your number, for ever."),
        examples=("APPORT-2025-01", "APPORT-2025-02"),
    ),
    Column(
        "contributor",
        aliases=("contributeur", "bailleur", "donateur"),
        required=True,
        title=Text("Contributeur", "Contributor"),
        meaning=Text("Qui donne, place ou prête.", "Who gives, places or lends."),
        examples=("Caisse du Plateau", "Une voisine du quartier"),
    ),
    Column(
        "contributor_kind",
        aliases=("type de contributeur", "type contributeur"),
        required=True,
        title=Text("Type de contributeur", "Contributor type"),
        meaning=Text(
            "Dit si l'argent est public, privé ou de la communauté.",
            "Tells whether the money is public, private or of the community.",
        ),
        choices=CONTRIBUTORS,
        examples=("institution financière", "particulier"),
    ),
    Column(
        "instrument",
        aliases=("forme", "type d'apport"),
        required=True,
        title=Text("Forme", "Instrument"),
        meaning=Text("Sous quelle forme l'argent vient.", "In which form the money comes."),
        choices=INSTRUMENTS,
        examples=("placement", "don"),
    ),
    Column(
        "purpose",
        aliases=("usage", "objet"),
        title=Text("Usage", "Purpose"),
        meaning=Text("À prêter, ou pour fonctionner.", "To be lent, or to run the organisation."),
        choices=PURPOSES,
        examples=("capital", "capital"),
    ),
    Column(
        "amount",
        CellKind.AMOUNT,
        aliases=("montant",),
        required=True,
        title=Text("Montant", "Amount"),
        meaning=Text("Somme reçue, ou promise en garantie.", "Sum received, or guaranteed."),
        examples=("25 000,00", "500,00"),
    ),
    Column(
        "received_on",
        CellKind.DATE,
        aliases=("reçu le", "date de réception"),
        required=True,
        title=Text("Date de réception", "Received on"),
        meaning=Text("Quand l'argent est entré.", "When the money came in."),
        examples=("2025-04-15", "2025-05-20"),
    ),
    Column(
        "annual_rate",
        CellKind.RATE,
        aliases=("taux annuel", "taux"),
        title=Text("Taux annuel (%)", "Annual rate (%)"),
        meaning=Text("D'un placement, pour cent par année.", "Of a placement, per cent a year."),
        examples=("2,50", ""),
    ),
    Column(
        "repayable_on",
        CellKind.DATE,
        aliases=("remboursable le", "échéance"),
        title=Text("Remboursable le", "Repayable on"),
        meaning=Text("D'un placement ou d'un prêt.", "Of a placement or a loan."),
        examples=("2030-04-15", ""),
    ),
)
