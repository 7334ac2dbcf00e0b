"""Payments of plain loans, set apart: all of them are taken at a glance, and settled by column."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

import numpy as np

from services.common.database import ReadSession
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
    """The rows whose payments are set apart, and what settles them."""

    rows: Collection[int] = frozenset()
    plain: tuple[PlainLoans, PlainPayments] | None = None


async def set_apart(session: ReadSession, rows: Rows, ids: Mapping[int, UUID]) -> Apart:
    """Of many rows, those of plain loans that can take all of theirs; `ids` are of payments."""
    if len(rows.loan_of) < ROWS_MIN:
        return Apart()
    special = {rows.loan_of[row] for row in rows.drafts.special.keys() & rows.loan_of.keys()}
    changed = {rows.loan_of[row] for row in rows.replaced.keys() & rows.loan_of.keys()}
    asked = set(rows.loan_of.values()) - special - changed - set(rows.left.values())
    plain = asked - await find_touched(session, list(asked))
    while plain:
        loans, known, names = await load_plain(session, list(plain))
        places = {loan_id: place for place, loan_id in enumerate(loans.loan_ids)}
        theirs = [row for row, loan_id in rows.loan_of.items() if loan_id in places]
        new = PlainPayments(
            np.array([places[rows.loan_of[row]] for row in theirs]),
            to_keys(ids[row] for row in theirs),
            np.array([rows.drafts.paid_on[row].toordinal() for row in theirs]),
            np.array([rows.drafts.amounts_cents[row] for row in theirs]),
            np.ones(len(theirs), dtype=np.bool_),
        )
        payments = known.join(new)
        short = np.flatnonzero(find_left(loans, payments) < 0).tolist()
        if not short:
            names += [rows.drafts.external_ids[row] for row in theirs]
            return Apart(frozenset(theirs), (loans, in_order(payments, names)))
        plain -= {loans.loan_ids[place] for place in short}
    return Apart()
