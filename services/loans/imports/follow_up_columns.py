"""The columns of what follows a loan: repayments, coaching, outcomes; with examples."""

from services.common.cells import CellKind
from services.common.columns import Column
from services.common.text import Text
from services.loans.imports import choices
from services.loans.imports.columns import (
    OTHER_FINANCING,
    amount_column,
    borrower_column,
    identifier_column,
    loan_column,
    text_column,
)

AMOUNT, INTEGER, DATE, LIST = CellKind.AMOUNT, CellKind.INTEGER, CellKind.DATE, CellKind.LIST

REPAYMENTS = (
    identifier_column(
        Text("No de remboursement", "Repayment number"),
        Text("Votre numéro, pour toujours.", "Your number, for ever."),
        ("REMB-0001", "REMB-0002"),
        "no_remboursement",
        "no_paiement",
        "no_recu",
    ),
    loan_column(),
    Column(
        "paid_on",
        DATE,
        ("date_paiement", "date_remboursement", "date", "paye_le", "recu_le", "payment_date"),
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
    identifier_column(
        Text("No de rencontre", "Session number"),
        Text("Votre numéro, pour toujours.", "Your number, for ever."),
        ("RENC-0001", "RENC-0002"),
        "no_rencontre",
    ),
    borrower_column(
        Text("La personne accompagnée, déjà inscrite.", "The person coached, on record."),
        "/borrower/external_id",
    ),
    loan_column("/loan/external_id", required=False),
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
    text_column(
        "coach",
        "Accompagné par",
        "Coach",
        "conseiller",
        "accompagnateur",
        examples=("Conseillère A", "Conseiller B"),
    ),
)

OUTCOMES = (
    identifier_column(
        Text("No de suivi", "Follow-up number"),
        Text("Votre numéro, pour toujours.", "Your number, for ever."),
        ("SUIVI-0001", "SUIVI-0002"),
        "no_suivi",
    ),
    loan_column("/loan/external_id"),
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
    amount_column(
        "turnover",
        Text("Chiffre d'affaires", "Turnover"),
        Text("De la dernière année.", "Of the last year."),
        ("38 500,00", "121 000,00"),
        "chiffre_affaires",
    ),
    OTHER_FINANCING,
)
