"""The content of a draft as JSON: what its fingerprint is taken of, and what its columns say."""

from collections.abc import Collection, Hashable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from typing import cast
from uuid import UUID

from services.common.errors import JsonValue
from services.common.money import format_cents
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


COLUMNS: Mapping[str, str] = {
    "/profile/kind": "borrower_kind",
    "/terms/fees": "fee",
    "/enterprise/name": "enterprise_name",
    "/funding/state": "funding_state",
    "/funding/community": "funding_community",
    "/funding/private": "funding_private",
}
"""Where a sheet's column is not called as the field inside its object."""


def tell_columns(draft: object, leave_out: Collection[str] = ()) -> dict[str, str]:
    """What a draft says, by the columns of a sheet, as a person would type it."""
    return dict(_tell(read_content(draft, leave_out), ""))


def _tell(content: Mapping[str, JsonValue], place: str) -> Iterator[tuple[str, str]]:
    for name, value in content.items():
        if isinstance(value, dict):
            yield from _tell(value, f"{place}/{name}")
            continue
        plain = name.removesuffix("_cents")
        shown = _type(value, plain != name)
        if shown:
            yield COLUMNS.get(f"{place}/{plain}", plain), shown


def _type(value: JsonValue, is_money: bool) -> str:
    if isinstance(value, list):
        return "|".join(
            " ".join(dict(_tell(member, "")).values())
            if isinstance(member, dict)
            else _type(member, False)
            for member in value
        )
    if is_money and isinstance(value, int):
        return format_cents(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
