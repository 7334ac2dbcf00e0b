"""The schedules laid during the life of loans, and which of them is in force when."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import text

from services.common.bulk import insert_rows
from services.common.database import ReadSession, WriteSession
from services.loans import tables
from services.loans.positions.account import Laid
from services.loans.positions.arithmetic import END_OF_TIME, LaidSchedule
from services.loans.positions.figures import Relaid
from services.loans.positions.ladder import Ladder


async def put_schedules(
    session: WriteSession, relaid: Mapping[UUID, Relaid], recorded_by: str
) -> None:
    """Keep the schedules laid anew, each as a version of its own, and which is in force when.

    A version on record stays; one that a late fact changes is followed by another.
    """
    if not relaid:
        return
    place = {"organisation": session.organisation_id, "loans": list(relaid)}
    newest = {row.loan_id: row.version for row in await session.connection.execute(_NEWEST, place)}
    on_record = {
        (row.loan_id, row.cause_id): row.version
        for row in await session.connection.execute(_VERSIONS_IN_FORCE, place)
    }
    new: list[tuple[UUID, int, LaidSchedule]] = []
    spans: list[tuple[UUID, int, date, date]] = []
    for loan_id, schedules in relaid.items():
        versions = [1]
        for schedule in schedules.after:
            known = on_record.get((loan_id, schedule.cause_id))
            if known is None or schedule not in schedules.before:
                newest[loan_id] += 1
                known = newest[loan_id]
                new.append((loan_id, known, schedule))
            versions.append(known)
        from_on = [date.min, *(schedule.laid.on for schedule in schedules.after)]
        until_on = [*from_on[1:], END_OF_TIME]
        if schedules.after:
            spans += zip([loan_id] * len(versions), versions, from_on, until_on, strict=True)
    await session.connection.execute(_FORGET_SPANS, place)
    await _insert_versions(session, new, recorded_by)
    await insert_rows(
        session,
        tables.ScheduleSpan,
        [
            {
                "organisation_id": session.organisation_id,
                "loan_id": loan_id,
                "version": version,
                "from_on": from_on,
                "until_on": until_on,
            }
            for loan_id, version, from_on, until_on in spans
        ],
    )


async def _insert_versions(
    session: WriteSession, new: Sequence[tuple[UUID, int, LaidSchedule]], recorded_by: str
) -> None:
    organisation = session.organisation_id
    await insert_rows(
        session,
        tables.ScheduleVersion,
        [
            {
                "organisation_id": organisation,
                "loan_id": loan_id,
                "version": version,
                "effective_on": schedule.laid.on,
                "reason": schedule.cause_kind,
                "cause_kind": schedule.cause_kind,
                "cause_id": schedule.cause_id,
                "recorded_by": recorded_by,
            }
            for loan_id, version, schedule in new
        ],
    )
    await insert_rows(
        session,
        tables.Instalment,
        [
            {
                "organisation_id": organisation,
                "loan_id": loan_id,
                "version": version,
                "number": instalment.number,
                "due_on": instalment.due_on,
                "principal_cents": instalment.principal_cents,
                "interest_cents": instalment.interest_cents,
                "fees_cents": instalment.fees_cents,
            }
            for loan_id, version, schedule in new
            for instalment in schedule.laid.ladder.instalments
        ],
    )


async def load_schedules(session: ReadSession) -> dict[UUID, list[LaidSchedule]]:
    """The schedules in force after their contract's, of every loan that has any."""
    found: dict[UUID, list[LaidSchedule]] = defaultdict(list)
    for row in await session.connection.execute(
        _SCHEDULES, {"organisation": session.organisation_id}
    ):
        ladder = Ladder(row.due, row.fees, row.interest, row.principal)
        found[row.loan_id].append(
            LaidSchedule(row.cause_kind, row.cause_id, Laid(row.from_on, ladder))
        )
    return found


_OF_LOANS = "organisation_id = :organisation AND loan_id = ANY(cast(:loans AS uuid[]))"
_NEWEST = text(
    f"""
    SELECT loan_id, max(version) AS version FROM schedule_versions WHERE {_OF_LOANS}
    GROUP BY loan_id
    """
)
_VERSIONS_IN_FORCE = text(
    f"""
    SELECT s.loan_id, s.version, v.cause_id
    FROM schedule_spans s JOIN schedule_versions v USING (organisation_id, loan_id, version)
    WHERE {_OF_LOANS}
    """
)
_FORGET_SPANS = text(f"DELETE FROM schedule_spans WHERE {_OF_LOANS}")
_SCHEDULES = text(
    """
    SELECT s.loan_id, s.version, s.from_on, v.cause_kind, v.cause_id,
           array_agg(i.due_on ORDER BY i.number) AS due,
           array_agg(i.fees_cents ORDER BY i.number) AS fees,
           array_agg(i.interest_cents ORDER BY i.number) AS interest,
           array_agg(i.principal_cents ORDER BY i.number) AS principal
    FROM schedule_spans s
    JOIN schedule_versions v USING (organisation_id, loan_id, version)
    JOIN instalments i USING (organisation_id, loan_id, version)
    WHERE s.organisation_id = :organisation AND s.version > 1
    GROUP BY s.loan_id, s.version, s.from_on, s.until_on, v.cause_kind, v.cause_id
    ORDER BY s.loan_id, s.from_on, s.until_on, s.version
    """
)
