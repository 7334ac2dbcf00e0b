"""The SQL of the totals: every organisation at once, through the totals role.

It groups what contributors did as `contributions.queries.sum_movements` does for one fund; a test
holds the two to the same figures.
"""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import text

from services.common.database import ReadSession
from services.funds.period import Period
from services.funds.vocabulary import SOURCES, ContributorKind, Source


@dataclass(frozen=True, slots=True)
class CapitalRow:
    """Capital from one source of one organisation at the end of a day."""

    organisation_id: UUID
    source: Source
    amount_cents: int


async def read_capital(
    session: ReadSession, as_of: date, organisation_id: UUID | None
) -> list[CapitalRow]:
    """Money received as capital less reversals less repayments, by kind of contributor."""
    rows = await session.connection.execute(
        _CAPITAL, {"as_of": as_of, "organisation": organisation_id}
    )
    return [
        CapitalRow(
            row.organisation_id,
            SOURCES[ContributorKind(row.contributor_kind)],
            int(row.amount_cents),
        )
        for row in rows
    ]


async def read_operating_subsidies(
    session: ReadSession, period: Period, organisation_id: UUID | None
) -> dict[UUID, int]:
    """Public money received in the period to run the organisations, reversed receipts left out."""
    kinds = [kind.value for kind, source in SOURCES.items() if source is Source.PUBLIC]
    rows = await session.connection.execute(
        _SUBSIDIES,
        {
            "from_on": period.from_on,
            "to_on": period.to_on,
            "kinds": kinds,
            "organisation": organisation_id,
        },
    )
    return {row.organisation_id: int(row.amount_cents) for row in rows}


async def read_recorded_until(
    session: ReadSession, organisation_id: UUID | None
) -> datetime | None:
    """When the newest fact behind the totals was recorded; None when there is none."""
    row = await session.connection.execute(_RECORDED_UNTIL, {"organisation": organisation_id})
    moment: datetime | None = row.scalar_one()
    return moment


def _of_organisation(table: str) -> str:
    return (
        f"(cast(:organisation AS uuid) IS NULL OR {table}.organisation_id"
        " = cast(:organisation AS uuid))"
    )


def _stands(fact: str, key: str) -> str:
    return f"""NOT EXISTS (
        SELECT FROM contribution_reversals s
        WHERE s.organisation_id = {fact}.organisation_id AND s.{key} = {fact}.{key}
    )"""


_CAPITAL = text(
    f"""
    SELECT organisation_id, contributor_kind, sum(amount_cents) AS amount_cents
    FROM (
        SELECT c.organisation_id, c.contributor_kind, c.amount_cents
        FROM contributions c
        WHERE {_of_organisation("c")} AND c.received_on <= :as_of
          AND c.purpose = 'capital' AND c.instrument <> 'guarantee'
          AND {_stands("c", "contribution_id")}
        UNION ALL
        SELECT r.organisation_id, c.contributor_kind, -r.amount_cents
        FROM contribution_repayments r
        JOIN contributions c ON c.organisation_id = r.organisation_id
                            AND c.contribution_id = r.contribution_id
        WHERE {_of_organisation("r")} AND r.repaid_on <= :as_of
          AND c.purpose = 'capital' AND c.instrument <> 'guarantee'
          AND {_stands("r", "repayment_id")}
    ) AS movements
    GROUP BY organisation_id, contributor_kind
    """
)
_SUBSIDIES = text(
    f"""
    SELECT c.organisation_id, sum(c.amount_cents) AS amount_cents
    FROM contributions c
    WHERE {_of_organisation("c")} AND c.received_on BETWEEN :from_on AND :to_on
      AND c.purpose = 'operations' AND c.instrument <> 'guarantee'
      AND c.contributor_kind = ANY(cast(:kinds AS text[]))
      AND {_stands("c", "contribution_id")}
    GROUP BY c.organisation_id
    """
)
_RECORDED_UNTIL = text(
    f"""
    SELECT max(recorded_at) FROM (
        SELECT max(c.recorded_at) AS recorded_at FROM contributions c
        WHERE {_of_organisation("c")}
        UNION ALL
        SELECT max(r.recorded_at) FROM contribution_repayments r WHERE {_of_organisation("r")}
        UNION ALL
        SELECT max(s.recorded_at) FROM contribution_reversals s WHERE {_of_organisation("s")}
    ) AS newest
    """
)
