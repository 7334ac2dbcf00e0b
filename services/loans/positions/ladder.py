"""A loan's instalments as one ladder of cents: what any sum paid, from the first cent, settles."""

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import accumulate, pairwise


@dataclass(frozen=True, slots=True)
class Instalment:
    """What falls due on one date, in cents."""

    number: int
    due_on: date
    fees_cents: int
    interest_cents: int
    principal_cents: int

    @property
    def total_cents(self) -> int:
        return self.fees_cents + self.interest_cents + self.principal_cents


class Ladder:
    """The instalments in order, by column, with the sums up to each; never changed once made.

    An instalment settles fees, then interest, then principal. Columns and not objects: an import
    lays the ladders of thousands of loans.
    """

    __slots__ = (
        "_fees",
        "_fees_to",
        "_interest",
        "_interest_to",
        "_principal",
        "_principal_to",
        "_tops",
        "due",
    )

    def __init__(
        self,
        due: Sequence[date],
        fees_cents: Sequence[int],
        interest_cents: Sequence[int],
        principal_cents: Sequence[int],
    ) -> None:
        self.due = due
        self._fees, self._interest, self._principal = fees_cents, interest_cents, principal_cents
        self._fees_to = list(accumulate(fees_cents, initial=0))
        self._interest_to = list(accumulate(interest_cents, initial=0))
        self._principal_to = list(accumulate(principal_cents, initial=0))
        sums = zip(self._fees_to, self._interest_to, self._principal_to, strict=True)
        self._tops = [fees + interest + principal for fees, interest, principal in sums]

    @property
    def principal_cents(self) -> int:
        return self._principal_to[-1]

    @property
    def instalments(self) -> tuple[Instalment, ...]:
        columns = zip(self.due, self._fees, self._interest, self._principal, strict=True)
        return tuple(Instalment(number, *column) for number, column in enumerate(columns, 1))

    def count_settled(self, paid_cents: int) -> int:
        """How many instalments are wholly settled once `paid_cents` are paid in all."""
        return bisect_right(self._tops, paid_cents) - 1

    def sums(self, count: int) -> tuple[int, int, int]:
        """Fees, interest and principal of the first `count` instalments."""
        return self._fees_to[count], self._interest_to[count], self._principal_to[count]

    def split(self, paid_cents: int) -> tuple[int, int, int]:
        """Fees, interest and principal settled once `paid_cents` are paid in all."""
        settled = self.count_settled(paid_cents)
        fees, interest, principal = self.sums(settled)
        if settled == len(self.due):
            return fees, interest, principal
        rest = paid_cents - self._tops[settled]
        to_fees = min(rest, self._fees[settled])
        to_interest = min(rest - to_fees, self._interest[settled])
        return fees + to_fees, interest + to_interest, principal + rest - to_fees - to_interest

    def oldest_unpaid_due_on(self, paid_cents: int) -> date | None:
        settled = self.count_settled(paid_cents)
        return self.due[settled] if settled < len(self.due) else None

    def reach(self, principal_cents: int) -> int:
        """The largest sum paid that settles no more than so much principal."""
        settled = bisect_right(self._principal_to, principal_cents) - 1
        if settled == len(self.due):
            return self._tops[-1]
        rest = principal_cents - self._principal_to[settled]
        return self._tops[settled] + self._fees[settled] + self._interest[settled] + rest

    def count_asked(self) -> int:
        """How many instalments are asked for: those up to the last that has principal."""
        return bisect_left(self._principal_to, self._principal_to[-1])

    def asked_cents(self) -> int:
        """The sum of the instalments that are asked for."""
        return self._tops[self.count_asked()]

    def trim(self, written_off_cents: int) -> "Ladder":
        """The same without principal written off: it is taken off the last instalments.

        Those it leaves without principal are no longer asked for.
        """
        if not written_off_cents:
            return self
        kept = self.principal_cents - written_off_cents
        assert kept >= 0, "more is written off than was lent"
        sums = [min(sum_to, kept) for sum_to in self._principal_to]
        principal = [b - a for a, b in pairwise(sums)]
        return Ladder(self.due, self._fees, self._interest, principal)
