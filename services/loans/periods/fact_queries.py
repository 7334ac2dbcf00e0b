"""The SQL that reads the facts of a month as rules see them; a reversed fact is not there.

Columns are named as in `FIELDS` of the rules; amounts in dollars, as members write them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import text

from services.common.database import ReadSession
from services.loans.periods.arithmetic import end_of
from services.loans.rules.arithmetic import Facts


@dataclass(frozen=True, slots=True)
class FactOfMonth:
    external_id: str
    on: date
    facts: Facts


async def list_facts(session: ReadSession, kind: str, month: date) -> Sequence[FactOfMonth]:
    """The facts of a kind dated in a month, in the order of their dates."""
    rows = await session.connection.execute(
        _FACTS[kind],
        {"organisation": session.organisation_id, "first": month, "last": end_of(month)},
    )
    return [FactOfMonth(row.external_id, row.counted_on, dict(row._mapping)) for row in rows]


def _stands(kind: str) -> str:
    return f"""NOT EXISTS (SELECT FROM reversals r WHERE r.organisation_id = f.organisation_id
                           AND r.fact_kind = '{kind}' AND r.fact_id = f.{kind}_id)"""


_FACTS = {
    "loans": text(
        f"""
        SELECT f.external_id, f.disbursed_on AS counted_on, f.contracted_on, f.disbursed_on,
               i.due_on AS first_due_on, f.principal_cents / 100.0 AS principal,
               cast(f.terms ->> 'annual_rate' AS numeric) AS annual_rate,
               cast(f.terms ->> 'instalments' AS integer) AS instalments,
               f.other_financing_cents / 100.0 AS other_financing, f.product, f.stage,
               b.kind AS borrower_kind, b.gender, b.birth_year
        FROM loans f
        JOIN borrowers b USING (organisation_id, borrower_id)
        LEFT JOIN instalments i ON i.organisation_id = f.organisation_id
                               AND i.loan_id = f.loan_id AND i.version = 1 AND i.number = 1
        WHERE f.organisation_id = :organisation AND f.disbursed_on BETWEEN :first AND :last
          AND {_stands("loan")}
        ORDER BY f.disbursed_on, f.external_id
        """
    ),
    "repayments": text(
        f"""
        SELECT f.external_id, f.paid_on AS counted_on, f.paid_on,
               f.amount_cents / 100.0 AS amount, f.method
        FROM repayments f
        WHERE f.organisation_id = :organisation AND f.paid_on BETWEEN :first AND :last
          AND {_stands("repayment")}
        ORDER BY f.paid_on, f.external_id
        """
    ),
    "coaching-sessions": text(
        f"""
        SELECT f.external_id, f.held_on AS counted_on, f.held_on, f.duration_minutes, f.mode,
               f.stage
        FROM coaching_sessions f
        WHERE f.organisation_id = :organisation AND f.held_on BETWEEN :first AND :last
          AND {_stands("coaching_session")}
        ORDER BY f.held_on, f.external_id
        """
    ),
    "outcomes": text(
        f"""
        SELECT f.external_id, f.observed_on AS counted_on, f.observed_on, f.business_status,
               f.jobs_created, f.jobs_maintained, f.turnover_cents / 100.0 AS turnover,
               f.other_financing_cents / 100.0 AS other_financing
        FROM outcomes f
        WHERE f.organisation_id = :organisation AND f.observed_on BETWEEN :first AND :last
          AND {_stands("outcome")}
        ORDER BY f.observed_on, f.external_id
        """
    ),
}
