"""Kinds of imports under an organisation's own titles and words."""

from dataclasses import replace

from services.common.database import ReadSession
from services.common.errors import InputError, Unprocessable
from services.common.import_kinds import ImportKind, Kind
from services.common.import_mapping_queries import find_mapping
from services.common.import_mappings import apply_mapping
from services.common.import_queries import MappingUsed
from services.common.messages import MESSAGES


async def choose_mapping(session: ReadSession, kind: Kind, name: str) -> MappingUsed:
    """The version in use of the organisation's mapping. Raises Unprocessable."""
    mapping = await find_mapping(session, kind.name, name)
    if mapping is None or mapping.is_retired:
        message = MESSAGES["mapping.unknown"]
        raise Unprocessable(
            message,
            code="mapping.unknown",
            errors=[InputError("/mapping", "mapping.unknown", message)],
        )
    return MappingUsed(name, mapping.version)


async def read_with(session: ReadSession, kind: Kind, used: MappingUsed | None) -> Kind:
    """The kind as an import reads it: with the version of the mapping that it uses."""
    if used is None or not isinstance(kind, ImportKind):
        return kind
    mapping = await find_mapping(session, kind.name, used.name, used.version)
    assert mapping is not None, "versions of mappings are never deleted"
    return replace(kind, columns=apply_mapping(kind.columns, mapping))
