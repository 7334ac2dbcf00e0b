"""The command `reseau`: what the people of the network run in a terminal.

Messages go to standard error, results to standard output. Exit codes: 0 done; 1 the answer is no
(rows refused, differences found); 2 it could not be done.
"""

import asyncio
import subprocess
import sys
from enum import StrEnum
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from deploy.client import CONTENT_TYPES, Upload, fetch_errors, import_upload, open_client
from deploy.cluster import running_cluster
from deploy.data_folder import (
    DataFolder,
    existing_data_folder,
    locked,
    open_data_folder,
    read_running,
    require_running,
)
from deploy.federation import federation_plan, run
from deploy.keys_command import keys
from deploy.language import DeploymentError, text
from deploy.supervisor import ROOT
from deploy.terminal import (
    print_outcome,
    print_result,
    say,
    say_failure,
    upload_progress,
)

DEFAULT_PORT = 8000


class Kind(StrEnum):
    BORROWERS = "borrowers"
    LOANS = "loans"
    REPAYMENTS = "repayments"
    COACHING_SESSIONS = "coaching-sessions"
    OUTCOMES = "outcomes"
    CONTRIBUTIONS = "contributions"
    WORKBOOK = "workbook"


class Mode(StrEnum):
    ATOMIC = "atomic"
    PARTIAL = "partial"


CorrectOption = Annotated[
    str | None,
    typer.Option(
        metavar=text("RAISON", "REASON"),
        help=text(
            "Corriger ce qui est inscrit autrement, pour cette raison.",
            "Correct what is on record otherwise, for this reason.",
        ),
    ),
]
MappingOption = Annotated[
    str | None,
    typer.Option(
        metavar=text("NOM", "NAME"),
        help=text(
            "La correspondance qui dit vos titres et vos codes ; d'un classeur, celle de ce "
            "nom de chaque sorte, ou loans:NOM,repayments:NOM.",
            "The mapping that tells your titles and codes; of a workbook, the one of this name "
            "of each kind, or loans:NAME,repayments:NAME.",
        ),
    ),
]
ErrorsOption = Annotated[
    Path | None,
    typer.Option(
        dir_okay=False,
        metavar=text("FICHIER.xlsx", "FILE.xlsx"),
        help=text(
            "Où mettre votre feuille, cellules fautives colorées, s'il y en a.",
            "Where to put your sheet, bad cells coloured, when there are some.",
        ),
    ),
]
DataDirectory = Annotated[
    Path,
    typer.Option(
        "--data-dir",
        help=text("Le dossier où la fédération garde tout.", "Where the federation keeps all."),
    ),
]

application = typer.Typer(
    name="reseau",
    help=text(
        "Le registre commun du réseau québécois du microcrédit communautaire.",
        "The shared record of Québec's community microcredit network.",
    ),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
application.add_typer(keys, name="keys")


@application.callback(invoke_without_command=True)
def options(
    show_version: Annotated[
        bool, typer.Option("--version", help=text("Dire la version.", "Say the version."))
    ] = False,
) -> None:
    if show_version:
        print_result(version("reseau-microcredit"))
        raise typer.Exit()


@application.command(
    help=text(
        "Démarrer toute la fédération sur cette machine ; Ctrl-C l'arrête, les données restent.",
        "Start the whole federation on this machine; Ctrl-C stops it, the data stay.",
    )
)
def up(
    data_dir: DataDirectory = Path("data"),
    port: Annotated[
        int, typer.Option(min=1, max=65535, help=text("Port de la passerelle.", "Gateway's port."))
    ] = DEFAULT_PORT,
    demo: Annotated[
        bool,
        typer.Option(
            "--demo",
            help=text("Charger aussi la démonstration.", "Load the demonstration data too."),
        ),
    ] = False,
) -> None:
    folder = open_data_folder(data_dir)
    is_demonstration = demo or folder.demonstration.exists()
    announce = partial(_announce, folder, demo)
    run(federation_plan(folder, port, is_demonstration, announce), say)
    say(text("Tout est arrêté.", "Everything has stopped."))


@application.command(
    help=text(
        "Charger les portefeuilles de démonstration dans la fédération en marche.",
        "Load the demonstration portfolios into the running federation.",
    )
)
def demo(data_dir: DataDirectory = Path("data")) -> None:
    folder = existing_data_folder(data_dir)
    require_running(folder)
    raise typer.Exit(subprocess.run(_demonstration_command(folder), cwd=ROOT).returncode)


@application.command(
    "import",
    help=text(
        "Envoyer un fichier de faits (CSV, NDJSON, XLSX) à la fédération.",
        "Send a file of facts (CSV, NDJSON, XLSX) to the federation.",
    ),
)
def import_file(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    kind: Annotated[
        Kind,
        typer.Option(
            help=text(
                "Ce que sont les lignes ; workbook : chaque feuille d'un classeur le dit.",
                "What rows are; workbook: each sheet of a workbook says so.",
            )
        ),
    ],
    key: Annotated[
        str, typer.Option(envvar="RESEAU_KEY", help=text("Clé d'accès.", "Access key."))
    ],
    url: Annotated[
        str, typer.Option(help=text("Adresse de la passerelle.", "The gateway's address."))
    ] = f"http://127.0.0.1:{DEFAULT_PORT}",
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help=text("Vérifier sans inscrire.", "Check, record nothing.")),
    ] = False,
    mode: Annotated[
        Mode,
        typer.Option(
            help=text(
                "atomic : tout ou rien ; partial : les bonnes lignes.",
                "atomic: all or nothing; partial: the good rows.",
            )
        ),
    ] = Mode.ATOMIC,
    correct: CorrectOption = None,
    mapping: MappingOption = None,
    errors: ErrorsOption = None,
) -> None:
    content_type = CONTENT_TYPES.get(file.suffix.lower())
    if content_type is None:
        endings = ", ".join(CONTENT_TYPES)
        raise DeploymentError(
            f"Le nom du fichier doit finir par {endings}.", f"The file must end in {endings}."
        )
    if errors is not None and errors.resolve() == file.resolve():
        raise DeploymentError(
            "--errors remplacerait votre fichier ; donnez un autre nom.",
            "--errors would replace your file; give another name.",
        )
    upload = Upload(kind, file, content_type, mode, dry_run, correct, mapping)
    with (
        open_client(url, key) as client,
        upload_progress(file.name, upload.size_bytes) as (sent, told),
    ):
        outcome = import_upload(client, upload, sent, told)
        is_refused = bool(outcome.errors or outcome.counts.get("rejected", 0))
        marked = fetch_errors(client, upload, outcome) if errors and is_refused else None
    print_outcome(outcome)
    if outcome.changes and correct is None:
        say(
            text(
                "Pour corriger ce qui est inscrit : la même commande avec --correct RAISON.",
                "To correct what is on record: the same command with --correct REASON.",
            )
        )
    if errors is not None and marked is not None:
        errors.write_bytes(marked)
        say(text(f"À corriger : {errors}", f"To correct: {errors}"))
    if is_refused:
        raise typer.Exit(1)


@application.command(
    help=text(
        "Reconstruire chaque chiffre conservé à partir des faits, et comparer.",
        "Rebuild every kept figure from the facts, and compare.",
    )
)
def verify(data_dir: DataDirectory = Path("data")) -> None:
    folder = existing_data_folder(data_dir)
    running = read_running(folder)
    if running is not None:
        code = _verify(folder, running.postgresql_port)
    else:
        with locked(folder), running_cluster(folder) as cluster:
            code = _verify(folder, cluster.port)
    if code == 0:
        say(text("Aucune différence.", "No difference."))
    raise typer.Exit(code)


def _verify(folder: DataFolder, port: int) -> int:
    command = [sys.executable, "-m", "deploy.verification", str(folder.root), str(port)]
    result = subprocess.run(command, cwd=ROOT, stderr=subprocess.PIPE, text=True)
    if result.returncode not in (0, 1) or (result.returncode == 1 and result.stderr):
        raise DeploymentError(result.stderr, result.stderr)
    return result.returncode


async def _announce(folder: DataFolder, wants_demonstration: bool, url: str) -> None:
    """Called when every part answers; the demonstration is loaded once in a folder's life."""
    if wants_demonstration and not folder.demonstration.exists():
        await _load_demonstration(folder)
    print_result(f"ready {url}/")


async def _load_demonstration(folder: DataFolder) -> None:
    """In a process of its own: it can be stopped at any moment, and its memory goes with it."""
    process = await asyncio.create_subprocess_exec(
        *_demonstration_command(folder),
        cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=sys.stderr,
        start_new_session=True,
    )
    try:
        code = await process.wait()
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    if code != 0:
        raise DeploymentError(
            "Les données de démonstration n'ont pas pu être chargées.",
            "The demonstration data could not be loaded.",
        )


def _demonstration_command(folder: DataFolder) -> tuple[str, ...]:
    return (sys.executable, "-m", "deploy.demonstration_loading", str(folder.root))


def main() -> None:
    try:
        application()
    except DeploymentError as error:
        say_failure(str(error))
        sys.exit(2)


if __name__ == "__main__":
    main()
