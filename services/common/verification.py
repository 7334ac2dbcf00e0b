"""Walking a service's organisations to verify kept figures and the audit chain."""

from collections.abc import AsyncIterator, Callable

from pydantic import SecretStr

from services.common import audit
from services.common.database import ReadSession, open_database
from services.common.outbox import read_organisations

Check = Callable[[ReadSession], AsyncIterator[str]]


async def verify_organisations(
    database_url: SecretStr, totals_database_url: SecretStr, *checks: Check
) -> list[str]:
    """What the checks and the audit chain find wrong, organisation by organisation."""
    database = open_database(database_url, 1)
    totals_database = open_database(totals_database_url, 1)
    found: list[str] = []
    try:
        async with totals_database.read_totals("verify") as session:
            organisations = await read_organisations(session)
        for organisation in organisations:
            async with database.read(organisation) as session:
                found += [
                    f"organisation {organisation}: {each}"
                    for check in (*checks, audit.find_breaks)
                    async for each in check(session)
                ]
    finally:
        await database.close()
        await totals_database.close()
    return found
