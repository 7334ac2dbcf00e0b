"""`make bench`: run every benchmark, one after the other; or those named after it."""

import sys

from tests.benchmarks import imports, positions, schedules, startup

BENCHMARKS = {
    "schedules": schedules,
    "positions": positions,
    "imports": imports,
    "startup": startup,
}

if __name__ == "__main__":
    for name in sys.argv[1:] or BENCHMARKS:
        sys.stdout.write(f"{BENCHMARKS[name].__doc__}\n")
        for line in BENCHMARKS[name].measure():
            sys.stdout.write(f"  {line}\n")
            sys.stdout.flush()
