"""What the three repayment rates are computed from, by organisation. All are of principal.

They share what is due: the instalments of the schedule in force on each due date. They part in
what they count against it.
"""

from collections import defaultdict
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy import text

from services.common.database import ReadSession
from services.loans.totals.queries import LOAN_STANDS, Figures, Period

DAY = timedelta(days=1)


async def sum_repayment(
    session: ReadSession, period: Period, organisation_id: UUID | None
) -> dict[UUID, Figures]:
    """Cents by organisation: due and repaid to date; due, on time and recovered in the period.

    What comes after the report's date is left out of a period that runs.
    """
    sums: dict[UUID, Figures] = defaultdict(lambda: defaultdict(int))
    until = min(period.last, period.as_of)
    place = {"organisation": organisation_id, "first": period.first, "until": until}
    for row in await session.connection.execute(_ON_TIME, place):
        sums[row.organisation_id]["due_in_period_cents"] += int(row.due_cents)
        sums[row.organisation_id]["on_time_cents"] += int(row.on_time_cents)
    to_date = await _sum_to_date(session, period.as_of, organisation_id)
    for organisation, (due, repaid) in to_date.items():
        sums[organisation]["principal_due_cents"] += due
        sums[organisation]["principal_repaid_cents"] += repaid
    if until != period.as_of:
        to_date = await _sum_to_date(session, until, organisation_id)
    before = await _sum_to_date(session, period.first - DAY, organisation_id)
    for organisation, (_, repaid) in to_date.items():
        repaid_before = before.get(organisation, (0, 0))[1]
        sums[organisation]["recovered_in_period_cents"] += repaid - repaid_before
    return sums


async def _sum_to_date(
    session: ReadSession, day: date, organisation_id: UUID | None
) -> dict[UUID, tuple[int, int]]:
    """Principal due by the end of a day, and how much of it is repaid, by organisation."""
    rows = await session.connection.execute(_DUE, {"organisation": organisation_id, "day": day})
    return {
        row.organisation_id: (int(row.principal_due_cents), int(row.principal_repaid_cents))
        for row in rows
    }


_ONE = "(cast(:organisation AS uuid) IS NULL OR {0}.organisation_id = :organisation)"

# Of the principal that fell due up to a day, how much is repaid: schedule after schedule, what fell
# due of each while it was in force, and what was paid then. Principal paid before it falls due is
# left out; for good once a schedule is laid anew after it, which asks only for what is left. What
# was due and not paid by then is asked for again: it counts once. What was written off stays due.
_DUE = text(
    f"""
    WITH spans AS (
        SELECT l.organisation_id, l.loan_id, coalesce(s.version, 1) AS version,
               coalesce(s.from_on, date '0001-01-01') AS from_on,
               least(s.until_on, :day) AS until_on, coalesce(s.until_on >= :day, true) AS in_force
        FROM loans l LEFT JOIN schedule_spans s USING (organisation_id, loan_id)
        WHERE coalesce(s.from_on < :day, true) AND {_ONE.format("l")} AND {LOAN_STANDS}
    ),
    due AS (
        SELECT v.organisation_id, v.loan_id, v.version, sum(i.principal_cents) AS cents
        FROM spans v JOIN instalments i USING (organisation_id, loan_id, version)
        WHERE i.due_on > v.from_on AND i.due_on <= v.until_on
        GROUP BY 1, 2, 3
    ),
    paid AS (
        SELECT v.organisation_id, v.loan_id, v.version, sum(a.principal_cents) AS cents
        FROM spans v
        JOIN repayments f USING (organisation_id, loan_id)
        JOIN allocations a USING (organisation_id, loan_id, repayment_id)
        WHERE f.paid_on > v.from_on AND f.paid_on <= v.until_on
        GROUP BY 1, 2, 3
    ),
    lost AS (
        SELECT v.organisation_id, v.loan_id, v.version, sum(f.amount_cents) AS cents
        FROM spans v JOIN write_offs f USING (organisation_id, loan_id)
        WHERE v.in_force AND f.written_off_on <= v.from_on
          AND NOT EXISTS (SELECT FROM reversals r
                          WHERE r.organisation_id = f.organisation_id
                            AND r.fact_kind = 'write_off' AND r.fact_id = f.write_off_id)
        GROUP BY 1, 2, 3
    )
    SELECT v.organisation_id, sum(x.repaid) AS principal_repaid_cents,
           sum(CASE WHEN v.in_force THEN x.due + coalesce(w.cents, 0) ELSE x.repaid END)
               AS principal_due_cents
    FROM spans v
    LEFT JOIN due d USING (organisation_id, loan_id, version)
    LEFT JOIN paid p USING (organisation_id, loan_id, version)
    LEFT JOIN lost w USING (organisation_id, loan_id, version)
    CROSS JOIN LATERAL (
        SELECT coalesce(d.cents, 0) AS due,
               least(coalesce(d.cents, 0), coalesce(p.cents, 0)) AS repaid) AS x
    WHERE x.due > 0 OR w.cents > 0
    GROUP BY 1
    """
)

# Of each instalment due in the period, what payments up to its due date had settled. A schedule is
# in force from the evening it was laid: what was paid before settles nothing of it.
_ON_TIME = text(
    f"""
    WITH standing AS (
        SELECT l.organisation_id, l.loan_id FROM loans l WHERE {_ONE.format("l")} AND {LOAN_STANDS}
    ),
    asked AS (
        SELECT i.organisation_id, i.loan_id, i.version, i.due_on, i.principal_cents AS cents,
               sum(i.principal_cents) OVER (
                   PARTITION BY i.organisation_id, i.loan_id, i.version ORDER BY i.number
               ) - i.principal_cents AS cents_before
        FROM standing l JOIN instalments i USING (organisation_id, loan_id)
    ),
    due AS (
        SELECT i.*
        FROM asked i
        LEFT JOIN schedule_spans s USING (organisation_id, loan_id, version)
        WHERE i.due_on BETWEEN :first AND :until
          AND CASE WHEN s.version IS NULL THEN i.version = 1
                   ELSE s.from_on < i.due_on AND s.until_on >= i.due_on END
    ),
    paid AS (
        SELECT a.organisation_id, a.loan_id, f.paid_on, a.principal_cents AS cents
        FROM standing l
        JOIN allocations a USING (organisation_id, loan_id)
        JOIN repayments f USING (organisation_id, loan_id, repayment_id)
        WHERE f.paid_on <= :until
    ),
    paid_before AS (
        SELECT s.organisation_id, s.loan_id, s.version, sum(p.cents) AS cents
        FROM schedule_spans s JOIN paid p USING (organisation_id, loan_id)
        WHERE s.version > 1 AND p.paid_on <= s.from_on
        GROUP BY 1, 2, 3
    ),
    days AS (
        SELECT organisation_id, loan_id, due_on AS on_date, version, cents AS due, cents_before,
               0 AS paid
        FROM due
        UNION ALL
        SELECT organisation_id, loan_id, paid_on, NULL, NULL, NULL, cents FROM paid
    ),
    by_due_date AS (
        SELECT d.*, sum(paid) OVER (PARTITION BY organisation_id, loan_id ORDER BY on_date)
                    AS paid_by_then
        FROM days d
    )
    SELECT d.organisation_id, sum(d.due) AS due_cents,
           sum(greatest(0, least(
               d.due, d.paid_by_then - coalesce(b.cents, 0) - d.cents_before))) AS on_time_cents
    FROM by_due_date d
    LEFT JOIN paid_before b USING (organisation_id, loan_id, version)
    WHERE d.due IS NOT NULL
    GROUP BY 1
    """
)
