"""From what is on record to what is answered."""

from collections.abc import Sequence

from services.funds.agreements.arithmetic import DueRule, list_due_dates
from services.funds.agreements.queries import Agreement, Payment
from services.funds.agreements.schemas import (
    AgreementAnswer,
    AgreementState,
    Obligation,
    ObligationAnswer,
    PaymentAnswer,
    TargetAnswer,
)


def answer_agreement(found: Agreement) -> AgreementAnswer:
    """The agreement itself, the same for ever."""
    return AgreementAnswer(
        agreement_id=found.agreement_id,
        external_id=found.external_id,
        funder=found.funder,
        title=found.title,
        from_on=found.from_on,
        to_on=found.to_on,
        amount=found.amount_cents,
        purpose=found.purpose,
        targets=[TargetAnswer(indicator=one.indicator, value=one.value) for one in found.targets],
        obligations=[_answer_obligation(found, one) for one in found.obligations],
        recorded_at=found.recorded_at,
    )


def describe_agreement(found: Agreement, payments: Sequence[Payment]) -> AgreementState:
    """The agreement and what was paid under it."""
    own = [payment for payment in payments if payment.agreement_id == found.agreement_id]
    return AgreementState(
        **dict(answer_agreement(found)),
        payments=[answer_payment(payment) for payment in own],
        paid=sum(payment.amount_cents for payment in own),
    )


def answer_payment(found: Payment) -> PaymentAnswer:
    return PaymentAnswer(
        payment_id=found.payment_id,
        agreement_id=found.agreement_id,
        external_id=found.external_id,
        paid_on=found.paid_on,
        amount=found.amount_cents,
        organisation=found.beneficiary,
        recorded_at=found.recorded_at,
    )


def _answer_obligation(agreement: Agreement, obligation: Obligation) -> ObligationAnswer:
    due_dates = [obligation.due_on] if obligation.due_on is not None else []
    if obligation.due is not None:
        rule = DueRule(obligation.due.after, obligation.due.months)
        due_dates = list_due_dates(rule, agreement.from_on, agreement.to_on)
    return ObligationAnswer(
        document=obligation.document,
        due_on=obligation.due_on,
        due=obligation.due,
        due_dates=due_dates,
        assurance=obligation.assurance,
        signatories=obligation.signatories,
    )
