"""Walking the audit chain of the network's own writes."""

from pydantic import SecretStr

from services.common import audit
from services.common.database import open_database
from services.common.identity import NO_ORGANISATION


async def verify(database_url: SecretStr) -> list[str]:
    """The entries that do not hold, one sentence each."""
    database = open_database(database_url, 1)
    try:
        async with database.read(NO_ORGANISATION) as session:
            return [f"register: {each}" async for each in audit.find_breaks(session)]
    finally:
        await database.close()
