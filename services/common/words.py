"""From the word a member writes to the code it is kept under. Pure."""

import re
import unicodedata
from collections.abc import Mapping
from functools import lru_cache

from pydantic import BeforeValidator
from pydantic_core import PydanticCustomError


@lru_cache(maxsize=1024)
def to_code(text: str) -> str:
    """`Prêt individuel` -> `pret_individuel`; raises `text.form` when nothing is left of it."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    code = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    if not code:
        raise PydanticCustomError("text.form", "refused", {"pattern": "individual_loan"})
    return code


def spoken_as(words: Mapping[str, str]) -> BeforeValidator:
    """A field whose codes may be written as these words, accents and case left aside."""

    def to_word(cell: object) -> object:
        if not isinstance(cell, str) or not cell.strip():
            return cell
        code = to_code(cell)
        return words.get(code, code)

    return BeforeValidator(to_word)
