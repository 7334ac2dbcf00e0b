"""Loans by column: what plain loans stand on, and what is kept of them."""

from collections.abc import Iterable, Sequence
from datetime import date
from itertools import chain
from uuid import UUID

import numpy as np
from sqlalchemy import text

from services.common.binary_copy import Lists, encode_rows
from services.common.bulk import insert_encoded
from services.common.database import ReadSession, WriteSession, driver
from services.loans import tables
from services.loans.positions.plain import (
    NO_DAY,
    Keys,
    Numbers,
    PlainFigures,
    PlainLoans,
    PlainPayments,
)
from services.loans.positions.queries import FIRST_DISBURSEMENT, OF_LOANS, PUT_FIGURES, STANDS

_FIRST_DAY = date(2000, 1, 1).toordinal()
"""PostgreSQL's own count of days begins with zero there."""
_DAY_BYTES = 4


async def find_touched(session: ReadSession, loan_ids: Sequence[UUID]) -> set[UUID]:
    """Of these loans, those that anything but payments has touched, or whose contract is not the
    usual one.
    """
    place = {"organisation": session.organisation_id, "loans": list(loan_ids)}
    return {row.loan_id for row in await session.connection.execute(_TOUCHED, place)}


async def load_plain(
    session: ReadSession, loan_ids: Sequence[UUID]
) -> tuple[PlainLoans, PlainPayments, list[str]]:
    """Plain loans, at least one, with their payments that stand, and the `external_id` of each.

    The columns of a loan travel as bytes: no number of theirs becomes an object.
    """
    connection, place = await driver(session), (session.organisation_id, list(loan_ids))
    ids, regions, disbursed_on, principal = zip(
        *await connection.fetch(_LOANS, *place), strict=True
    )
    due_on, *asked = zip(*await connection.fetch(_LADDERS, *place), strict=True)
    paid = list(zip(*await connection.fetch(_PAYMENTS, *place), strict=True)) or [()] * 5
    of, paid_on, cents, repayment_ids, names = paid
    places = {loan_id: place for place, loan_id in enumerate(ids)}
    counts = list(map(len, names))
    known = PlainPayments(
        loans=np.repeat(np.array([places[loan_id] for loan_id in of], dtype=np.int64), counts),
        repayment_ids=np.frombuffer(b"".join(repayment_ids), dtype="V16"),
        paid_on=_to_days(paid_on),
        cents=_to_numbers(cents),
        is_new=np.zeros(sum(counts), dtype=np.bool_),
    )
    loans = PlainLoans(
        loan_ids=ids,
        region_codes=regions,
        disbursed_on=np.array([day.toordinal() for day in disbursed_on], dtype=np.int64),
        principal_cents=np.array(principal, dtype=np.int64),
        starts=np.cumsum([0, *(len(days) // _DAY_BYTES for days in due_on)]),
        due_on=_to_days(due_on),
        asked=np.stack([_to_numbers(part) for part in asked], axis=1),
    )
    return loans, known, list(chain.from_iterable(names))


def _to_numbers(columns: Iterable[bytes]) -> Numbers:
    return np.frombuffer(b"".join(columns), dtype=">i8").astype(np.int64)


def _to_days(columns: Iterable[bytes]) -> Numbers:
    return np.frombuffer(b"".join(columns), dtype=">i4").astype(np.int64) + _FIRST_DAY


def encode_figures(figures: PlainFigures) -> bytes:
    """The splits and states of plain loans, as they are kept."""
    loans, payments, states = figures.loans, figures.payments, figures.states
    each = np.arange(len(loans.loan_ids))
    paid = np.searchsorted(payments.loans, each, side="right")
    stood = np.searchsorted(states.loans, each, side="right")
    return encode_rows(
        to_keys(loans.loan_ids),
        [
            Lists("uuid", payments.repayment_ids, paid),
            *(Lists("bigint", cents, paid) for cents in figures.splits.T),
            Lists("date", states.from_on - _FIRST_DAY, stood),
            Lists("bigint", states.outstanding_cents, stood),
            Lists("date", states.oldest_due_on - _FIRST_DAY, stood, states.oldest_due_on == NO_DAY),
        ],
    )


async def put_plain_figures(session: WriteSession, rows: bytes) -> None:
    """Keep what `encode_figures` made instead of what is on record."""
    same = {"organisation_id": session.organisation_id, **dict.fromkeys(_CREDITS, ())}
    await insert_encoded(session, tables.LoanFigures, _KEPT, rows, same, PUT_FIGURES)


def to_keys(ids: Iterable[UUID]) -> Keys:
    return np.frombuffer(b"".join([each.bytes for each in ids]), dtype="V16")


_KEPT = (
    "loan_id",
    "repayment_ids",
    "fees_cents",
    "interest_cents",
    "principal_cents",
    "from_on",
    "outstanding_principal_cents",
    "oldest_unpaid_due_on",
)
_CREDITS = ("credit_repayment_ids", "credit_fee_ids", "credit_used_on", "credit_used_cents")
_TOUCHED = text(
    f"""
    SELECT loan_id FROM loans WHERE {OF_LOANS}
       AND (coalesce(interest_accrual, 'scheduled') <> 'scheduled' OR allocation_order IS NOT NULL)
    UNION SELECT loan_id FROM repayments WHERE {OF_LOANS} AND purpose IS NOT NULL
    UNION SELECT loan_id FROM write_offs WHERE {OF_LOANS}
    UNION SELECT loan_id FROM recoveries WHERE {OF_LOANS}
    UNION SELECT loan_id FROM refunds WHERE {OF_LOANS}
    UNION SELECT loan_id FROM fees WHERE {OF_LOANS}
    UNION SELECT loan_id FROM disbursements WHERE {OF_LOANS} AND number > 1
    UNION SELECT loan_id FROM reschedulings WHERE {OF_LOANS}
    UNION SELECT loan_id FROM moratoria WHERE {OF_LOANS}
    """
)
_THEIRS = "f.organisation_id = $1 AND f.loan_id = ANY($2::uuid[])"
_LOANS = f"""
    SELECT f.loan_id, f.region_code, d.disbursed_on, d.amount_cents
    FROM loans f {FIRST_DISBURSEMENT}
    WHERE {_THEIRS} ORDER BY f.loan_id
"""
_LADDERS = f"""
    SELECT string_agg(date_send(due_on), '' ORDER BY number),
           string_agg(int8send(fees_cents), '' ORDER BY number),
           string_agg(int8send(interest_cents), '' ORDER BY number),
           string_agg(int8send(principal_cents), '' ORDER BY number)
    FROM instalments f WHERE {_THEIRS} AND version = 1 GROUP BY loan_id ORDER BY loan_id
"""
_PAYMENTS = f"""
    SELECT loan_id, string_agg(date_send(paid_on), '' ORDER BY repayment_id),
           string_agg(int8send(amount_cents), '' ORDER BY repayment_id),
           string_agg(uuid_send(repayment_id), '' ORDER BY repayment_id),
           array_agg(external_id ORDER BY repayment_id)
    FROM repayments f WHERE {_THEIRS} AND {STANDS.format(kind="repayment")}
    GROUP BY loan_id ORDER BY loan_id
"""
