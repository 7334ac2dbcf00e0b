"""A loan as rules see it, before it is recorded."""

from collections.abc import Mapping

from services.loans.loans.drafts import BorrowerProfile, LoanDraft
from services.loans.rules.arithmetic import Facts, to_dollars
from services.loans.vocabulary import BorrowerKind


def describe(draft: LoanDraft, profiles: Mapping[str, BorrowerProfile]) -> Facts:
    """`profiles` is what the record and the rows say of borrowers, by external_id."""
    profile = profiles.get(draft.borrower_external_id, _NOTHING_SAID)
    return {
        "contracted_on": draft.contracted_on,
        "disbursed_on": draft.disbursed_on,
        "first_due_on": draft.schedule.due_on[0],
        "principal": to_dollars(draft.terms.principal_cents),
        "annual_rate": draft.terms.annual_rate,
        "instalments": draft.terms.instalments,
        "other_financing": to_dollars(draft.other_financing_cents),
        "product": draft.product,
        "stage": draft.stage,
        "borrower_kind": (profile.kind or BorrowerKind.PERSON).value,
        "gender": profile.gender,
        "birth_year": profile.birth_year,
    }


_NOTHING_SAID = BorrowerProfile(None, None, None, (), None)
