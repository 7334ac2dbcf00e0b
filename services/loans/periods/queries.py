"""Every SQL statement about reporting periods but those about the facts in them."""

import json
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from uuid import UUID

from sqlalchemy import Row, text

from services.common.database import ReadSession, WriteSession
from services.common.errors import JsonValue
from services.loans.periods.arithmetic import (
    Asking,
    Deadline,
    PeriodEvent,
    Signature,
    Start,
    Step,
    add_up,
    end_of,
)
from services.loans.totals.queries import Period, sum_over_regions
from services.loans.totals.views import show_figures


async def has_ever_written(session: ReadSession) -> bool:
    """Whether the session's organisation is known here at all."""
    place = {"organisation": session.organisation_id}
    return (await session.connection.execute(_HAS_WRITTEN, place)).first() is not None


async def load_events(
    session: ReadSession, months: Iterable[date]
) -> dict[date, tuple[PeriodEvent, ...]]:
    """What happened to these months, in order; every one of them is a key."""
    found: dict[date, list[PeriodEvent]] = {month: [] for month in months}
    rows = await session.connection.execute(
        _EVENTS, {"organisation": session.organisation_id, "months": list(found)}
    )
    for row in rows:
        found[row.month_on].append(_read(row))
    return {month: tuple(events) for month, events in found.items()}


async def insert_event(session: WriteSession, month: date, number: int, event: PeriodEvent) -> None:
    signature = event.signature
    await session.connection.execute(
        _INSERT,
        {
            "organisation": session.organisation_id,
            "month": month,
            "number": number,
            "event": event.period_event_id,
            "kind": event.step.value,
            "on": event.recorded_on,
            "by": event.recorded_by,
            "key_made_by": event.key_made_by,
            "reason": event.reason,
            "request": event.request_id,
            "name": signature and signature.name,
            "role": signature and signature.role,
            "statement": signature and signature.statement,
            "figures": _to_text(event.figures),
            "warnings": _to_text(event.warnings),
            "digest": event.digest,
        },
    )


def _to_text(document: JsonValue) -> str | None:
    return None if document is None else json.dumps(document, ensure_ascii=False)


async def load_deadlines(session: ReadSession) -> list[Deadline]:
    return [Deadline(*row) for row in await session.connection.execute(_DEADLINES)]


async def load_starts(session: ReadSession) -> list[Start]:
    """In the order in which they were said; there is always one."""
    return [Start(*row) for row in await session.connection.execute(_STARTS)]


async def load_asking(session: ReadSession) -> Asking:
    return Asking(await load_starts(session), await load_deadlines(session))


async def insert_start(session: WriteSession, version: int, start: Start, recorded_by: str) -> None:
    await session.connection.execute(
        _INSERT_START,
        {
            "version": version,
            "month": start.month,
            "asked_on": start.asked_on,
            "by": recorded_by,
        },
    )


async def insert_deadline(session: WriteSession, deadline: Deadline, recorded_by: str) -> None:
    await session.connection.execute(
        _INSERT_DEADLINE,
        {"from": deadline.from_on, "days": deadline.days, "by": recorded_by},
    )


async def read_figures(session: ReadSession, month: date) -> dict[str, JsonValue]:
    """The figures of a month: flows dated in it, positions at its end, people counted once."""
    last = end_of(month)
    totals = await sum_over_regions(session, Period(month, last, last), session.organisation_id)
    return show_figures(add_up(totals.values()))


async def list_steps(
    session: ReadSession, first: date, last: date, organisation_id: UUID | None
) -> dict[tuple[UUID, date], list[tuple[Step, date]]]:
    """By organisation and month, what happened on which day: for the totals role."""
    rows = await session.connection.execute(
        _STEPS, {"first": first, "last": last, "organisation": organisation_id}
    )
    found: dict[tuple[UUID, date], list[tuple[Step, date]]] = defaultdict(list)
    for row in rows:
        found[row.organisation_id, row.month_on].append((Step(row.kind), row.recorded_on))
    return found


async def count_sent(
    session: ReadSession, first: date, last: date, organisation_id: UUID | None
) -> dict[tuple[UUID, date], dict[str, int]]:
    """By organisation and month, how many facts of each kind are dated in it: totals role."""
    rows = await session.connection.execute(
        _SENT, {"first": first, "last": last, "organisation": organisation_id}
    )
    found: dict[tuple[UUID, date], dict[str, int]] = defaultdict(dict)
    for row in rows:
        found[row.organisation_id, row.month_on][row.kind] = int(row.facts)
    return found


def _read(row: Row[tuple[object, ...]]) -> PeriodEvent:
    return PeriodEvent(
        period_event_id=row.period_event_id,
        step=Step(row.kind),
        recorded_on=row.recorded_on,
        recorded_by=row.recorded_by,
        key_made_by=row.key_made_by,
        reason=row.reason,
        request_id=row.request_id,
        signature=(
            None
            if row.signed_name is None
            else Signature(row.signed_name, row.signed_role, row.statement)
        ),
        figures=row.figures,
        warnings=row.warnings,
        digest=row.digest,
    )


_HAS_WRITTEN = text(
    "SELECT organisation_id FROM organisation_counters"
    " WHERE organisation_id = :organisation AND last_audit_number > 0"
)
_EVENTS = text(
    """
    SELECT month_on, period_event_id, kind, recorded_on, recorded_by, key_made_by, reason,
           request_id, signed_name, signed_role, statement, figures, warnings, digest
    FROM period_events
    WHERE organisation_id = :organisation AND month_on = ANY(cast(:months AS date[]))
    ORDER BY month_on, event_number
    """
)
_INSERT = text(
    """
    INSERT INTO period_events (
        organisation_id, month_on, event_number, period_event_id, kind, recorded_on, recorded_by,
        key_made_by, reason, request_id, signed_name, signed_role, statement, figures, warnings,
        digest
    ) VALUES (
        :organisation, :month, :number, :event, :kind, :on, :by, :key_made_by, :reason, :request,
        :name, :role, :statement, cast(:figures AS jsonb), cast(:warnings AS jsonb), :digest
    )
    """
)
_DEADLINES = text("SELECT from_on, days FROM reporting_deadlines ORDER BY from_on")
_INSERT_DEADLINE = text(
    "INSERT INTO reporting_deadlines (from_on, days, recorded_by) VALUES (:from, :days, :by)"
)
_STARTS = text("SELECT month_on, asked_on FROM reporting_starts ORDER BY version")
_INSERT_START = text(
    "INSERT INTO reporting_starts (version, month_on, asked_on, recorded_by)"
    " VALUES (:version, :month, :asked_on, :by)"
)
_ONE = "(cast(:organisation AS uuid) IS NULL OR {0}.organisation_id = :organisation)"
_STEPS = text(
    f"""
    SELECT e.organisation_id, e.month_on, e.kind, e.recorded_on FROM period_events e
    WHERE e.month_on BETWEEN :first AND :last AND {_ONE.format("e")}
    ORDER BY e.organisation_id, e.month_on, e.event_number
    """
)


def _count(kind: str, table: str, fact: str, on: str) -> str:
    return f"""
    SELECT f.organisation_id, cast(date_trunc('month', f.{on}) AS date), '{kind}', count(*)
    FROM {table} f
    WHERE f.{on} BETWEEN :first AND :last AND {_ONE.format("f")}
      AND NOT EXISTS (SELECT FROM reversals r WHERE r.organisation_id = f.organisation_id
                      AND r.fact_kind = '{fact}' AND r.fact_id = f.{fact}_id)
    GROUP BY 1, 2
    """


def _count_daily(kind: str) -> str:
    return f"""
    SELECT t.organisation_id, cast(date_trunc('month', t.on_date) AS date), '{kind}',
           sum(t.{kind}_count)
    FROM daily_totals t
    WHERE t.on_date BETWEEN :first AND :last AND {_ONE.format("t")}
    GROUP BY 1, 2
    """


_SENT = text(
    f"""
    SELECT organisation_id, month_on, kind, facts FROM (
        {_count_daily("loans")}
        UNION ALL
        {_count_daily("repayments")}
        UNION ALL
        {_count("coaching_sessions", "coaching_sessions", "coaching_session", "held_on")}
        UNION ALL
        {_count("outcomes", "outcomes", "outcome", "observed_on")}
    ) AS counted (organisation_id, month_on, kind, facts)
    WHERE facts > 0
    """
)
