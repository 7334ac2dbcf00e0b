"""Every SQL statement about the facts of a loan's life, and their reversals."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import text
from sqlmodel import SQLModel

from services.common.bulk import insert_rows
from services.common.database import ReadSession, WriteSession
from services.common.errors import JsonValue
from services.common.money import format_cents
from services.common.strict_json import canonical
from services.loans import tables
from services.loans.content import read_content
from services.loans.loan_facts.drafts import FactDraft, FactKind
from services.loans.vocabulary import BorrowerKind


@dataclass(frozen=True, slots=True)
class FactOnRecord:
    """A fact that may be reversed; `reversal_id` when it already is."""

    fact_id: UUID
    on: date
    amount_cents: int
    fees_withheld_cents: int
    reversal_id: UUID | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Contract:
    """What the criminal rate depends on, the sum agreed, and the product."""

    external_id: str
    contracted_on: date
    borrower_kind: BorrowerKind
    principal_cents: int
    product: str
    product_version: int | None


@dataclass(frozen=True, slots=True)
class _Table:
    declared: type[SQLModel]
    name: str
    key: str
    on: str
    amount: str = "amount_cents"


_TABLES = {
    "disbursement": _Table(tables.Disbursement, "disbursements", "disbursement_id", "disbursed_on"),
    "repayment": _Table(tables.Repayment, "repayments", "repayment_id", "paid_on"),
    "fee": _Table(tables.Fee, "fees", "fee_id", "charged_on"),
    "refund": _Table(tables.Refund, "refunds", "refund_id", "refunded_on"),
    "write_off": _Table(tables.WriteOff, "write_offs", "write_off_id", "written_off_on"),
    "recovery": _Table(tables.Recovery, "recoveries", "recovery_id", "recovered_on"),
    "rescheduling": _Table(
        tables.Rescheduling, "reschedulings", "rescheduling_id", "rescheduled_on", "0"
    ),
    "moratorium": _Table(tables.Moratorium, "moratoria", "moratorium_id", "starts_on", "0"),
    "loan": _Table(tables.Loan, "loans", "loan_id", "disbursed_on", "principal_cents"),
}


async def find_fingerprint(session: ReadSession, kind: FactKind, external_id: str) -> bytes | None:
    row = (
        await session.connection.execute(
            text(
                f"SELECT fingerprint FROM {_TABLES[kind].name}"
                " WHERE organisation_id = :organisation AND external_id = :external_id"
                " ORDER BY revision DESC LIMIT 1"
            ),
            {"organisation": session.organisation_id, "external_id": external_id},
        )
    ).first()
    return None if row is None else bytes(row.fingerprint)


async def insert_fact(session: WriteSession, draft: FactDraft, recorded_by: str) -> UUID:
    table = _TABLES[draft.kind]
    row: dict[str, object] = {
        "organisation_id": session.organisation_id,
        "loan_id": draft.loan_id,
        "external_id": draft.external_id,
        table.on: draft.on,
        "fingerprint": draft.fingerprint,
        "recorded_by": recorded_by,
    }
    if draft.amount_cents is not None:
        row["amount_cents"] = draft.amount_cents
    if draft.kind is FactKind.DISBURSEMENT:
        row["number"] = await _count_disbursements(session, draft.loan_id) + 1
        row["fees_withheld_cents"] = draft.fees_withheld_cents or 0
    else:
        row["reason"] = draft.reason
    if draft.terms is not None:
        row["terms"] = canonical(read_content(draft.terms)).decode()
    if draft.suspension is not None:
        row["kind"] = draft.suspension.kind.value
        row["periods"] = draft.suspension.periods
        row["interest"] = draft.suspension.interest.value
    [found] = await insert_rows(session, table.declared, [row], returning=(table.key,))
    return UUID(str(found[table.key]))


async def _count_disbursements(session: WriteSession, loan_id: UUID) -> int:
    row = await session.connection.execute(
        _COUNT_DISBURSEMENTS, {"organisation": session.organisation_id, "loan": loan_id}
    )
    return int(row.scalar_one())


async def show_fact(session: ReadSession, kind: FactKind, external_id: str) -> JsonValue:
    """The fact as it was posted."""
    table = _TABLES[kind]
    reason = "NULL" if kind is FactKind.DISBURSEMENT else "reason"
    row = (
        await session.connection.execute(
            text(
                f"SELECT {table.key} AS id, external_id, loan_id, {table.on} AS on_date,"
                f" {table.amount} AS amount_cents, {reason} AS reason FROM {table.name}"
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
        "amount": format_cents(row.amount_cents) if table.amount != "0" else None,
        "reason": row.reason,
    }


async def find_fact(
    session: ReadSession, loan_id: UUID, kind: str, external_id: str
) -> FactOnRecord | None:
    """A fact of this loan, or the loan itself, with its reversal if it has one."""
    table = _TABLES[kind]
    withheld = "f.fees_withheld_cents" if kind == "disbursement" else "0"
    row = (
        await session.connection.execute(
            text(
                f"""
                SELECT f.{table.key}, f.{table.on},
                       {table.amount}, {withheld},
                       r.reversal_id, r.reason
                FROM {table.name} f
                LEFT JOIN reversals r ON r.organisation_id = f.organisation_id
                                     AND r.fact_kind = :kind AND r.fact_id = f.{table.key}
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


async def find_first_disbursement(session: ReadSession, loan_id: UUID) -> FactOnRecord:
    """The disbursement that came with the loan: a reversal of the loan takes it back."""
    row = await session.connection.execute(
        _FIRST_DISBURSEMENT, {"organisation": session.organisation_id, "loan": loan_id}
    )
    return FactOnRecord(*row.one())


async def find_contract(session: ReadSession, loan_id: UUID) -> Contract:
    row = (
        await session.connection.execute(
            _CONTRACT, {"organisation": session.organisation_id, "loan": loan_id}
        )
    ).one()
    return Contract(
        row.external_id,
        row.contracted_on,
        BorrowerKind(row.kind),
        row.principal_cents,
        row.product,
        row.product_version,
    )


async def has_outcomes(session: ReadSession, loan_id: UUID) -> bool:
    """Whether an outcome of this loan stands."""
    row = await session.connection.execute(
        _HAS_OUTCOMES, {"organisation": session.organisation_id, "loan": loan_id}
    )
    return bool(row.scalar_one())


_COUNT_DISBURSEMENTS = text(
    "SELECT count(*) FROM disbursements WHERE organisation_id = :organisation AND loan_id = :loan"
)
_FIRST_DISBURSEMENT = text(
    """
    SELECT disbursement_id, disbursed_on, amount_cents, fees_withheld_cents, NULL, NULL
    FROM disbursements
    WHERE organisation_id = :organisation AND loan_id = :loan AND number = 1
    """
)
_CONTRACT = text(
    """
    SELECT l.external_id, l.contracted_on, b.kind, l.principal_cents, l.product, l.product_version
    FROM loans l JOIN borrowers b USING (organisation_id, borrower_id)
    WHERE l.organisation_id = :organisation AND l.loan_id = :loan
    """
)
_HAS_OUTCOMES = text(
    """
    SELECT EXISTS (
        SELECT FROM outcomes f WHERE f.organisation_id = :organisation AND f.loan_id = :loan
           AND NOT EXISTS (SELECT FROM reversals r WHERE r.organisation_id = f.organisation_id
                             AND r.fact_kind = 'outcome' AND r.fact_id = f.outcome_id))
    """
)
