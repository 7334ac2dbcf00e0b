"""Maps the two real portfolios to import files, one folder per organisation of the register.

    python -m tests.portfolios.map_portfolios --output FOLDER [--shared FOLDER]

Writes `<slug>/{loans,repayments,outcomes,write-offs}.csv` and `left-out.csv`. The same input gives
the same bytes. What is mapped, derived, drawn and left out: the README of this folder.
"""

import argparse
import csv
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.portfolios.import_rows import (
    LeftOut,
    MappedLoan,
    Organisation,
    Portfolio,
    gather,
    read_organisations,
    write_portfolios,
    write_rows,
)
from tests.portfolios.kiva import map_kiva
from tests.portfolios.sba import map_sba
from tests.portfolios.shared_data import shared_directory


@dataclass(frozen=True, slots=True)
class Mapping:
    portfolios: dict[str, Portfolio]
    left_out: tuple[LeftOut, ...]


def map_portfolios(shared: Path) -> Mapping:
    """Both files of `shared`, spread over the organisations of its register."""
    organisations = read_organisations(shared / "data" / "register" / "organisations.csv")
    portfolios = shared / "data" / "portfolios"
    mapped: list[MappedLoan | LeftOut] = []
    with (portfolios / "sba_small_loans.csv").open(encoding="utf-8-sig", newline="") as lines:
        mapped.extend(map_sba(csv.DictReader(lines), organisations))
    with (portfolios / "kiva_microloans.csv").open(encoding="utf-8-sig", newline="") as lines:
        mapped.extend(map_kiva(csv.DictReader(lines), organisations))
    return split(mapped, organisations)


def split(
    mapped: Iterable[MappedLoan | LeftOut], organisations: tuple[Organisation, ...]
) -> Mapping:
    loans, left_out = [], []
    for one in mapped:
        if isinstance(one, LeftOut):
            left_out.append(one)
        else:
            loans.append(one)
    return Mapping(gather(loans, organisations), tuple(left_out))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--shared", type=Path, default=shared_directory())
    arguments.add_argument("--output", type=Path, required=True)
    chosen = arguments.parse_args()
    mapping = map_portfolios(chosen.shared)
    write_portfolios(mapping.portfolios, chosen.output)
    write_rows(chosen.output / "left-out.csv", LeftOut, mapping.left_out)
    for slug, portfolio in mapping.portfolios.items():
        sys.stdout.write(
            f"{slug}: {len(portfolio.loans)} loans, {len(portfolio.repayments)} repayments, "
            f"{len(portfolio.outcomes)} outcomes, {len(portfolio.write_offs)} write-offs\n"
        )
    for (source, reason), count in sorted(
        Counter((one.source, one.reason) for one in mapping.left_out).items()
    ):
        sys.stdout.write(f"left out of {source}: {count}, {reason}\n")


if __name__ == "__main__":
    main()
