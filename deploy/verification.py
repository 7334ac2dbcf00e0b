"""Rebuild every kept figure from the facts and compare: one difference a line, exit code 1 if any.

    python -m deploy.verification DIR PORT

A process of its own, as preparation.py is.
"""

import asyncio
import sys
from pathlib import Path

from pydantic import SecretStr

from deploy.data_folder import DataFolder, existing_data_folder
from deploy.provisioning import database_url
from deploy.reconciliation import reconcile
from services.funds import verify as funds
from services.loans import verify as loans
from services.registry import verify as registry


async def verify(folder: DataFolder, port: int) -> list[str]:
    """What the three services and the comparison of their books find."""

    def url(role: str) -> SecretStr:
        return SecretStr(database_url(folder, port, role))

    return [
        *await registry.verify(url("registry_app")),
        *await loans.verify(url("loans_app"), url("loans_totals")),
        *await funds.verify(url("funds_app"), url("funds_totals")),
        *await reconcile(url("loans_totals"), url("funds_totals")),
    ]


def main() -> None:
    folder, port = existing_data_folder(Path(sys.argv[1])), int(sys.argv[2])
    differences = asyncio.run(verify(folder, port))
    for difference in differences:
        sys.stdout.write(f"{difference}\n")
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
