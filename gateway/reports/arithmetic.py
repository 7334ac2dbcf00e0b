"""The join of a regional report: rows of the parts, the register as it stood, sums. Pure.

Loans are counted where the loan is (the row's region); capital where its organisation has its seat
(its first region). The total is the sum of the regions, cent by cent.
"""

import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce

from gateway.reports.figures import ZERO, Figures


@dataclass(frozen=True, slots=True)
class Organisation:
    """An organisation of the register; `is_member` says whether it was one on the report's date."""

    organisation_id: uuid.UUID
    slug: str
    region_codes: tuple[str, ...]
    is_member: bool


@dataclass(frozen=True, slots=True)
class Row:
    """Figures of one organisation in one region; `group` is what the report is refined by."""

    organisation_id: uuid.UUID
    region_code: str
    figures: Figures
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Capital:
    """Capital of one organisation, whatever its regions."""

    organisation_id: uuid.UUID
    figures: Figures


@dataclass(frozen=True, slots=True)
class Group:
    key: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class Region:
    """One line of the report, or its total (without code and name)."""

    code: str
    name: str
    organisations: int
    figures: Figures
    groups: tuple[Group, ...] = ()


@dataclass(frozen=True, slots=True)
class RegionalTotals:
    regions: tuple[Region, ...]
    total: Region


class UnknownOrganisation(Exception):
    """A part has facts of an organisation the register does not know: no total would be whole."""


class UnknownRegion(Exception):
    """A part has facts in a region the register does not know."""


def join_regions(
    names: Mapping[str, str],
    organisations: Sequence[Organisation],
    rows: Iterable[Row],
    capital: Iterable[Capital],
) -> RegionalTotals:
    """A line for each region with a member or with facts, zeros included, in order of code.

    Raises UnknownOrganisation or UnknownRegion rather than leave anything out.
    """
    members: dict[str, set[uuid.UUID]] = defaultdict(set)
    for organisation in organisations:
        if organisation.is_member:
            for code in organisation.region_codes:
                members[code].add(organisation.organisation_id)
    sums = _sum_by_region([*rows, *locate_capital(organisations, capital)])
    codes = sorted(members.keys() | {code for code, figures in sums.items() if figures != ZERO})
    if unknown := [code for code in codes if code not in names]:
        raise UnknownRegion(", ".join(unknown))
    regions = tuple(
        Region(code, names[code], len(members[code]), sums.get(code, ZERO)) for code in codes
    )
    everyone = set().union(*members.values())
    whole = reduce(Figures.__add__, (region.figures for region in regions), ZERO)
    return RegionalTotals(regions, Region("", "", len(everyone), whole))


def locate_capital(organisations: Sequence[Organisation], capital: Iterable[Capital]) -> list[Row]:
    """Capital in the first region of its organisation. Raises UnknownOrganisation."""
    known = {organisation.organisation_id: organisation for organisation in organisations}
    rows = []
    for one in capital:
        organisation = known.get(one.organisation_id)
        if one.figures == ZERO:
            continue
        if organisation is None or not organisation.region_codes:
            raise UnknownOrganisation(str(one.organisation_id))
        rows.append(Row(one.organisation_id, min(organisation.region_codes), one.figures))
    return rows


def name_groups(organisations: Sequence[Organisation], rows: Iterable[Row]) -> list[Row]:
    """Rows grouped by their organisation's slug. Raises UnknownOrganisation."""
    slugs = {organisation.organisation_id: organisation.slug for organisation in organisations}
    try:
        return [
            Row(row.organisation_id, row.region_code, row.figures, slugs[row.organisation_id])
            for row in rows
        ]
    except KeyError as error:
        raise UnknownOrganisation(str(error.args[0])) from error


def add_groups(
    totals: RegionalTotals, rows: Iterable[Row], keys: Iterable[str] = ()
) -> RegionalTotals:
    """Refine each line by group; `keys` are shown in every line, with zeros where nothing is.

    A loan that is in several groups counts in each: groups then add up to more than their line.
    """
    by_region: dict[str, dict[str, Figures]] = defaultdict(dict)
    for row in rows:
        for place in (row.region_code, ""):
            groups = by_region[place]
            key = row.group or ""
            groups[key] = groups.get(key, ZERO) + row.figures

    def refine(line: Region) -> Region:
        found = {**dict.fromkeys(keys, ZERO), **by_region[line.code]}
        groups = tuple(Group(key, found[key]) for key in sorted(found))
        return Region(line.code, line.name, line.organisations, line.figures, groups)

    return RegionalTotals(tuple(map(refine, totals.regions)), refine(totals.total))


def _sum_by_region(rows: Iterable[Row]) -> dict[str, Figures]:
    sums: dict[str, Figures] = {}
    for row in rows:
        sums[row.region_code] = sums.get(row.region_code, ZERO) + row.figures
    return sums
