"""What a request asks of an import, and under which titles its file is read."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from services.common import errors
from services.common.database import ReadSession
from services.common.errors import InputError, Problem
from services.common.import_kinds import ImportKind, Kind, Measure, WorkbookKind
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
    mappings: Mapping[str, MappingUsed] = field(default_factory=dict)
    """By kind."""

    @property
    def mapping(self) -> MappingUsed | None:
        """Of an import of one kind."""
        return self.mappings.get(self.kind.name)


async def with_mappings(session: ReadSession, order: Order, sent: str) -> Order:
    """The order read with the organisation's mappings in use. Raises Unprocessable.

    `excel` is the mapping of that name, of a workbook those of all its kinds that have one;
    `loans:excel,repayments:caisse` names them by kind.
    """
    kinds = [kind.name for kind in _kinds_of(order.kind)]
    used: dict[str, MappingUsed] = {}
    for each in sent.split(","):
        kind, _, name = each.strip().rpartition(":")
        asked = [known for known in kinds if kind in ("", known)]
        found = {known: await find_mapping(session, known, name) for known in asked}
        in_use = {k: m for k, m in found.items() if m is not None and not m.is_retired}
        if not in_use:
            raise _refusal("mapping.unknown")
        if used.keys() & in_use.keys():
            raise _refusal("mapping.twice")
        used |= {known: MappingUsed(name, m.version) for known, m in in_use.items()}
    return replace(order, kind=await read_with(session, order.kind, used), mappings=used)


def _refusal(code: str) -> Problem:
    message = MESSAGES[code]
    error = InputError("/mapping", code, message)
    return errors.Unprocessable(message, code=code, errors=[error])


def _kinds_of(kind: Kind) -> Sequence[ImportKind]:
    return kind.kinds if isinstance(kind, WorkbookKind) else [kind]


async def read_with(session: ReadSession, kind: Kind, used: Mapping[str, MappingUsed]) -> Kind:
    """The kind under the titles of the versions of mappings that an import used."""
    if isinstance(kind, WorkbookKind):
        kinds = [await _read_one(session, each, used.get(each.name)) for each in kind.kinds]
        return replace(kind, kinds=kinds)
    return await _read_one(session, kind, used.get(kind.name))


async def _read_one(session: ReadSession, kind: ImportKind, used: MappingUsed | None) -> ImportKind:
    if used is None:
        return kind
    mapping = await find_mapping(session, kind.name, used.name, used.version)
    assert mapping is not None, "versions of mappings are never deleted"
    return replace(kind, columns=apply_mapping(kind.columns, mapping))
