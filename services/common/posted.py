"""What a POST of one fact says beside the fact: what is allowed and odd, as an import tells it."""

from collections.abc import Mapping

from fastapi import Request
from pydantic import Field

from services.common.errors import JsonValue
from services.common.fields import Answer
from services.common.recording import Recorded
from services.common.text import choose_language


class WarningAnswer(Answer):
    pointer: str
    code: str
    message: str


Warnings = list[WarningAnswer]
WARNINGS: Warnings = Field(
    [],
    description="Ce qui est admis et étonne, quand le fait vient d'être inscrit.",
    exclude_if=lambda told: not told,
)


def tell_warnings(
    request: Request, recorded: Recorded, places: Mapping[str, str] | None = None
) -> dict[str, JsonValue]:
    """The member `warnings` of the answer, when there are some.

    `places` tells where the JSON body holds what a sheet has in a column of its own.
    """
    language = choose_language(request.headers.get("accept-language"))
    told: list[JsonValue] = [
        {
            "pointer": (places or {}).get(odd.pointer, odd.pointer),
            "code": odd.code,
            "message": odd.message.read(language),
        }
        for odds in recorded.warned.values()
        for odd in odds
    ]
    return {"warnings": told} if told else {}
