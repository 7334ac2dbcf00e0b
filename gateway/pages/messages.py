"""Every sentence of the pages, in French and English; a word between back-quotes is code."""

from gateway.formats import CountedNoun
from services.common.text import Language, Text

# Names of languages stand in their own language.
LANGUAGE_NAMES: dict[Language, str] = {"fr": "Français", "en": "English"}

SITE_NAME = Text("Réseau de microcrédit communautaire", "Community microcredit network")
SKIP_TO_CONTENT = Text("Aller au contenu", "Skip to content")
MAIN_NAVIGATION = Text("Navigation principale", "Main navigation")
LANGUAGE_CHOICE = Text("Langue", "Language")
NAVIGATE_HOME = Text("Accueil", "Home")
NAVIGATE_DOCS = Text("Documentation", "Documentation")

HOME_TITLE = Text("Le microcrédit communautaire au Québec", "Community microcredit in Québec")
HOME_LEAD = Text(
    "Des organismes à but non lucratif prêtent de petites sommes à des personnes que les banques "
    "ne servent pas, et les accompagnent pour démarrer ou consolider leur entreprise.",
    "Non-profit organisations lend small amounts to people whom banks do not serve, and coach "
    "them to start or strengthen their business.",
)
HOME_PURPOSE = Text(
    "Ce système tient leur registre commun : chaque organisme y inscrit ce qu’il prête, perçoit et "
    "accompagne; l’équipe du réseau y lit les totaux régionaux; l’État y puise les rapports sur "
    "le partenariat public-privé.",
    "This system keeps their shared record: each organisation posts what it lends, collects and "
    "coaches; the network office reads regional totals; the State pulls the reports on the "
    "public-private partnership.",
)
DEMONSTRATION = Text(
    "Données de démonstration : les chiffres de cette page sont fictifs.",
    "Demonstration data: the figures on this page are fictitious.",
)

TOTALS_TITLE = Text("L’exercice {year}", "Fiscal year {year}")
TOTALS_PERIOD = Text("Prêts et accompagnement {period}.", "Loans and coaching, {period}.")
HEADLINE_LOANS = Text("prêts accordés", "loans granted")
HEADLINE_AMOUNT = Text("prêtés", "lent")
HEADLINE_PEOPLE = Text("personnes accompagnées", "people coached")
HEADLINE_JOBS = Text("emplois créés ou maintenus", "jobs created or maintained")

MAP_TITLE = Text("Prêts accordés par région", "Loans granted by region")
MAP_INTRODUCTION = Text(
    "Chaque tuile est une région administrative, placée à peu près comme sur une carte. Plus sa "
    "teinte est forte, plus il y a de prêts; les carrés du bas disent la même chose. Les "
    "chiffres sont ceux du tableau qui suit.",
    "Each tile is an administrative region, placed roughly as on a map. The stronger its shade, "
    "the more loans; the squares at the bottom say the same. The figures are those of the table "
    "below.",
)
MAP_LEGEND = Text("Légende", "Legend")
BAND_ZERO = Text("aucun prêt", "no loan")
BAND_RANGE = Text("{least} à {most} prêts", "{least} to {most} loans")
BAND_TOP = Text("{least} prêts et plus", "{least} loans or more")
TILE_SUPPRESSED = Text("supprimé", "suppressed")
TILE_NO_MEMBER = Text("aucun membre", "no member")
NO_MEMBER = Text("Aucun membre", "No member")

TABLE_TITLE = Text("Totaux régionaux", "Regional totals")
TABLE_CAPTION = Text(
    "Totaux régionaux de l’exercice {year}, par ordre alphabétique des régions. Montants en "
    "dollars canadiens, arrondis au millier; nombres arrondis au multiple de 5.",
    "Regional totals of fiscal year {year}, regions in alphabetical order. Amounts in Canadian "
    "dollars, rounded to the thousand; counts rounded to the nearest 5.",
)
COLUMN_REGION = Text("Région", "Region")
COLUMN_ORGANISATIONS = Text("Organismes membres", "Member organisations")
COLUMN_LOANS = Text("Prêts accordés (nombre)", "Loans granted (number)")
COLUMN_AMOUNT = Text("Montant prêté ($)", "Amount lent ($)")
COLUMN_PEOPLE = Text("Personnes accompagnées (nombre)", "People coached (number)")
COLUMN_JOBS = Text("Emplois créés ou maintenus (nombre)", "Jobs created or maintained (number)")
ROW_TOTAL = Text("Ensemble du réseau", "Whole network")
TABLE_NOTE = Text(
    "Supprimé (confidentialité) : le nombre est trop petit pour être publié sans risquer de "
    "révéler la situation d’une personne, ou il permettrait d’en retrouver un autre par "
    "soustraction. "
    "Ce n’est ni un zéro ni une donnée manquante. Les totaux sont arrondis séparément et "
    "ne sont donc pas la somme exacte des lignes.",
    "Suppressed (confidentiality): the number is too small to be published without risking to "
    "reveal one person’s situation, or it would let another be found by subtraction. It is neither "
    "a zero nor a missing figure. Totals are rounded on their own, so they are not the exact sum "
    "of the rows.",
)

SUMMARY = Text(
    "{organisations} de {regions} ont accordé {loans}, pour {amount}.",
    "{organisations} in {regions} granted {loans}, worth {amount}.",
)
SUMMARY_SUPPRESSED = Text(
    "{organisations} de {regions} prêtent dans le réseau; le nombre de prêts de l’exercice est "
    "trop petit pour être publié.",
    "{organisations} in {regions} lend in the network; the number of loans of the year is too "
    "small to be published.",
)

MISSING_TITLE = Text("Totaux momentanément indisponibles", "Totals unavailable for now")
MISSING_PARTS = Text(
    "Une partie du système ne répond pas : {parts}. Plutôt que d’afficher un total incomplet, "
    "cette page n’en affiche aucun. Réessayez dans quelques minutes.",
    "A part of the system does not answer: {parts}. Rather than show an incomplete total, this "
    "page shows none. Try again in a few minutes.",
)

START_TITLE = Text("Pour commencer", "Getting started")
START_DOCS = Text("Documentation de l’interface", "Documentation of the interface")
START_DOCS_TEXT = Text(
    "Comment obtenir une clé, envoyer un chiffrier et lire les rapports.",
    "How to get a key, send a spreadsheet and read the reports.",
)
START_OPENAPI = Text("Document OpenAPI", "OpenAPI document")
START_OPENAPI_TEXT = Text(
    "La description complète de l’interface, pour les programmes : `/openapi.json`.",
    "The whole description of the interface, for programs: `/openapi.json`.",
)
START_KEYS = Text("Clés d’accès", "Access keys")
START_KEYS_TEXT = Text(
    "Elles sont dans le fichier `access-keys.json` du dossier de données, que seul le compte qui a "
    "démarré le système peut lire. Elles ne sont jamais affichées ici.",
    "They are in the file `access-keys.json` of the data folder, which only the account that "
    "started the system can read. They are never shown here.",
)
FOOTER = Text(
    "Aucun témoin, aucun script et aucun contenu externe sur cette page.",
    "No cookies, no scripts and no outside content on this page.",
)

DOCS_TITLE = Text("Documentation de l’interface", "Documentation of the interface")
DOCS_LEAD = Text(
    "Trois étapes suffisent à un organisme membre pour inscrire ses prêts. La référence complète "
    "de chaque opération suit.",
    "Three steps are enough for a member organisation to post its loans. The full reference of "
    "each operation follows.",
)
DOCS_KEY_TITLE = Text("Obtenir une clé d’accès", "Get an access key")
DOCS_KEY_TEXT = Text(
    "L’équipe du réseau remet une clé à chaque organisme et ne la montre qu’une fois. Sur une "
    "machine où vous avez démarré le système vous-même, les clés sont dans `access-keys.json`, "
    "dans le dossier de données. Gardez la vôtre hors de vos fichiers partagés; en cas "
    "de doute, demandez qu’elle soit révoquée.",
    "The network office gives each organisation a key and shows it only once. On a machine where "
    "you started the system yourself, the keys are in `access-keys.json`, in the data folder. "
    "Keep yours out of shared files; if in doubt, ask for it to be revoked.",
)
DOCS_KEY_CREATE = Text(
    "L’équipe du réseau en crée une ainsi :", "The network office creates one like this:"
)
DOCS_SEND_TITLE = Text("Envoyer un chiffrier", "Send a spreadsheet")
DOCS_SEND_TEXT = Text(
    "La commande `reseau import` lit votre fichier CSV, montre l’avancement et, s’il y a lieu, un "
    "tableau des lignes à corriger. Essayez d’abord avec `--dry-run` : rien n’est enregistré.",
    "The command `reseau import` reads your CSV file, shows its progress and, if need be, a table "
    "of the rows to correct. Try `--dry-run` first: nothing is stored.",
)
DOCS_CURL_TEXT = Text(
    "Sans la commande, `curl` suffit. Le même fichier envoyé deux fois ne change rien.",
    "Without that command, `curl` will do. The same file sent twice changes nothing.",
)
DOCS_READ_TITLE = Text("Relire ce que vous avez inscrit", "Read back what you posted")
DOCS_READ_TEXT = Text(
    "Les totaux de vos régions, aux dates que vous voulez :",
    "The totals of your regions, for the dates you want:",
)
DOCS_COMMAND_LABEL = Text("Commande à copier {number}", "Command to copy {number}")
DOCS_KEY_VARIABLE = Text("CLE", "KEY")
DOCS_FILE_NAME = Text("prets.csv", "loans.csv")
DOCS_REFERENCE_TITLE = Text("Référence des opérations", "Reference of the operations")
DOCS_REFERENCE_TEXT = Text(
    "Pour essayer une opération ici, choisissez « Donner ma clé » et collez-la : elle n’est gardée "
    "que le temps de cette page.",
    "To try an operation here, open “Authorize” and paste your key: it is kept only as long as "
    "this page is open.",
)
DOCS_REFERENCE_DOCUMENT = Text("Document OpenAPI 3.1", "OpenAPI 3.1 document")
DOCS_NO_SCRIPT = Text(
    "La référence interactive demande JavaScript; le document OpenAPI dit la même chose.",
    "The interactive reference needs JavaScript; the OpenAPI document says the same.",
)

# The words of Swagger UI, which knows English only.
SWAGGER_UI_LABELS = {
    "Authorize": "Donner ma clé",
    "Available authorizations": "Clé d’accès",
    "Authorized": "Clé donnée",
    "Value:": "Valeur :",
    "Close": "Fermer",
    "Logout": "Retirer la clé",
    "Name": "Nom",
    "Description": "Description",
    "Parameters": "Paramètres",
    "No parameters": "Aucun paramètre",
    "Request body": "Corps de la requête",
    "Responses": "Réponses",
    "Code": "Code",
    "Links": "Liens",
    "No links": "Aucun lien",
    "Media type": "Type de contenu",
    "Controls": "Choisit l’en-tête",
    "header.": "",
    "Example Value": "Exemple",
    "Edit Value": "Corps à envoyer",
    "Schema": "Schéma",
    "Examples": "Exemples",
    "Try it out": "Essayer",
    "Cancel": "Annuler",
    "Reset": "Remettre",
    "Execute": "Envoyer",
    "Clear": "Effacer",
    "Send empty value": "Envoyer une valeur vide",
    "Server response": "Réponse du serveur",
    "Details": "Détails",
    "Response body": "Corps de la réponse",
    "Response headers": "En-têtes de la réponse",
    "Request URL": "Adresse de la requête",
    "Curl": "Commande curl",
    "Request duration": "Durée de la requête",
    "Download file": "Télécharger le fichier",
    "Download": "Télécharger",
    "Copy to clipboard": "Copier",
    "Copy path to clipboard": "Copier le chemin",
    "Undocumented": "Non documenté",
    "Loading...": "Chargement…",
    "Errors": "Erreurs",
    "Failed to load API definition.": "Le document OpenAPI n’a pas pu être lu.",
    "Please correct the following validation errors and try again.": (
        "Corrigez ces erreurs, puis recommencez."
    ),
    "Collapse all": "Tout replier",
    "Expand all": "Tout déplier",
    "Collapse operation": "Replier l’opération",
    "Expand operation": "Déplier l’opération",
    "(header)": "(en-tête)",
    "(path)": "(chemin)",
    "(query)": "(adresse)",
    "Default value": "Valeur par défaut",
    "Available values": "Valeurs permises",
    "authorization button locked": "clé donnée",
    "authorization button unlocked": "donner une clé",
    "Apply credentials": "Donner cette clé",
    "Remove authorization": "Retirer cette clé",
}

LOANS = CountedNoun(Text("prêt", "loan"), Text("prêts", "loans"))
REGIONS = CountedNoun(Text("région", "region"), Text("régions", "regions"))
ORGANISATIONS = CountedNoun(
    Text("organisme membre", "member organisation"),
    Text("organismes membres", "member organisations"),
)
