"""What a failure of a part means for the client: which part, and whether to send again."""

import aiohttp
import httpx

from gateway.routing import PART_NAMES, Part
from services.common.errors import BadGateway, Problem, Unavailable
from services.common.text import Text, join_texts

RETRY_AFTER_SECONDS = 2

_NONSENSE = (
    aiohttp.ClientPayloadError,
    aiohttp.ClientResponseError,
    aiohttp.InvalidURL,
    httpx.RemoteProtocolError,
    httpx.DecodingError,
)
_LATE = Text(
    "Ne répond pas à temps : {parts}. La même requête peut être renvoyée sans risque : "
    "ce qui était déjà inscrit ne le sera pas deux fois.",
    "Not answering in time: {parts}. The same request may safely be sent again: "
    "what was already recorded will not be recorded twice.",
)


def unavailable(missing: list[Part]) -> Unavailable:
    """503 naming the parts that are down or late."""
    return Unavailable(
        _LATE.fill(parts=join_texts(", ", (PART_NAMES[part] for part in missing))),
        extra={"missing": [part.value for part in missing]},
        headers={"Retry-After": str(RETRY_AFTER_SECONDS)},
    )


def bad_answer(part: Part) -> BadGateway:
    """502: the part answered, but not what it should."""
    name = PART_NAMES[part]
    return BadGateway(
        Text(f"Réponse inattendue : {name.fr}.", f"Unexpected answer: {name.en}."),
        extra={"part": part.value},
    )


def to_problem(part: Part, error: Exception) -> Problem:
    """The refusal for a failed exchange with a part."""
    if isinstance(error, _NONSENSE):
        return bad_answer(part)
    return unavailable([part])
