"""Everything between a running PostgreSQL and services that can start.

    python -m deploy.preparation DIR PORT

Roles, schemas, migrations, the keys that sign tokens, the register and the first access keys. It is
a process of its own so that the supervisor never carries the libraries that this needs once.
"""

import asyncio
import sys
from pathlib import Path

from joserfc.jwk import OKPKey

from deploy.cluster import superuser_dsn
from deploy.data_folder import DataFolder, open_data_folder, write_private
from deploy.migrating import install_queue, migrate
from deploy.prepared import mark_prepared
from deploy.provisioning import SERVICES, database_url, provision
from services.funds.seed import seed_funds
from services.registry.seed import read_organisations, seed_register


def prepare(folder: DataFolder, port: int) -> None:
    """Idempotent: what an interrupted run began, the next finishes."""
    superuser = superuser_dsn(folder, port)
    asyncio.run(provision(folder, superuser))
    for service in SERVICES:
        owner_url = database_url(folder, port, f"{service}_owner")
        migrate(service, owner_url)
        install_queue(service, owner_url)
    make_token_keys(folder)
    asyncio.run(seed_register(database_url(folder, port, "registry_app"), folder.access_keys))
    names = {organisation.slug: organisation.name for organisation in read_organisations()}
    asyncio.run(seed_funds(database_url(folder, port, "funds_app"), names))
    asyncio.run(mark_prepared(folder, superuser))


def make_token_keys(folder: DataFolder) -> None:
    """The pair with which the gateway signs and the services verify; the public half comes last."""
    if folder.token_public_key.exists():
        return
    key = OKPKey.generate_key("Ed25519")
    write_private(folder.token_private_key, key.as_pem(private=True).decode("ascii"))
    write_private(folder.token_public_key, key.as_pem(private=False).decode("ascii"))


def main() -> None:
    prepare(open_data_folder(Path(sys.argv[1])), int(sys.argv[2]))


if __name__ == "__main__":
    main()
