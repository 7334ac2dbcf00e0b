"""Hold a cluster until killed: what a test starts in order to kill it.

python -m tests.support.hold_cluster DIR    prints the superuser's DSN once the server is ready
"""

import signal
import sys
from pathlib import Path

from deploy.cluster import running_cluster
from deploy.data_folder import locked, open_data_folder


def main() -> None:
    folder = open_data_folder(Path(sys.argv[1]))
    with locked(folder), running_cluster(folder, durable=False) as cluster:
        sys.stdout.write(f"{cluster.superuser_dsn()}\n")
        sys.stdout.flush()
        signal.sigwait({signal.SIGTERM})


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    main()
