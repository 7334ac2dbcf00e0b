"""Repayment schedules, to the cent.

A period's interest is an exact ratio of integers (balance x rate x parts of a year) rounded
once; the equal instalment is the exact solution for the periods' own rates, rounded once; the
last instalment absorbs what the roundings left.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from services.common.money import Rounding, divide_rounded
from services.common.text import Text
from services.loans.schedules.periods import Rates, is_first_period_whole, lay_periods
from services.loans.schedules.terms import (
    Amortisation,
    InterestMethod,
    ScheduleError,
    ScheduleTerms,
    check_terms,
)

SMOOTHING_PASSES_MAX = 3

Amounts = tuple[int, int]
"""Principal and interest of one instalment, in cents."""


@dataclass(frozen=True, slots=True)
class ScheduleRow:
    """One instalment; `balance_cents` is the principal still owed once it is paid."""

    number: int
    due_on: date
    principal_cents: int
    interest_cents: int
    fees_cents: int
    payment_cents: int
    balance_cents: int


@dataclass(frozen=True, slots=True)
class ScheduleTotals:
    """Sums of the rows. Fees withheld from the advance are in no row, so not here either."""

    principal_cents: int
    interest_cents: int
    fees_cents: int
    payment_cents: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """Instalments in order of due date, by column: an import lays thousands of schedules.

    `instalment_cents` is the payment that most of them share.
    """

    due_on: Sequence[date]
    principal_cents: Sequence[int]
    interest_cents: Sequence[int]
    fees_cents: Sequence[int]
    totals: ScheduleTotals
    instalment_cents: int

    @property
    def payments_cents(self) -> list[int]:
        """What each instalment asks for in all; made anew each time."""
        columns = zip(self.principal_cents, self.interest_cents, self.fees_cents, strict=True)
        return [principal + interest + fees for principal, interest, fees in columns]

    @property
    def rows(self) -> tuple[ScheduleRow, ...]:
        """One instalment after the other; made anew each time."""
        balance = self.totals.principal_cents
        rows: list[ScheduleRow] = []
        columns = zip(
            self.due_on, self.principal_cents, self.interest_cents, self.fees_cents, strict=True
        )
        for number, (due_on, principal, interest, fees) in enumerate(columns, 1):
            balance -= principal
            payment = principal + interest + fees
            rows.append(ScheduleRow(number, due_on, principal, interest, fees, payment, balance))
        return tuple(rows)


def build_schedule(terms: ScheduleTerms) -> Schedule:
    """Lay out every instalment. ScheduleError names the term that makes it impossible.

    A loan whose rounded instalment repays it early ends with the row that does.
    """
    check_terms(terms)
    down_payment_cents = _down_payment(terms)
    lent_cents = terms.principal_cents - down_payment_cents
    dates, rates = lay_periods(terms)
    if terms.interest_method is InterestMethod.FLAT:
        instalment_cents, amounts = _flat(terms, lent_cents, rates)
    elif terms.amortisation is Amortisation.EQUAL_PRINCIPAL:
        instalment_cents, amounts = _equal_principal(terms, lent_cents, rates)
    else:
        instalment_cents, amounts = _equal_instalments(terms, lent_cents, rates)
    _defer_interest(amounts, terms.interest_grace_periods)
    return _lay_out(terms, instalment_cents, down_payment_cents, dates, amounts)


# --- amounts --------------------------------------------------------------------------------


def _interest_rounding(terms: ScheduleTerms) -> Rounding:
    """Rounding up is for the instalment; a line of interest is never rounded against anyone."""
    return Rounding.HALF_UP if terms.rounding is Rounding.UP else terms.rounding


def _down_payment(terms: ScheduleTerms) -> int:
    """Cents paid back on the day of disbursement; what is left must exceed the fees withheld."""
    down_payment_cents = 0
    if terms.down_payment_percent:
        percent, denominator = terms.down_payment_percent.as_integer_ratio()
        down_payment_cents = divide_rounded(
            terms.principal_cents * percent, 100 * denominator, _interest_rounding(terms)
        )
        if not 0 < down_payment_cents < terms.principal_cents:
            raise ScheduleError(
                "schedule.down_payment_out_of_range",
                "down_payment_percent",
                Text(
                    "La mise de fonds ne fait pas un montant entre zéro et le capital.",
                    "The down payment is not an amount between zero and the principal.",
                ),
            )
    if down_payment_cents + terms.fees_withheld_cents >= terms.principal_cents:
        raise ScheduleError(
            "schedule.nothing_advanced",
            "fees",
            Text(
                "Les frais retenus ne laissent rien à verser à l’emprunteur.",
                "The fees withheld leave nothing to advance to the borrower.",
            ),
        )
    return down_payment_cents


def _round_instalment(terms: ScheduleTerms, numerator: int, denominator: int) -> int:
    """Round an exact instalment once: to the cent, or to the multiple asked for."""
    multiple = terms.instalment_multiple_cents or 1
    return divide_rounded(numerator, denominator * multiple, terms.rounding) * multiple


def _exact_instalment(lent_cents: int, rates: Rates, first: int) -> tuple[int, int]:
    """The payment E, as a ratio, that repays the loan over the periods from `first`.

    With b(k) = b(k-1) x (1 + r(k)) - E and b(n) = 0. Multiplying each step by the common
    denominator keeps integers: `growth` is the loan without payments, `paid` the sum of
    payments of one with their interest.
    """
    growth, paid, scale = lent_cents, 0, 1
    denominator = rates.denominator
    for numerator in rates.numerators[first:]:
        factor = denominator + numerator
        scale *= denominator
        growth *= factor
        paid = paid * factor + scale
    return growth, paid


def _equal_instalments(
    terms: ScheduleTerms, lent_cents: int, rates: Rates
) -> tuple[int, list[Amounts]]:
    mode = _interest_rounding(terms)
    first = terms.principal_grace_periods
    instalment = _round_instalment(terms, *_exact_instalment(lent_cents, rates, first))
    if first == 0 and terms.instalments > 1 and not is_first_period_whole(terms):
        first_interest = divide_rounded(lent_cents * rates.numerators[0], rates.denominator, mode)
        if instalment < first_interest:
            # A first period so long that the instalment would not cover its interest is paid
            # as interest alone, else the rest would bear interest; the others repay the loan.
            first = 1
            instalment = _round_instalment(terms, *_exact_instalment(lent_cents, rates, first))

    def amounts_for(payment_cents: int) -> list[Amounts]:
        return _repay_declining(lent_cents, rates, first, payment_cents, mode)

    return _smooth(terms, instalment, terms.instalments - first, amounts_for)


def _repay_declining(
    lent_cents: int, rates: Rates, first: int, payment_cents: int, mode: Rounding
) -> list[Amounts]:
    balance = lent_cents
    denominator = rates.denominator
    last = len(rates.numerators) - 1
    amounts: list[Amounts] = []
    while balance > 0:
        index = len(amounts)
        interest = divide_rounded(balance * rates.numerators[index], denominator, mode)
        if index == last:
            principal = balance
        elif index < first:
            principal = 0
        else:
            principal = payment_cents - interest
            if principal < 0:
                raise _never_amortises()
            principal = min(principal, balance)
        balance -= principal
        amounts.append((principal, interest))
    _require_progress(amounts, first, lent_cents)
    return amounts


def _equal_principal(
    terms: ScheduleTerms, lent_cents: int, rates: Rates
) -> tuple[int, list[Amounts]]:
    mode = _interest_rounding(terms)
    first = terms.principal_grace_periods
    share = _round_instalment(terms, lent_cents, terms.instalments - first)
    balance = lent_cents
    amounts: list[Amounts] = []
    principals = _share_principal(lent_cents, terms.instalments, first, share)
    for principal, numerator in zip(principals, rates.numerators, strict=False):
        amounts.append((principal, divide_rounded(balance * numerator, rates.denominator, mode)))
        balance -= principal
    _require_progress(amounts, first, lent_cents)
    return share, amounts


def _share_principal(lent_cents: int, instalments: int, first: int, share: int) -> list[int]:
    """The same share from period `first` on; the last takes the rest, and may come early."""
    principals = [0] * first
    balance = lent_cents
    while balance > 0:
        is_last = len(principals) == instalments - 1
        principals.append(balance if is_last else min(share, balance))
        balance -= principals[-1]
    return principals


def _flat(terms: ScheduleTerms, lent_cents: int, rates: Rates) -> tuple[int, list[Amounts]]:
    """Interest of the whole term on the whole loan, in equal parts, the last absorbing.

    With equal instalments it is spread over the instalments in which interest is due; with
    equal principal, what grace defers falls due at once after it (as on a declining balance).
    """
    mode = _interest_rounding(terms)
    instalments, first = terms.instalments, terms.principal_grace_periods
    unpaid_periods = terms.interest_free_periods
    if terms.amortisation is Amortisation.EQUAL_INSTALMENTS:
        unpaid_periods = max(unpaid_periods, terms.interest_grace_periods)
    charged = lent_cents * sum(rates.numerators)
    total = divide_rounded(charged, rates.denominator, mode)
    payers = max(1, instalments - unpaid_periods)
    interest = divide_rounded(charged, rates.denominator * payers, mode)
    if terms.amortisation is Amortisation.EQUAL_PRINCIPAL:
        share = _round_instalment(terms, lent_cents, instalments - first)
        return share, _flat_amounts(terms, lent_cents, share, interest, total, unpaid_periods)
    instalment = divide_rounded(lent_cents, instalments - first, terms.rounding) + interest
    if terms.instalment_multiple_cents is not None:
        exact = Fraction(lent_cents, instalments - first)
        exact += Fraction(charged, rates.denominator * payers)
        instalment = _round_instalment(terms, exact.numerator, exact.denominator)

    def amounts_for(payment_cents: int) -> list[Amounts]:
        return _flat_amounts(
            terms, lent_cents, payment_cents - interest, interest, total, unpaid_periods
        )

    return _smooth(terms, instalment, instalments - first, amounts_for)


def _flat_amounts(
    terms: ScheduleTerms,
    lent_cents: int,
    share: int,
    interest: int,
    total: int,
    unpaid_periods: int,
) -> list[Amounts]:
    first = terms.principal_grace_periods
    # An instalment under its interest repays nothing, and must then be the only one.
    principals = _share_principal(lent_cents, terms.instalments, first, max(0, share))
    left = total
    amounts: list[Amounts] = []
    for number, principal in enumerate(principals):
        due = min(interest, left) if number >= unpaid_periods else 0
        left -= due
        amounts.append((principal, due))
    principal, due = amounts[-1]
    amounts[-1] = (principal, due + left)
    _require_progress(amounts, first, lent_cents)
    return amounts


def _smooth(
    terms: ScheduleTerms,
    instalment: int,
    amortising: int,
    amounts_for: Callable[[int], list[Amounts]],
) -> tuple[int, list[Amounts]]:
    """Bring the last instalment near the others, when asked, by moving them all a little.

    While the last differs by more cents than half the number of instalments, they move by the
    gap shared among them, as long as the gap shrinks.
    """
    amounts = amounts_for(instalment)
    if not terms.smoothing or amortising < 2:
        return instalment, amounts
    gap = _last_payment(amounts, terms.instalments) - instalment
    for _ in range(SMOOTHING_PASSES_MAX):
        if 2 * abs(gap) <= amortising:
            break
        candidate = _move_instalment(terms, instalment, gap, amortising)
        if candidate == instalment:
            break
        try:
            candidate_amounts = amounts_for(candidate)
        except ScheduleError:
            break  # the smaller instalment would no longer cover its interest: keep this one
        candidate_gap = _last_payment(candidate_amounts, terms.instalments) - candidate
        if abs(candidate_gap) >= abs(gap):
            break
        instalment, amounts, gap = candidate, candidate_amounts, candidate_gap
    return instalment, amounts


def _move_instalment(terms: ScheduleTerms, instalment: int, gap: int, amortising: int) -> int:
    if terms.rounding is Rounding.UP:
        moved = instalment - (-gap // amortising)
    else:
        moved = instalment + divide_rounded(gap, amortising, terms.rounding)
    return _round_instalment(terms, moved, 1)


def _last_payment(amounts: Sequence[Amounts], instalments: int) -> int:
    """Payment of the last instalment; nothing when the loan is repaid before it."""
    return sum(amounts[-1]) if len(amounts) == instalments else 0


def _defer_interest(amounts: list[Amounts], grace_periods: int) -> None:
    """Carry the interest of the grace periods, without interest on it, to the first row after."""
    carried = 0
    due_index = min(grace_periods, len(amounts) - 1)
    for index in range(due_index):
        principal, interest = amounts[index]
        carried += interest
        amounts[index] = (principal, 0)
    principal, interest = amounts[due_index]
    amounts[due_index] = (principal, interest + carried)


def _require_progress(amounts: Sequence[Amounts], first: int, lent_cents: int) -> None:
    """A loan left whole to its last instalment was never repaid by the others."""
    if len(amounts) - first > 1 and amounts[-1][0] == lent_cents:
        raise _never_amortises()


def _never_amortises() -> ScheduleError:
    return ScheduleError(
        "schedule.never_amortises",
        "instalments",
        Text(
            "Le versement ne couvre pas les intérêts : le prêt ne serait jamais remboursé.",
            "The instalment does not cover the interest: the loan would never be repaid.",
        ),
    )


# --- rows -----------------------------------------------------------------------------------


def _lay_out(
    terms: ScheduleTerms,
    instalment_cents: int,
    down_payment_cents: int,
    dates: Sequence[date],
    amounts: Sequence[Amounts],
) -> Schedule:
    principals = [principal for principal, _ in amounts]
    interests = [interest for _, interest in amounts]
    due_on = dates[: len(amounts)]
    fees = [terms.fees_added_cents, *[0] * (len(amounts) - 1)]
    if down_payment_cents:
        due_on = [terms.disbursed_on, *due_on]
        principals, interests = [down_payment_cents, *principals], [0, *interests]
        fees = [0, *fees]
    interest_total = sum(interests)
    totals = ScheduleTotals(
        principal_cents=terms.principal_cents,
        interest_cents=interest_total,
        fees_cents=terms.fees_added_cents,
        payment_cents=terms.principal_cents + interest_total + terms.fees_added_cents,
    )
    return Schedule(due_on, principals, interests, fees, totals, instalment_cents)
