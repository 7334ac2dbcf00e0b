"""The kinds of sheets the loans service takes, with the columns of each in English and French."""

from pydantic import TypeAdapter

from services.common.cells import CellKind
from services.common.import_kinds import ImportKind, import_kind
from services.common.tabular import Column
from services.loans.borrowers.commands import record_borrowers
from services.loans.coaching_sessions.commands import record_coaching_sessions
from services.loans.coaching_sessions.schemas import CoachingSessionBody
from services.loans.imports.quick import quick_repayment
from services.loans.imports.rows import BorrowerRow, LoanRow, RepaymentRow
from services.loans.loans.commands import record_loans
from services.loans.outcomes.commands import record_outcomes
from services.loans.outcomes.schemas import OutcomeBody
from services.loans.repayments.commands import record_repayments

TEXT, AMOUNT, RATE = CellKind.TEXT, CellKind.AMOUNT, CellKind.RATE
INTEGER, DATE, LIST = CellKind.INTEGER, CellKind.DATE, CellKind.LIST

BIRTH_YEAR = Column("birth_year", INTEGER, ("annee_naissance", "annee_de_naissance"))
GENDER = Column("gender", TEXT, ("genre", "sexe"))
CLIENTELES = Column("clienteles", LIST, ("clientele",))
REGION = Column("region_code", TEXT, ("code_region", "region"))
MUNICIPALITY = Column("municipality", TEXT, ("municipalite", "ville"))
SECTOR = Column("sector_code", TEXT, ("code_secteur", "secteur", "scian"))


def _identifier(*aliases: str) -> Column:
    return Column("external_id", TEXT, ("identifiant", "no", *aliases), required=True)


def _loan(pointer: str = "", *, required: bool = True) -> Column:
    aliases = ("pret", "no_pret", "identifiant_pret")
    return Column("loan_external_id", TEXT, aliases, required, pointer)


def _borrower(pointer: str = "") -> Column:
    aliases = ("emprunteur", "no_emprunteur", "identifiant_emprunteur")
    return Column("borrower_external_id", TEXT, aliases, True, pointer)


BORROWERS = import_kind(
    name="borrowers",
    columns=(
        _identifier("no_emprunteur"),
        Column("kind", TEXT, ("type", "type_emprunteur")),
        Column("given_name", TEXT, ("prenom",)),
        Column("family_name", TEXT, ("nom", "nom_famille", "nom_de_famille")),
        Column("legal_name", TEXT, ("denomination", "raison_sociale")),
        BIRTH_YEAR,
        GENDER,
        REGION,
        MUNICIPALITY,
        Column("postal_code", TEXT, ("code_postal",)),
        CLIENTELES,
        Column("enterprise_name", TEXT, ("entreprise", "nom_entreprise")),
        Column("neq", TEXT),
        SECTOR,
        Column("social_economy", CellKind.BOOLEAN, ("economie_sociale",)),
    ),
    model=TypeAdapter(BorrowerRow),
    to_draft=BorrowerRow.to_draft,
    record=record_borrowers,
)

LOANS = import_kind(
    name="loans",
    columns=(
        _identifier("no_pret", "pret"),
        _borrower(),
        Column("borrower_kind", TEXT, ("type_emprunteur",)),
        GENDER,
        BIRTH_YEAR,
        CLIENTELES,
        REGION,
        MUNICIPALITY,
        Column("product", TEXT, ("produit",)),
        Column("stage", TEXT, ("stade", "etape")),
        SECTOR,
        Column("principal", AMOUNT, ("capital", "montant"), required=True),
        Column("annual_rate", RATE, ("taux", "taux_annuel"), required=True),
        Column("instalments", INTEGER, ("versements", "nombre_versements"), required=True),
        Column("frequency", TEXT, ("frequence",)),
        Column("contracted_on", DATE, ("date_contrat",)),
        Column("disbursed_on", DATE, ("date_versement", "date_deboursement"), required=True),
        Column("first_due_on", DATE, ("premiere_echeance", "date_premiere_echeance")),
        Column("fee", AMOUNT, ("frais",)),
        Column("other_financing", AMOUNT, ("autre_financement",)),
        Column("funding_state", AMOUNT, ("financement_etat",)),
        Column("funding_community", AMOUNT, ("financement_communaute",)),
        Column("funding_private", AMOUNT, ("financement_prive",)),
    ),
    model=TypeAdapter(LoanRow),
    to_draft=LoanRow.to_draft,
    record=record_loans,
    weigh=lambda draft: len(draft.schedule.due_on),
)

REPAYMENTS = import_kind(
    name="repayments",
    columns=(
        _identifier("no_remboursement"),
        _loan(),
        Column("paid_on", DATE, ("date_paiement", "date_remboursement", "date"), required=True),
        Column("amount", AMOUNT, ("montant",), required=True),
        Column("method", TEXT, ("mode", "mode_paiement", "methode")),
    ),
    model=TypeAdapter(RepaymentRow),
    to_draft=RepaymentRow.draft,
    record=record_repayments,
    quick=quick_repayment,
)

COACHING_SESSIONS = import_kind(
    name="coaching-sessions",
    columns=(
        _identifier("no_rencontre"),
        _borrower("/borrower/external_id"),
        _loan("/loan/external_id", required=False),
        Column("held_on", DATE, ("date_rencontre", "date"), required=True),
        Column("duration_minutes", INTEGER, ("duree_minutes", "minutes"), required=True),
        Column("mode", TEXT, ("mode_rencontre",), required=True),
        Column("stage", TEXT, ("stade", "etape"), required=True),
        Column("topics", LIST, ("sujets",)),
        Column("coach", TEXT, ("conseiller", "accompagnateur")),
    ),
    model=TypeAdapter(CoachingSessionBody),
    to_draft=CoachingSessionBody.to_draft,
    record=record_coaching_sessions,
)

OUTCOMES = import_kind(
    name="outcomes",
    columns=(
        _identifier("no_suivi"),
        _loan("/loan/external_id"),
        Column("observed_on", DATE, ("date_suivi", "date"), required=True),
        Column("business_status", TEXT, ("etat_entreprise", "statut"), required=True),
        Column("jobs_created", INTEGER, ("emplois_crees",)),
        Column("jobs_maintained", INTEGER, ("emplois_maintenus",)),
        Column("turnover", AMOUNT, ("chiffre_affaires",)),
        Column("other_financing", AMOUNT, ("autre_financement",)),
    ),
    model=TypeAdapter(OutcomeBody),
    to_draft=OutcomeBody.to_draft,
    record=record_outcomes,
)

KINDS: tuple[ImportKind, ...] = (BORROWERS, LOANS, REPAYMENTS, COACHING_SESSIONS, OUTCOMES)
