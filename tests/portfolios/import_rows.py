"""The import columns of the contract as typed rows, and the folder they are written to."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass, field, fields
from hashlib import sha256
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Organisation:
    slug: str
    region_code: str


@dataclass(frozen=True, slots=True)
class LoanRow:
    external_id: str
    borrower_external_id: str
    borrower_kind: str
    gender: str
    birth_year: str
    clienteles: str
    region_code: str
    municipality: str
    product: str
    stage: str
    sector_code: str
    principal: str
    annual_rate: str
    instalments: str
    frequency: str
    contracted_on: str
    disbursed_on: str
    first_due_on: str
    fee: str
    other_financing: str
    funding_state: str
    funding_community: str
    funding_private: str


@dataclass(frozen=True, slots=True)
class RepaymentRow:
    external_id: str
    loan_external_id: str
    paid_on: str
    amount: str
    method: str


@dataclass(frozen=True, slots=True)
class OutcomeRow:
    external_id: str
    loan_external_id: str
    observed_on: str
    business_status: str
    jobs_created: str
    jobs_maintained: str
    turnover: str
    other_financing: str


@dataclass(frozen=True, slots=True)
class WriteOffRow:
    """No import kind exists for write-offs: this file is for who posts them one by one."""

    external_id: str
    loan_external_id: str
    written_off_on: str
    amount: str
    reason: str


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A source row that gives no loan, and why."""

    source: str
    row_id: str
    reason: str


@dataclass(frozen=True, slots=True)
class MappedLoan:
    """One source row, mapped. Repayments are in the order they were made."""

    organisation: str
    loan: LoanRow
    repayments: tuple[RepaymentRow, ...]
    outcomes: tuple[OutcomeRow, ...]
    write_offs: tuple[WriteOffRow, ...]


@dataclass(slots=True)
class Portfolio:
    """What one organisation imports."""

    loans: list[LoanRow] = field(default_factory=list)
    repayments: list[RepaymentRow] = field(default_factory=list)
    outcomes: list[OutcomeRow] = field(default_factory=list)
    write_offs: list[WriteOffRow] = field(default_factory=list)


def read_organisations(register: Path) -> tuple[Organisation, ...]:
    """The organisations of the register file, in the order of their slugs."""
    with register.open(encoding="utf-8-sig", newline="") as lines:
        rows = [Organisation(row["slug"], row["region_code"]) for row in csv.DictReader(lines)]
    return tuple(sorted(rows, key=lambda one: one.slug))


def organisation_of(row_id: str, organisations: Sequence[Organisation]) -> Organisation:
    """A row always falls to the same organisation, whatever the order of the rows."""
    digest = sha256(row_id.encode()).digest()
    return organisations[int.from_bytes(digest[:8], "big") % len(organisations)]


def gather(
    mapped: Iterable[MappedLoan], organisations: Sequence[Organisation]
) -> dict[str, Portfolio]:
    """Portfolios by slug; an organisation to which nothing falls has an empty one."""
    portfolios = {one.slug: Portfolio() for one in organisations}
    for one in mapped:
        portfolio = portfolios[one.organisation]
        portfolio.loans.append(one.loan)
        portfolio.repayments.extend(one.repayments)
        portfolio.outcomes.extend(one.outcomes)
        portfolio.write_offs.extend(one.write_offs)
    return portfolios


def write_portfolios(portfolios: dict[str, Portfolio], folder: Path) -> None:
    """`folder/<slug>/{loans,repayments,outcomes,write-offs}.csv`, each with its header."""
    for slug, portfolio in portfolios.items():
        own = folder / slug
        own.mkdir(parents=True, exist_ok=True)
        write_rows(own / "loans.csv", LoanRow, portfolio.loans)
        write_rows(own / "repayments.csv", RepaymentRow, portfolio.repayments)
        write_rows(own / "outcomes.csv", OutcomeRow, portfolio.outcomes)
        write_rows(own / "write-offs.csv", WriteOffRow, portfolio.write_offs)


def write_rows(
    path: Path,
    kind: type[LoanRow | RepaymentRow | OutcomeRow | WriteOffRow | LeftOut],
    rows: Sequence[LoanRow | RepaymentRow | OutcomeRow | WriteOffRow | LeftOut],
) -> None:
    with path.open("w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow([one.name for one in fields(kind)])
        writer.writerows(astuple(row) for row in rows)
