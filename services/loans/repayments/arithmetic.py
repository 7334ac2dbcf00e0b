"""Which of many payments a loan can take."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from services.common.errors import InputError
from services.common.money import format_cents
from services.common.text import Text
from services.loans.positions.account import LOAN_CLOSED, Impossible
from services.loans.positions.arithmetic import Replayed, find_position, replay
from services.loans.positions.contradictions import find_contradiction
from services.loans.positions.facts import LoanFacts, Payment, PaymentPurpose, payment_order

CLOSED = InputError(
    "/amount",
    "loan.closed",
    Text(
        f"{LOAN_CLOSED.fr} Ce qui rentre après une radiation s'inscrit comme recouvrement.",
        f"{LOAN_CLOSED.en} What comes in after a write-off is recorded as a recovery.",
    ),
)
SETTLED_LATER = InputError(
    "/amount",
    "loan.closed",
    Text(
        "Des paiements inscrits après cette date soldent déjà ce prêt. Renversez celui qui est de"
        " trop, ou inscrivez celui-ci avec « surplus » : « credit » pour garder le trop-perçu.",
        "Repayments on record after this date already settle this loan. Reverse the one too many,"
        ' or record this one with "surplus": "credit" to keep what is too much.',
    ),
)


@dataclass(frozen=True, slots=True)
class Offer:
    """A payment, and whether what it leaves is kept as a credit balance."""

    payment: Payment
    keeps_surplus: bool = False


def add_payments(facts: LoanFacts, payments: Sequence[Payment]) -> LoanFacts:
    """The loan with more payments, each inserted where its date says."""
    return replace(facts, payments=tuple(sorted([*facts.payments, *payments], key=payment_order)))


def drop_payments(facts: LoanFacts, gone: Collection[UUID]) -> LoanFacts:
    """The loan without these payments."""
    if not gone:
        return facts
    kept = tuple(payment for payment in facts.payments if payment.repayment_id not in gone)
    return replace(facts, payments=kept)


def refuse_together(
    before: LoanFacts, kept: LoanFacts, offers: Sequence[Offer]
) -> InputError | None:
    """What is wrong with a loan whose payments are replaced; `kept` is without those replaced.

    One by one they could not be judged: what happened since may need all of them.
    """
    after = add_payments(kept, [offer.payment for offer in offers])
    keeps_surplus = any(offer.keeps_surplus for offer in offers)
    found = find_contradiction("/amount", before, after, keeps_surplus=keeps_surplus)
    return next(iter(found), None)


def takes_all(facts: LoanFacts, cents: int) -> bool:
    """Whether payments of so much in all are sound at a glance, whatever their dates."""
    return facts.is_plain and cents <= _left_to_pay(facts)


def _left_to_pay(facts: LoanFacts) -> int:
    """What the schedule of a plain loan still asks for, in cents."""
    return max(0, facts.ladder.total_cents - facts.paid_cents)


def refuse_offers(facts: LoanFacts, offers: Sequence[Offer]) -> list[InputError | None]:
    """For each offer, in order of date, what is wrong with it beside those taken before it."""
    if facts.is_plain and not any(o.payment.purpose or o.keeps_surplus for o in offers):
        return _refuse_plain(facts, offers)
    found: list[InputError | None] = []
    replayed = replay(facts)
    if _fit_together(facts, offers, replayed):
        return [None] * len(offers)
    for offer in offers:
        with_it = add_payments(facts, [offer.payment])
        error = _check_payoff(facts, offer.payment)
        outcome = error or _try(with_it)
        if isinstance(outcome, Replayed):
            error = _find_error(offer, facts, replayed, outcome)
            if error is None:
                facts, replayed = with_it, outcome
        else:
            error = outcome
        found.append(error)
    return found


def _fit_together(facts: LoanFacts, offers: Sequence[Offer], before: Replayed) -> bool:
    """Whether nothing is wrong with them all: one replay, where one for each may take minutes."""
    if any(offer.payment.purpose is PaymentPurpose.PAYOFF for offer in offers):
        return False
    outcome = _try(add_payments(facts, [offer.payment for offer in offers]))
    return isinstance(outcome, Replayed) and outcome.surplus_cents == before.surplus_cents


def _refuse_plain(facts: LoanFacts, offers: Sequence[Offer]) -> list[InputError | None]:
    """A loan that nothing but payments has changed takes what its schedule still asks for."""
    asked, left = facts.ladder.total_cents, _left_to_pay(facts)
    found: list[InputError | None] = []
    taken = 0
    for offer in offers:
        on, cents = offer.payment.paid_on, offer.payment.amount_cents
        if cents > left:
            known = sum(p.amount_cents for p in facts.payments if p.paid_on <= on)
            found.append(_over_payment(left, is_open=known + taken < asked))
        else:
            found.append(None)
            left -= cents
            taken += cents
    return found


def _try(facts: LoanFacts) -> Replayed | InputError:
    try:
        return replay(facts)
    except Impossible as impossible:
        on, cause = impossible.on, impossible.message
        message = Text(
            f"Avec ce paiement, un fait inscrit le {on} ne tiendrait plus. {cause.fr}",
            f"With this repayment, a fact recorded on {on} would no longer stand. {cause.en}",
        )
        return InputError("/amount", "fact.contradicts_another", message)


def _find_error(
    offer: Offer, facts: LoanFacts, before: Replayed, after: Replayed
) -> InputError | None:
    """A payment that settles nothing came on a closed loan. Of one that comes late, the surplus
    may be that of the payments after it.
    """
    payment = offer.payment
    extra = after.surplus_cents - before.surplus_cents
    if extra and not offer.keeps_surplus:
        is_open = not find_position(facts, payment.paid_on).is_closed
        return _over_payment(max(0, payment.amount_cents - extra), is_open=is_open)
    return None if after.settled_by(payment.repayment_id) else CLOSED


def _check_payoff(facts: LoanFacts, payment: Payment) -> InputError | None:
    """A payoff is of the sum that closes the loan on its day, to the cent."""
    if payment.purpose is not PaymentPurpose.PAYOFF:
        return None
    on = payment.paid_on
    payoff_cents = find_position(facts, on).payoff_cents
    if not payoff_cents:
        return CLOSED
    if payment.amount_cents == payoff_cents:
        return None
    amount = format_cents(payoff_cents)
    message = Text(
        f"Pour solder ce prêt le {on}, il faut {amount}.",
        f"To close this loan on {on} takes {amount}.",
    )
    return InputError("/amount", "repayment.payoff_differs", message)


def _over_payment(left_cents: int, *, is_open: bool) -> InputError:
    """`is_open`: by the payment's day the loan asks for more, which payments after it settle."""
    if not left_cents and is_open:
        return SETTLED_LATER
    if not left_cents:
        return CLOSED
    left = format_cents(left_cents)
    message = Text(
        f"Ce montant dépasse ce qu'il reste à payer sur ce prêt : {left}.",
        f"This amount is more than what is left to pay on this loan: {left}.",
    )
    return InputError("/amount", "repayment.over_payment", message)
