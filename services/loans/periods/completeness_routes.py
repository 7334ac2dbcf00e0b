"""/internal/completeness: what each organisation sent and submitted, for the gateway's report."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated

from fastapi import Depends, Query, Request, Response

from services.common.answers import json_response
from services.common.app import service_router, today_of, totals_database_of
from services.common.errors import JsonValue
from services.common.fields import CalendarDate
from services.common.identity import Principal, Requires, Role
from services.loans.periods import queries
from services.loans.periods.arithmetic import Asking, Step, end_of, find_state
from services.loans.periods.schemas import read_months

SENT_KINDS = ("loans", "repayments", "coaching_sessions", "outcomes")

router = service_router()

Reader = Annotated[Principal, Depends(Requires(Role.MEMBER, Role.NETWORK, Role.AUDITOR))]


@router.get("/internal/completeness", include_in_schema=False)
async def get_completeness(
    request: Request,
    reader: Reader,
    first: Annotated[CalendarDate, Query(alias="from")],
    last: Annotated[CalendarDate, Query(alias="to")],
) -> Response:
    """Month by month, for each organisation that sent or submitted anything; counts alone.

    `months` says what holds where nothing was submitted. A member is given itself alone.
    """
    own = reader.organisation_id if reader.role is Role.MEMBER else None
    months = read_months(first, last)
    today = today_of(request)
    async with totals_database_of(request).read_totals(reader.subject) as session:
        asking = await queries.load_asking(session)
        steps = await queries.list_steps(session, months[0], end_of(months[-1]), own)
        sent = await queries.count_sent(session, months[0], end_of(months[-1]), own)
    known = steps.keys() | sent.keys()
    return json_response(
        {
            "as_of": today.isoformat(),
            "asked_from": f"{asking.first_month:%Y-%m}",
            "months": [_show(month, [], asking, today) for month in months],
            "rows": [
                {
                    "organisation_id": str(organisation),
                    **_show(month, steps.get((organisation, month), []), asking, today),
                    "sent": _show_sent(sent.get((organisation, month), {})),
                }
                for organisation, month in sorted(known)
            ],
        }
    )


def _show(
    month: date, steps: Sequence[tuple[Step, date]], asking: Asking, today: date
) -> dict[str, JsonValue]:
    submitted_on = next((on for step, on in steps if step is Step.SUBMITTED), None)
    return {
        "month": f"{month:%Y-%m}",
        "state": find_state(month, [step for step, _ in steps], today).value,
        "due_on": asking.due_on(month).isoformat(),
        "submitted_on": None if submitted_on is None else submitted_on.isoformat(),
        "days_late": asking.days_late(month, submitted_on, today),
    }


def _show_sent(counts: dict[str, int]) -> dict[str, JsonValue]:
    return {kind: counts.get(kind, 0) for kind in SENT_KINDS}
