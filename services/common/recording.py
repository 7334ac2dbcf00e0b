"""What comes of recording a batch of facts: one row or a hundred thousand, the same function.

A command that records facts takes drafts (validated, typed) and never stops at the first bad one:
it records the good ones and says what is wrong with each of the others.

What is on record never changes. A row that says something else of a fact on record is refused with
both versions; when a reason is given, it corrects the fact: the newest revision is reversed, and
what was sent is recorded as the next one under the same `external_id`.
"""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from services.common.errors import Conflict, InputError, Problem, Unprocessable
from services.common.text import Text, alike

FIELDS_SHOWN_MAX = 6
VALUE_SHOWN_MAX = 60

CONFLICT = InputError(
    "/external_id",
    "external_id.conflict",
    Text(
        "Cet identifiant est déjà inscrit avec un autre contenu ; rien n'a été changé. "
        "Pour corriger un fait, inscrivez un renversement puis un nouveau fait.",
        "This identifier is already on record with other content; nothing was changed. "
        "To correct a fact, post a reversal and then a new fact.",
    ),
)
_CHANGED = Text(
    "Cet identifiant est déjà inscrit avec un autre contenu ; rien n'a été changé. "
    "Inscrit → envoyé : {changes}{more}. "
    "Pour corriger ce qui est inscrit, envoyez le fichier en demandant une correction, "
    "avec sa raison.",
    "This identifier is already on record with other content; nothing was changed. "
    "On record → sent: {changes}{more}. "
    "To correct what is on record, send the file and ask for a correction, with its reason.",
)
_NOTHING = alike("∅")
_TWICE = replace(
    CONFLICT,
    message=Text(
        "Cet identifiant est plus d'une fois dans ce fichier, avec des contenus différents ; "
        "gardez la bonne ligne, ou donnez à chaque fait son identifiant.",
        "This identifier stands more than once in this file, with different contents; "
        "keep the right row, or give each fact its own identifier.",
    ),
)


class Posted(Protocol):
    """A draft: what was posted of one fact; its fingerprint tells its content from any other."""

    @property
    def external_id(self) -> str: ...

    @property
    def fingerprint(self) -> bytes: ...


Draft = TypeVar("Draft", bound=Posted)
Kept = TypeVar("Kept", covariant=True)
Told = TypeVar("Told")


class Drafts(Sequence[Draft]):
    """What was posted of many facts, in order."""

    __slots__ = ()

    @abstractmethod
    def append(self, draft: Draft, /) -> None: ...

    @abstractmethod
    def extend(self, drafts: Iterable[Draft], /) -> None: ...

    @property
    def fingerprints(self) -> Sequence[bytes]:
        return [draft.fingerprint for draft in self]


class DraftList(list[Draft], Drafts[Draft]):
    """One object a fact."""


@dataclass(frozen=True, slots=True)
class OnRecord(Generic[Draft]):
    """The newest revision of a fact, with what was posted of it."""

    fact_id: UUID
    revision: int
    is_reversed: bool
    draft: Draft


class Known(Protocol[Kept]):
    """A fact on record: `OnRecord`, or what a service has in its place."""

    @property
    def is_reversed(self) -> bool: ...

    @property
    def draft(self) -> Kept: ...


def drafts_of(on_record: Mapping[str, Known[Draft]]) -> dict[str, Draft]:
    return {external_id: known.draft for external_id, known in on_record.items()}


def next_revision(replaced: OnRecord[Draft] | None) -> int:
    return 1 if replaced is None else replaced.revision + 1


@dataclass(frozen=True, slots=True)
class FieldChange:
    """What a column says on record and what was sent; None where it says nothing."""

    column: str
    before: str | None
    after: str | None


Changes = Mapping[int, Sequence[FieldChange]]


@dataclass(frozen=True, slots=True)
class ChangeRefused(InputError):
    """The conflict of a row that says something else of a fact on record, with what it says.

    `tell_changes` puts both versions into its message, once somebody is to read it.
    """

    changes: Sequence[FieldChange]


Say = Callable[[str, str], Text]


@dataclass(frozen=True, slots=True)
class Recorded:
    """By position in the batch: what was created, what was there already, what was refused.

    `warned` is what is odd about rows not refused. `changes` are both versions of the rows
    that are corrected, or refused because nobody asked for a correction. `absent` counts the facts
    on record that a batch sent again does not name.
    """

    created: Sequence[int]
    unchanged: Sequence[int]
    refused: Mapping[int, Sequence[InputError]] = field(default_factory=dict)
    warned: Mapping[int, Sequence[InputError]] = field(default_factory=dict)
    corrected: Sequence[int] = ()
    changes: Changes = field(default_factory=dict)
    absent: int = 0


def split(recorded: Recorded, sizes: Sequence[int]) -> list[Recorded]:
    """What came of each batch of those recorded as one. The first tells what is absent of all."""
    parts: list[Recorded] = []
    start = 0
    for size in sizes:
        own = range(start, start + size)
        parts.append(
            Recorded(
                created=[row - start for row in recorded.created if row in own],
                unchanged=[row - start for row in recorded.unchanged if row in own],
                refused=_of_rows(recorded.refused, own),
                warned=_of_rows(recorded.warned, own),
                corrected=[row - start for row in recorded.corrected if row in own],
                changes=_of_rows(recorded.changes, own),
                absent=0 if parts else recorded.absent,
            )
        )
        start += size
    return parts


def _of_rows(told: Mapping[int, Told], rows: range) -> dict[int, Told]:
    return {row - rows.start: each for row, each in told.items() if row in rows}


def refuse_first(recorded: Recorded, places: Mapping[str, str] | None = None) -> None:
    """For a batch of one: raise what was wrong with it. Raises Conflict or Unprocessable.

    `places` tells where the JSON body holds what a sheet has in a column of its own.
    """
    for found in recorded.refused.values():
        raise to_problem(
            [
                replace(error, pointer=(places or {}).get(error.pointer, error.pointer))
                for error in (tell_changes(each, {}, say_as_is) for each in found)
            ]
        )


def to_problem(found: Sequence[InputError]) -> Problem:
    kind = Conflict if any(error.code == CONFLICT.code for error in found) else Unprocessable
    return kind(found[0].message, code=found[0].code, errors=list(found))


@dataclass(frozen=True, slots=True)
class Sorted:
    """A batch compared with what is on record, before anything else is checked."""

    new: Sequence[int]
    unchanged: Sequence[int]
    changed: Sequence[int]
    """Rows that say something else of a fact on record; to be settled."""
    refused: Mapping[int, Sequence[InputError]]
    repeats: Mapping[int, int]
    """Rows that repeat another of the same batch: their position -> the position of the first."""
    changes: Changes = field(default_factory=dict)

    @property
    def to_record(self) -> Sequence[int]:
        """New rows and corrections, in the order of the batch."""
        return sorted([*self.new, *self.changed]) if self.changed else self.new

    @property
    def is_resend(self) -> bool:
        """Whether the batch names a fact on record."""
        return bool(self.unchanged or self.changes)

    def refuse_changed(self) -> "Sorted":
        """Where nothing is corrected: whatever says something else is in conflict."""
        refused = {**self.refused, **{row: [CONFLICT] for row in self.changed}}
        return replace(self, changed=(), refused=refused)

    def conclude(
        self,
        refused: Mapping[int, Sequence[InputError]],
        absent: int = 0,
        warned: Mapping[int, Sequence[InputError]] | None = None,
    ) -> Recorded:
        """What came of the batch once `refused` was found wrong among the rows to record."""
        found = {**self.refused, **refused}
        repeated = {row: found[first] for row, first in self.repeats.items() if first in found}
        return Recorded(
            created=[row for row in self.new if row not in found],
            corrected=[row for row in self.changed if row not in found],
            unchanged=[
                *self.unchanged,
                *(row for row in self.repeats if row not in repeated),
            ],
            refused={**found, **repeated},
            warned={row: odd for row, odd in (warned or {}).items() if row not in found},
            changes=self.changes,
            absent=absent,
        )


def sort_batch(
    external_ids: Sequence[str], fingerprints: Sequence[bytes], on_record: Mapping[str, bytes]
) -> Sorted:
    """Tell rows that are new, on record, changed, repeated in the batch, or at odds within it."""
    if not on_record and len(set(external_ids)) == len(external_ids):
        return Sorted(range(len(external_ids)), (), (), {}, {})
    new: list[int] = []
    unchanged: list[int] = []
    changed: list[int] = []
    refused: dict[int, Sequence[InputError]] = {}
    repeats: dict[int, int] = {}
    first_seen: dict[str, int] = {}
    for row, (external_id, fingerprint) in enumerate(zip(external_ids, fingerprints, strict=True)):
        known = on_record.get(external_id)
        first = first_seen.setdefault(external_id, row)
        if first != row:
            if fingerprints[first] == fingerprint:
                repeats[row] = first
            else:
                refused[row] = [_TWICE]
        elif known is None:
            new.append(row)
        elif known == fingerprint:
            unchanged.append(row)
        else:
            changed.append(row)
    return Sorted(new, unchanged, changed, refused, repeats)


def settle(
    batch: Sorted,
    drafts: Sequence[Draft],
    on_record: Mapping[str, Draft],
    tell: Callable[[Draft], Mapping[str, str]],
    reason: str | None,
) -> Sorted:
    """Compare the rows that changed, column by column as `tell` names them, with the record.

    Those that differ in no column are unchanged: what was left to be found when they were posted
    is now said. Without a reason for corrections the others are refused, with both versions.
    """
    changes: dict[int, Sequence[FieldChange]] = {}
    unchanged: list[int] = []
    for row in batch.changed:
        found = compare(tell(on_record[drafts[row].external_id]), tell(drafts[row]))
        if found:
            changes[row] = found
        else:
            unchanged.append(row)
    is_refused = reason is None
    return replace(
        batch,
        unchanged=[*batch.unchanged, *unchanged],
        changed=() if is_refused else list(changes),
        refused={
            **batch.refused,
            **({row: [_conflict(found)] for row, found in changes.items()} if is_refused else {}),
        },
        changes=changes,
    )


def compare(before: Mapping[str, str], after: Mapping[str, str]) -> list[FieldChange]:
    """The columns that differ, those on record first."""
    return [
        FieldChange(column, before.get(column), after.get(column))
        for column in {**before, **after}
        if before.get(column) != after.get(column)
    ]


def _conflict(changes: Sequence[FieldChange]) -> ChangeRefused:
    return ChangeRefused(CONFLICT.pointer, CONFLICT.code, CONFLICT.message, changes)


def tell_changes(error: InputError, titles: Mapping[str, str], say: Say) -> InputError:
    """A conflict with both versions of its row in its message; any other refusal as it is.

    `titles` are what the sender calls columns, `say` gives the words for a column's value.
    """
    if not isinstance(error, ChangeRefused):
        return error
    fr, en = list[str](), list[str]()
    for change in error.changes[:FIELDS_SHOWN_MAX]:
        title = titles.get(change.column, change.column)
        before, after = (
            _NOTHING if value is None else say(change.column, value)
            for value in (change.before, change.after)
        )
        fr.append(f"{title} : {_shorten(before.fr)} → {_shorten(after.fr)}")
        en.append(f"{title}: {_shorten(before.en)} → {_shorten(after.en)}")
    more = " ; …" if len(error.changes) > FIELDS_SHOWN_MAX else ""
    message = Text(
        _CHANGED.fr.format(changes=" ; ".join(fr), more=more),
        _CHANGED.en.format(changes="; ".join(en), more=more),
    )
    return InputError(error.pointer, error.code, message)


def say_as_is(column: str, value: str) -> Text:
    """What a program is told: codes."""
    return alike(value)


def _shorten(value: str) -> str:
    return value if len(value) <= VALUE_SHOWN_MAX else f"{value[:VALUE_SHOWN_MAX]}…"


def refuse(
    found: dict[int, list[InputError]], row: int, pointer: str, code: str, message: Text
) -> None:
    """Note that something is wrong with a row of the batch."""
    found.setdefault(row, []).append(InputError(pointer, code, message))


def refuse_backdated(effective_from: date, newest: date) -> None:
    """What was in force stays so: a version begins after those on record.

    Raises Unprocessable `version.not_after_newest`.
    """
    if effective_from <= newest:
        message = Text(
            f"Une version est en vigueur à compter du {newest} ; la nouvelle commence après.",
            f"A version is in force from {newest}; a new one begins after it.",
        )
        error = InputError("/effective_from", "version.not_after_newest", message)
        raise Unprocessable(message, code=error.code, errors=[error])
