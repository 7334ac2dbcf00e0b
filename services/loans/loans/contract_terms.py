"""What the law asks of a loan's contract: its rate within the limit and stated by the year. Pure.

Criminal Code, s. 347; Interest Act, s. 4; Civil Code, arts. 2898, 2903 and 2925.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Context, Decimal, localcontext

from services.common.calendar import Frequency, add_months
from services.common.errors import InputError
from services.common.money import format_rate
from services.common.text import Text
from services.loans.schedules.apr import (
    CashFlows,
    CriminalRateLimit,
    RateBasis,
    Verdict,
    cash_flows,
    find_rate_over,
    judge,
)
from services.loans.schedules.arithmetic import Schedule
from services.loans.schedules.terms import InterestMethod, ScheduleTerms

PRESCRIPTION_MONTHS = 36
"""A personal right lapses after three years (Civil Code, art. 2925)."""

_DIGITS = 50
_SHOWN = Decimal("1e-6")
_EFFECTIVE_SHOWN = Decimal("1e-20")
_PERIODS_A_YEAR = {Frequency.MONTHS: 12, Frequency.WEEKS: 52, Frequency.DAYS: 365}
_EVERY_PERIOD = {
    Frequency.MONTHS: Text("chaque mois", "every month"),
    Frequency.WEEKS: Text("chaque semaine", "every week"),
    Frequency.DAYS: Text("chaque jour", "every day"),
}
_EVERY_FEW_PERIODS = {
    Frequency.MONTHS: Text("tous les {count} mois", "every {count} months"),
    Frequency.WEEKS: Text("toutes les {count} semaines", "every {count} weeks"),
    Frequency.DAYS: Text("tous les {count} jours", "every {count} days"),
}


def check_criminal_rate(
    terms: ScheduleTerms, schedule: Schedule, limit: CriminalRateLimit
) -> InputError | None:
    """What is wrong when a contract costs more than the law allows, fees included."""
    pointer = "/fee" if any(fee.amount_cents for fee in terms.fees) else "/annual_rate"
    return check_flows(cash_flows(terms, schedule), limit, pointer)


NOTHING_ADVANCED = Text(
    "Ces frais ne laissent rien de ce qui a été versé : au-delà de tout taux.",
    "These fees leave nothing of what was disbursed: over any rate.",
)


def check_flows(flows: CashFlows, limit: CriminalRateLimit, pointer: str) -> InputError | None:
    """What is wrong when these flows cost more than the law allows."""
    if judge(flows, limit) is Verdict.ACCEPT:
        return None
    rate = find_rate_over(flows, limit)
    message = NOTHING_ADVANCED if rate is None else _tell_criminal_rate(rate, limit)
    return InputError(pointer, "loan.criminal_rate", message)


def is_cheaper(after: CashFlows, before: CashFlows, limit: CriminalRateLimit) -> bool:
    """Whether a loan that was over the limit comes nearer to it."""
    if judge(before, limit) is Verdict.ACCEPT:
        return False
    now, then = find_rate_over(after, limit), find_rate_over(before, limit)
    return now is not None and (then is None or now < then)


def _tell_criminal_rate(apr: Decimal, limit: CriminalRateLimit) -> Text:
    if limit.basis is RateBasis.ANNUAL_PERCENTAGE_RATE:
        return Text(
            f"Le taux annuel, frais compris, est de {apr} % ; la loi le limite à {limit.percent} % "
            "(Code criminel, art. 347).",
            f"The annual percentage rate, fees included, is {apr} %; the law limits it to "
            f"{limit.percent} % (Criminal Code, s. 347).",
        )
    return Text(
        f"Le taux annuel, frais compris, est de {apr} %, soit un taux effectif de plus de "
        f"{limit.percent} % (Code criminel, art. 347, avant 2025).",
        f"The annual percentage rate, fees included, is {apr} %, an effective rate over "
        f"{limit.percent} % (Criminal Code, s. 347, before 2025).",
    )


@dataclass(frozen=True, slots=True)
class YearlyRate:
    """The rate of the contract by the year, and how it compounds.

    `effective` is what it comes to when each period's interest is paid as it falls due; None for
    flat interest, which no yearly rate on the balance expresses: the APR does.
    """

    nominal: Decimal
    periods_a_year: Decimal
    effective: Decimal | None
    text: Text


COMPOUND = Text(
    " L'intérêt échu et non payé porte intérêt au même taux, par jour, dès le soir de son échéance "
    "(Code civil, art. 1620).",
    " Interest that fell due and is not paid bears interest at the same rate, by the day, from the "
    "evening of its due date (Civil Code, art. 1620).",
)


def state_yearly_rate(terms: ScheduleTerms, *, is_compound: bool = False) -> YearlyRate:
    """`is_compound`: overdue interest bears interest. What is paid on time costs the same."""
    with localcontext(Context(prec=_DIGITS)):
        periods = Decimal(_PERIODS_A_YEAR[terms.frequency]) / terms.repay_every
        effective = None
        if terms.interest_method is InterestMethod.DECLINING_BALANCE:
            growth = (1 + terms.annual_rate / 100 / periods) ** periods
            effective = ((growth - 1) * 100).quantize(_EFFECTIVE_SHOWN).normalize()
    told = _tell_yearly_rate(terms, effective)
    if is_compound:
        told = Text(told.fr + COMPOUND.fr, told.en + COMPOUND.en)
    return YearlyRate(terms.annual_rate, periods, effective, told)


def _tell_yearly_rate(terms: ScheduleTerms, effective: Decimal | None) -> Text:
    rate = format_rate(terms.annual_rate)
    each = _tell_period(terms)
    if effective is None:
        return Text(
            f"{rate} % par année sur le capital prêté, payable {each.fr}.",
            f"{rate} % a year on the sum lent, payable {each.en}.",
        )
    shown = format_rate(effective.quantize(_SHOWN))
    return Text(
        f"{rate} % par année (taux nominal), calculé sur le solde et payable {each.fr}, "
        f"soit {shown} % par année (taux effectif).",
        f"{rate} % a year (nominal rate), on the balance and payable {each.en}, "
        f"that is {shown} % a year (effective rate).",
    )


def _tell_period(terms: ScheduleTerms) -> Text:
    if terms.repay_every == 1:
        return _EVERY_PERIOD[terms.frequency]
    return _EVERY_FEW_PERIODS[terms.frequency].fill(count=terms.repay_every)


def find_prescription(
    oldest_unpaid_due_on: date | None, acknowledged_on: Iterable[date]
) -> date | None:
    """The day from which the oldest amount unpaid can no longer be claimed; None if there is none.

    The delay begins when the amount falls due, and again with each payment or other
    acknowledgement of the debt (arts. 2898 and 2903). A write-off is none: the debt stands.
    """
    if oldest_unpaid_due_on is None:
        return None
    return add_months(max([oldest_unpaid_due_on, *acknowledged_on]), PRESCRIPTION_MONTHS)
