"""A federation of tiny parts under the real supervisor: what a test starts in order to break it.

python -m tests.support.tiny_federation DIR PORT INNER_PORT [FACTORY]
"""

import asyncio
import sys
from pathlib import Path

from deploy.cluster import Cluster
from deploy.data_folder import open_data_folder
from deploy.federation import Plan, run
from deploy.language import DeploymentError
from deploy.ports import free_port
from deploy.supervisor import Part

TINY = "tests.support.tiny_app:create_app"


async def prepare(cluster: Cluster) -> None:
    """There is nothing to prepare."""


async def say_ready(url: str) -> None:
    await asyncio.to_thread(say, sys.stdout.fileno(), f"ready {url}/")


def say(descriptor: int, line: str) -> None:
    with open(descriptor, "a", encoding="utf-8", closefd=False) as output:
        output.write(f"{line}\n")


def main() -> None:
    directory, port, inner_port, *factory = sys.argv[1:]
    parts = (
        Part("inner", factory[0] if factory else TINY, int(inner_port), {}),
        Part("gateway", TINY, int(port), {}),
    )
    folder = open_data_folder(Path(directory))
    try:
        run(
            Plan(folder, free_port(), (), parts, prepare, say_ready),
            lambda line: say(sys.stderr.fileno(), line),
        )
    except DeploymentError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
