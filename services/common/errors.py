"""Every refusal of the system, as one tree of errors and one rendering (RFC 9457).

Problem
├── BadRequest 400          ├── Unprocessable 422
├── Unauthenticated 401     ├── PreconditionRequired 428
├── Forbidden 403           ├── TooManyRequests 429
├── NotFound 404            ├── Internal 500
├── MethodNotAllowed 405    ├── BadGateway 502
├── Conflict 409            └── Unavailable 503
├── Gone 410
├── PreconditionFailed 412
├── PayloadTooLarge 413
└── UnsupportedMediaType 415
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from services.common.text import Language, Text

JsonValue = None | bool | int | str | Sequence["JsonValue"] | Mapping[str, "JsonValue"]

PROBLEM_MEDIA_TYPE = "application/problem+json"
PROBLEM_TYPE_PREFIX = "urn:reseau:problem:"
ERRORS_SHOWN_MAX = 100
"""A body of one megabyte can hold 200,000 errors: the first hundred tell what to mend."""


@dataclass(frozen=True, slots=True)
class InputError:
    """One thing wrong with what was sent: its place (JSON pointer), a stable code, a sentence."""

    pointer: str
    code: str
    message: Text


@dataclass(eq=False)
class Problem(Exception):
    """A refusal; subclasses give the status, its default code and its title."""

    detail: Text | None = None
    code: str = ""
    errors: Sequence[InputError] = ()
    extra: Mapping[str, JsonValue] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    status = 500
    default_code = "internal"
    title = Text("Erreur interne", "Internal error")

    def render(self, language: Language, trace_id: str) -> dict[str, JsonValue]:
        """The problem document, in one language."""
        code = self.code or self.default_code
        document: dict[str, JsonValue] = {
            "type": PROBLEM_TYPE_PREFIX + code,
            "title": self.title.read(language),
            "status": self.status,
            "detail": (self.detail or self.title).read(language),
            "code": code,
            "trace_id": trace_id,
        }
        if self.errors:
            document["errors"] = [
                {"pointer": e.pointer, "code": e.code, "message": e.message.read(language)}
                for e in self.errors[:ERRORS_SHOWN_MAX]
            ]
        return {**document, **self.extra}

    def response_headers(self) -> dict[str, str]:
        """The headers the answer carries beside its content type."""
        return dict(self.headers)


class BadRequest(Problem):
    status = 400
    default_code = "request.malformed"
    title = Text("Requête illisible", "Malformed request")


class Unauthenticated(Problem):
    status = 401
    default_code = "access.unauthenticated"
    title = Text("Clé d'accès absente ou refusée", "Access key missing or refused")

    def response_headers(self) -> dict[str, str]:
        return {"WWW-Authenticate": "Bearer", **self.headers}


class Forbidden(Problem):
    status = 403
    default_code = "access.forbidden"
    title = Text("Opération réservée à un autre rôle", "Operation reserved for another role")


class NotFound(Problem):
    status = 404
    default_code = "not_found"
    title = Text("Introuvable", "Not found")


class MethodNotAllowed(Problem):
    status = 405
    default_code = "method.not_allowed"
    title = Text("Méthode non permise ici", "Method not allowed here")


class Conflict(Problem):
    status = 409
    default_code = "conflict"
    title = Text("Conflit avec ce qui est déjà inscrit", "Conflict with what is on record")


class Gone(Problem):
    status = 410
    default_code = "gone"
    title = Text("N'est plus conservé", "No longer kept")


class PreconditionFailed(Problem):
    status = 412
    default_code = "if_match.stale"
    title = Text("La version a changé entre-temps", "The version has changed meanwhile")


class PayloadTooLarge(Problem):
    status = 413
    default_code = "body.too_large"
    title = Text("Envoi trop volumineux", "Body too large")


class UnsupportedMediaType(Problem):
    status = 415
    default_code = "media_type.unsupported"
    title = Text("Format de contenu non pris en charge", "Unsupported media type")


class Unprocessable(Problem):
    status = 422
    default_code = "input.invalid"
    title = Text("Données à corriger", "Data to correct")


class PreconditionRequired(Problem):
    status = 428
    default_code = "if_match.required"
    title = Text("En-tête If-Match requis", "If-Match header required")


class TooManyRequests(Problem):
    status = 429
    default_code = "rate.exceeded"
    title = Text("Trop de requêtes", "Too many requests")


class Internal(Problem):
    pass


class BadGateway(Problem):
    status = 502
    default_code = "part.bad_answer"
    title = Text("Réponse inattendue d'un service", "Unexpected answer from a service")


class Unavailable(Problem):
    status = 503
    default_code = "part.unavailable"
    title = Text("Service momentanément indisponible", "Service unavailable for now")


def not_found(noun: Text) -> NotFound:
    """A thing that does not exist, or belongs to another organisation: the same answer."""
    return NotFound(detail=Text(f"{noun.fr} introuvable.", f"{noun.en} not found."))
