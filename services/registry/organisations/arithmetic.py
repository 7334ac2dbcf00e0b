"""An organisation as the register knows it, and what follows from it. Pure.

Membership, both ends included:   ├── from_on ─── to_on ──┤    ├── from_on ─── (open)
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum


class Certainty(StrEnum):
    """How sure the network is of a name or of a date."""

    CONFIRMED = "confirmed"
    INFERRED = "inferred"
    UNKNOWN = "unknown"


class Status(StrEnum):
    """Whether an organisation takes part; the keys of an inactive one are refused."""

    ACTIVE = "active"
    INACTIVE = "inactive"


@dataclass(frozen=True, slots=True)
class Membership:
    """A period of membership, both ends included; open when `to_on` is None."""

    from_on: date
    to_on: date | None
    from_status: Certainty = Certainty.CONFIRMED


@dataclass(frozen=True, slots=True)
class FormerName:
    """A name given up. `until_on` is its last possible day, None when nobody knows."""

    name: str
    until_on: date | None


@dataclass(frozen=True, slots=True)
class Organisation:
    slug: str
    name: str
    name_status: Certainty
    region_codes: tuple[str, ...]
    territory: str | None
    city: str | None
    website: str | None
    status: Status
    founded_on_year: int | None
    source: str | None
    memberships: tuple[Membership, ...]
    former_names: tuple[FormerName, ...]
    version: int = 1


def find_overlap(memberships: Sequence[Membership]) -> int | None:
    """The position of the first period that shares a day with another, None when none does."""
    for index, later in enumerate(memberships):
        if any(overlaps(earlier, later) for earlier in memberships[:index]):
            return index
    return None


def overlaps(one: Membership, other: Membership) -> bool:
    """True when at least one day belongs to both periods."""
    one_to = one.to_on or date.max
    other_to = other.to_on or date.max
    return one.from_on <= other_to and other.from_on <= one_to


def apply_changes(before: Organisation, changed: Organisation, today: date) -> Organisation:
    """The organisation after a change; a name given up today is kept among the former ones.

    A placeholder (`name_status` unknown) was never anyone's name: it is replaced, not remembered.
    """
    if changed == before:
        return before
    former_names = before.former_names
    if changed.name != before.name and before.name_status is not Certainty.UNKNOWN:
        former_names = (*former_names, FormerName(before.name, today))
    return replace(changed, former_names=former_names, version=before.version + 1)


def french_sort_key(name: str) -> str:
    """Letters and digits without case or accents, so that codepoint order is French word order.

    The database cannot do it: its builtin locales have no French collation.
    """
    folded = name.casefold().replace("œ", "oe").replace("æ", "ae")
    base = "".join(c for c in unicodedata.normalize("NFKD", folded) if not unicodedata.combining(c))
    return re.sub(r"\W+", " ", base).strip()
