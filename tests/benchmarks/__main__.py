"""`make bench`: run every benchmark, one after the other."""

import sys

from tests.benchmarks import imports, positions, schedules, startup

if __name__ == "__main__":
    for benchmark in (schedules, positions, imports, startup):
        sys.stdout.write(f"{benchmark.__doc__}\n")
        for line in benchmark.measure():
            sys.stdout.write(f"  {line}\n")
            sys.stdout.flush()
