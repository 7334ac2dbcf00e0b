"""Load the demonstration portfolios over HTTP, each member's with its own access key.

    python -m deploy.demonstration_loading DIR

A process of its own, as preparation.py is: it can be stopped at any moment and sent again.
"""

import asyncio
import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx
from pydantic import SecretStr

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
    MemberBooks,
    WriteOff,
    build_agreements,
    build_books,
)
from deploy.demonstration_months import report_months
from deploy.language import DeploymentError, text
from deploy.provisioning import database_url
from deploy.terminal import file_progress, say, say_failure
from services.common.money import format_cents

_LEGAL_TIME = ZoneInfo("America/Toronto")
# Members do not wait for each other in the services; more would only crowd a small machine.
_MEMBERS_AT_ONCE = 3

Loaded = Callable[[str], None]


def load_demonstration(folder: DataFolder) -> date:
    """Post everything up to today; what is already there is left as it is. Returns today."""
    running = require_running(folder)
    url = running.url
    today = datetime.now(_LEGAL_TIME).date()
    keys = read_access_keys(folder)

    def load(books: MemberBooks) -> None:
        key = keys.members.get(books.organisation)
        if key is None:
            raise DeploymentError(
                f"Aucune clé d'accès pour « {books.organisation} » dans {folder.access_keys}.",
                f"No access key for “{books.organisation}” in {folder.access_keys}.",
            )
        with open_client(url, key) as client:
            _load_member(client, books, loaded)

    title = text("Données de démonstration", "Demonstration data")
    with file_progress(title) as loaded, ThreadPoolExecutor(_MEMBERS_AT_ONCE) as members:
        loading = [members.submit(load, books) for books in build_books(today)]
        try:
            for member in loading:
                member.result()
        finally:
            members.shutdown(wait=False, cancel_futures=True)
        with open_client(url, keys.network) as client:
            for agreement in build_agreements(today):
                _post_agreement(client, agreement)
                loaded(agreement.external_id)
        loans_url = database_url(folder, running.postgresql_port, "loans_app")
        asyncio.run(report_months(SecretStr(loans_url), keys, today))
        loaded(text("mois soumis", "months submitted"))
    write_private(folder.demonstration, json.dumps({"until": today.isoformat()}) + "\n")
    return today


def _load_member(client: httpx.Client, books: MemberBooks, loaded: Loaded) -> None:
    for file in books.files():
        _import(client, file)
        loaded(f"{file.organisation}, {file.kind}")
    for write_off in books.write_offs:
        _post_write_off(client, write_off)


def _import(client: httpx.Client, file: DemonstrationFile) -> None:
    upload = Upload(file.kind, file.csv.encode("utf-8"), "text/csv; charset=utf-8")
    outcome = import_upload(client, upload, lambda _bytes: None)
    if outcome.errors:
        first = outcome.errors[0]
        place = f"{file.organisation}, {file.kind}, {text('ligne', 'row')} {first.row}"
        raise DeploymentError(f"{place} : {first.message}", f"{place}: {first.message}")


def _post_write_off(client: httpx.Client, write_off: WriteOff) -> None:
    (loan,) = list_all(client, f"/v1/loans?external_id={write_off.loan_external_id}")
    body = {
        "external_id": write_off.external_id,
        "written_off_on": write_off.written_off_on.isoformat(),
        "amount": format_cents(write_off.amount_cents),
        "reason": write_off.reason,
    }
    call(client, "POST", f"/v1/loans/{loan['loan_id']}/write-offs", body)


def _post_agreement(client: httpx.Client, agreement: Agreement) -> None:
    body = {
        "external_id": agreement.external_id,
        "funder": agreement.funder,
        "title": agreement.title,
        "from": agreement.period_from.isoformat(),
        "to": agreement.period_to.isoformat(),
        "amount": format_cents(agreement.amount_cents),
        "purpose": agreement.purpose,
        "targets": [
            {"indicator": target.indicator, "value": target.value} for target in agreement.targets
        ],
        "obligations": [
            {"document": owed.document, "due_on": owed.due_on.isoformat()}
            for owed in agreement.obligations
        ],
    }
    recorded = call(client, "POST", "/v1/agreements", body)
    for payment in agreement.payments:
        paid = {
            "external_id": payment.external_id,
            "paid_on": payment.paid_on.isoformat(),
            "amount": format_cents(payment.amount_cents),
        }
        call(client, "POST", f"/v1/agreements/{recorded['agreement_id']}/payments", paid)


def main() -> None:
    try:
        until = load_demonstration(existing_data_folder(Path(sys.argv[1])))
    except DeploymentError as error:
        say_failure(str(error))
        sys.exit(2)
    say(text(f"Démonstration chargée jusqu'au {until}.", f"Demonstration loaded until {until}."))


if __name__ == "__main__":
    main()
