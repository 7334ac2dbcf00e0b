"""Rebuild every kept figure from the facts and compare: one difference a line, exit code 1 if any.

    python -m deploy.verification DIR PORT

A process of its own, as preparation.py is.
"""

import asyncio
import sys
from pathlib import Path

from pydantic import SecretStr

from deploy.data_folder import existing_data_folder
from deploy.provisioning import database_url
from services.loans.verify import verify


def main() -> None:
    folder, port = existing_data_folder(Path(sys.argv[1])), int(sys.argv[2])
    urls = [database_url(folder, port, role) for role in ("loans_app", "loans_totals")]
    differences = asyncio.run(verify(*map(SecretStr, urls)))
    for difference in differences:
        sys.stdout.write(f"{difference}\n")
    sys.exit(1 if differences else 0)


if __name__ == "__main__":
    main()
