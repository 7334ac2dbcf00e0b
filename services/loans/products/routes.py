"""/v1/products: the network's catalogue, version after version."""

from collections.abc import Sequence
from datetime import date
from typing import Annotated

from fastapi import Depends, Query, Request, Response

from services.common.answers import json_response
from services.common.app import database_of, service_router, today_of
from services.common.calendar import last_days
from services.common.database import WriteSession
from services.common.errors import JsonValue, not_found
from services.common.fields import CalendarDate
from services.common.idempotency import Answered, answer_once, created, replayed
from services.common.identity import Principal, Requires, Role
from services.common.text import Text
from services.loans.products import commands, queries
from services.loans.products.arithmetic import ProductVersion
from services.loans.products.schemas import ProductAnswer, ProductBody, ProductList

router = service_router()

Anyone = Annotated[
    Principal,
    Depends(Requires(Role.MEMBER, Role.NETWORK, Role.FUNDER, Role.AUDITOR, Role.OPERATOR)),
]
Network = Annotated[Principal, Depends(Requires(Role.NETWORK))]
AsOf = Annotated[
    CalendarDate | None, Query(description="En vigueur à cette date ; aujourd'hui par défaut.")
]
PRODUCT = Text("Produit", "Product")


@router.post("/v1/products", status_code=201, response_model=ProductAnswer)
async def post_product(request: Request, body: ProductBody, network: Network) -> Response:
    """Inscrire une nouvelle version d'un produit, ou un nouveau produit."""

    async def work(session: WriteSession) -> Answered:
        catalogue, is_new = await commands.record_version(session, network, body)
        document = show_versions(catalogue.versions[body.code])[-1]
        return (created if is_new else replayed)(document, f"/v1/products/{body.code}/versions")

    return await answer_once(request, network, work)


@router.get("/v1/products", response_model=ProductList)
async def list_products(request: Request, reader: Anyone, as_of: AsOf = None) -> Response:
    """Les produits en vigueur à une date, par code."""
    day = as_of or today_of(request)
    async with database_of(request).read(None) as session:
        catalogue = await queries.load_catalogue(session)
    found = [_show_in_force(versions, day) for versions in catalogue.versions.values()]
    return json_response({"items": [one for one in found if one is not None], "next": None})


@router.get("/v1/products/{code}", response_model=ProductAnswer)
async def get_product(request: Request, code: str, reader: Anyone, as_of: AsOf = None) -> Response:
    """La version d'un produit en vigueur à une date."""
    found = _show_in_force(await _load_versions(request, code), as_of or today_of(request))
    if found is None:
        raise not_found(PRODUCT)
    return json_response(found)


@router.get("/v1/products/{code}/versions", response_model=ProductList)
async def list_versions(request: Request, code: str, reader: Anyone) -> Response:
    """Toutes les versions d'un produit, de la plus ancienne à la plus récente."""
    versions = show_versions(await _load_versions(request, code))
    return json_response({"items": versions, "next": None})


async def _load_versions(request: Request, code: str) -> Sequence[ProductVersion]:
    """Raises NotFound for a product nobody recorded."""
    async with database_of(request).read(None) as session:
        catalogue = await queries.load_catalogue(session, [code])
    if code not in catalogue.versions:
        raise not_found(PRODUCT)
    return catalogue.versions[code]


def _show_in_force(versions: Sequence[ProductVersion], day: date) -> JsonValue:
    """The version in force on a day, None when there was none yet."""
    shown = zip(versions, show_versions(versions), strict=True)
    in_force = [document for version, document in shown if version.effective_on <= day]
    return in_force[-1] if in_force else None


def show_versions(versions: Sequence[ProductVersion]) -> list[JsonValue]:
    """Each ends the day before the next begins."""
    ends = last_days([version.effective_on for version in versions])
    return [
        {
            "code": version.code,
            "version": version.version,
            "effective_from": version.effective_on.isoformat(),
            "effective_until": None if until is None else until.isoformat(),
            **version.rules.model_dump(mode="json"),
        }
        for version, until in zip(versions, ends, strict=True)
    ]
