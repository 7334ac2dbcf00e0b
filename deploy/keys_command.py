"""`reseau keys`: access keys, through the gateway, as the network office."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import httpx
import typer

from deploy.client import call, list_all, open_client
from deploy.data_folder import existing_data_folder, read_access_keys, require_running
from deploy.language import DeploymentError, text
from deploy.terminal import print_items, print_result, say

_COLUMNS = ("key_id", "role", "organisation", "label", "created_at", "expires_on", "revoked_at")


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
    str | None,
    typer.Option(
        help=text(
            "L'organisme (identifiant public) d'une clé de membre.",
            "The organisation (public identifier) of a member's key.",
        )
    ),
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
    organisation: Organisation = None,
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
    if (organisation is not None) != (role is KeyRole.MEMBER):
        raise DeploymentError(
            "--organisation va avec --role member, et avec lui seul.",
            "--organisation goes with --role member, and with it alone.",
        )
    wanted = {"role": role.value, "label": label, "expires_on": expires_on}
    body = {name: value for name, value in wanted.items() if value is not None}
    with _network_client(data_dir, url, key) as client:
        created = call(client, "POST", _path(organisation), body)
    if created.get("key") is None:
        # A broken connection made us send twice, and a key is shown only with its first answer.
        raise DeploymentError(
            f"La clé {created.get('key_id')} a été créée, mais la réponse qui la montrait s'est "
            "perdue. Révoquez-la et créez-en une autre.",
            f"The key {created.get('key_id')} was created, but the answer that showed it was "
            "lost. Revoke it and create another one.",
        )
    print_result(str(created["key"]))
    say(
        text(
            f"Clé {created.get('key_id')} créée. Elle ne sera plus jamais montrée.",
            f"Key {created.get('key_id')} created. It will never be shown again.",
        )
    )


@keys.command("list", help=text("Lister les clés.", "List the keys."))
def list_keys(
    organisation: Organisation = None,
    data_dir: DataDirectory = Path("data"),
    url: Url = None,
    key: Key = None,
) -> None:
    with _network_client(data_dir, url, key) as client:
        print_items(_COLUMNS, list(list_all(client, _path(organisation))))


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


def _path(organisation: str | None) -> str:
    return "/v1/keys" if organisation is None else f"/v1/organisations/{organisation}/keys"


def _network_client(data_dir: Path, url: str | None, key: str | None) -> httpx.Client:
    """For the federation at `url`, or else for the one that runs on the data folder."""
    if url is not None:
        if key is None:
            raise DeploymentError("--url demande aussi --key.", "--url also needs --key.")
        return open_client(url, key)
    folder = existing_data_folder(data_dir)
    return open_client(require_running(folder).url, key or read_access_keys(folder).network)
