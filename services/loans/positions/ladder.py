"""A schedule's instalments by column, and the same while payments settle them."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from datetime import date, timedelta

DAY = timedelta(days=1)

FEES, INTEREST, PRINCIPAL = range(3)
"""The parts of an instalment, and of what a payment settles."""

Order = tuple[int, int, int]

Parts = tuple[int, int, int]
"""Fees, interest and principal, in cents."""


@dataclass(frozen=True, slots=True)
class Instalment:
    """What falls due on one date, in cents. Number 0 is a fee charged during the loan's life."""

    number: int
    due_on: date
    fees_cents: int
    interest_cents: int
    principal_cents: int

    @property
    def total_cents(self) -> int:
        return self.fees_cents + self.interest_cents + self.principal_cents


@dataclass(frozen=True, slots=True)
class Ladder:
    """The instalments of one schedule in the order of their dates.

    Columns and not objects: an import lays the ladders of thousands of loans.
    """

    due: Sequence[date]
    fees_cents: Sequence[int]
    interest_cents: Sequence[int]
    principal_cents: Sequence[int]

    @property
    def instalments(self) -> tuple[Instalment, ...]:
        columns = zip(
            self.due, self.fees_cents, self.interest_cents, self.principal_cents, strict=True
        )
        return tuple(Instalment(number, *column) for number, column in enumerate(columns, 1))

    @property
    def total_cents(self) -> int:
        return sum(self.fees_cents) + sum(self.interest_cents) + sum(self.principal_cents)


class Rungs:
    """What each instalment still asks for; payments settle the oldest first."""

    __slots__ = ("_at", "_columns", "_kept", "due", "numbers")

    def __init__(self, ladder: Ladder) -> None:
        self.due = list(ladder.due)
        self.numbers = [number for number, _ in enumerate(self.due, 1)]
        self._columns = (
            list(ladder.fees_cents),
            list(ladder.interest_cents),
            list(ladder.principal_cents),
        )
        self._kept = list(ladder.principal_cents)  # not written off, whether paid or not
        self._at = 0
        self._pass_settled()

    def copy(self) -> "Rungs":
        rungs = copy(self)
        rungs.due, rungs.numbers, rungs._kept = [*self.due], [*self.numbers], [*self._kept]
        rungs._columns = ([*self._columns[0]], [*self._columns[1]], [*self._columns[2]])
        return rungs

    def settle(self, cents: int, order: Order) -> tuple[Parts, int]:
        """Take a payment: what it settles of each part, and what is left of it."""
        parts = [0, 0, 0]
        columns, at, rungs = self._columns, self._at, len(self.due)
        while cents and at < rungs:
            for part in order:
                asked = columns[part][at]
                if asked > cents:
                    columns[part][at] = asked - cents
                    parts[part] += cents
                    cents = 0
                    break
                columns[part][at] = 0
                parts[part] += asked
                cents -= asked
            else:
                at += 1
        self._at = at
        self._pass_settled()
        return (parts[FEES], parts[INTEREST], parts[PRINCIPAL]), cents

    def settle_parts(self, left: Parts) -> None:
        """Take so much of each part off, the oldest first, whatever the order of the parts."""
        for part, column in enumerate(self._columns):
            cents = left[part]
            for rung, asked in enumerate(column):
                taken = min(cents, asked)
                column[rung] -= taken
                cents -= taken
        self._pass_settled()

    def charge(self, on: date, cents: int) -> None:
        """Ask for a fee on `on`, before the instalment of that day."""
        rung = bisect_left(self.due, on)
        self.due.insert(rung, on)
        self.numbers.insert(rung, 0)
        self._kept.insert(rung, 0)
        for part, column in enumerate(self._columns):
            column.insert(rung, cents if part == FEES else 0)
        self._at = min(self._at, rung)
        self._pass_settled()

    def trim(self, cents: int) -> None:
        """Take principal written off the last instalments.

        Those it leaves without principal are no longer asked for; with none left at all, nothing
        is, not even a fee.
        """
        principal = self._columns[PRINCIPAL]
        backwards = range(len(self.due))[::-1]
        for rung in backwards:
            taken = min(cents, principal[rung])
            principal[rung] -= taken
            self._kept[rung] -= taken
            cents -= taken
        is_all = not any(principal)
        for rung in backwards:
            if self._kept[rung] and not is_all:
                return  # the instalments before it stand as they were
            if self.numbers[rung] or is_all:
                for column in self._columns:
                    column[rung] = 0
        self._pass_settled()

    def left(self, until: date | None = None) -> Parts:
        """What the instalments due up to `until`, or all of them, still ask for."""
        stop = len(self.due) if until is None else bisect_right(self.due, until)
        fees, interest, principal = (sum(column[self._at : stop]) for column in self._columns)
        return fees, interest, principal

    def unpaid(self) -> list[Instalment]:
        """What is still asked for, instalment by instalment."""
        fees, interest, principal = self._columns
        return [
            Instalment(self.numbers[n], self.due[n], fees[n], interest[n], principal[n])
            for n in range(len(self.due))
            if fees[n] or interest[n] or principal[n]
        ]

    def oldest_due_on(self) -> date | None:
        return self.due[self._at] if self._at < len(self.due) else None

    def _pass_settled(self) -> None:
        fees, interest, principal = self._columns
        at, rungs = self._at, len(self.due)
        while at < rungs and not (principal[at] or interest[at] or fees[at]):
            at += 1
        self._at = at
