"""All that a borrower receives and is asked to pay of one loan, by date. Pure.

What its rate is judged on. Each cent is there once: a schedule laid anew asks for all that was owed
that evening, so that before it stand what was truly paid and, after it, what it asks for. How it is
then paid, sooner or later, changes nothing: the cost is that of a borrower who keeps to what was
agreed (Québec, C-73.2, r. 1, s. 53).
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from fractions import Fraction
from itertools import pairwise
from math import lcm

from services.loans.positions.arithmetic import LaidSchedule, list_schedules
from services.loans.positions.facts import LoanFacts
from services.loans.schedules.apr import CashFlows, measure_periods
from services.loans.schedules.periods import lay_periods
from services.loans.schedules.terms import ScheduleTerms

Cents = Counter[date]
Clock = list[tuple[date, Fraction]]
"""Days, and the years from the first of them, as the rate counts time."""


def lay_flows(facts: LoanFacts, *, with_prepayments: bool = True) -> CashFlows:
    """The flows of the loan as it stands.

    What is agreed and not disbursed is left out: no day is agreed for it. Without prepayments, a
    schedule that one laid anew is not in force: that is the borrower's doing, not agreed with him.
    """
    contract = facts.conditions.terms
    assert contract is not None, "the terms are loaded with the loan"
    laid = list_schedules(facts)
    advanced = _sum_advances(facts, contract)
    kept = [one for one, _ in laid if with_prepayments or one.cause_kind != "repayment"]
    asked = _sum_asked(facts, kept[-1] if kept else None)
    put_off = sum(moratorium.periods for moratorium in facts.moratoria)
    clock = _lay_clock([contract, *(terms for _, terms in laid)], put_off)
    start = facts.disbursed_on
    later = [(day, 0, cents) for day, cents in asked.items() if day != start]
    later += [(day, 1, -cents) for day, cents in advanced.items() if day != start]
    later.sort()  # of one day, what is paid comes before what is advanced
    years = [Fraction(0), *(_find_years(clock, day) for day, _, _ in later)]
    lengths = [end - begin for begin, end in pairwise(years)]
    year = lcm(*(length.denominator for length in lengths))
    return CashFlows(
        advance_cents=advanced[start] - asked[start],
        payments_cents=tuple(cents for _, _, cents in later),
        period_parts=tuple(int(length * year) for length in lengths),
        parts_in_year=year,
    )


def _sum_advances(facts: LoanFacts, contract: ScheduleTerms) -> Cents:
    """What the borrower receives of each disbursement."""
    advanced = Cents({facts.disbursed_on: facts.principal_cents - contract.fees_withheld_cents})
    for tranche in facts.tranches:
        advanced[tranche.on] += tranche.amount_cents - tranche.fees_withheld_cents
    return advanced


def _sum_asked(facts: LoanFacts, last: LaidSchedule | None) -> Cents:
    """What was paid before the schedule in force was laid, what it asks for, and fees since.

    Principal written off before it counts as paid that day: the debt stands, and the schedule does
    not ask for it.
    """
    asked: Cents = Counter()
    ladder = facts.ladder
    if last is not None:
        on, ladder = last.laid.on, last.laid.ladder
        for payment in facts.payments:
            if payment.paid_on <= on:
                asked[payment.paid_on] += payment.amount_cents
            if payment.repayment_id == last.cause_id:
                break  # those of that day that come after it settle what it left
        for loss in facts.write_offs:
            if loss.on < on:
                asked[loss.on] += loss.amount_cents
    for instalment in ladder.instalments:
        asked[instalment.due_on] += instalment.total_cents
    for charge in facts.charges:
        if last is None or charge.on > last.laid.on:
            asked[charge.on] += charge.amount_cents
    return asked


def _lay_clock(laid: Sequence[ScheduleTerms], put_off: int) -> Clock:
    """Time as each schedule counts it while it is in force.

    A schedule on the calendar of the one before leaves its periods whole; another begins its own.
    Moratoria put the last date of a calendar off by `put_off` periods at most.
    """
    clock: Clock = [(laid[0].disbursed_on, Fraction(0))]
    for terms in laid:
        if terms.due_anchor is not None:
            continue
        start = terms.disbursed_on
        at = _find_years(clock, start)
        clock = [*(known for known in clock if known[0] < start), (start, at)]
        longest = replace(terms, instalments=terms.instalments + put_off)
        due, _ = lay_periods(longest)
        parts, year = measure_periods(terms, longest.instalments)
        for day, part in zip(due, parts, strict=True):
            at += Fraction(part, year)
            clock.append((day, at))
    return clock


def _find_years(clock: Clock, day: date) -> Fraction:
    """A day within a period cuts it by its days; after the last, a day is 1/365 of a year."""
    number = bisect_right(clock, day, key=lambda known: known[0])
    start, years = clock[number - 1]
    if number == len(clock):
        return years + Fraction((day - start).days, 365)
    end, at_end = clock[number]
    return years + (at_end - years) * Fraction((day - start).days, (end - start).days)
