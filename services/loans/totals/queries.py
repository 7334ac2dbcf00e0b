"""Network-wide sums, read through the totals role.

Without `group_by`, money and positions come from the daily totals: one pass over a small table,
whatever the number of loans. With it they are summed from the figures kept by loan. The tests hold
the two equal.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from sqlalchemy import TextClause, text

from services.common.database import ReadSession
from services.loans.vocabulary import NEW_ENTERPRISE_STAGES


class Dimension(StrEnum):
    """What `group_by` may name within an organisation and a region."""

    PRODUCT = "product"
    GENDER = "gender"
    STAGE = "stage"
    SECTOR = "sector"
    CLIENTELE = "clientele"
    FUNDING = "funding"


@dataclass(frozen=True, slots=True)
class Period:
    """Flows are those dated from `first` to `last`; positions are those of the end of `as_of`."""

    first: date
    last: date
    as_of: date


Key = tuple[UUID, str, str | None]
"""Organisation, region ("" for all of them), and the value of the dimension (None without one)."""

Figures = dict[str, int]


async def sum_by_organisation(
    session: ReadSession, period: Period, organisation_id: UUID | None
) -> dict[Key, Figures]:
    """Every figure by organisation and region, from the daily totals and the follow-up facts."""
    return await _sum(session, (_DAILY, _COACHING[None], _OUTCOMES[None]), period, organisation_id)


async def sum_over_regions(
    session: ReadSession, period: Period, organisation_id: UUID | None
) -> dict[Key, Figures]:
    """The same, but people and enterprises not by region: each counts once in its organisation."""
    statements = (_DAILY, _COACHING_OVER_REGIONS, _OUTCOMES_OVER_REGIONS)
    return await _sum(session, statements, period, organisation_id)


async def sum_by_dimension(
    session: ReadSession, period: Period, organisation_id: UUID | None, dimension: Dimension
) -> dict[Key, Figures]:
    """The same by organisation, region and dimension, from the figures kept by loan."""
    statements = (*_BY_LOAN[dimension], _OUTCOMES[dimension], _COACHING[dimension])
    return await _sum(session, statements, period, organisation_id)


async def find_recorded_until(
    session: ReadSession, organisation_id: UUID | None
) -> datetime | None:
    """The moment of the latest event on record: what was known when these totals were read."""
    row = (
        await session.connection.execute(_RECORDED_UNTIL, {"organisation": organisation_id})
    ).one()
    moment: datetime | None = row.recorded_until
    return moment


async def _sum(
    session: ReadSession,
    statements: Sequence[TextClause],
    period: Period,
    organisation_id: UUID | None,
) -> dict[Key, Figures]:
    place = {
        "first": period.first,
        "last": period.last,
        "as_of": period.as_of,
        "organisation": organisation_id,
        "new_stages": list(NEW_ENTERPRISE_STAGES),
    }
    totals: dict[Key, Figures] = defaultdict(lambda: defaultdict(int))
    for statement in statements:
        rows = await session.connection.execute(statement, place)
        columns = list(rows.keys())[3:]
        for row in rows:
            figures = totals[row.organisation_id, row.region_code, row.group_key]
            for name in columns:
                figures[name] += int(row._mapping[name] or 0)
    return totals


_ONE = "(cast(:organisation AS uuid) IS NULL OR {0}.organisation_id = :organisation)"

_DAILY = text(
    f"""
    SELECT t.organisation_id, t.region_code, NULL AS group_key,
           {
        ", ".join(
            f"sum(t.{name}) FILTER (WHERE t.on_date BETWEEN :first AND :last) AS {name}"
            for name in (
                "loans_count",
                "loans_cents",
                "repayments_count",
                "repayments_cents",
                "principal_cents",
                "interest_cents",
                "fees_cents",
                "written_off_cents",
                "recovered_cents",
            )
        )
    },
           {
        ", ".join(
            f"sum(t.{change}) FILTER (WHERE t.on_date <= :as_of) AS {name}"
            for change, name in (
                ("active_loans_change", "active_loans"),
                ("outstanding_change_cents", "outstanding_cents"),
                ("par30_change_cents", "par30_cents"),
                ("par90_change_cents", "par90_cents"),
            )
        )
    }
    FROM daily_totals t
    WHERE {_ONE.format("t")} AND t.on_date <= greatest(cast(:last AS date), :as_of)
    GROUP BY 1, 2
    """
)

_GROUP_KEYS = {
    Dimension.PRODUCT: ("l.product", ""),
    Dimension.GENDER: ("coalesce(b.gender, 'undisclosed')", ""),
    Dimension.STAGE: ("coalesce(l.stage, 'unknown')", ""),
    Dimension.SECTOR: ("coalesce(left(l.sector_code, 2), 'unknown')", ""),
    Dimension.CLIENTELE: (
        "g.key",
        "CROSS JOIN LATERAL unnest(CASE WHEN b.clienteles = '{}' THEN ARRAY['none']"
        " ELSE b.clienteles END) AS g (key)",
    ),
    Dimension.FUNDING: (
        "g.key",
        """CROSS JOIN LATERAL (
            SELECT source FROM (VALUES
                ('state', l.funding_state_cents),
                ('community', l.funding_community_cents),
                ('private', l.funding_private_cents),
                ('unspecified', l.principal_cents - l.funding_state_cents
                    - l.funding_community_cents - l.funding_private_cents)
            ) AS sources (source, cents) WHERE cents > 0) AS g (key)""",
    ),
}
"""By dimension: the group of a loan `l` with its borrower `b`, and what it takes to know it.

A loan of several clienteles or funding sources is in each of them, whole.
"""

_STANDS = """NOT EXISTS (SELECT FROM reversals r WHERE r.organisation_id = f.organisation_id
                       AND r.fact_kind = '{0}' AND r.fact_id = f.{0}_id)"""


LOAN_STANDS = """NOT EXISTS (SELECT FROM reversals r WHERE r.organisation_id = l.organisation_id
                        AND r.fact_kind = 'loan' AND r.fact_id = l.loan_id)"""


def _grouped(key: str, lateral: str) -> str:
    return f"""
    WITH grouped AS (
        SELECT l.organisation_id, l.loan_id, l.borrower_id, l.region_code, l.stage,
               l.disbursed_on, l.principal_cents, {key} AS group_key
        FROM loans l JOIN borrowers b USING (organisation_id, borrower_id) {lateral}
        WHERE {_ONE.format("l")} AND {LOAN_STANDS}
    )
    """


def _flow(grouped: str, table: str, kind: str, on: str, figures: str) -> str:
    return f"""
    {grouped}
    SELECT g.organisation_id, g.region_code, g.group_key, {figures}
    FROM {table} f JOIN grouped g USING (organisation_id, loan_id)
    WHERE f.{on} BETWEEN :first AND :last AND {_STANDS.format(kind)}
    GROUP BY 1, 2, 3
    """


def _by_loan(key: str, lateral: str) -> tuple[TextClause, ...]:
    grouped = _grouped(key, lateral)
    return (
        text(
            _flow(
                grouped,
                "disbursements",
                "disbursement",
                "disbursed_on",
                "count(*) FILTER (WHERE f.number = 1) AS loans_count,"
                " sum(f.amount_cents) AS loans_cents",
            )
        ),
        text(
            f"""
            {grouped}
            SELECT g.organisation_id, g.region_code, g.group_key,
                   count(*) AS repayments_count, sum(f.amount_cents) AS repayments_cents,
                   sum(a.principal_cents) AS principal_cents,
                   sum(a.interest_cents) AS interest_cents, sum(a.fees_cents) AS fees_cents
            FROM repayments f
            JOIN allocations a USING (organisation_id, loan_id, repayment_id)
            JOIN grouped g USING (organisation_id, loan_id)
            WHERE f.paid_on BETWEEN :first AND :last
            GROUP BY 1, 2, 3
            """
        ),
        text(
            f"""
            {grouped}
            SELECT g.organisation_id, g.region_code, g.group_key, sum(u.amount_cents) AS fees_cents
            FROM credit_uses u JOIN grouped g USING (organisation_id, loan_id)
            WHERE u.used_on BETWEEN :first AND :last
            GROUP BY 1, 2, 3
            """
        ),
        text(
            f"""
            {grouped}
            SELECT g.organisation_id, g.region_code, g.group_key,
                   count(*) FILTER (WHERE s.outstanding_principal_cents > 0) AS active_loans,
                   sum(s.outstanding_principal_cents) AS outstanding_cents,
                   sum(s.outstanding_principal_cents)
                       FILTER (WHERE :as_of - s.oldest_unpaid_due_on > 30) AS par30_cents,
                   sum(s.outstanding_principal_cents)
                       FILTER (WHERE :as_of - s.oldest_unpaid_due_on > 90) AS par90_cents
            FROM loan_states s JOIN grouped g USING (organisation_id, loan_id)
            WHERE s.from_on <= :as_of AND s.until_on > :as_of
            GROUP BY 1, 2, 3
            """
        ),
        text(
            _flow(
                grouped,
                "write_offs",
                "write_off",
                "written_off_on",
                "sum(f.amount_cents) AS written_off_cents",
            )
        ),
        text(
            _flow(
                grouped,
                "recoveries",
                "recovery",
                "recovered_on",
                "sum(f.amount_cents) AS recovered_cents",
            )
        ),
    )


def _outcomes(key: str, lateral: str, region: str = "g.region_code") -> TextClause:
    """An enterprise counts once: in the period of the follow-up that first saw it active."""
    return text(
        f"""
        {_grouped(key, lateral)},
        first_active AS (
            SELECT DISTINCT ON (l.organisation_id, l.borrower_id) f.organisation_id, f.outcome_id
            FROM outcomes f JOIN loans l USING (organisation_id, loan_id)
            WHERE f.business_status = 'active' AND f.observed_on <= :last
              AND {_ONE.format("f")} AND {_STANDS.format("outcome")}
            ORDER BY l.organisation_id, l.borrower_id, f.observed_on, f.outcome_id
        )
        SELECT g.organisation_id, {region} AS region_code, g.group_key,
               sum(f.jobs_created) AS jobs_created,
               sum(f.jobs_maintained) AS jobs_maintained,
               count(a.outcome_id) FILTER (
                   WHERE g.stage = ANY(cast(:new_stages AS text[]))) AS enterprises_created,
               count(a.outcome_id) FILTER (
                   WHERE NOT coalesce(g.stage = ANY(cast(:new_stages AS text[])), false)
               ) AS enterprises_maintained
        FROM outcomes f
        JOIN grouped g USING (organisation_id, loan_id)
        LEFT JOIN first_active a USING (organisation_id, outcome_id)
        WHERE f.observed_on BETWEEN :first AND :last AND {_STANDS.format("outcome")}
        GROUP BY 1, 2, 3
        """
    )


def _coaching(key: str, join: str, region: str = "f.region_code") -> TextClause:
    return text(
        f"""
        SELECT f.organisation_id, {region} AS region_code, {key} AS group_key,
               count(*) AS sessions, sum(f.duration_minutes) AS minutes,
               count(DISTINCT f.borrower_id) AS people
        FROM coaching_sessions f
        JOIN borrowers b USING (organisation_id, borrower_id) {join}
        WHERE f.held_on BETWEEN :first AND :last AND {_STANDS.format("coaching_session")}
          AND {_ONE.format("f")}
        GROUP BY 1, 2, 3
        """
    )


_LOAN_OF_SESSION = (
    "LEFT JOIN loans l ON l.organisation_id = f.organisation_id AND l.loan_id = f.loan_id"
)
_COACHING: dict[Dimension | None, TextClause] = {
    None: _coaching("NULL", ""),
    Dimension.PRODUCT: _coaching("coalesce(l.product, 'none')", _LOAN_OF_SESSION),
    Dimension.GENDER: _coaching(*_GROUP_KEYS[Dimension.GENDER]),
    Dimension.STAGE: _coaching("coalesce(l.stage, 'none')", _LOAN_OF_SESSION),
    Dimension.SECTOR: _coaching("coalesce(left(l.sector_code, 2), 'none')", _LOAN_OF_SESSION),
    Dimension.CLIENTELE: _coaching(*_GROUP_KEYS[Dimension.CLIENTELE]),
    Dimension.FUNDING: _coaching("'none'", ""),
}
"""People are coached without a loan too: what only a loan tells is then `none`."""

_OUTCOMES: dict[Dimension | None, TextClause] = {
    None: _outcomes("NULL", ""),
    **{dimension: _outcomes(*parts) for dimension, parts in _GROUP_KEYS.items()},
}
_COACHING_OVER_REGIONS = _coaching("NULL", "", region="''")
_OUTCOMES_OVER_REGIONS = _outcomes("NULL", "", region="''")
_BY_LOAN = {dimension: _by_loan(*parts) for dimension, parts in _GROUP_KEYS.items()}

_RECORDED_UNTIL = text(
    f"""
    SELECT max(e.recorded_at) AS recorded_until
    FROM organisation_counters c
    JOIN events e ON e.organisation_id = c.organisation_id AND e.event_number = c.last_event_number
    WHERE {_ONE.format("c")}
    """
)
