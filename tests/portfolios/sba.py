"""Maps `sba_small_loans.csv` (real small loans of the United States, 1980-2009) to import rows.

Each rule, and what is drawn because the source lacks it, is listed in this folder's README.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from random import Random

from tests.portfolios.declining_balance import (
    ZERO,
    Instalment,
    add_months,
    equal_instalments,
)
from tests.portfolios.import_rows import (
    LeftOut,
    LoanRow,
    MappedLoan,
    Organisation,
    OutcomeRow,
    RepaymentRow,
    WriteOffRow,
    organisation_of,
)

SEED = "sba-1"
# The source's observation ends with 2014: a loan it calls paid in full was paid by then.
OBSERVED_UNTIL = date(2014, 12, 31)
# Two forms occur in the file: 1/19/2005 and 10-Mar-09.
DATE_FORMS = ("%m/%d/%Y", "%d-%b-%y")
INSTALMENTS_MAX = 600
RATES_DRAWN = tuple(Decimal(quarters) / 4 for quarters in range(16, 49))
METHODS_DRAWN = ("preauthorized_debit", "transfer", "cheque", "cash")
PAID_IN_FULL = "P I F"
CHARGED_OFF = "CHGOFF"


class UnusableRowError(ValueError):
    """The row gives no loan; the message is the counted reason."""


def map_sba(
    rows: Iterable[Mapping[str, str]], organisations: Sequence[Organisation]
) -> Iterator[MappedLoan | LeftOut]:
    seen: set[str] = set()
    for row in rows:
        row_id = row["LoanNr_ChkDgt"].strip()
        try:
            if row_id in seen:
                raise UnusableRowError("identifier repeated")
            seen.add(row_id)
            yield map_row(row_id, row, organisation_of(f"sba:{row_id}", organisations))
        except UnusableRowError as reason:
            yield LeftOut("sba", row_id, str(reason))


def map_row(row_id: str, row: Mapping[str, str], organisation: Organisation) -> MappedLoan:
    drawn = Random(f"{SEED}:{row_id}")
    loan = map_loan(row_id, row, organisation, drawn)
    principal = Decimal(loan.principal)
    disbursed_on = date.fromisoformat(loan.disbursed_on)
    schedule = equal_instalments(
        principal,
        Decimal(loan.annual_rate),
        int(loan.instalments),
        loan.frequency,
        disbursed_on,
    )
    charged_off = min(principal, read_dollars(row["ChgOffPrinGr"]))
    charged_off_on = read_date(row["ChgOffDate"])
    status = row["MIS_Status"].strip()
    payments: tuple[tuple[date, Decimal], ...] = ()
    write_offs: tuple[WriteOffRow, ...] = ()
    # A charge-off dated before the disbursement is not one of this loan: nothing is derived.
    if charged_off > 0 and charged_off_on is not None and charged_off_on >= disbursed_on:
        payments = paid_until_charge_off(schedule, principal - charged_off, charged_off_on)
        write_offs = (write_off_row(loan, charged_off, charged_off_on),)
    elif charged_off == 0 and status == PAID_IN_FULL:
        payments = paid_in_full(schedule)
    method = drawn.choice(METHODS_DRAWN)
    return MappedLoan(
        organisation=organisation.slug,
        loan=loan,
        repayments=repayment_rows(loan.external_id, payments, method),
        outcomes=outcome_rows(loan, status, row),
        write_offs=write_offs,
    )


def map_loan(
    row_id: str, row: Mapping[str, str], organisation: Organisation, drawn: Random
) -> LoanRow:
    contracted_on = needed_date(row, "ApprovalDate")
    disbursed_on = needed_date(row, "DisbursementDate")
    if disbursed_on < contracted_on:
        raise UnusableRowError("disbursed before approval")
    instalments = int(row["Term"] or 0)
    if not 1 <= instalments <= INSTALMENTS_MAX:
        raise UnusableRowError("no term" if instalments < 1 else "term over 600 months")
    principal = read_dollars(row["DisbursementGross"])
    if principal <= 0:
        raise UnusableRowError("nothing disbursed")
    # 1 is an existing business and 2 a new one; a 0 says neither and is drawn.
    new_or_not = row["NewExist"].strip()
    stage = {"1": "growth", "2": "start"}.get(new_or_not) or drawn.choice(("growth", "start"))
    sector = row["NAICS"].strip()
    return LoanRow(
        external_id=f"SBA-{row_id}",
        borrower_external_id=f"SBA-B-{row_id}",
        borrower_kind="person",
        gender="undisclosed",
        birth_year="",
        clienteles="",
        region_code=organisation.region_code,
        municipality="",
        product="individual_loan",
        stage=stage,
        sector_code="" if sector in {"", "0"} else sector,
        principal=f"{principal:.2f}",
        annual_rate=f"{drawn.choice(RATES_DRAWN):.2f}",
        instalments=str(instalments),
        frequency="months",
        contracted_on=contracted_on.isoformat(),
        disbursed_on=disbursed_on.isoformat(),
        first_due_on="",
        fee="",
        other_financing="",
        funding_state="",
        funding_community="",
        funding_private="",
    )


def paid_in_full(schedule: Sequence[Instalment]) -> tuple[tuple[date, Decimal], ...]:
    """Each instalment on its day; what falls due after the observation is paid on its last day."""
    on_time = [(row.due_on, row.principal + row.interest) for row in schedule]
    payments = [(due_on, amount) for due_on, amount in on_time if due_on <= OBSERVED_UNTIL]
    ahead = sum((amount for due_on, amount in on_time if due_on > OBSERVED_UNTIL), ZERO)
    if ahead > 0:
        payments.append((OBSERVED_UNTIL, ahead))
    return tuple(one for one in payments if one[1] > 0)


def paid_until_charge_off(
    schedule: Sequence[Instalment], repaid: Decimal, charged_off_on: date
) -> tuple[tuple[date, Decimal], ...]:
    """Payments that repay exactly `repaid` of principal, the oldest instalment first.

    Whole instalments are paid on their day, the first that cannot be whole is paid in part; what
    the schedule asks only after the charge-off is one payment on the day of the charge-off.
    """
    payments: list[tuple[date, Decimal]] = []
    lump = ZERO
    left = repaid
    for row in schedule:
        if left == 0:
            break
        principal = min(left, row.principal)
        left -= principal
        if row.due_on <= charged_off_on:
            payments.append((row.due_on, row.interest + principal))
        else:
            lump += row.interest + principal
    if lump > 0:
        payments.append((charged_off_on, lump))
    return tuple(payments)


def repayment_rows(
    loan_id: str, payments: Sequence[tuple[date, Decimal]], method: str
) -> tuple[RepaymentRow, ...]:
    return tuple(
        RepaymentRow(
            external_id=f"{loan_id}-R{number}",
            loan_external_id=loan_id,
            paid_on=paid_on.isoformat(),
            amount=f"{amount:.2f}",
            method=method,
        )
        for number, (paid_on, amount) in enumerate(payments, start=1)
    )


def write_off_row(loan: LoanRow, lost: Decimal, charged_off_on: date) -> WriteOffRow:
    return WriteOffRow(
        external_id=f"{loan.external_id}-W1",
        loan_external_id=loan.external_id,
        written_off_on=charged_off_on.isoformat(),
        amount=f"{lost:.2f}",
        reason="charge-off in the source",
    )


def outcome_rows(loan: LoanRow, status: str, row: Mapping[str, str]) -> tuple[OutcomeRow, ...]:
    """Jobs as the source gives them, said to be observed one year after the disbursement."""
    observed_on = add_months(date.fromisoformat(loan.disbursed_on), 12)
    return (
        OutcomeRow(
            external_id=f"{loan.external_id}-O1",
            loan_external_id=loan.external_id,
            observed_on=observed_on.isoformat(),
            business_status={PAID_IN_FULL: "active", CHARGED_OFF: "closed"}.get(status, "unknown"),
            jobs_created=str(int(row["CreateJob"] or 0)),
            jobs_maintained=str(int(row["RetainedJob"] or 0)),
            turnover="",
            other_financing="",
        ),
    )


def needed_date(row: Mapping[str, str], column: str) -> date:
    found = read_date(row[column])
    if found is None:
        raise UnusableRowError(f"{column} blank")
    return found


def read_date(text: str) -> date | None:
    """None for a blank cell. Of two-digit years, 69 to 99 are of the last century."""
    text = text.strip()
    if not text:
        return None
    for form in DATE_FORMS:
        try:
            # A calendar date: no time of day and so no time zone.
            return datetime.strptime(text, form).date()  # noqa: DTZ007
        except ValueError:
            continue
    raise UnusableRowError("date of an unknown form")


def read_dollars(text: str) -> Decimal:
    """Whole dollars, or as the wider source prints them: `$60,000.00 `."""
    return Decimal(text.strip().removeprefix("$").replace(",", "") or "0")
