"""Adding up the postings again, and telling where the kept daily amounts differ from them."""

from collections.abc import AsyncIterator

from pydantic import SecretStr

from services.common.database import ReadSession
from services.common.verification import verify_organisations
from services.funds.journal.queries import find_day_differences


async def verify(database_url: SecretStr, totals_database_url: SecretStr) -> list[str]:
    """The differences, one sentence each; empty when every kept amount follows from the postings."""
    return await verify_organisations(database_url, totals_database_url, _find_differences)


async def _find_differences(session: ReadSession) -> AsyncIterator[str]:
    for difference in await find_day_differences(session):
        yield difference
