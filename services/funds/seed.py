"""Give every organisation of the register its fund: run after the register has been seeded."""

from collections.abc import Mapping

from pydantic import SecretStr

from services.common.database import open_database
from services.common.identity import organisation_id
from services.funds.tenancy import Fund, name_fund


async def seed_funds(database_url: str, names: Mapping[str, str]) -> None:
    """Record one fund per slug, with its organisation's name. Running it again changes nothing."""
    database = open_database(SecretStr(database_url), 1)
    try:
        for slug, name in names.items():
            async with database.write(organisation_id(slug)) as session:
                await name_fund(session, Fund(slug, name))
    finally:
        await database.close()
