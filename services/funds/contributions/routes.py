"""Contributions over HTTP: a member records its own, the network and the auditor read them."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request, Response

from services.common.answers import json_response
from services.common.app import database_of, service_router, today_of
from services.common.database import WriteSession
from services.common.errors import not_found
from services.common.idempotency import Answered, answer_once, created, replayed
from services.common.identity import Principal, Requires, Role, organisation_id
from services.common.pagination import LIMIT_DEFAULT, Limit, page
from services.common.recording import refuse_first
from services.common.text import Text
from services.funds import paging, tenancy
from services.funds.contributions import commands, queries
from services.funds.contributions.answers import (
    answer_contribution,
    answer_repayment,
    describe_contribution,
    describe_repayment,
)
from services.funds.contributions.schemas import (
    ContributionAnswer,
    ContributionBody,
    ContributionPage,
    ContributionState,
    RepaymentAnswer,
    RepaymentBody,
    RepaymentPage,
    RepaymentState,
)

router = service_router()
Member = Annotated[Principal, Depends(Requires(Role.MEMBER))]
Reader = Annotated[Principal, Depends(Requires(Role.MEMBER, Role.NETWORK, Role.AUDITOR))]


@router.post("/v1/funds/{slug}/contributions", status_code=201, response_model=ContributionAnswer)
async def post_contribution(
    request: Request, slug: str, body: ContributionBody, member: Member
) -> Response:
    """Inscrire une contribution : don, subvention, placement, prêt sans intérêt ou garantie."""
    tenancy.require_own(member, slug)
    today = today_of(request)

    async def record(session: WriteSession) -> Answered:
        recorded = await commands.record_contributions(session, member, [body.to_draft()], today)
        refuse_first(recorded)
        found = await queries.find_contribution_told_as(session, body.external_id)
        assert found is not None, "what was recorded is there"
        document = answer_contribution(slug, found).model_dump(mode="json")
        location = f"/v1/funds/{slug}/contributions/{found.contribution_id}"
        return created(document, location) if recorded.created else replayed(document, location)

    return await answer_once(request, member, record)


@router.get("/v1/funds/{slug}/contributions", response_model=ContributionPage)
async def get_contributions(
    request: Request,
    slug: str,
    reader: Reader,
    limit: Limit = LIMIT_DEFAULT,
    cursor: str | None = None,
) -> Response:
    """Lister les contributions d'un fonds, dans l'ordre de leur inscription."""
    tenancy.require_visible(reader, slug)
    after = paging.read_identifier(cursor)
    async with database_of(request).read(organisation_id(slug)) as session:
        await tenancy.find_fund(session, reader, slug)
        found = await queries.list_contributions(session, after, limit + 1)
    items = [describe_contribution(slug, one).model_dump(mode="json") for one in found]
    return json_response(page(request, items, limit, "contribution_id"))


@router.get("/v1/funds/{slug}/contributions/{contribution_id}", response_model=ContributionState)
async def get_contribution(
    request: Request, slug: str, contribution_id: UUID, reader: Reader
) -> Response:
    """Consulter une contribution, ce qui en a été remboursé, et si elle a été renversée."""
    tenancy.require_visible(reader, slug)
    async with database_of(request).read(organisation_id(slug)) as session:
        found = await queries.find_contribution(session, contribution_id)
    if found is None:
        raise not_found(Text("Contribution", "Contribution"))
    return json_response(describe_contribution(slug, found).model_dump(mode="json"))


@router.post(
    "/v1/funds/{slug}/repayments-to-contributors",
    status_code=201,
    response_model=RepaymentAnswer,
)
async def post_repayment(
    request: Request, slug: str, body: RepaymentBody, member: Member
) -> Response:
    """Inscrire ce que le fonds rembourse d'une contribution."""
    tenancy.require_own(member, slug)
    today = today_of(request)

    async def record(session: WriteSession) -> Answered:
        repayment, is_new = await commands.record_repayment(session, member, body, today)
        document = answer_repayment(slug, repayment).model_dump(mode="json")
        location = f"/v1/funds/{slug}/repayments-to-contributors/{repayment.repayment_id}"
        return created(document, location) if is_new else replayed(document, location)

    return await answer_once(request, member, record)


@router.get("/v1/funds/{slug}/repayments-to-contributors", response_model=RepaymentPage)
async def get_repayments(
    request: Request,
    slug: str,
    reader: Reader,
    limit: Limit = LIMIT_DEFAULT,
    cursor: str | None = None,
) -> Response:
    """Lister les remboursements aux contributeurs, dans l'ordre de leur inscription."""
    tenancy.require_visible(reader, slug)
    after = paging.read_identifier(cursor)
    async with database_of(request).read(organisation_id(slug)) as session:
        await tenancy.find_fund(session, reader, slug)
        found = await queries.list_repayments(session, after, limit + 1)
    items = [describe_repayment(slug, one).model_dump(mode="json") for one in found]
    return json_response(page(request, items, limit, "repayment_id"))


@router.get(
    "/v1/funds/{slug}/repayments-to-contributors/{repayment_id}", response_model=RepaymentState
)
async def get_repayment(
    request: Request, slug: str, repayment_id: UUID, reader: Reader
) -> Response:
    """Consulter un remboursement à un contributeur, et s'il a été renversé."""
    tenancy.require_visible(reader, slug)
    async with database_of(request).read(organisation_id(slug)) as session:
        found = await queries.find_repayment(session, repayment_id)
    if found is None:
        raise not_found(Text("Remboursement", "Repayment"))
    return json_response(describe_repayment(slug, found).model_dump(mode="json"))
