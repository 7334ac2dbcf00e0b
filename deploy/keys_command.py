"""`reseau keys`: access keys, through the gateway, as the network office."""

from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import httpx
import typer

from deploy.client import call, open_client
from deploy.data_folder import existing_data_folder, read_access_keys, require_running
from deploy.language import DeploymentError, text
from deploy.terminal import print_items, print_result, say

_COLUMNS = ("key_id", "role", "label", "created_at", "expires_on", "revoked_at")


class KeyRole(StrEnum):
    MEMBER = "member"
    NETWORK = "network"
    FUNDER = "funder"
    AUDITOR = "auditor"
    OPERATOR = "operator"


DataDirectory = Annotated[
    Path,
    typer.Option(
        "--data-dir",
        help=text(
            "Le dossier de la fédération en marche sur cette machine.",
            "The folder of the federation running on this machine.",
        ),
    ),
]
Url = Annotated[
    str | None,
    typer.Option(
        help=text(
            "Adresse de la passerelle, avec --key, pour une fédération ailleurs.",
            "The gateway's address, with --key, for a federation elsewhere.",
        )
    ),
]
Key = Annotated[
    str | None,
    typer.Option(
        envvar="RESEAU_KEY", help=text("Clé du bureau du réseau.", "The network office's key.")
    ),
]
Organisation = Annotated[
    str, typer.Option(help=text("Son identifiant public.", "Its public identifier."))
]

keys = typer.Typer(
    help=text("Créer, lister, révoquer des clés d'accès.", "Create, list, revoke access keys."),
    no_args_is_help=True,
)


@keys.command(
    help=text(
        "Créer une clé ; elle n'est montrée qu'une fois.", "Create a key; it is shown only once."
    )
)
def create(
    role: Annotated[KeyRole, typer.Option(help=text("Ce qu'elle permet.", "What it allows."))],
    organisation: Organisation,
    label: Annotated[
        str | None, typer.Option(help=text("À quoi elle sert.", "What it is for."))
    ] = None,
    expires_on: Annotated[
        str | None, typer.Option(help=text("Dernier jour, AAAA-MM-JJ.", "Last day, YYYY-MM-DD."))
    ] = None,
    data_dir: DataDirectory = Path("data"),
    url: Url = None,
    key: Key = None,
) -> None:
    wanted = {"role": role.value, "label": label, "expires_on": expires_on}
    body = {name: value for name, value in wanted.items() if value is not None}
    with _network_client(data_dir, url, key) as client:
        created = call(client, "POST", f"/v1/organisations/{organisation}/keys", body)
    print_result(str(created["key"]))
    say(
        text(
            f"Clé {created.get('key_id')} créée. Elle ne sera plus jamais montrée.",
            f"Key {created.get('key_id')} created. It will never be shown again.",
        )
    )


@keys.command(
    "list", help=text("Lister les clés d'une organisation.", "List an organisation's keys.")
)
def list_keys(
    organisation: Organisation,
    data_dir: DataDirectory = Path("data"),
    url: Url = None,
    key: Key = None,
) -> None:
    with _network_client(data_dir, url, key) as client:
        document = call(client, "GET", f"/v1/organisations/{organisation}/keys")
    items = document.get("items")
    print_items(
        _COLUMNS,
        [item for item in items if isinstance(item, Mapping)] if isinstance(items, list) else [],
    )


@keys.command(help=text("Révoquer une clé, tout de suite.", "Revoke a key, at once."))
def revoke(
    key_id: Annotated[str, typer.Argument(help=text("Son numéro.", "Its number."))],
    data_dir: DataDirectory = Path("data"),
    url: Url = None,
    key: Key = None,
) -> None:
    with _network_client(data_dir, url, key) as client:
        call(client, "DELETE", f"/v1/keys/{key_id}")
    say(text(f"Clé {key_id} révoquée.", f"Key {key_id} revoked."))


def _network_client(data_dir: Path, url: str | None, key: str | None) -> httpx.Client:
    """For the federation at `url`, or else for the one that runs on the data folder."""
    if url is not None:
        if key is None:
            raise DeploymentError("--url demande aussi --key.", "--url also needs --key.")
        return open_client(url, key)
    folder = existing_data_folder(data_dir)
    return open_client(require_running(folder).url, key or read_access_keys(folder).network)
