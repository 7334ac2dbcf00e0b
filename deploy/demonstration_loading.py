"""Load the demonstration portfolios over HTTP, each member's with its own access key.

    python -m deploy.demonstration_loading DIR

A process of its own, as preparation.py is: it can be stopped at any moment and sent again.
"""

import json
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from urllib.parse import urlencode

import httpx

from deploy.client import Upload, call, import_upload, list_all, open_client
from deploy.data_folder import (
    DataFolder,
    existing_data_folder,
    read_access_keys,
    require_running,
    write_private,
)
from deploy.demonstration import (
    Agreement,
    DemonstrationFile,
    WriteOff,
    build_agreements,
    build_books,
)
from deploy.language import DeploymentError, text
from deploy.terminal import file_progress, say, say_failure
from services.common.clock import legal_today
from services.common.money import format_cents


def load_demonstration(folder: DataFolder) -> date:
    """Post everything up to today; what is already there is left as it is. Returns today."""
    url = require_running(folder).url
    today = legal_today()
    keys = read_access_keys(folder)
    with open_client(url, keys.network) as network:
        for agreement in build_agreements(today):
            _post_agreement(network, agreement)
    with file_progress(text("Données de démonstration", "Demonstration data")) as loaded:
        for books in build_books(today):
            key = keys.members.get(books.organisation)
            if key is None:
                raise DeploymentError(
                    f"Aucune clé d'accès pour « {books.organisation} » dans {folder.access_keys}.",
                    f"No access key for “{books.organisation}” in {folder.access_keys}.",
                )
            with open_client(url, key) as member:
                for file in books.files():
                    _post_file(member, file)
                    loaded(f"{file.organisation}, {file.kind}")
                _post_write_offs(member, books.write_offs)
    write_private(folder.demonstration, json.dumps({"until": today.isoformat()}) + "\n")
    return today


def _post_agreement(network: httpx.Client, agreement: Agreement) -> None:
    answer = call(
        network,
        "POST",
        "/v1/agreements",
        {
            "external_id": agreement.external_id,
            "funder": agreement.funder,
            "title": agreement.title,
            "from": agreement.period_from.isoformat(),
            "to": agreement.period_to.isoformat(),
            "amount": format_cents(agreement.amount_cents),
            "purpose": agreement.purpose,
            "targets": [
                {"indicator": target.indicator, "value": target.value}
                for target in agreement.targets
            ],
            "obligations": [
                {"document": one.document, "due_on": one.due_on.isoformat()}
                for one in agreement.obligations
            ],
        },
    )
    for payment in agreement.payments:
        call(
            network,
            "POST",
            f"/v1/agreements/{answer['agreement_id']}/payments",
            {
                "external_id": payment.external_id,
                "paid_on": payment.paid_on.isoformat(),
                "amount": format_cents(payment.amount_cents),
            },
        )


def _post_file(member: httpx.Client, file: DemonstrationFile) -> None:
    upload = Upload(file.kind, file.csv.encode("utf-8"), "text/csv; charset=utf-8")
    outcome = import_upload(member, upload, lambda _bytes: None)
    if outcome.errors:
        first = outcome.errors[0]
        place = f"{file.organisation}, {file.kind}, {text('ligne', 'row')} {first.row}"
        raise DeploymentError(f"{place} : {first.message}", f"{place}: {first.message}")


def _post_write_offs(member: httpx.Client, write_offs: Sequence[WriteOff]) -> None:
    for write_off in write_offs:
        query = urlencode({"external_id": write_off.loan_external_id})
        [loan] = list_all(member, f"/v1/loans?{query}")
        call(
            member,
            "POST",
            f"/v1/loans/{loan['loan_id']}/write-offs",
            {
                "external_id": write_off.external_id,
                "written_off_on": write_off.written_off_on.isoformat(),
                "amount": format_cents(write_off.amount_cents),
                "reason": write_off.reason,
            },
        )


def main() -> None:
    try:
        until = load_demonstration(existing_data_folder(Path(sys.argv[1])))
    except DeploymentError as error:
        say_failure(str(error))
        sys.exit(2)
    say(text(f"Démonstration chargée jusqu'au {until}.", f"Demonstration loaded until {until}."))


if __name__ == "__main__":
    main()
