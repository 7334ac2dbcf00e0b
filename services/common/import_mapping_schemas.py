"""What is asked and answered about mappings."""

from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from services.common.columns import COLUMNS_MAX, Column, fold_name
from services.common.errors import InputError, JsonValue
from services.common.fields import Answer, Body, Code, Name, matching
from services.common.import_mappings import SURE, ImportMapping, Suggestion
from services.common.messages import MESSAGES
from services.common.strict_json import escape_pointer

WORDS_MAX = 500

MappingName = Annotated[
    str,
    Field(max_length=60, examples=["excel-2026"]),
    matching(r"[a-z0-9]+(-[a-z0-9]+)*", "mapping_name.form"),
]


class MappingFields(Body):
    """Les titres et les mots d'un organisme, pour une sorte de fichier."""

    columns: dict[Name, Code | None] = Field(
        default_factory=dict,
        max_length=COLUMNS_MAX,
        description="Vos titres, et le nom anglais de la colonne ; nul pour la laisser de côté.",
        examples=[{"No dossier": "external_id", "Notes": None}],
    )
    codes: dict[Code, Annotated[dict[Name, Name], Field(max_length=WORDS_MAX)]] = Field(
        default_factory=dict,
        max_length=COLUMNS_MAX,
        description="Par colonne, vos mots et le code que chacun veut dire.",
        examples=[{"product": {"PI": "individual_loan"}}],
    )


class MappingBody(MappingFields):
    name: MappingName


class MappingAnswer(Answer):
    mapping_id: str = Field(description="Sorte et nom, comme dans l'adresse.")
    kind: str
    name: str
    version: int = Field(description="Chaque changement fait une version ; l'ancienne reste.")
    is_retired: bool
    columns: dict[str, str | None]
    codes: dict[str, dict[str, str]]


class MappingPageAnswer(Answer):
    items: list[MappingAnswer]
    next: str | None


class SuggestedColumnAnswer(Answer):
    title: str
    column: str | None = Field(description="Nul quand rien ne ressemble à ce titre.")
    confidence: str = Field(description="De 0.00 à 1.00 ; 1.00 est un titre déjà reconnu.")


class SuggestedCodeAnswer(Answer):
    column: str
    word: str
    code: str | None
    confidence: str


class SuggestionAnswer(Answer):
    kind: str
    columns: list[SuggestedColumnAnswer]
    unknown: list[str] = Field(description="Les titres qui ne ressemblent à rien.")
    missing: list[str] = Field(description="Les colonnes requises dont aucun titre n'a l'air.")
    codes: list[SuggestedCodeAnswer] = Field(description="Les mots qui ne sont pas des codes.")
    mapping: MappingFields = Field(description="À relire, puis à envoyer avec un nom.")


def find_faults(fields: MappingFields, columns: Sequence[Column]) -> list[InputError]:
    """What a mapping says that the kind of import knows nothing of."""
    by_name = {column.name: column for column in columns}
    known = MESSAGES["choice"].fill(expected=", ".join(by_name))
    found: list[InputError] = []
    seen: set[str] = set()
    for title, name in fields.columns.items():
        pointer = f"/columns/{escape_pointer(title)}"
        if name is not None and name not in by_name:
            found.append(InputError(pointer, "choice", known))
        if fold_name(title) in seen:
            found.append(
                InputError(pointer, "mapping.title_twice", MESSAGES["mapping.title_twice"])
            )
        seen.add(fold_name(title))
    for name, words in fields.codes.items():
        if name not in by_name:
            found.append(InputError(f"/codes/{escape_pointer(name)}", "choice", known))
        else:
            found += _find_strange_codes(by_name[name], words)
    return found


def _find_strange_codes(column: Column, words: Mapping[str, str]) -> list[InputError]:
    if not column.choices or column.is_open:
        return []
    choices = column.fold_choices()
    known = MESSAGES["choice"].fill(expected=", ".join(choice.code for choice in column.choices))
    return [
        InputError(f"/codes/{column.name}/{escape_pointer(word)}", "choice", known)
        for word, code in words.items()
        if fold_name(code) not in choices
    ]


def to_mapping_answer(mapping: ImportMapping) -> MappingAnswer:
    return MappingAnswer(
        mapping_id=f"{mapping.kind}/{mapping.name}",
        kind=mapping.kind,
        name=mapping.name,
        version=mapping.version,
        is_retired=mapping.is_retired,
        columns=dict(mapping.columns),
        codes={column: dict(words) for column, words in mapping.codes.items()},
    )


def to_mapping_document(mapping: ImportMapping) -> dict[str, JsonValue]:
    return to_mapping_answer(mapping).model_dump(mode="json")


def _format(hundredths: int) -> str:
    return f"{hundredths // 100}.{hundredths % 100:02}"


def to_suggestion_answer(kind: str, suggestion: Suggestion) -> SuggestionAnswer:
    found = suggestion.columns
    codes: dict[str, dict[str, str]] = {}
    for each in suggestion.codes:
        if each.code is not None:
            codes.setdefault(each.column, {})[each.word] = each.code
    return SuggestionAnswer(
        kind=kind,
        columns=[
            SuggestedColumnAnswer(title=c.title, column=c.column, confidence=_format(c.confidence))
            for c in found
        ],
        unknown=[each.title for each in found if each.column is None],
        missing=list(suggestion.missing),
        codes=[
            SuggestedCodeAnswer(
                column=c.column, word=c.word, code=c.code, confidence=_format(c.confidence)
            )
            for c in suggestion.codes
        ],
        mapping=MappingFields(
            columns={c.title.strip(): c.column for c in found if c.confidence < SURE}, codes=codes
        ),
    )
