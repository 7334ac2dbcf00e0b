"""Every SQL statement about write-offs, recoveries and reversals."""

from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from sqlalchemy import text

from services.common.database import ReadSession, WriteSession
from services.common.errors import JsonValue
from services.common.money import format_cents
from services.common.strict_json import fingerprint
from services.loans.content import read_content
from services.loans.losses.schemas import LossKind


@dataclass(frozen=True, slots=True)
class LossDraft:
    kind: LossKind
    external_id: str
    loan_id: UUID
    on: date
    amount_cents: int
    reason: str
    fingerprint: bytes = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "fingerprint", fingerprint(read_content(self)))


@dataclass(frozen=True, slots=True)
class FactOnRecord:
    """A fact that may be reversed; `reversal_id` when it already is."""

    fact_id: UUID
    loan_id: UUID
    on: date
    amount_cents: int
    reversal_id: UUID | None
    reason: str | None


_TABLES = {
    "repayment": ("repayments", "repayment_id", "paid_on"),
    "write_off": ("write_offs", "write_off_id", "written_off_on"),
    "recovery": ("recoveries", "recovery_id", "recovered_on"),
}


async def find_fingerprint(session: ReadSession, kind: LossKind, external_id: str) -> bytes | None:
    table, _, _ = _TABLES[kind]
    row = (
        await session.connection.execute(
            text(
                f"SELECT fingerprint FROM {table}"
                " WHERE organisation_id = :organisation AND external_id = :external_id"
                " ORDER BY revision DESC LIMIT 1"
            ),
            {"organisation": session.organisation_id, "external_id": external_id},
        )
    ).first()
    return None if row is None else bytes(row.fingerprint)


async def insert_loss(session: WriteSession, draft: LossDraft, recorded_by: str) -> UUID:
    table, key, on = _TABLES[draft.kind]
    row = await session.connection.execute(
        text(
            f"""
            INSERT INTO {table} (organisation_id, loan_id, external_id, {on}, amount_cents,
                                 reason, fingerprint, recorded_by)
            VALUES (:organisation, :loan, :external_id, :on, :amount, :reason, :fingerprint, :by)
            RETURNING {key}
            """
        ),
        {
            "organisation": session.organisation_id,
            "loan": draft.loan_id,
            "external_id": draft.external_id,
            "on": draft.on,
            "amount": draft.amount_cents,
            "reason": draft.reason,
            "fingerprint": draft.fingerprint,
            "by": recorded_by,
        },
    )
    return UUID(str(row.scalar_one()))


async def find_loss(session: ReadSession, kind: LossKind, external_id: str) -> JsonValue:
    table, key, on = _TABLES[kind]
    row = (
        await session.connection.execute(
            text(
                f"SELECT {key} AS id, external_id, loan_id, {on} AS on_date, amount_cents, reason"
                f" FROM {table}"
                " WHERE organisation_id = :organisation AND external_id = :external_id"
                " ORDER BY revision DESC LIMIT 1"
            ),
            {"organisation": session.organisation_id, "external_id": external_id},
        )
    ).one()
    return {
        "id": str(row.id),
        "kind": kind,
        "external_id": row.external_id,
        "loan_id": str(row.loan_id),
        "on": row.on_date.isoformat(),
        "amount": format_cents(row.amount_cents),
        "reason": row.reason,
    }


async def find_fact(
    session: ReadSession, loan_id: UUID, kind: str, external_id: str
) -> FactOnRecord | None:
    """A repayment, write-off or recovery of this loan, with its reversal if it has one."""
    table, key, on = _TABLES[kind]
    row = (
        await session.connection.execute(
            text(
                f"""
                SELECT f.{key}, f.loan_id, f.{on}, f.amount_cents, r.reversal_id, r.reason
                FROM {table} f
                LEFT JOIN reversals r ON r.organisation_id = f.organisation_id
                                     AND r.fact_kind = :kind AND r.fact_id = f.{key}
                WHERE f.organisation_id = :organisation AND f.loan_id = :loan
                  AND f.external_id = :external_id
                ORDER BY f.revision DESC LIMIT 1
                """
            ),
            {
                "organisation": session.organisation_id,
                "loan": loan_id,
                "kind": kind,
                "external_id": external_id,
            },
        )
    ).first()
    return None if row is None else FactOnRecord(*row)
