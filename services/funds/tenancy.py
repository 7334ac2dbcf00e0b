"""Which fund a request is about, and who may see it.

There is one fund per organisation, under the same slug, and its rows carry the organisation's
identifier, which is derived from the slug. The register belongs to the registry; this service keeps
only the slug and the name of the organisations it has heard of:

- `seed_funds` records the whole register at the first start and whenever the register is seeded;
- the first write of an organisation records its fund, so a new one needs no call to the registry;
- before that, its own member reads an empty fund: its signed token says that it exists.

No write waits for another service, and none is needed to read.
"""

from dataclasses import dataclass

from sqlalchemy import text

from services.common.database import ReadSession, WriteSession
from services.common.errors import not_found
from services.common.identity import Principal, Role
from services.common.text import Text

FUND = Text("Fonds", "Fund")


@dataclass(frozen=True, slots=True)
class Fund:
    slug: str
    name: str


def require_visible(principal: Principal, slug: str) -> None:
    """A member sees its own fund only: any other is not there for it. Raises NotFound."""
    if principal.role is Role.MEMBER:
        require_own(principal, slug)


def require_own(principal: Principal, slug: str) -> None:
    """Only the organisation itself writes in its fund. Raises NotFound."""
    if principal.organisation != slug:
        raise not_found(FUND)


async def find_fund(session: ReadSession, principal: Principal, slug: str) -> Fund:
    """The fund of the session's organisation. Raises NotFound."""
    row = (
        await session.connection.execute(_FIND, {"organisation": session.organisation_id})
    ).first()
    if row is not None:
        return Fund(row.slug, row.name)
    if principal.organisation == slug:
        return Fund(slug, slug)
    raise not_found(FUND)


async def record_fund(session: WriteSession, slug: str) -> None:
    """Record the fund of the organisation that writes; its name is its slug until it is seeded."""
    await session.connection.execute(
        _RECORD, {"organisation": session.organisation_id, "slug": slug, "name": slug}
    )


async def name_fund(session: WriteSession, fund: Fund) -> None:
    """Record the fund, or its new name."""
    await session.connection.execute(
        _NAME, {"organisation": session.organisation_id, "slug": fund.slug, "name": fund.name}
    )


async def list_funds(session: ReadSession, after: str, limit: int) -> list[Fund]:
    """Every organisation's fund, by slug: for a session of the totals role."""
    rows = await session.connection.execute(_LIST, {"after": after, "limit": limit})
    return [Fund(row.slug, row.name) for row in rows]


_FIND = text("SELECT slug, name FROM funds WHERE organisation_id = :organisation")
_RECORD = text(
    "INSERT INTO funds (organisation_id, slug, name) VALUES (:organisation, :slug, :name)"
    " ON CONFLICT (organisation_id) DO NOTHING"
)
_NAME = text(
    "INSERT INTO funds (organisation_id, slug, name) VALUES (:organisation, :slug, :name)"
    " ON CONFLICT (organisation_id) DO UPDATE SET name = excluded.name"
)
_LIST = text("SELECT slug, name FROM funds WHERE slug > :after ORDER BY slug LIMIT :limit")
