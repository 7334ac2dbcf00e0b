"""What the network asks for: from which month on, and how long after its end."""

from datetime import date

from services.common import audit, outbox
from services.common.database import WriteSession
from services.common.errors import Conflict, InputError, JsonValue
from services.common.idempotency import Answered, created, replayed
from services.common.identity import Principal
from services.common.recording import to_problem
from services.common.text import Text
from services.loans.periods import queries
from services.loans.periods.arithmetic import Deadline, Start, end_of


async def record_start(
    session: WriteSession, principal: Principal, month: date, today: date
) -> Answered:
    """Ask for the months from this one on, and for none before. The newest start holds."""
    location = "/v1/reporting-starts"
    starts = await queries.load_starts(session)
    if starts[-1].month == month:
        return replayed(show_start(starts[-1]), location)
    start = Start(month, today)
    await queries.insert_start(session, len(starts) + 1, start, principal.subject)
    document = show_start(start)
    await outbox.append(session, "reporting_start.recorded", document)
    await audit.append(session, principal, "reporting_start.recorded", {**document})
    return created(document, location)


def show_start(start: Start) -> dict[str, JsonValue]:
    return {"from": f"{start.month:%Y-%m}", "asked_on": start.asked_on.isoformat()}


async def record_deadline(
    session: WriteSession, principal: Principal, deadline: Deadline, today: date
) -> Answered:
    """Change the deadline from a month on. Raises Conflict, or Unprocessable for a month over.

    Nobody becomes late, or stops being so, afterwards.
    """
    location = "/v1/reporting-deadlines"
    document = show_deadline(deadline)
    known = {each.from_on: each for each in await queries.load_deadlines(session)}
    if deadline in known.values():
        return replayed(document, location)
    if deadline.from_on in known:
        raise Conflict(
            Text(
                "Un autre délai s'applique déjà à partir de ce mois.",
                "Another deadline already holds from this month on.",
            ),
            code="reporting_deadline.conflict",
        )
    if end_of(deadline.from_on) < today:
        message = Text(
            "Un délai change à partir d'un mois qui n'est pas terminé.",
            "A deadline changes from a month that is not over.",
        )
        raise to_problem([InputError("/from", "reporting_deadline.past", message)])
    await queries.insert_deadline(session, deadline, principal.subject)
    told: dict[str, JsonValue] = {**document}
    await outbox.append(session, "reporting_deadline.recorded", told)
    await audit.append(session, principal, "reporting_deadline.recorded", told)
    return created(document, location)


def show_deadline(deadline: Deadline) -> dict[str, JsonValue]:
    return {"from": f"{deadline.from_on:%Y-%m}", "days": deadline.days}
