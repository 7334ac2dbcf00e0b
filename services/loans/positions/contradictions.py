"""What the facts of a loan cannot say together."""

from datetime import date

from services.common.errors import InputError
from services.common.money import format_cents
from services.common.text import Text
from services.loans.positions.account import Impossible
from services.loans.positions.arithmetic import replay
from services.loans.positions.facts import LoanFacts


def find_contradiction(
    pointer: str,
    before: LoanFacts,
    after: LoanFacts,
    on: date | None = None,
    place_of_term: str | None = None,
    *,
    keeps_surplus: bool = False,
) -> list[InputError]:
    """What the loan as it would be could not stand; `on` is the date of the fact added.

    `place_of_term` is where its body holds a `{term}` that cannot be scheduled. What payments
    leave is a contradiction too, unless it is kept as a credit balance.
    """
    try:
        extra = replay(after).surplus_cents - replay(before).surplus_cents
    except Impossible as impossible:
        if impossible.on == on:
            if place_of_term is not None and impossible.term is not None:
                pointer = place_of_term.format(term=impossible.term)
            return [InputError(pointer, impossible.code, impossible.message)]
        cause = impossible.message
        message = Text(
            f"Un fait inscrit le {impossible.on} ne tiendrait plus. {cause.fr}",
            f"A fact recorded on {impossible.on} would no longer stand. {cause.en}",
        )
        return [InputError(pointer, "fact.contradicts_another", message)]
    if extra > 0 and not keeps_surplus:
        amount = format_cents(extra)
        message = Text(
            f"Des paiements inscrits dépasseraient de {amount} ce que le prêt demande.",
            f"Repayments on record would exceed what the loan asks for by {amount}.",
        )
        return [InputError(pointer, "fact.leaves_surplus", message)]
    return []
