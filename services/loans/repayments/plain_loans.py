"""Payments of plain loans, set apart: all of them are taken at a glance, and settled by column."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from uuid import UUID

import numpy as np

from services.common.database import WriteSession
from services.common.identifiers import new_ids
from services.common.recording import OnRecord
from services.loans.positions.plain import PlainLoans, PlainPayments, find_left, in_order
from services.loans.positions.plain_queries import find_touched, load_plain, to_keys
from services.loans.repayments.drafts import RepaymentDraft, RepaymentDrafts

ROWS_MIN = 1_000
"""Fewer are taken loan by loan."""


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows to record, each with its loan; what some of them replace, and the loan that loses it."""

    drafts: RepaymentDrafts
    loan_of: Mapping[int, UUID]
    replaced: Mapping[int, OnRecord[RepaymentDraft]]
    left: Mapping[int, UUID]


@dataclass(frozen=True, slots=True)
class Apart:
    """The rows whose payments are set apart, with the identifier of each; and what settles them."""

    repayment_ids: Mapping[int, UUID] = field(default_factory=dict)
    plain: tuple[PlainLoans, PlainPayments] | None = None


async def set_apart(session: WriteSession, rows: Rows) -> Apart:
    """Of these rows, those of plain loans that can take all of theirs."""
    if len(rows.loan_of) < ROWS_MIN:
        return Apart()
    special = {rows.loan_of[row] for row in rows.drafts.special.keys() & rows.loan_of.keys()}
    changed = {rows.loan_of[row] for row in rows.replaced.keys() & rows.loan_of.keys()}
    asked = set(rows.loan_of.values()) - special - changed - set(rows.left.values())
    return await _set_apart(session, rows, asked - await find_touched(session, list(asked)))


async def _set_apart(session: WriteSession, rows: Rows, plain: Collection[UUID]) -> Apart:
    drafts = rows.drafts
    loan_of = {row: loan_id for row, loan_id in rows.loan_of.items() if loan_id in plain}
    if not loan_of:
        return Apart()
    loans, known, names = await load_plain(session, list(plain))
    places = {loan_id: place for place, loan_id in enumerate(loans.loan_ids)}
    ids = new_ids(len(loan_of))
    new = PlainPayments(
        np.array([places[loan_id] for loan_id in loan_of.values()]),
        to_keys(ids),
        np.array([drafts.paid_on[row].toordinal() for row in loan_of]),
        np.array([drafts.amounts_cents[row] for row in loan_of]),
        np.ones(len(loan_of), dtype=np.bool_),
    )
    payments = known.join(new)
    is_short = find_left(loans, payments) < 0
    if is_short.any():
        short = {loans.loan_ids[place] for place in np.flatnonzero(is_short).tolist()}
        return await _set_apart(session, rows, set(plain) - short)
    names += [drafts.external_ids[row] for row in loan_of]
    return Apart(dict(zip(loan_of, ids, strict=True)), (loans, in_order(payments, names)))
