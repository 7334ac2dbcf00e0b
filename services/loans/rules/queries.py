"""Every SQL statement about rules. They are the network's: the same for every organisation."""

import json
from collections.abc import Sequence
from typing import cast

from sqlalchemy import Row, text

from services.common.database import ReadSession, WriteSession
from services.common.errors import JsonValue
from services.common.text import Text
from services.loans.rules.arithmetic import Rule, Severity, read_condition


async def list_rules(session: ReadSession, kinds: Sequence[str]) -> list[Rule]:
    """Every version of the rules on these kinds, by code and version."""
    rows = await session.connection.execute(_LIST, {"kinds": list(kinds)})
    return [_read(row) for row in rows]


async def list_versions(session: ReadSession, code: str) -> list[Rule]:
    return [_read(row) for row in await session.connection.execute(_VERSIONS, {"code": code})]


async def insert_rule(
    session: WriteSession, rule: Rule, conditions: JsonValue, recorded_by: str
) -> None:
    await session.connection.execute(
        _INSERT,
        {
            "code": rule.code,
            "version": rule.version,
            "kind": rule.kind,
            "severity": rule.severity,
            "place": rule.place,
            "conditions": json.dumps(conditions),
            "message_fr": rule.message.fr,
            "message_en": rule.message.en,
            "from_on": rule.from_on,
            "until_on": rule.until_on,
            "by": recorded_by,
        },
    )


def _read(row: Row[tuple[object, ...]]) -> Rule:
    return Rule(
        code=row.code,
        version=row.version,
        kind=row.kind,
        severity=cast(Severity, row.severity),
        place=row.place,
        conditions=[read_condition(row.kind, each) for each in row.conditions],
        message=Text(row.message_fr, row.message_en),
        from_on=row.from_on,
        until_on=row.until_on,
    )


_COLUMNS = (
    "code, version, kind, severity, place, conditions, message_fr, message_en, from_on, until_on"
)
_LIST = text(
    f"SELECT {_COLUMNS} FROM validation_rules WHERE kind = ANY(cast(:kinds AS text[]))"
    " ORDER BY code, version"
)
_VERSIONS = text(f"SELECT {_COLUMNS} FROM validation_rules WHERE code = :code ORDER BY version")
_INSERT = text(
    f"""
    INSERT INTO validation_rules ({_COLUMNS}, recorded_by)
    VALUES (:code, :version, :kind, :severity, :place, cast(:conditions AS jsonb), :message_fr,
            :message_en, :from_on, :until_on, :by)
    """
)
