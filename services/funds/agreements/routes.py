"""Agreements over HTTP: the network records them, the funder and the auditor read them."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response

from services.common.answers import json_response
from services.common.app import database_of, service_router, today_of
from services.common.database import WriteSession
from services.common.errors import InputError, NotFound, Unprocessable, not_found
from services.common.idempotency import Answered, answer_once, created, replayed
from services.common.identity import (
    NO_ORGANISATION,
    Principal,
    Requires,
    Role,
    organisation_id,
)
from services.common.pagination import LIMIT_DEFAULT, Limit, page
from services.common.text import Text
from services.funds import paging, tenancy
from services.funds.agreements import commands, queries
from services.funds.agreements.answers import (
    answer_agreement,
    answer_payment,
    describe_agreement,
)
from services.funds.agreements.schemas import (
    AgreementAnswer,
    AgreementBody,
    AgreementPage,
    AgreementState,
    PaymentAnswer,
    PaymentBody,
)

router = service_router()
Network = Annotated[Principal, Depends(Requires(Role.NETWORK))]
Reader = Annotated[Principal, Depends(Requires(Role.NETWORK, Role.FUNDER, Role.AUDITOR))]

UNKNOWN_ORGANISATION = InputError(
    "/organisation",
    "organisation.unknown",
    Text("Aucune organisation n'a cet identifiant.", "No organisation has this identifier."),
)


@router.post("/v1/agreements", status_code=201, response_model=AgreementAnswer)
async def post_agreement(request: Request, body: AgreementBody, network: Network) -> Response:
    """Inscrire une entente : montant, dates, cibles, obligations."""

    async def record(session: WriteSession) -> Answered:
        agreement, is_new = await commands.record_agreement(session, network, body)
        document = answer_agreement(agreement).model_dump(mode="json", by_alias=True)
        location = f"/v1/agreements/{agreement.agreement_id}"
        return created(document, location) if is_new else replayed(document, location)

    return await answer_once(request, network, record)


@router.post(
    "/v1/agreements/{agreement_id}/payments", status_code=201, response_model=PaymentAnswer
)
async def post_payment(
    request: Request, agreement_id: UUID, body: PaymentBody, network: Network
) -> Response:
    """Inscrire un versement du bailleur de fonds et, s'il y a lieu, à qui il est destiné."""
    if body.organisation is not None:
        await _require_organisation(request, network, body.organisation)
    today = today_of(request)

    async def record(session: WriteSession) -> Answered:
        payment, is_new = await commands.record_payment(session, network, agreement_id, body, today)
        document = answer_payment(payment).model_dump(mode="json")
        location = f"/v1/agreements/{agreement_id}"
        return created(document, location) if is_new else replayed(document, location)

    return await answer_once(request, network, record)


async def _require_organisation(request: Request, network: Principal, slug: str) -> None:
    try:
        async with database_of(request).read(organisation_id(slug)) as session:
            await tenancy.find_fund(session, network, slug)
    except NotFound as error:
        refused = UNKNOWN_ORGANISATION
        raise Unprocessable(refused.message, code=refused.code, errors=[refused]) from error


@router.get("/v1/agreements", response_model=AgreementPage)
async def get_agreements(
    request: Request, reader: Reader, limit: Limit = LIMIT_DEFAULT, cursor: str | None = None
) -> Response:
    """Lister les ententes et leurs versements, dans l'ordre de leur inscription."""
    after = paging.read_identifier(cursor)
    async with database_of(request).read(NO_ORGANISATION) as session:
        found = await queries.list_agreements(session, after, limit + 1)
        payments = await queries.list_payments(session, [one.agreement_id for one in found])
    items = [
        describe_agreement(one, payments).model_dump(mode="json", by_alias=True) for one in found
    ]
    return json_response(page(request, items, limit, "agreement_id"))


@router.get("/v1/agreements/{agreement_id}", response_model=AgreementState)
async def get_agreement(request: Request, agreement_id: UUID, reader: Reader) -> Response:
    """Consulter une entente et ses versements."""
    async with database_of(request).read(NO_ORGANISATION) as session:
        found = await queries.find_agreement(session, agreement_id)
        payments = await queries.list_payments(session, [agreement_id])
    if found is None:
        raise not_found(commands.AGREEMENT)
    answer = describe_agreement(found, payments)
    return json_response(answer.model_dump(mode="json", by_alias=True))
