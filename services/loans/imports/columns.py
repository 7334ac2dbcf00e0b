"""The columns of borrowers and loans, in French and English, with examples.

The two rows of examples make one story over all kinds: two borrowers, a loan each.
"""

from services.common.cells import CellKind
from services.common.columns import Column
from services.common.text import Text
from services.loans.imports import choices

AMOUNT, RATE, INTEGER = CellKind.AMOUNT, CellKind.RATE, CellKind.INTEGER
DATE, LIST, BOOLEAN = CellKind.DATE, CellKind.LIST, CellKind.BOOLEAN

BORROWER_EXAMPLES = ("EMP-001", "EMP-002")
LOAN_EXAMPLES = ("PRET-2025-001", "PRET-2025-002")

BIRTH_YEAR = Column(
    "birth_year",
    INTEGER,
    ("annee_naissance", "annee_de_naissance", "naissance"),
    title=Text("Année de naissance", "Birth year"),
    meaning=Text("Année de naissance de la personne.", "Year the person was born."),
    examples=("1991", "1984"),
)
GENDER = Column(
    "gender",
    aliases=("genre", "sexe"),
    title=Text("Genre", "Gender"),
    meaning=Text("Par la personne elle-même.", "As the person says."),
    choices=choices.GENDERS,
    examples=("femme", "homme"),
)
CLIENTELES = Column(
    "clienteles",
    LIST,
    ("clientele", "clienteles_cibles"),
    title=Text("Clientèles", "Clienteles"),
    meaning=Text(
        "Groupes dont la personne dit faire partie ; demandez-les avec son consentement.",
        "Groups the person says to belong to; ask with consent.",
    ),
    choices=choices.CLIENTELES,
    is_open=True,
    examples=("immigrant|faible revenu", ""),
)
REGION = Column(
    "region_code",
    aliases=("code_region", "region", "region_administrative"),
    title=Text("Région", "Region"),
    meaning=Text(
        "Code officiel à deux chiffres de la région administrative.",
        "Official two-digit code of the administrative region.",
    ),
    examples=("06", "06"),
)
MUNICIPALITY = Column(
    "municipality",
    aliases=("municipalite", "ville", "city"),
    title=Text("Municipalité", "Municipality"),
    meaning=Text("Ville ou village.", "City or village."),
    examples=("Montréal", "Montréal"),
)
SECTOR = Column(
    "sector_code",
    aliases=("code_secteur", "secteur", "scian", "code_scian", "secteur_activite", "naics"),
    title=Text("Secteur (SCIAN)", "Sector (NAICS)"),
    meaning=Text("Code SCIAN de l'activité.", "NAICS code of the activity."),
    examples=("722320", "337123"),
)


def identifier_column(
    title: Text, meaning: Text, examples: tuple[str, str], *aliases: str
) -> Column:
    return Column(
        "external_id",
        aliases=("identifiant", "no", *aliases),
        required=True,
        title=title,
        meaning=meaning,
        examples=examples,
    )


def loan_column(pointer: str = "", *, required: bool = True) -> Column:
    return Column(
        "loan_external_id",
        aliases=("pret", "no_pret", "identifiant_pret", "dossier_pret", "loan"),
        required=required,
        pointer=pointer,
        title=Text("No de prêt", "Loan number"),
        meaning=Text("Votre numéro du prêt, déjà inscrit.", "Your number of the loan, on record."),
        examples=LOAN_EXAMPLES,
    )


def borrower_column(meaning: Text, pointer: str = "") -> Column:
    return Column(
        "borrower_external_id",
        aliases=(
            "emprunteur",
            "no_emprunteur",
            "identifiant_emprunteur",
            "client",
            "no_client",
            "borrower",
        ),
        required=True,
        pointer=pointer,
        title=Text("No d'emprunteur", "Borrower number"),
        meaning=meaning,
        examples=BORROWER_EXAMPLES,
    )


def kind_column(name: str, *aliases: str) -> Column:
    return Column(
        name,
        aliases=("type_emprunteur", *aliases),
        title=Text("Type d'emprunteur", "Borrower type"),
        meaning=Text("Personne ou personne morale.", "Person or legal person."),
        choices=choices.BORROWER_KINDS,
        examples=("personne", "personne"),
    )


def text_column(name: str, fr: str, en: str, *aliases: str, examples: tuple[str, str]) -> Column:
    """A column whose title says all there is to say."""
    title = Text(fr, en)
    return Column(name, aliases=aliases, title=title, meaning=title, examples=examples)


def amount_column(
    name: str, title: Text, meaning: Text, examples: tuple[str, str], *aliases: str
) -> Column:
    return Column(name, AMOUNT, aliases, title=title, meaning=meaning, examples=examples)


OTHER_FINANCING = amount_column(
    "other_financing",
    Text("Autre financement", "Other financing"),
    Text(
        "Ce que d'autres ont prêté ou donné pour le même projet.",
        "What others lent or gave to the same project.",
    ),
    ("12 000,00", ""),
    "autre_financement",
    "autres_financements",
)

BORROWERS = (
    identifier_column(
        Text("No d'emprunteur", "Borrower number"),
        Text("Votre numéro, pour toujours.", "Your number, for ever."),
        BORROWER_EXAMPLES,
        "no_emprunteur",
        "client",
        "no_client",
        "borrower",
    ),
    kind_column("kind", "type"),
    text_column("given_name", "Prénom", "First name", "prenom", examples=("Amélie", "Jean-Marc")),
    text_column(
        "family_name",
        "Nom",
        "Last name",
        "nom",
        "nom_famille",
        "nom_de_famille",
        examples=("Tremblay", "O'Connor"),
    ),
    Column(
        "legal_name",
        aliases=("denomination", "raison_sociale"),
        title=Text("Dénomination", "Legal name"),
        meaning=Text("Requise d'une personne morale.", "Required of a legal person."),
        examples=("", ""),
    ),
    BIRTH_YEAR,
    GENDER,
    REGION,
    MUNICIPALITY,
    text_column(
        "postal_code", "Code postal", "Postal code", "code_postal", examples=("H2X 1Y4", "H3C")
    ),
    CLIENTELES,
    text_column(
        "enterprise_name",
        "Nom de l'entreprise",
        "Enterprise",
        "entreprise",
        "nom_entreprise",
        examples=("Traiteur du Plateau", "Atelier Bois Neuf"),
    ),
    Column(
        "neq",
        title=Text("NEQ", "NEQ"),
        meaning=Text("Numéro d'entreprise du Québec.", "Québec enterprise number."),
        examples=("2270000001", ""),
    ),
    SECTOR,
    Column(
        "social_economy",
        BOOLEAN,
        ("economie_sociale",),
        title=Text("Économie sociale", "Social economy"),
        meaning=Text(
            "L'entreprise est-elle d'économie sociale ?", "Is it a social economy enterprise?"
        ),
        examples=("non", "non"),
    ),
)

LOANS = (
    identifier_column(
        Text("No de prêt", "Loan number"),
        Text("Votre numéro du prêt, pour toujours.", "Your number of the loan, for ever."),
        LOAN_EXAMPLES,
        "no_pret",
        "pret",
        "dossier",
        "no_dossier",
        "dossier_pret",
        "loan",
    ),
    borrower_column(
        Text(
            "Votre numéro d'emprunteur ; inconnu, il est inscrit avec ce prêt.",
            "Your number of the borrower, who is recorded with this loan when unknown.",
        )
    ),
    kind_column("borrower_kind"),
    GENDER,
    BIRTH_YEAR,
    CLIENTELES,
    REGION,
    MUNICIPALITY,
    Column(
        "product",
        aliases=("produit", "type_pret", "type"),
        title=Text("Produit", "Product"),
        meaning=Text("Sorte de prêt.", "Kind of loan."),
        choices=choices.PRODUCTS,
        is_open=True,
        examples=("prêt individuel", "prêt individuel"),
    ),
    Column(
        "stage",
        aliases=("stade", "etape", "stade_entreprise"),
        title=Text("Stade", "Stage"),
        meaning=Text("Où en est l'entreprise au prêt.", "Where the enterprise stands at the loan."),
        choices=choices.STAGES,
        is_open=True,
        examples=("démarrage", "croissance"),
    ),
    SECTOR,
    Column(
        "principal",
        AMOUNT,
        ("capital", "montant", "montant_pret", "montant_prete", "capital_prete", "amount"),
        required=True,
        title=Text("Capital", "Principal"),
        meaning=Text("Somme prêtée.", "Sum lent."),
        examples=("5 000,00", "8 500,00"),
    ),
    Column(
        "annual_rate",
        RATE,
        ("taux", "taux_annuel", "taux_interet", "taux_interet_annuel", "interest_rate", "rate"),
        required=True,
        title=Text("Taux annuel (%)", "Annual rate (%)"),
        meaning=Text("Pour cent par année.", "Per cent a year."),
        examples=("7,00", "6,50"),
    ),
    Column(
        "instalments",
        INTEGER,
        (
            "versements",
            "nombre_versements",
            "nombre_paiements",
            "mois",
            "duree_mois",
            "installments",
        ),
        required=True,
        title=Text("Nombre de versements", "Number of instalments"),
        meaning=Text("Combien de versements.", "How many instalments."),
        examples=("24", "36"),
    ),
    Column(
        "frequency",
        aliases=("frequence", "periodicite"),
        title=Text("Fréquence", "Frequency"),
        meaning=Text(
            "Un versement par mois, semaine ou jour.", "An instalment a month, week, day."
        ),
        choices=choices.FREQUENCIES,
        examples=("mensuel", "mensuel"),
    ),
    Column(
        "contracted_on",
        DATE,
        ("date_contrat", "date_signature", "contract_date"),
        title=Text("Date du contrat", "Contract date"),
        meaning=Text("Vide : celle du déboursement.", "Empty: that of the disbursement."),
        examples=("2025-05-02", "2025-06-10"),
    ),
    Column(
        "disbursed_on",
        DATE,
        ("date_versement", "date_deboursement", "date_decaissement", "decaisse_le", "verse_le"),
        required=True,
        title=Text("Date du déboursement", "Disbursement date"),
        meaning=Text("Quand l'argent est parti.", "When the money left."),
        examples=("2025-05-06", "2025-06-12"),
    ),
    Column(
        "first_due_on",
        DATE,
        ("premiere_echeance", "date_premiere_echeance", "date_premier_versement"),
        title=Text("Première échéance", "First due date"),
        meaning=Text(
            "Vide : une période après le déboursement.", "Empty: a period after the disbursement."
        ),
        examples=("", "2025-08-01"),
    ),
    amount_column(
        "fee",
        Text("Frais", "Fee"),
        Text("Frais retenus sur le déboursement.", "Withheld from the disbursement."),
        ("50,00", ""),
        "frais",
        "frais_dossier",
    ),
    OTHER_FINANCING,
    amount_column(
        "funding_state",
        Text("Part de l'État", "State share"),
        Text("Part du capital qui vient de l'État.", "Share of the principal from the State."),
        ("2 000,00", ""),
        "financement_etat",
    ),
    amount_column(
        "funding_community",
        Text("Part de la communauté", "Community share"),
        Text("Part du capital qui vient de la communauté.", "Share from the community."),
        ("1 000,00", ""),
        "financement_communaute",
    ),
    amount_column(
        "funding_private",
        Text("Part du privé", "Private share"),
        Text("Part du capital qui vient du privé.", "Share from private lenders."),
        ("2 000,00", ""),
        "financement_prive",
    ),
)
