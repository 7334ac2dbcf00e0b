"""Every SQL statement about products. The catalogue is the network's: the same for every member."""

from collections.abc import Collection
from datetime import date

from sqlalchemy import text

from services.common.database import ReadSession, WriteSession
from services.common.strict_json import canonical
from services.loans.products.arithmetic import Catalogue, ProductVersion
from services.loans.products.rules import ProductRules


async def load_catalogue(session: ReadSession, codes: Collection[str] | None = None) -> Catalogue:
    """Every version of these products; of all of them when no code is given."""
    rows = await session.connection.execute(
        _VERSIONS, {"codes": None if codes is None else sorted(codes)}
    )
    versions: dict[str, list[ProductVersion]] = {}
    for row in rows:
        rules = ProductRules.model_validate_json(row.rules)
        version = ProductVersion(row.code, row.version, row.effective_on, rules)
        versions.setdefault(row.code, []).append(version)
    return Catalogue(versions)


async def insert_version(
    session: WriteSession,
    code: str,
    version: int,
    effective_on: date,
    rules: ProductRules,
    recorded_by: str,
) -> None:
    await session.connection.execute(
        _INSERT,
        {
            "code": code,
            "version": version,
            "effective_on": effective_on,
            "rules": canonical(rules.model_dump(mode="json")).decode(),
            "recorded_by": recorded_by,
        },
    )


_VERSIONS = text(
    """
    SELECT code, version, effective_on, cast(rules AS text) AS rules FROM product_versions
    WHERE cast(:codes AS text[]) IS NULL OR code = ANY(cast(:codes AS text[]))
    ORDER BY code, version
    """
)
_INSERT = text(
    """
    INSERT INTO product_versions (code, version, effective_on, rules, recorded_by)
    VALUES (:code, :version, :effective_on, cast(:rules AS jsonb), :recorded_by)
    """
)
