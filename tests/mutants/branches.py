"""`make branches`: the tests that mutants run against take every branch of what is mutated."""

import subprocess
import sys

from mutmut.configuration import config


def main() -> int:
    """The exit code of coverage: 2 when a branch is left, each told by its line."""
    tests = config().pytest_add_cli_args_test_selection
    python = [sys.executable, "-m"]
    modules = f"--include={','.join(config().only_mutate)}"
    run = [*python, "coverage", "run", "--branch", modules, "-m", "pytest", "-q", *tests]
    report = [*python, "coverage", "report", "--fail-under=100", "--show-missing"]
    return subprocess.run(run).returncode or subprocess.run(report).returncode


if __name__ == "__main__":
    sys.exit(main())
