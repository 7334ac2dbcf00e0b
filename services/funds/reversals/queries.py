"""The SQL of reversals."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Row, text

from services.common.database import ReadSession, WriteSession


@dataclass(frozen=True, slots=True)
class Fact:
    """What a reversal takes back: a contribution or a repayment, one identifier of the two."""

    contribution_id: UUID | None = None
    repayment_id: UUID | None = None

    @property
    def fact_id(self) -> UUID:
        identifier = self.contribution_id or self.repayment_id
        assert identifier is not None, "a reversal takes back one fact"
        return identifier


@dataclass(frozen=True, slots=True)
class Reversal:
    reversal_id: UUID
    external_id: str | None
    fact: Fact
    reason: str
    fingerprint: bytes
    recorded_at: datetime


async def insert_reversal(
    session: WriteSession,
    fact: Fact,
    external_id: str | None,
    reason: str,
    content: bytes,
    subject: str,
) -> Reversal:
    row = (
        await session.connection.execute(
            _INSERT,
            {
                "organisation": session.organisation_id,
                "external_id": external_id,
                "contribution": fact.contribution_id,
                "repayment": fact.repayment_id,
                "reason": reason,
                "fingerprint": content,
                "subject": subject,
            },
        )
    ).one()
    return Reversal(row.reversal_id, external_id, fact, reason, content, row.recorded_at)


async def find_reversal_told_as(session: ReadSession, external_id: str) -> Reversal | None:
    rows = await session.connection.execute(
        _FIND_TOLD, {"organisation": session.organisation_id, "external_id": external_id}
    )
    return next(map(_reversal, rows), None)


async def find_reversal_of(session: ReadSession, fact: Fact) -> Reversal | None:
    rows = await session.connection.execute(
        _FIND_OF,
        {
            "organisation": session.organisation_id,
            "contribution": fact.contribution_id,
            "repayment": fact.repayment_id,
        },
    )
    return next(map(_reversal, rows), None)


async def is_reversal(session: ReadSession, identifier: UUID) -> bool:
    """True when the identifier is that of a reversal, which is never itself reversed."""
    rows = await session.connection.execute(
        _IS_REVERSAL, {"organisation": session.organisation_id, "reversal": identifier}
    )
    return rows.first() is not None


def _reversal(row: Row[tuple[object, ...]]) -> Reversal:
    return Reversal(
        row.reversal_id,
        row.external_id,
        Fact(row.contribution_id, row.repayment_id),
        row.reason,
        row.fingerprint,
        row.recorded_at,
    )


_INSERT = text(
    """
    INSERT INTO contribution_reversals
        (organisation_id, external_id, contribution_id, repayment_id, reason, fingerprint,
         recorded_by)
    VALUES (:organisation, :external_id, :contribution, :repayment, :reason, :fingerprint, :subject)
    RETURNING reversal_id, recorded_at
    """
)
_REVERSALS = """
    SELECT reversal_id, external_id, contribution_id, repayment_id, reason, fingerprint, recorded_at
    FROM contribution_reversals WHERE organisation_id = :organisation
"""
_FIND_TOLD = text(f"{_REVERSALS} AND external_id = :external_id")
_FIND_OF = text(
    f"{_REVERSALS} AND (contribution_id = cast(:contribution AS uuid)"
    " OR repayment_id = cast(:repayment AS uuid))"
)
_IS_REVERSAL = text(
    "SELECT reversal_id FROM contribution_reversals"
    " WHERE organisation_id = :organisation AND reversal_id = :reversal"
)
