"""What an organisation calls its columns and its codes, and what it may mean by a title.

A mapping is laid over the columns of a kind: its titles win over ours, its words are read as the
codes they stand for, and nothing else of the reading changes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from services.common.cells import LIST_SEPARATOR, SHEET_READINGS, CellKind
from services.common.columns import Column, count_slips, find_names, fold_name, fold_words
from services.common.dates import DateReading
from services.common.records import Record
from services.common.text import Text, alike

SAMPLE_ROWS = 200
WORDS_MAX = 50
"""More words than this in a column are names or notes, not codes."""
COMPARED_LENGTH_MAX = 40
NAME_LENGTH_MIN = 4
"""Shorter names are like too many others."""
CONFIDENCE_MIN = 60
SURE = 100
LIKE_INITIALS = 80
"""Confidence is in hundredths."""


@dataclass(frozen=True, slots=True)
class ImportMapping:
    """A version of an organisation's mapping for one kind of import.

    `columns` are names of ours by the organisation's titles, None to leave a column out; `codes`
    are codes of ours by column and the organisation's word.
    """

    kind: str
    name: str
    version: int
    columns: Mapping[str, str | None]
    codes: Mapping[str, Mapping[str, str]]
    is_retired: bool = False


def apply_mapping(columns: Sequence[Column], mapping: ImportMapping) -> tuple[Column, ...]:
    """The columns under the organisation's titles, with its words."""
    taken = {fold_name(title): name for title, name in mapping.columns.items()}
    applied = [
        replace(
            column,
            aliases=(*column.titles, *_titles_of(mapping, column.name)),
            title=_title_of(column, mapping),
            taken=frozenset(title for title, name in taken.items() if name != column.name),
            words={
                fold_name(word): code for word, code in mapping.codes.get(column.name, {}).items()
            },
        )
        for column in columns
    ]
    return (*applied, Column("", aliases=_titles_of(mapping, None)))


def _title_of(column: Column, mapping: ImportMapping) -> Text | None:
    """What messages call a column: the organisation's first title for it, else ours."""
    own = _titles_of(mapping, column.name)
    return alike(own[0]) if own else column.title


def _titles_of(mapping: ImportMapping, name: str | None) -> tuple[str, ...]:
    return tuple(title for title, column in mapping.columns.items() if column == name)


# Suggestions


@dataclass(frozen=True, slots=True)
class SuggestedColumn:
    """What a title may mean; no column, and no confidence, when it is like none."""

    title: str
    column: str | None
    confidence: int


@dataclass(frozen=True, slots=True)
class SuggestedCode:
    """A word of the sheet that is no code of its column's, and the code that it is most like."""

    column: str
    word: str
    code: str | None
    confidence: int


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A mapping to look over: titles in their order, words, and columns that no title is for."""

    columns: Sequence[SuggestedColumn]
    codes: Sequence[SuggestedCode]
    missing: Sequence[str]


def suggest_mapping(
    titles: Sequence[str], records: Iterable[Record], columns: Sequence[Column]
) -> Suggestion:
    """Match titles, the likeliest first; the cells of the first records help to choose."""
    sample = [cells for _, cells in islice(records, SAMPLE_ROWS)]
    cells_by_place = {
        place: [cells[place].strip() for cells in sample if place < len(cells)]
        for place in range(len(titles))
    }
    known = find_names(titles, columns)
    chosen: dict[int, tuple[str, int]] = {place: (name, SURE) for place, name in known.items()}
    by_likeness = sorted(
        (
            (_judge(title, cells_by_place[place], column), place, column.name)
            for place, title in enumerate(titles)
            for column in columns
            if place not in known and title.strip() and column.name
        ),
        key=lambda found: (-found[0], found[1]),
    )
    taken = set(known.values())
    for confidence, place, name in by_likeness:
        if confidence >= CONFIDENCE_MIN and place not in chosen and name not in taken:
            chosen[place] = name, confidence
            taken.add(name)
    by_name = {column.name: column for column in columns}
    codes = [
        code
        for place, (name, _) in sorted(chosen.items())
        for code in _suggest_codes(by_name[name], cells_by_place[place])
    ]
    return Suggestion(
        [
            SuggestedColumn(title, *chosen.get(place, (None, 0)))
            for place, title in enumerate(titles)
            if title.strip()
        ],
        codes,
        [column.name for column in columns if column.required and column.name not in taken],
    )


def _judge(title: str, cells: Sequence[str], column: Column) -> int:
    """How likely the title is the column's: by its letters, its words, and what its cells hold."""
    likeness = max(_compare(title, name) for name in column.titles)
    filled = [cell for cell in cells if cell]
    if filled and column.kind in _TYPED:
        share = 100 * sum(_fits(cell, column.kind) for cell in filled) // len(filled)
        likeness = likeness * (40 + 75 * share // 100) // 100
    if filled and column.choices:
        known = column.fold_choices()
        words = [fold_name(word) for cell in filled for word in cell.split(LIST_SEPARATOR)]
        likeness = likeness * (60 + 40 * sum(word in known for word in words) // len(words)) // 100
    return min(likeness, SURE - 1)


def _compare_word(word: str, ours: str) -> int:
    """As titles; and PI is what people write for « prêt individuel »."""
    initials = "".join(each[0] for each in fold_words(ours))
    return (
        LIKE_INITIALS if len(initials) > 1 and initials == fold_name(word) else _compare(word, ours)
    )


def _compare(title: str, name: str) -> int:
    left, right = fold_words(title), fold_words(name)
    common = len(set(left) & set(right))
    words = 200 * common // (len(left) + len(right)) if common else 0
    if right and right[0] not in left:
        words = words * 3 // 4  # the first word of a title says what it is about
    one, other = "".join(left)[:COMPARED_LENGTH_MAX], "".join(right)
    length = max(len(one), len(other))
    if min(len(one), len(other)) < NAME_LENGTH_MIN:
        return words
    return max(words, 100 - 100 * count_slips(one, other, length) // length)


_TYPED = (CellKind.AMOUNT, CellKind.RATE, CellKind.INTEGER, CellKind.DATE, CellKind.BOOLEAN)


def _fits(cell: str, kind: CellKind) -> bool:
    """Whether the cell can be read as the kind."""
    read = DateReading()(cell) if kind is CellKind.DATE else SHEET_READINGS[kind](cell)
    if kind is CellKind.DATE:
        return isinstance(read, str) and read[:4].isdecimal() and read[4:5] == "-"
    return not isinstance(read, str) or read.replace(".", "", 1).removeprefix("-").isdecimal()


def _suggest_codes(column: Column, cells: Sequence[str]) -> list[SuggestedCode]:
    """The words that are none of the column's, with the code most like each."""
    if not column.choices:
        return []
    known = column.fold_choices()
    words: dict[str, str] = {}
    for cell in cells:
        for word in cell.split(LIST_SEPARATOR) if column.kind is CellKind.LIST else (cell,):
            if word.strip() and fold_name(word) not in known:
                words.setdefault(fold_name(word), word.strip())
    if len(words) > WORDS_MAX:
        return []
    found = []
    for word in words.values():
        confidence, code = max(
            (max(_compare_word(word, each) for each in choice.all_words), choice.code)
            for choice in column.choices
        )
        likely = confidence >= CONFIDENCE_MIN
        found.append(
            SuggestedCode(column.name, word, code if likely else None, confidence if likely else 0)
        )
    return found
