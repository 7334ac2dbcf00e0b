"""Why a loan stands where it does: the rule behind each figure, and the facts that make it up."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import chain

from services.common.text import Text
from services.loans.positions.arithmetic import Allocation, Position
from services.loans.positions.facts import Accrual, LoanFacts, facts_until
from services.loans.positions.ladder import Instalment


@dataclass(frozen=True, slots=True)
class Part:
    """A fact, an instalment (by its number) or a figure, and what it adds, in cents.

    `repayment` is the one, by its `external_id`, whose surplus a fee took.
    """

    what: str
    identifier: str | None
    on: date
    amount_cents: int
    repayment: str | None = None


@dataclass(frozen=True, slots=True)
class Why:
    """The parts of an amount add up to it."""

    rule: Text
    parts: tuple[Part, ...] = ()


_OUTSTANDING = Text(
    "Ce qui a été versé, moins le capital remboursé et le capital radié.",
    "What was disbursed, less principal repaid and principal written off.",
)
_INTEREST_DUE = Text(
    "Les intérêts des versements échus, non payés.",
    "Interest of the instalments that have fallen due, not paid.",
)
_INTEREST_DUE_DAILY = Text(
    "Les intérêts courus sur le capital dû jusqu'à la dernière échéance, non payés.",
    "Interest run on the principal owed until the last due date, not paid.",
)
_INTEREST_DUE_COMPOUND = Text(
    "Les intérêts courus jusqu'à la dernière échéance sur le capital dû et sur les intérêts alors"
    " échus, non payés ; le contrat prévoit qu'ils portent intérêt (Code civil, art. 1620).",
    "Interest run until the last due date on the principal owed and on interest then overdue, not"
    " paid; the contract provides that it bears interest (Civil Code, art. 1620).",
)
_ACCRUED_COMPOUND = Text(
    "Les intérêts courus depuis la dernière échéance, par jour, sur le capital dû et, le contrat le"
    " prévoyant, sur les intérêts échus (Code civil, art. 1620) ; pas encore échus.",
    "Interest run since the last due date, by the day, on the principal owed and, as the contract"
    " provides, on overdue interest (Civil Code, art. 1620); not due yet.",
)
_ACCRUED = Text(
    "Les intérêts courus depuis la dernière échéance, au prorata des jours ; pas encore échus.",
    "Interest run since the last due date, by the day; not due yet.",
)
_FEES = Text("Les frais échus, non payés.", "Fees that have fallen due, not paid.")
_DAYS = Text(
    "Les jours écoulés depuis l'échéance du plus ancien versement non payé en entier.",
    "Days since the due date of the oldest instalment not wholly paid.",
)
_ARREARS = Text(
    "Les versements échus avant ce jour, pour ce qui n'en est pas payé.",
    "Instalments due before that day, as far as they are not paid.",
)
_AT_RISK = Text(
    "Tout le capital dû d'un prêt en retard de plus de 30 (ou 90) jours est à risque.",
    "The whole outstanding principal of a loan more than 30 (or 90) days past due is at risk.",
)
_CREDIT = Text(
    "Ce que les paiements laissent après avoir réglé tout ce que le prêt demandait, moins ce que"
    " des frais en ont pris ensuite, à leur date, et ce qui a été rendu.",
    "What repayments leave after all the loan asked for was settled, less what later fees took of"
    " it, on their date, and what was given back.",
)
_PAYOFF = Text(
    "Le capital dû, les intérêts échus et courus, et les frais : ce qui solde le prêt ce jour-là.",
    "Principal owed, interest due and accrued, and fees: what closes the loan that day.",
)


def explain(facts: LoanFacts, position: Position) -> Mapping[str, Why]:
    """By the name of each figure of the position."""
    day = position.as_of
    known = facts_until(facts, day)
    due = [i for i in position.unpaid if i.due_on <= day]
    late = [i for i in due if i.due_on < day]
    is_daily = facts.conditions.accrual is Accrual.DAILY
    is_compound = facts.conditions.interest_on_overdue_interest
    rule_due = _INTEREST_DUE_DAILY if is_daily else _INTEREST_DUE
    interest_due = (
        [Part("interest_run", None, day, position.interest_due_cents)]
        if is_daily
        else [_part(i, i.interest_cents) for i in due]
    )
    fees_due = (
        [Part("fees", None, day, position.fees_due_cents)]
        if is_daily
        else [_part(i, i.fees_cents) for i in due]
    )
    late_parts = (
        [Part("arrears", None, day, position.arrears.total_cents)]
        if is_daily
        else [_part(i, i.total_cents) for i in late]
    )
    return {
        "outstanding_principal": Why(_OUTSTANDING, _keep(_list_principal(known, position))),
        "interest_due": Why(
            _INTEREST_DUE_COMPOUND if is_compound else rule_due, _keep(interest_due)
        ),
        "interest_accrued": Why(
            _ACCRUED_COMPOUND if is_compound else _ACCRUED,
            _keep([Part("interest_accrued", None, day, position.interest_accrued_cents)]),
        ),
        "fees_due": Why(_FEES, _keep(fees_due)),
        "days_past_due": Why(_DAYS, tuple(_part(i, i.total_cents) for i in late[:1])),
        "arrears": Why(_ARREARS, _keep(late_parts)),
        "par30": Why(_AT_RISK),
        "par90": Why(_AT_RISK),
        "credit_balance": Why(_CREDIT, _keep(_list_credit(known, position))),
        "payoff": Why(_PAYOFF, _keep(_list_payoff(position))),
    }


def _part(instalment: Instalment, cents: int) -> Part:
    if not instalment.number:
        return Part("fee", None, instalment.due_on, cents)
    return Part("instalment", str(instalment.number), instalment.due_on, cents)


def _keep(parts: Iterable[Part]) -> tuple[Part, ...]:
    return tuple(part for part in parts if part.amount_cents)


def _list_principal(facts: LoanFacts, position: Position) -> Iterable[Part]:
    if facts.disbursed_on > position.as_of:
        return ()
    splits = _by_id(position.allocations)
    return chain(
        [Part("disbursement", None, facts.disbursed_on, facts.principal_cents)],
        (
            Part("disbursement", str(t.disbursement_id), t.on, t.amount_cents)
            for t in facts.tranches
        ),
        (
            Part("repayment", p.external_id, p.paid_on, -splits[p.repayment_id].principal_cents)
            for p in facts.payments
        ),
        (Part("write_off", None, w.on, -w.amount_cents) for w in facts.write_offs),
    )


def _list_credit(facts: LoanFacts, position: Position) -> Iterable[Part]:
    splits = _by_id(position.allocations)
    names = {payment.repayment_id: payment.external_id for payment in facts.payments}
    return chain(
        (
            Part(
                "repayment",
                p.external_id,
                p.paid_on,
                p.amount_cents - splits[p.repayment_id].total_cents,
            )
            for p in facts.payments
        ),
        (
            Part("fee", str(u.fee_id), u.on, -u.amount_cents, names[u.repayment_id])
            for u in position.credit_uses
        ),
        (Part("refund", None, r.on, -r.amount_cents) for r in facts.refunds),
    )


def _list_payoff(position: Position) -> Iterable[Part]:
    day = position.as_of
    return (
        Part("outstanding_principal", None, day, position.outstanding_principal_cents),
        Part("interest_due", None, day, position.interest_due_cents),
        Part("interest_accrued", None, day, position.interest_accrued_cents),
        Part("fees", None, day, position.fees_owed_cents),
    )


def _by_id(allocations: Iterable[Allocation]) -> dict[object, Allocation]:
    return {allocation.repayment_id: allocation for allocation in allocations}
