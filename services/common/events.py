"""GET /internal/events: how one service reads another's outbox. Never routed from outside."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from services.common import outbox
from services.common.answers import json_response
from services.common.app import database_of, service_router, totals_database_of
from services.common.identity import Principal, Requires, Role

EVENTS_MAX = 2
"""A full event tells a thousand facts: two stay well under the limit of a JSON body."""

Service = Annotated[Principal, Depends(Requires(Role.SERVICE))]


def create_events_router() -> APIRouter:
    router = service_router()

    @router.get("/internal/events", include_in_schema=False)
    async def get_events(
        request: Request,
        service: Service,
        organisation_id: UUID,
        after: Annotated[int, Query(ge=0)] = 0,
    ) -> Response:
        """The organisation's events after a number, in order."""
        async with database_of(request).read(organisation_id) as session:
            events = await outbox.read_after(session, after, EVENTS_MAX)
        return json_response(
            {
                "events": [
                    {
                        "organisation_id": str(event.organisation_id),
                        "number": event.number,
                        "type": event.type,
                        "payload": event.payload,
                        "recorded_at": event.recorded_at.isoformat(),
                    }
                    for event in events
                ]
            }
        )

    @router.get("/internal/events/positions", include_in_schema=False)
    async def get_positions(request: Request, service: Service) -> Response:
        """How far each organisation's events go."""
        async with totals_database_of(request).read_totals(service.subject) as session:
            positions = await outbox.read_positions(session)
        return json_response(
            {"positions": {str(organisation): number for organisation, number in positions.items()}}
        )

    return router
