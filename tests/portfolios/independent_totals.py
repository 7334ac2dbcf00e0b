"""The regional totals the gateway must answer, summed from the mapped CSV files alone.

    python -m tests.portfolios.independent_totals FOLDER --from 2004-04-01 --to 2005-03-31

No code is shared with the system: csv, Decimal and one loop per loan. Flows are the facts dated in
[from, to]; positions are at the end of `as_of`.
"""

import argparse
import csv
import json
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from tests.portfolios.declining_balance import (
    ZERO,
    Instalment,
    Payment,
    Share,
    equal_instalments,
    position,
    share_payments,
)


@dataclass(frozen=True, slots=True)
class Loan:
    external_id: str
    region_code: str
    disbursed_on: date
    amount: Decimal
    instalments: tuple[Instalment, ...]
    payments: tuple[Payment, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    region_code: str
    observed_on: date
    jobs_created: int
    jobs_maintained: int


@dataclass(frozen=True, slots=True)
class Books:
    loans: tuple[Loan, ...]
    outcomes: tuple[Outcome, ...]


@dataclass(frozen=True, slots=True)
class Totals:
    """One region, or all of them. Amounts in dollars."""

    loans_count: int = 0
    loans_amount: Decimal = ZERO
    repayments_count: int = 0
    repayments_amount: Decimal = ZERO
    repayments_principal: Decimal = ZERO
    repayments_interest: Decimal = ZERO
    repayments_fees: Decimal = ZERO
    active_loans: int = 0
    outstanding_principal: Decimal = ZERO
    par30: Decimal = ZERO
    par90: Decimal = ZERO
    jobs_created: int = 0
    jobs_maintained: int = 0

    def __add__(self, other: "Totals") -> "Totals":
        return Totals(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(Totals)))

    @property
    def loans_mean_amount(self) -> Decimal:
        """To the cent, half up; zero without a loan."""
        return quotient(self.loans_amount, Decimal(self.loans_count), "0.01")

    @property
    def par30_ratio(self) -> Decimal:
        return quotient(self.par30, self.outstanding_principal, "0.0001")

    @property
    def par90_ratio(self) -> Decimal:
        return quotient(self.par90, self.outstanding_principal, "0.0001")


def quotient(part: Decimal, whole: Decimal, places: str) -> Decimal:
    found = part / whole if whole else Decimal(0)
    return found.quantize(Decimal(places), ROUND_HALF_UP)


def regional_totals(
    books: Books, period_from: date, period_to: date, as_of: date | None = None
) -> dict[str, Totals]:
    """Totals by region code, for the regions that have any loan or outcome at all."""
    positions_on = as_of or period_to
    regions: dict[str, Totals] = defaultdict(Totals)
    for loan in books.loans:
        regions[loan.region_code] += loan_totals(loan, period_from, period_to, positions_on)
    for outcome in books.outcomes:
        if period_from <= outcome.observed_on <= period_to:
            regions[outcome.region_code] += Totals(
                jobs_created=outcome.jobs_created, jobs_maintained=outcome.jobs_maintained
            )
    return dict(sorted(regions.items()))


def loan_totals(loan: Loan, period_from: date, period_to: date, as_of: date) -> Totals:
    lent = period_from <= loan.disbursed_on <= period_to
    received = [one for one in loan.payments if period_from <= one.paid_on <= period_to]
    shares = shares_in_period(loan, period_from, period_to) if received else []
    outstanding, days_past_due = ZERO, 0
    if loan.disbursed_on <= as_of:
        found = position(loan.instalments, loan.payments, as_of)
        outstanding, days_past_due = found.outstanding_principal, found.days_past_due
    return Totals(
        loans_count=int(lent),
        loans_amount=loan.amount if lent else ZERO,
        repayments_count=len(received),
        repayments_amount=sum((one.amount for one in received), ZERO),
        repayments_principal=sum((one.principal for one in shares), ZERO),
        repayments_interest=sum((one.interest for one in shares), ZERO),
        repayments_fees=sum((one.fees for one in shares), ZERO),
        active_loans=int(outstanding > 0),
        outstanding_principal=outstanding,
        par30=outstanding if days_past_due > 30 else ZERO,
        par90=outstanding if days_past_due > 90 else ZERO,
    )


def shares_in_period(loan: Loan, period_from: date, period_to: date) -> list[Share]:
    """Earlier payments are walked too: they settle what the period's payments were for."""
    until = [one for one in loan.payments if one.paid_on <= period_to]
    shares, _ = share_payments(loan.instalments, until)
    return [one for one in shares if one.paid_on >= period_from]


def read_books(folder: Path, slugs: Iterable[str] | None = None) -> Books:
    """The files of every organisation under `folder`, or of those named."""
    chosen = sorted(one.name for one in folder.iterdir() if one.is_dir())
    if slugs is not None:
        chosen = sorted(slugs)
    loans: list[Loan] = []
    outcomes: list[Outcome] = []
    for slug in chosen:
        own = read_loans(folder / slug)
        regions = {one.external_id: one.region_code for one in own}
        loans.extend(own)
        outcomes.extend(read_outcomes(folder / slug / "outcomes.csv", regions))
    return Books(tuple(loans), tuple(outcomes))


def read_loans(own: Path) -> list[Loan]:
    payments: dict[str, list[Payment]] = defaultdict(list)
    for row in read_csv(own / "repayments.csv"):
        payments[row["loan_external_id"]].append(
            Payment(date.fromisoformat(row["paid_on"]), Decimal(row["amount"]))
        )
    return [read_loan(row, payments[row["external_id"]]) for row in read_csv(own / "loans.csv")]


def read_loan(row: dict[str, str], payments: Sequence[Payment]) -> Loan:
    if row["fee"]:
        raise ValueError(f"loan {row['external_id']} has a fee: these totals know none")
    first_due_on = row["first_due_on"]
    instalments = equal_instalments(
        Decimal(row["principal"]),
        Decimal(row["annual_rate"]),
        int(row["instalments"]),
        row["frequency"],
        date.fromisoformat(row["disbursed_on"]),
        date.fromisoformat(first_due_on) if first_due_on else None,
    )
    return Loan(
        external_id=row["external_id"],
        region_code=row["region_code"],
        disbursed_on=date.fromisoformat(row["disbursed_on"]),
        amount=Decimal(row["principal"]),
        instalments=instalments,
        payments=tuple(payments),
    )


def read_outcomes(path: Path, regions: dict[str, str]) -> list[Outcome]:
    return [
        Outcome(
            region_code=regions[row["loan_external_id"]],
            observed_on=date.fromisoformat(row["observed_on"]),
            jobs_created=int(row["jobs_created"]),
            jobs_maintained=int(row["jobs_maintained"]),
        )
        for row in read_csv(path)
    ]


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("folder", type=Path)
    arguments.add_argument("--from", dest="period_from", type=date.fromisoformat, required=True)
    arguments.add_argument("--to", dest="period_to", type=date.fromisoformat, required=True)
    arguments.add_argument("--as-of", type=date.fromisoformat)
    chosen = arguments.parse_args()
    regions = regional_totals(
        read_books(chosen.folder), chosen.period_from, chosen.period_to, chosen.as_of
    )
    answer = {code: asdict(totals) for code, totals in regions.items()}
    answer["total"] = asdict(sum(regions.values(), Totals()))
    json.dump(answer, sys.stdout, indent=2, default=str)
    sys.stdout.write("\n")


if __name__ == "__main__":
    main()
