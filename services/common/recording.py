"""What comes of recording a batch of facts: one row or a hundred thousand, the same function.

A command that records facts takes drafts (validated, typed) and never stops at the first bad one:
it records the good ones and says what is wrong with each of the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

from services.common.errors import Conflict, InputError, Problem, Unprocessable
from services.common.text import Text

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


@dataclass(frozen=True, slots=True)
class Recorded:
    """By position in the batch: what was created, what was there already, what was refused.

    `warned` is what is odd about rows that were not refused.
    """

    created: Sequence[int]
    unchanged: Sequence[int]
    refused: Mapping[int, Sequence[InputError]] = field(default_factory=dict)
    warned: Mapping[int, Sequence[InputError]] = field(default_factory=dict)


def refuse_first(recorded: Recorded, places: Mapping[str, str] | None = None) -> None:
    """For a batch of one: raise what was wrong with it. Raises Conflict or Unprocessable.

    `places` tells where the JSON body holds what a sheet has in a column of its own.
    """
    for found in recorded.refused.values():
        raise to_problem(
            [
                replace(error, pointer=(places or {}).get(error.pointer, error.pointer))
                for error in found
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
    refused: Mapping[int, Sequence[InputError]]
    repeats: Mapping[int, int]
    """Rows that repeat a new row of the same batch: their position -> the position of the first."""

    def conclude(
        self,
        refused: Mapping[int, Sequence[InputError]],
        warned: Mapping[int, Sequence[InputError]] | None = None,
    ) -> Recorded:
        """What came of the batch once `refused` was found wrong, `warned` odd, in the new rows."""
        repeated = {row: refused[first] for row, first in self.repeats.items() if first in refused}
        return Recorded(
            created=[row for row in self.new if row not in refused],
            unchanged=[
                *self.unchanged,
                *(row for row in self.repeats if row not in repeated),
            ],
            refused={**self.refused, **refused, **repeated},
            warned={row: found for row, found in (warned or {}).items() if row not in refused},
        )


def sort_batch(
    external_ids: Sequence[str], fingerprints: Sequence[bytes], on_record: Mapping[str, bytes]
) -> Sorted:
    """Tell new rows from those already on record, repeated in the batch, or in conflict."""
    new: list[int] = []
    unchanged: list[int] = []
    refused: dict[int, Sequence[InputError]] = {}
    repeats: dict[int, int] = {}
    first_seen: dict[str, int] = {}
    for row, (external_id, fingerprint) in enumerate(zip(external_ids, fingerprints, strict=True)):
        known = on_record.get(external_id)
        first = first_seen.setdefault(external_id, row)
        if known is not None:
            if known == fingerprint:
                unchanged.append(row)
            else:
                refused[row] = [CONFLICT]
        elif first == row:
            new.append(row)
        elif fingerprints[first] == fingerprint:
            repeats[row] = first
        else:
            refused[row] = [CONFLICT]
    return Sorted(new, unchanged, refused, repeats)


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
