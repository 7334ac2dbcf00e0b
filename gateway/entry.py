"""Letting clients in to what the gateway answers itself: the same keys and limits as the proxy."""

from collections.abc import Sequence

from fastapi import APIRouter, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute

from gateway.authentication import Doorkeeper
from services.common.answers import trace_id_of
from services.common.errors import Forbidden
from services.common.identity import Principal, Role, forbidden
from services.common.telemetry import make_traceparent
from services.common.text import Text


class Admits:
    """The scope of an operation of the gateway: the roles whose keys it lets in."""

    def __init__(self, *roles: Role, hint: Text | None = None) -> None:
        self.roles: Sequence[Role] = roles
        self.hint = hint

    async def __call__(self, request: Request) -> Principal:
        doorkeeper: Doorkeeper = request.app.state.doorkeeper
        admission = await doorkeeper.admit(
            request.headers.getlist("authorization"),
            request.client.host if request.client else "",
            make_traceparent(trace_id_of(request)),
            f"{request.method} {request.url.path}",
        )
        request.scope["answer_headers"].update(admission.headers)
        if admission.principal.role not in self.roles:
            raise self._refusal()
        return admission.principal

    def _refusal(self) -> Forbidden:
        refusal = forbidden(self.roles)
        if self.hint is None or refusal.detail is None:
            return refusal
        detail = refusal.detail
        return Forbidden(Text(f"{detail.fr} {self.hint.fr}", f"{detail.en} {self.hint.en}"))


def refuse_unscoped_operations(router: APIRouter) -> None:
    """Deny by default: an operation that does not say whom it admits stops the start."""
    for route in router.routes:
        if not (isinstance(route, APIRoute) and _has_scope(route.dependant)):
            raise RuntimeError(f"{route} declares no scope")


def _has_scope(dependant: Dependant) -> bool:
    return isinstance(dependant.call, Admits) or any(
        _has_scope(dependency) for dependency in dependant.dependencies
    )
