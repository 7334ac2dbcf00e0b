"""The SQL of the regions."""

from dataclasses import dataclass

from sqlalchemy import text

from services.common.database import ReadSession


@dataclass(frozen=True, slots=True)
class Region:
    code: str
    name: str


async def list_regions(session: ReadSession) -> list[Region]:
    rows = await session.connection.execute(_LIST)
    return [Region(row.code, row.name) for row in rows]


_LIST = text("SELECT code, name FROM regions ORDER BY code")
