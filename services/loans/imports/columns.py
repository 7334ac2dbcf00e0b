"""The columns of each sheet that the loans service takes, in French and English, with examples.

The two rows of examples make one story over all kinds: two borrowers, a loan each.
"""

from services.common.cells import CellKind
from services.common.columns import Column
from services.common.text import Text
from services.loans.imports import choices

AMOUNT, RATE, INTEGER = CellKind.AMOUNT, CellKind.RATE, CellKind.INTEGER
DATE, LIST, BOOLEAN = CellKind.DATE, CellKind.LIST, CellKind.BOOLEAN

_BORROWERS = ("EMP-001", "EMP-002")
_LOANS = ("PRET-2025-001", "PRET-2025-002")

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


def _identifier(title: Text, meaning: Text, examples: tuple[str, str], *aliases: str) -> Column:
    return Column(
        "external_id",
        aliases=("identifiant", "no", *aliases),
        required=True,
        title=title,
        meaning=meaning,
        examples=examples,
    )


def _loan(pointer: str = "", *, required: bool = True) -> Column:
    return Column(
        "loan_external_id",
        aliases=("pret", "no_pret", "identifiant_pret", "dossier_pret", "loan"),
        required=required,
        pointer=pointer,
        title=Text("No de prêt", "Loan number"),
        meaning=Text("Votre numéro du prêt, déjà inscrit.", "Your number of the loan, on record."),
        examples=_LOANS,
    )


def _borrower(meaning: Text, pointer: str = "") -> Column:
    return Column(
        "borrower_external_id",
        aliases=("emprunteur", "no_emprunteur", "identifiant_emprunteur", "no_client", "borrower"),
        required=True,
        pointer=pointer,
        title=Text("No d'emprunteur", "Borrower number"),
        meaning=meaning,
        examples=_BORROWERS,
    )


def _kind(name: str, *aliases: str) -> Column:
    return Column(
        name,
        aliases=("type_emprunteur", *aliases),
        title=Text("Type d'emprunteur", "Borrower type"),
        meaning=Text("Personne ou personne morale.", "Person or legal person."),
        choices=choices.BORROWER_KINDS,
        examples=("personne", "personne"),
    )


def _text(name: str, fr: str, en: str, *aliases: str, examples: tuple[str, str]) -> Column:
    """A column whose title says all there is to say."""
    title = Text(fr, en)
    return Column(name, aliases=aliases, title=title, meaning=title, examples=examples)


def _amount(
    name: str, title: Text, meaning: Text, examples: tuple[str, str], *aliases: str
) -> Column:
    return Column(name, AMOUNT, aliases, title=title, meaning=meaning, examples=examples)


OTHER_FINANCING = _amount(
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
    _identifier(
        Text("No d'emprunteur", "Borrower number"),
        Text("Votre numéro, pour toujours.", "Your number, for ever."),
        _BORROWERS,
        "no_emprunteur",
        "no_client",
        "borrower",
    ),
    _kind("kind", "type"),
    _text("given_name", "Prénom", "First name", "prenom", examples=("Amélie", "Jean-Marc")),
    _text(
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
    _text("postal_code", "Code postal", "Postal code", "code_postal", examples=("H2X 1Y4", "H3C")),
    CLIENTELES,
    _text(
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
    _identifier(
        Text("No de prêt", "Loan number"),
        Text("Votre numéro du prêt, pour toujours.", "Your number of the loan, for ever."),
        _LOANS,
        "no_pret",
        "pret",
        "dossier_pret",
        "loan",
    ),
    _borrower(
        Text(
            "Votre numéro d'emprunteur ; inconnu, il est inscrit avec ce prêt.",
            "Your number of the borrower, who is recorded with this loan when unknown.",
        )
    ),
    _kind("borrower_kind"),
    GENDER,
    BIRTH_YEAR,
    CLIENTELES,
    REGION,
    MUNICIPALITY,
    Column(
        "product",
        aliases=("produit", "type_pret"),
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
        ("versements", "nombre_versements", "nombre_paiements", "duree_mois", "installments"),
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
        ("date_versement", "date_deboursement", "date_decaissement", "date_pret", "loan_date"),
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
    _amount(
        "fee",
        Text("Frais", "Fee"),
        Text("Frais retenus sur le déboursement.", "Withheld from the disbursement."),
        ("50,00", ""),
        "frais",
        "frais_dossier",
    ),
    OTHER_FINANCING,
    _amount(
        "funding_state",
        Text("Part de l'État", "State share"),
        Text("Part du capital qui vient de l'État.", "Share of the principal from the State."),
        ("2 000,00", ""),
        "financement_etat",
    ),
    _amount(
        "funding_community",
        Text("Part de la communauté", "Community share"),
        Text("Part du capital qui vient de la communauté.", "Share from the community."),
        ("1 000,00", ""),
        "financement_communaute",
    ),
    _amount(
        "funding_private",
        Text("Part du privé", "Private share"),
        Text("Part du capital qui vient du privé.", "Share from private lenders."),
        ("2 000,00", ""),
        "financement_prive",
    ),
)

REPAYMENTS = (
    _identifier(
        Text("No de remboursement", "Repayment number"),
        Text("Votre numéro, pour toujours.", "Your number, for ever."),
        ("REMB-0001", "REMB-0002"),
        "no_remboursement",
        "no_paiement",
        "no_recu",
    ),
    _loan(),
    Column(
        "paid_on",
        DATE,
        ("date_paiement", "date_remboursement", "date", "payment_date"),
        required=True,
        title=Text("Date du paiement", "Paid on"),
        meaning=Text("Quand l'argent est entré.", "When the money came in."),
        examples=("2025-06-06", "2025-08-01"),
    ),
    Column(
        "amount",
        AMOUNT,
        ("montant", "montant_paye", "montant_recu", "montant_paiement", "payment_amount"),
        required=True,
        title=Text("Montant reçu", "Amount"),
        meaning=Text(
            "Le partage entre frais, intérêts et capital se calcule.",
            "How it is split among fees, interest and principal is computed.",
        ),
        examples=("223,86", "300,00"),
    ),
    Column(
        "method",
        aliases=("mode", "mode_paiement", "methode", "payment_method"),
        title=Text("Mode de paiement", "Method"),
        meaning=Text("Votre mot, toujours le même.", "Your word, always the same."),
        examples=("débit préautorisé", "virement Interac"),
    ),
)

COACHING_SESSIONS = (
    _identifier(
        Text("No de rencontre", "Session number"),
        Text("Votre numéro, pour toujours.", "Your number, for ever."),
        ("RENC-0001", "RENC-0002"),
        "no_rencontre",
    ),
    _borrower(
        Text("La personne accompagnée, déjà inscrite.", "The person coached, on record."),
        "/borrower/external_id",
    ),
    _loan("/loan/external_id", required=False),
    Column(
        "held_on",
        DATE,
        ("date_rencontre", "date", "session_date"),
        required=True,
        title=Text("Date de la rencontre", "Held on"),
        meaning=Text("Quand la rencontre a eu lieu.", "When the session was held."),
        examples=("2025-09-16", "2025-10-02"),
    ),
    Column(
        "duration_minutes",
        INTEGER,
        ("duree_minutes", "minutes", "duree_en_minutes"),
        required=True,
        title=Text("Durée (minutes)", "Duration (minutes)"),
        meaning=Text("En minutes.", "In minutes."),
        examples=("90", "45"),
    ),
    Column(
        "mode",
        aliases=("mode_rencontre",),
        required=True,
        title=Text("Mode", "Mode"),
        meaning=Text("Comment on s'est rencontré.", "How the session was held."),
        choices=choices.COACHING_MODES,
        examples=("en personne", "téléphone"),
    ),
    Column(
        "stage",
        aliases=("stade", "etape"),
        required=True,
        title=Text("Stade", "Stage"),
        meaning=Text("Où en était l'entreprise.", "Where the enterprise stood."),
        choices=choices.COACHING_STAGES,
        examples=("après démarrage", "après prêt"),
    ),
    Column(
        "topics",
        LIST,
        ("sujets", "themes"),
        title=Text("Sujets", "Topics"),
        meaning=Text("De quoi il a été question.", "What it was about."),
        examples=("plan d'affaires|étude de marché", "mise en marché"),
    ),
    _text(
        "coach",
        "Accompagné par",
        "Coach",
        "conseiller",
        "accompagnateur",
        examples=("Conseillère A", "Conseiller B"),
    ),
)

OUTCOMES = (
    _identifier(
        Text("No de suivi", "Follow-up number"),
        Text("Votre numéro, pour toujours.", "Your number, for ever."),
        ("SUIVI-0001", "SUIVI-0002"),
        "no_suivi",
    ),
    _loan("/loan/external_id"),
    Column(
        "observed_on",
        DATE,
        ("date_suivi", "date"),
        required=True,
        title=Text("Date du suivi", "Observed on"),
        meaning=Text("Quand on l'a demandé.", "When it was asked."),
        examples=("2025-11-10", "2025-11-12"),
    ),
    Column(
        "business_status",
        aliases=("etat_entreprise", "statut"),
        required=True,
        title=Text("État de l'entreprise", "Business status"),
        meaning=Text("Ce qu'elle est devenue.", "What became of it."),
        choices=choices.BUSINESS_STATUSES,
        examples=("active", "active"),
    ),
    Column(
        "jobs_created",
        INTEGER,
        ("emplois_crees",),
        title=Text("Emplois créés", "Jobs created"),
        meaning=Text("Depuis le suivi précédent.", "Since the follow-up before."),
        examples=("2", "0"),
    ),
    Column(
        "jobs_maintained",
        INTEGER,
        ("emplois_maintenus",),
        title=Text("Emplois maintenus", "Jobs maintained"),
        meaning=Text("Depuis le suivi précédent.", "Since the follow-up before."),
        examples=("0", "3"),
    ),
    _amount(
        "turnover",
        Text("Chiffre d'affaires", "Turnover"),
        Text("De la dernière année.", "Of the last year."),
        ("38 500,00", "121 000,00"),
        "chiffre_affaires",
    ),
    OTHER_FINANCING,
)
