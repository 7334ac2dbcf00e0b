"""Maps `kiva_microloans.csv` (real microloans: amount, activity, country, gender) to import rows.

The source has no date, no term, no rate and no repayment: those are drawn, row by row, from a seed.
This folder's README lists every rule.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from random import Random

from tests.portfolios.declining_balance import ZERO, Instalment, equal_instalments
from tests.portfolios.import_rows import (
    LeftOut,
    LoanRow,
    MappedLoan,
    Organisation,
    RepaymentRow,
    organisation_of,
)

SEED = "kiva-1"
FIRST_CONTRACT_ON = date(2007, 4, 1)
CONTRACT_DAYS = 2 * 365
# Repayments are pure draws here, so only part of the rows has some.
LOANS_PER_REPAID_LOAN = 8
OBSERVED_UNTIL = date(2009, 12, 31)
MONTHS_DRAWN = (6, 8, 9, 10, 12, 14, 18, 20, 24)
WEEKS_DRAWN = (16, 24, 26, 40, 52)
DAYS_DRAWN = (20, 30, 60)
METHODS_DRAWN = ("cash", "transfer", "cheque")
# North American industry codes of the source's three activities.
SECTORS = {"General Store": "445110", "Food Production/Sales": "311990", "Farming": "111000"}
GENDERS = {"female": "woman", "male": "man"}


def map_kiva(
    rows: Iterable[Mapping[str, str]], organisations: Sequence[Organisation]
) -> Iterator[MappedLoan | LeftOut]:
    seen: set[str] = set()
    for row in rows:
        row_id = row["row_id"].strip()
        principal = Decimal(row["loan_amount"].strip() or "0")
        if row_id in seen:
            yield LeftOut("kiva", row_id, "identifier repeated")
        elif principal < 1:
            yield LeftOut("kiva", row_id, "no amount")
        else:
            seen.add(row_id)
            organisation = organisation_of(f"kiva:{row_id}", organisations)
            yield map_row(row_id, principal, row, organisation)


def map_row(
    row_id: str, principal: Decimal, row: Mapping[str, str], organisation: Organisation
) -> MappedLoan:
    drawn = Random(f"{SEED}:{row_id}")
    loan = draw_loan(row_id, principal, row, organisation, drawn)
    payments: tuple[tuple[date, Decimal], ...] = ()
    if drawn.randrange(LOANS_PER_REPAID_LOAN) == 0:
        schedule = equal_instalments(
            principal,
            Decimal(loan.annual_rate),
            int(loan.instalments),
            loan.frequency,
            date.fromisoformat(loan.disbursed_on),
        )
        payments = draw_payments(schedule, drawn)
    method = drawn.choice(METHODS_DRAWN)
    return MappedLoan(
        organisation=organisation.slug,
        loan=loan,
        repayments=tuple(
            RepaymentRow(
                external_id=f"{loan.external_id}-R{number}",
                loan_external_id=loan.external_id,
                paid_on=paid_on.isoformat(),
                amount=f"{amount:.2f}",
                method=method,
            )
            for number, (paid_on, amount) in enumerate(payments, start=1)
        ),
        outcomes=(),
        write_offs=(),
    )


def draw_loan(
    row_id: str,
    principal: Decimal,
    row: Mapping[str, str],
    organisation: Organisation,
    drawn: Random,
) -> LoanRow:
    contracted_on = FIRST_CONTRACT_ON + timedelta(days=drawn.randrange(CONTRACT_DAYS))
    disbursed_on = contracted_on + timedelta(days=drawn.randrange(21))
    frequency = drawn.choices(("months", "weeks", "days"), weights=(86, 12, 2))[0]
    counts = {"months": MONTHS_DRAWN, "weeks": WEEKS_DRAWN, "days": DAYS_DRAWN}[frequency]
    return LoanRow(
        external_id=f"KIVA-{row_id}",
        borrower_external_id=f"KIVA-B-{row_id}",
        borrower_kind="person",
        gender=GENDERS.get(row["gender"].strip(), "undisclosed"),
        birth_year="",
        clienteles="",
        region_code=organisation.region_code,
        municipality="",
        product=drawn.choice(("individual_loan", "circle_loan", "first_loan")),
        stage=drawn.choice(("pre_start", "start", "growth", "consolidation", "takeover")),
        sector_code=SECTORS.get(row["activity"].strip(), ""),
        principal=f"{principal:.2f}",
        annual_rate=f"{Decimal(drawn.randrange(0, 25)) / 2:.2f}",
        instalments=str(drawn.choice(counts)),
        frequency=frequency,
        contracted_on=contracted_on.isoformat(),
        disbursed_on=disbursed_on.isoformat(),
        first_due_on="",
        fee="",
        other_financing="",
        funding_state="",
        funding_community="",
        funding_private="",
    )


def draw_payments(
    schedule: Sequence[Instalment], drawn: Random
) -> tuple[tuple[date, Decimal], ...]:
    """One of four ways to repay: on time, late, in odd amounts, or stopped part of the way."""
    way = drawn.choices(("on_time", "late", "odd_amounts", "stopped"), weights=(55, 20, 15, 10))[0]
    asked = [(row.due_on, row.principal + row.interest) for row in schedule]
    if way == "stopped":
        asked = asked[: drawn.randrange(len(asked))]
    if way == "late":
        # A payment never comes before the one it follows, so the delay only grows.
        delay = 0
        late = []
        for due_on, amount in asked:
            delay += drawn.choice((0, 0, 0, 2, 9, 20))
            late.append((due_on + timedelta(days=delay), amount))
        asked = late
    if way == "odd_amounts":
        asked = odd_amounts(asked, drawn)
    return tuple(one for one in asked if one[1] > 0 and one[0] <= OBSERVED_UNTIL)


def odd_amounts(asked: Sequence[tuple[date, Decimal]], drawn: Random) -> list[tuple[date, Decimal]]:
    """More or less than what is asked, to the cent, while the whole still comes to the schedule."""
    owed = ZERO
    payments = []
    for due_on, amount in asked:
        owed += amount
        paid = min(owed, (owed * drawn.randrange(30, 101) / 100).quantize(Decimal("0.01")))
        owed -= paid
        payments.append((due_on, paid))
    payments.append((asked[-1][0] + timedelta(days=40), owed))
    return payments
