"""The content of a draft as JSON: what its fingerprint is taken of."""

from collections.abc import Collection, Hashable
from dataclasses import fields, is_dataclass
from functools import cache
from typing import cast
from uuid import UUID

from services.common.errors import JsonValue
from services.common.strict_json import to_json


def read_content(draft: object, leave_out: Collection[str] = ()) -> dict[str, JsonValue]:
    """The fields of a dataclass by name, and those of the dataclasses inside it.

    Those that a dataclass computes itself are left out, and those that say nothing: a field that
    comes to be later, and that nobody fills, changes no fingerprint on record.
    """
    names = _names(cast(Hashable, type(draft)))
    return {
        name: _read(value)
        for name in names
        if name not in leave_out and (value := getattr(draft, name)) is not None
    }


@cache
def _names(kind: Hashable) -> tuple[str, ...]:
    assert isinstance(kind, type), "a draft has a type"
    assert is_dataclass(kind), "a draft is a dataclass"
    return tuple(f.name for f in fields(kind) if f.init)


def _read(value: object) -> JsonValue:
    if value is None or isinstance(value, str | int):
        return value
    if isinstance(value, tuple):
        return [_read(member) for member in value]
    if isinstance(value, UUID):
        return str(value)
    return read_content(value) if is_dataclass(value) else to_json(value)
