"""Load the demonstration portfolios over HTTP, each member's with its own access key.

    python -m deploy.demonstration_loading DIR

A process of its own, as preparation.py is: it can be stopped at any moment and sent again.
"""

import json
import sys
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from deploy.client import Upload, import_upload, open_client
from deploy.data_folder import (
    DataFolder,
    existing_data_folder,
    read_access_keys,
    require_running,
    write_private,
)
from deploy.demonstration import DemonstrationFile, build_demonstration
from deploy.language import DeploymentError, text
from deploy.terminal import file_progress, say, say_failure

_LEGAL_TIME = ZoneInfo("America/Toronto")


def load_demonstration(folder: DataFolder) -> date:
    """Post everything up to today; what is already there is left as it is. Returns today."""
    url = require_running(folder).url
    today = datetime.now(_LEGAL_TIME).date()
    keys = read_access_keys(folder)
    with file_progress(text("Données de démonstration", "Demonstration data")) as loaded:
        for file in build_demonstration(today):
            key = keys.members.get(file.organisation)
            if key is None:
                raise DeploymentError(
                    f"Aucune clé d'accès pour « {file.organisation} » dans {folder.access_keys}.",
                    f"No access key for “{file.organisation}” in {folder.access_keys}.",
                )
            _post(url, key, file)
            loaded(f"{file.organisation}, {file.kind}")
    write_private(folder.demonstration, json.dumps({"until": today.isoformat()}) + "\n")
    return today


def _post(url: str, key: str, file: DemonstrationFile) -> None:
    upload = Upload(file.kind, file.csv.encode("utf-8"), "text/csv; charset=utf-8")
    with open_client(url, key) as client:
        outcome = import_upload(client, upload, lambda _bytes: None)
    if outcome.errors:
        first = outcome.errors[0]
        place = f"{file.organisation}, {file.kind}, {text('ligne', 'row')} {first.row}"
        raise DeploymentError(f"{place} : {first.message}", f"{place}: {first.message}")


def main() -> None:
    try:
        until = load_demonstration(existing_data_folder(Path(sys.argv[1])))
    except DeploymentError as error:
        say_failure(str(error))
        sys.exit(2)
    say(text(f"Démonstration chargée jusqu'au {until}.", f"Demonstration loaded until {until}."))


if __name__ == "__main__":
    main()
