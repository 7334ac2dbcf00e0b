"""Every SQL statement about provisions: the network's matrices, and sums by class."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import text

from services.common.database import ReadSession, WriteSession
from services.common.strict_json import canonical
from services.loans.provisions.arithmetic import Matrix
from services.loans.provisions.rules import MatrixRules


async def load_matrices(session: ReadSession) -> list[Matrix]:
    """Every matrix, the oldest first."""
    return [
        Matrix(row.effective_on, MatrixRules.model_validate_json(row.rules))
        for row in await session.connection.execute(_MATRICES)
    ]


async def find_matrix(session: ReadSession, as_of: date) -> Matrix | None:
    """The matrix in force on a day; None before the first."""
    row = (await session.connection.execute(_IN_FORCE, {"as_of": as_of})).first()
    if row is None:
        return None
    return Matrix(row.effective_on, MatrixRules.model_validate_json(row.rules))


async def insert_matrix(session: WriteSession, matrix: Matrix, recorded_by: str) -> None:
    await session.connection.execute(
        _INSERT,
        {
            "effective_on": matrix.effective_on,
            "rules": canonical(matrix.rules.model_dump(mode="json")).decode(),
            "recorded_by": recorded_by,
        },
    )


@dataclass(frozen=True, slots=True)
class ClassSums:
    """The loans of an organisation in one class of the matrix; class 0 is not late."""

    number: int
    loans: int
    outstanding_cents: int
    provision_cents: int
    rescheduled_loans: int
    rescheduled_cents: int
    par30_cents: int
    par30_or_rescheduled_cents: int


async def sum_by_class(
    session: ReadSession, matrix: Matrix, as_of: date, organisation_id: UUID | None
) -> dict[UUID, list[ClassSums]]:
    """Loans with principal outstanding at the end of `as_of`, in one pass over their states."""
    rows = await session.connection.execute(
        _BY_CLASS,
        {
            "as_of": as_of,
            "organisation": organisation_id,
            "days_over": matrix.days_over,
            "rates": matrix.rates,
            "rescheduled_rate_min": matrix.rules.rescheduled_rate_min,
        },
    )
    sums: dict[UUID, list[ClassSums]] = defaultdict(list)
    for organisation, *figures in rows:
        sums[organisation].append(ClassSums(*map(int, figures)))
    return sums


_MATRICES = text(
    "SELECT effective_on, cast(rules AS text) AS rules FROM provision_matrices ORDER BY 1"
)
_IN_FORCE = text(
    """
    SELECT effective_on, cast(rules AS text) AS rules FROM provision_matrices
    WHERE effective_on <= :as_of ORDER BY effective_on DESC LIMIT 1
    """
)
_INSERT = text(
    """
    INSERT INTO provision_matrices (effective_on, rules, recorded_by)
    VALUES (:effective_on, cast(:rules AS jsonb), :recorded_by)
    """
)

# width_bucket counts the thresholds a loan's delay is above; arrays of SQL start at 1.
_BY_CLASS = text(
    """
    WITH late AS (
        SELECT s.organisation_id, s.outstanding_principal_cents AS cents,
               coalesce(greatest(:as_of - s.oldest_unpaid_due_on, 0), 0) AS days,
               EXISTS (SELECT FROM reschedulings f
                       WHERE f.organisation_id = s.organisation_id AND f.loan_id = s.loan_id
                         AND f.rescheduled_on <= :as_of
                         AND NOT EXISTS (SELECT FROM reversals r
                                         WHERE r.organisation_id = f.organisation_id
                                           AND r.fact_kind = 'rescheduling'
                                           AND r.fact_id = f.rescheduling_id)) AS is_rescheduled
        FROM loan_states s
        WHERE s.from_on <= :as_of AND s.until_on > :as_of AND s.outstanding_principal_cents > 0
          AND (cast(:organisation AS uuid) IS NULL OR s.organisation_id = :organisation)
    ),
    placed AS (
        SELECT late.*, width_bucket(days - 1, cast(:days_over AS integer[])) AS number FROM late
    ),
    rated AS (
        SELECT placed.*,
               greatest((cast(:rates AS numeric[]))[number + 1],
                        CASE WHEN is_rescheduled
                             THEN cast(:rescheduled_rate_min AS numeric) ELSE 0 END) AS rate
        FROM placed
    )
    SELECT organisation_id, number, count(*), sum(cents), sum(round(cents * rate / 100)),
           count(*) FILTER (WHERE is_rescheduled),
           coalesce(sum(cents) FILTER (WHERE is_rescheduled), 0),
           coalesce(sum(cents) FILTER (WHERE days > 30), 0),
           coalesce(sum(cents) FILTER (WHERE days > 30 OR is_rescheduled), 0)
    FROM rated GROUP BY 1, 2 ORDER BY 1, 2
    """
)
