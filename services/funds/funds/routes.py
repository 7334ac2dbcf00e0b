"""Funds over HTTP: the list, a fund today, its balance on any date."""

from collections.abc import Mapping
from typing import Annotated

from fastapi import Depends, Request, Response

from services.common.answers import json_response
from services.common.app import database_of, service_router, today_of, totals_database_of
from services.common.fields import CalendarDate
from services.common.identity import Principal, Requires, Role, organisation_id
from services.common.pagination import LIMIT_DEFAULT, Limit, decode_cursor, page
from services.funds import tenancy
from services.funds.contributions.arithmetic import sum_by_source
from services.funds.contributions.queries import sum_movements
from services.funds.funds.schemas import (
    AccountBalance,
    BalanceAnswer,
    FundAnswer,
    FundItem,
    FundPage,
    SourceAmounts,
)
from services.funds.journal.accounts import CASH_CAPITAL
from services.funds.journal.queries import read_account_balance, read_balances
from services.funds.reservations.queries import sum_pending
from services.funds.vocabulary import Source

router = service_router()
Reader = Annotated[Principal, Depends(Requires(Role.MEMBER, Role.NETWORK, Role.AUDITOR))]


@router.get("/v1/funds", response_model=FundPage)
async def get_funds(
    request: Request, reader: Reader, limit: Limit = LIMIT_DEFAULT, cursor: str | None = None
) -> Response:
    """Lister les fonds ; un membre ne voit que le sien."""
    after = decode_cursor(cursor)
    if reader.organisation is not None:
        async with database_of(request).read(reader.organisation_id) as session:
            own = await tenancy.find_fund(session, reader, reader.organisation)
        found = [own] if own.slug > after else []
    else:
        async with totals_database_of(request).read_totals(reader.subject) as session:
            found = await tenancy.list_funds(session, after, limit + 1)
    items = [FundItem(slug=fund.slug, name=fund.name).model_dump(mode="json") for fund in found]
    return json_response(page(request, items, limit, "slug"))


@router.get("/v1/funds/{slug}", response_model=FundAnswer)
async def get_fund(request: Request, slug: str, reader: Reader) -> Response:
    """Consulter un fonds aujourd'hui : capital par source, encaisse, réservé et disponible."""
    tenancy.require_visible(reader, slug)
    today = today_of(request)
    async with database_of(request).read(organisation_id(slug)) as session:
        fund = await tenancy.find_fund(session, reader, slug)
        balance = sum_by_source(await sum_movements(session, today))
        cash = await read_account_balance(session, CASH_CAPITAL)
        pending = await sum_pending(session)
    answer = FundAnswer(
        slug=fund.slug,
        name=fund.name,
        as_of=today,
        capital=_by_source(balance.capital),
        operations=_by_source(balance.operations),
        guarantees=_by_source(balance.guarantees),
        cash=cash,
        reserved=pending,
        available=cash - pending,
    )
    return json_response(answer.model_dump(mode="json"))


@router.get("/v1/funds/{slug}/balance", response_model=BalanceAnswer)
async def get_balance(
    request: Request, slug: str, reader: Reader, as_of: CalendarDate | None = None
) -> Response:
    """Consulter le solde d'un fonds à la fin d'un jour, par source et par compte."""
    tenancy.require_visible(reader, slug)
    day = as_of or today_of(request)
    async with database_of(request).read(organisation_id(slug)) as session:
        fund = await tenancy.find_fund(session, reader, slug)
        balance = sum_by_source(await sum_movements(session, day))
        accounts = await read_balances(session, day)
    answer = BalanceAnswer(
        fund=fund.slug,
        as_of=day,
        capital=_by_source(balance.capital),
        operations=_by_source(balance.operations),
        guarantees=_by_source(balance.guarantees),
        accounts=[
            AccountBalance(account=account, balance=amount_cents)
            for account, amount_cents in accounts.items()
        ],
    )
    return json_response(answer.model_dump(mode="json"))


def _by_source(amounts: Mapping[Source, int]) -> SourceAmounts:
    return SourceAmounts(
        public=amounts[Source.PUBLIC],
        private=amounts[Source.PRIVATE],
        community=amounts[Source.COMMUNITY],
    )
