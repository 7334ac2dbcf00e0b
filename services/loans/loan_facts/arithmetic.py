"""A loan with one fact more, or one fewer."""

from dataclasses import replace
from datetime import date
from typing import assert_never
from uuid import UUID

from services.loans.loan_facts.drafts import FactDraft, FactKind
from services.loans.positions.facts import (
    Charge,
    LoanFacts,
    Loss,
    Moratorium,
    Rescheduling,
    Tranche,
)


def with_fact(loan: LoanFacts, draft: FactDraft, fact_id: UUID) -> LoanFacts:
    """The loan with a fact inserted where its date says."""
    on, cents = draft.on, draft.amount_cents or 0
    match draft.kind:
        case FactKind.DISBURSEMENT:
            more = Tranche(fact_id, on, cents, draft.fees_withheld_cents or 0)
            return replace(loan, tranches=(*loan.tranches, more))
        case FactKind.FEE:
            return replace(loan, charges=(*loan.charges, Charge(fact_id, on, cents)))
        case FactKind.REFUND:
            return replace(loan, refunds=(*loan.refunds, Loss(on, cents)))
        case FactKind.WRITE_OFF:
            return replace(loan, write_offs=(*loan.write_offs, Loss(on, cents)))
        case FactKind.RECOVERY:
            return replace(loan, recoveries=(*loan.recoveries, Loss(on, cents)))
        case FactKind.RESCHEDULING:
            assert draft.terms is not None, "a rescheduling says its terms"
            added = Rescheduling(fact_id, on, draft.terms)
            return replace(loan, reschedulings=(*loan.reschedulings, added))
        case FactKind.MORATORIUM:
            said = draft.suspension
            assert said is not None, "a moratorium says what it puts off"
            put_off = Moratorium(fact_id, on, said.kind, said.periods, said.interest)
            return replace(loan, moratoria=(*loan.moratoria, put_off))
        case _:
            assert_never(draft.kind)


def without_fact(
    loan: LoanFacts, kind: str, fact_id: UUID, on: date, amount_cents: int
) -> LoanFacts:
    """The loan as if the fact had never been posted."""
    loss = Loss(on, amount_cents)
    return replace(
        loan,
        payments=tuple(p for p in loan.payments if p.repayment_id != fact_id),
        charges=tuple(c for c in loan.charges if c.fee_id != fact_id),
        tranches=tuple(t for t in loan.tranches if t.disbursement_id != fact_id),
        reschedulings=tuple(r for r in loan.reschedulings if r.rescheduling_id != fact_id),
        moratoria=tuple(m for m in loan.moratoria if m.moratorium_id != fact_id),
        write_offs=_take_out(loan.write_offs, loss) if kind == "write_off" else loan.write_offs,
        recoveries=_take_out(loan.recoveries, loss) if kind == "recovery" else loan.recoveries,
        refunds=_take_out(loan.refunds, loss) if kind == "refund" else loan.refunds,
    )


def _take_out(losses: tuple[Loss, ...], loss: Loss) -> tuple[Loss, ...]:
    position = losses.index(loss)
    return losses[:position] + losses[position + 1 :]
