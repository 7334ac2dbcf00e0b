"""The SQL of agreements and their payments: the network's own, under NO_ORGANISATION."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Row, text

from services.common.database import ReadSession, WriteSession
from services.funds.agreements.schemas import AgreementBody, Obligation, PaymentBody, Target
from services.funds.vocabulary import Purpose


@dataclass(frozen=True, slots=True)
class Agreement:
    agreement_id: UUID
    external_id: str
    fingerprint: bytes
    funder: str
    title: str
    from_on: date
    to_on: date
    amount_cents: int
    purpose: Purpose
    targets: Sequence[Target]
    obligations: Sequence[Obligation]
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Payment:
    """Money paid under an agreement, to the network or to one organisation (its slug)."""

    payment_id: UUID
    agreement_id: UUID
    external_id: str
    fingerprint: bytes
    paid_on: date
    amount_cents: int
    beneficiary: str | None
    recorded_at: datetime


async def insert_agreement(
    session: WriteSession, body: AgreementBody, content: bytes, subject: str
) -> bool:
    """False when the external_id is on record already."""
    rows = await session.connection.execute(
        _INSERT,
        {
            "organisation": session.organisation_id,
            "external_id": body.external_id,
            "fingerprint": content,
            "funder": body.funder,
            "title": body.title,
            "from_on": body.from_on,
            "to_on": body.to_on,
            "amount": body.amount,
            "purpose": body.purpose.value,
            "targets": json.dumps([target.model_dump(mode="json") for target in body.targets]),
            "obligations": json.dumps([one.model_dump(mode="json") for one in body.obligations]),
            "subject": subject,
        },
    )
    return rows.first() is not None


async def find_agreement(session: ReadSession, agreement_id: UUID) -> Agreement | None:
    rows = await session.connection.execute(
        _FIND, {"organisation": session.organisation_id, "agreement": agreement_id}
    )
    return next(map(_agreement, rows), None)


async def find_agreement_told_as(session: ReadSession, external_id: str) -> Agreement | None:
    rows = await session.connection.execute(
        _FIND_TOLD, {"organisation": session.organisation_id, "external_id": external_id}
    )
    return next(map(_agreement, rows), None)


async def list_agreements(session: ReadSession, after: UUID, limit: int) -> list[Agreement]:
    """In the order of their recording."""
    rows = await session.connection.execute(
        _LIST, {"organisation": session.organisation_id, "after": after, "limit": limit}
    )
    return [_agreement(row) for row in rows]


async def insert_payment(
    session: WriteSession, agreement_id: UUID, body: PaymentBody, content: bytes, subject: str
) -> bool:
    """False when the external_id is on record already."""
    rows = await session.connection.execute(
        _INSERT_PAYMENT,
        {
            "organisation": session.organisation_id,
            "agreement": agreement_id,
            "external_id": body.external_id,
            "fingerprint": content,
            "paid_on": body.paid_on,
            "amount": body.amount,
            "beneficiary": body.organisation,
            "subject": subject,
        },
    )
    return rows.first() is not None


async def find_payment_told_as(session: ReadSession, external_id: str) -> Payment | None:
    rows = await session.connection.execute(
        _FIND_PAYMENT, {"organisation": session.organisation_id, "external_id": external_id}
    )
    return next(map(_payment, rows), None)


async def list_payments(session: ReadSession, agreement_ids: Sequence[UUID]) -> list[Payment]:
    """The payments of these agreements, by date."""
    rows = await session.connection.execute(
        _PAYMENTS, {"organisation": session.organisation_id, "agreements": list(agreement_ids)}
    )
    return [_payment(row) for row in rows]


def _agreement(row: Row[tuple[object, ...]]) -> Agreement:
    return Agreement(
        row.agreement_id,
        row.external_id,
        row.fingerprint,
        row.funder,
        row.title,
        row.from_on,
        row.to_on,
        row.amount_cents,
        Purpose(row.purpose),
        [Target.model_validate(target) for target in row.targets],
        [Obligation.model_validate(obligation) for obligation in row.obligations],
        row.recorded_at,
    )


def _payment(row: Row[tuple[object, ...]]) -> Payment:
    return Payment(
        row.payment_id,
        row.agreement_id,
        row.external_id,
        row.fingerprint,
        row.paid_on,
        row.amount_cents,
        row.beneficiary,
        row.recorded_at,
    )


_INSERT = text(
    """
    INSERT INTO agreements
        (organisation_id, external_id, fingerprint, funder, title, from_on, to_on, amount_cents,
         purpose, targets, obligations, recorded_by)
    VALUES (:organisation, :external_id, :fingerprint, :funder, :title, :from_on, :to_on, :amount,
            :purpose, cast(:targets AS jsonb), cast(:obligations AS jsonb), :subject)
    ON CONFLICT (organisation_id, external_id) DO NOTHING RETURNING agreement_id
    """
)
_AGREEMENTS = """
    SELECT agreement_id, external_id, fingerprint, funder, title, from_on, to_on, amount_cents,
           purpose, targets, obligations, recorded_at
    FROM agreements WHERE organisation_id = :organisation
"""
_FIND = text(f"{_AGREEMENTS} AND agreement_id = :agreement")
_FIND_TOLD = text(f"{_AGREEMENTS} AND external_id = :external_id")
_LIST = text(f"{_AGREEMENTS} AND agreement_id > :after ORDER BY agreement_id LIMIT :limit")
_INSERT_PAYMENT = text(
    """
    INSERT INTO agreement_payments
        (organisation_id, agreement_id, external_id, fingerprint, paid_on, amount_cents,
         beneficiary, recorded_by)
    VALUES (:organisation, :agreement, :external_id, :fingerprint, :paid_on, :amount,
            :beneficiary, :subject)
    ON CONFLICT (organisation_id, external_id) DO NOTHING RETURNING payment_id
    """
)
_ALL_PAYMENTS = """
    SELECT payment_id, agreement_id, external_id, fingerprint, paid_on, amount_cents, beneficiary,
           recorded_at
    FROM agreement_payments WHERE organisation_id = :organisation
"""
_FIND_PAYMENT = text(f"{_ALL_PAYMENTS} AND external_id = :external_id")
_PAYMENTS = text(
    f"{_ALL_PAYMENTS} AND agreement_id = ANY(cast(:agreements AS uuid[]))"
    " ORDER BY paid_on, payment_id"
)
