"""Recording a new version of a product: after those on record, never in place of one."""

from services.common import audit
from services.common.database import WriteSession
from services.common.errors import JsonValue
from services.common.identity import Principal
from services.common.recording import refuse_backdated
from services.loans.products import queries
from services.loans.products.arithmetic import Catalogue
from services.loans.products.schemas import ProductBody


async def record_version(
    session: WriteSession, principal: Principal, body: ProductBody
) -> tuple[Catalogue, bool]:
    """The product with its new version last; False when that very version was there already.

    Raises Unprocessable for a date that is not after the newest version's.
    """
    rules = body.to_rules()
    catalogue = await queries.load_catalogue(session, [body.code])
    newest = catalogue.versions.get(body.code, (None,))[-1]
    if newest is not None:
        if (newest.effective_on, newest.rules) == (body.effective_from, rules):
            return catalogue, False
        refuse_backdated(body.effective_from, newest.effective_on)
    number = newest.version + 1 if newest else 1
    await queries.insert_version(
        session, body.code, number, body.effective_from, rules, principal.subject
    )
    details: dict[str, JsonValue] = {"code": body.code, "version": number}
    await audit.append(session, principal, "product.record", details)
    return await queries.load_catalogue(session, [body.code]), True
