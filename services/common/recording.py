"""What comes of recording a batch of facts: one row or a hundred thousand, the same function.

A command that records facts takes drafts (validated, typed) and never stops at the first bad one:
it records the good ones and says what is wrong with each of the others.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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
    """By position in the batch: what was created, what was there already, what was refused."""

    created: Sequence[int]
    unchanged: Sequence[int]
    refused: Mapping[int, Sequence[InputError]] = field(default_factory=dict)


def refuse_first(recorded: Recorded) -> None:
    """For a batch of one: raise what was wrong with it. Raises Conflict or Unprocessable."""
    for found in recorded.refused.values():
        raise to_problem(found)


def to_problem(found: Sequence[InputError]) -> Problem:
    kind = Conflict if any(error.code == CONFLICT.code for error in found) else Unprocessable
    return kind(found[0].message, code=found[0].code, errors=list(found))
