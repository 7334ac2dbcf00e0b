"""What a request asks of an import, and under which titles its file is read."""

import uuid
from dataclasses import dataclass, replace

from services.common import errors
from services.common.database import ReadSession
from services.common.errors import InputError
from services.common.import_kinds import ImportKind, Kind, Measure
from services.common.import_mapping_queries import find_mapping
from services.common.import_mappings import apply_mapping
from services.common.import_queries import MappingUsed, Mode
from services.common.messages import MESSAGES
from services.common.text import Language


@dataclass(frozen=True, slots=True)
class Order:
    """What a request asks for, and in which language it is answered.

    `kind` has the organisation's own titles and codes when it is read with its `mapping`.
    """

    service_name: str
    kind: Kind
    mode: Mode
    dry_run: bool
    language: Language
    job_id: uuid.UUID | None = None
    """The identifier an import has since it was accepted as a job; others get theirs at the end."""
    reason: str | None = None
    """Why what is on record is corrected; without one, rows that changed are refused."""
    measure: Measure | None = None
    mapping: MappingUsed | None = None


async def with_mapping(session: ReadSession, order: Order, name: str) -> Order:
    """The order read with the organisation's mapping in use. Raises Unprocessable."""
    mapping = await find_mapping(session, order.kind.name, name)
    if mapping is None or mapping.is_retired:
        message = MESSAGES["mapping.unknown"]
        raise errors.Unprocessable(
            message,
            code="mapping.unknown",
            errors=[InputError("/mapping", "mapping.unknown", message)],
        )
    used = MappingUsed(name, mapping.version)
    return replace(order, kind=await read_with(session, order.kind, used), mapping=used)


async def read_with(session: ReadSession, kind: Kind, used: MappingUsed | None) -> Kind:
    """The kind under the titles of the version of a mapping that an import used."""
    if used is None:
        return kind
    assert isinstance(kind, ImportKind), "a workbook of several kinds has no mapping"
    mapping = await find_mapping(session, kind.name, used.name, used.version)
    assert mapping is not None, "versions of mappings are never deleted"
    return replace(kind, columns=apply_mapping(kind.columns, mapping))
