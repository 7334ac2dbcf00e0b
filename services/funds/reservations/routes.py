"""Reservations over HTTP: by the organisation itself, or by the loans service acting for it."""

from typing import Annotated

from fastapi import Depends, Request, Response

from services.common.answers import json_response
from services.common.app import database_of, service_router, today_of
from services.common.database import WriteSession
from services.common.errors import not_found
from services.common.idempotency import (
    REPLAYED,
    Answered,
    answer_once,
    created,
    replayed,
)
from services.common.identity import Principal, Requires, Role, organisation_id
from services.funds import tenancy
from services.funds.reservations import commands, queries
from services.funds.reservations.queries import Decision, Reservation
from services.funds.reservations.schemas import (
    DecisionAnswer,
    ReservationAnswer,
    ReservationBody,
    ReservationPath,
    ReservationState,
)

router = service_router()
Lender = Annotated[Principal, Depends(Requires(Role.MEMBER, Role.SERVICE))]
Reader = Annotated[
    Principal, Depends(Requires(Role.MEMBER, Role.NETWORK, Role.AUDITOR, Role.SERVICE))
]


@router.post("/v1/funds/{slug}/reservations", status_code=201, response_model=ReservationAnswer)
async def post_reservation(
    request: Request, slug: str, body: ReservationBody, lender: Lender
) -> Response:
    """Réserver une somme pour un prêt ; refusé si le fonds n'en dispose pas."""
    tenancy.require_own(lender, slug)

    async def reserve(session: WriteSession) -> Answered:
        reservation, is_new = await commands.reserve(
            session, lender, body.reservation_id, body.amount
        )
        document = ReservationAnswer(
            reservation_id=reservation.reservation_id,
            fund=slug,
            amount=reservation.amount_cents,
            reserved_at=reservation.reserved_at,
        ).model_dump(mode="json")
        location = _location(slug, reservation)
        return created(document, location) if is_new else replayed(document, location)

    return await answer_once(request, lender, reserve)


@router.get("/v1/funds/{slug}/reservations/{reservation_id}", response_model=ReservationState)
async def get_reservation(
    request: Request, slug: str, reservation_id: ReservationPath, reader: Reader
) -> Response:
    """Consulter une réservation et son état."""
    tenancy.require_visible(reader, slug)
    async with database_of(request).read(organisation_id(slug)) as session:
        found = await queries.find_reservation(session, reservation_id)
    if found is None:
        raise not_found(commands.RESERVATION)
    state = ReservationState(
        reservation_id=found.reservation_id,
        fund=slug,
        amount=found.amount_cents,
        reserved_at=found.reserved_at,
        state="pending" if found.decision is None else found.decision.value,
    )
    return json_response(state.model_dump(mode="json"))


@router.post("/v1/funds/{slug}/reservations/{reservation_id}/post", response_model=DecisionAnswer)
async def post_reservation_post(
    request: Request, slug: str, reservation_id: ReservationPath, lender: Lender
) -> Response:
    """Le prêt est versé : la somme réservée quitte l'encaisse du fonds."""
    return await _decide(request, slug, reservation_id, lender, Decision.POSTED)


@router.post("/v1/funds/{slug}/reservations/{reservation_id}/void", response_model=DecisionAnswer)
async def post_reservation_void(
    request: Request, slug: str, reservation_id: ReservationPath, lender: Lender
) -> Response:
    """Le prêt ne se fait pas : la somme réservée redevient disponible."""
    return await _decide(request, slug, reservation_id, lender, Decision.VOIDED)


async def _decide(
    request: Request, slug: str, reservation_id: str, lender: Principal, decision: Decision
) -> Response:
    tenancy.require_own(lender, slug)
    today = today_of(request)

    async def decide(session: WriteSession) -> Answered:
        reservation, is_new = await commands.decide(
            session, lender, reservation_id, decision, today
        )
        assert reservation.decision is not None, "it has just been decided"
        assert reservation.decided_on is not None, "a decision has its day"
        document = DecisionAnswer(
            reservation_id=reservation_id,
            fund=slug,
            amount=reservation.amount_cents,
            state=reservation.decision,
            decided_on=reservation.decided_on,
        ).model_dump(mode="json")
        return Answered(200, document, {} if is_new else REPLAYED)

    return await answer_once(request, lender, decide)


def _location(slug: str, reservation: Reservation) -> str:
    return f"/v1/funds/{slug}/reservations/{reservation.reservation_id}"
