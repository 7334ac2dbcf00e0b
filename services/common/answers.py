"""Answers over HTTP: JSON, problem documents for every refusal, one trace identifier per request.

Used by the services and by the gateway; knows no database.
"""

import json
import traceback
from collections.abc import Callable, Collection, Coroutine, Mapping
from typing import cast

import structlog
from fastapi import FastAPI, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.common import errors, strict_json
from services.common.errors import PROBLEM_MEDIA_TYPE, JsonValue, Problem
from services.common.messages import MESSAGES
from services.common.strict_json import escape_pointer
from services.common.telemetry import read_trace_id
from services.common.text import choose_language
from services.common.validation import to_input_errors

JSON_BODY_MAX_BYTES = 1024 * 1024

_log = structlog.get_logger()


def json_response(
    document: JsonValue, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """JSON in UTF-8; what it says of people is never cached."""
    body = json.dumps(document, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return Response(
        body.encode(),
        status,
        {"Cache-Control": "no-store", **(headers or {})},
        "application/json",
    )


def problem_response(problem: Problem, request: Request) -> Response:
    language = choose_language(request.headers.get("accept-language"))
    document = problem.render(language, trace_id_of(request))
    headers = {
        "Cache-Control": "no-store",
        "Content-Language": "en" if language == "en" else "fr-CA",
        "Vary": "Accept-Language",
        **problem.response_headers(),
    }
    body = json.dumps(document, ensure_ascii=False).encode()
    return Response(body, problem.status, headers, PROBLEM_MEDIA_TYPE)


def describe_failure(error: Exception) -> dict[str, str]:
    """What a log may say of a failure: where and what, never the message, which can hold values."""
    cause = getattr(error, "orig", None) or error
    return {
        "error": type(cause).__name__,
        "sqlstate": str(getattr(cause, "sqlstate", "")),
        "frames": "".join(traceback.format_tb(error.__traceback__)),
    }


def trace_id_of(request: Request) -> str:
    return cast(str, request.scope.get("trace_id", ""))


class StrictRequest(Request):
    """A request whose body is read once, within the size limit, and as I-JSON."""

    async def body(self) -> bytes:
        if not hasattr(self, "_whole_body"):
            self._whole_body = await read_body(self, JSON_BODY_MAX_BYTES)
        return self._whole_body

    async def json(self) -> JsonValue:
        if not hasattr(self, "_strict_json"):
            self._strict_json = strict_json.loads(await self.body())
        return self._strict_json


async def read_body(request: Request, bytes_max: int) -> bytes:
    """The whole body. Raises PayloadTooLarge as soon as it passes the limit.

    Raises BadRequest `body.truncated` when it breaks off.
    """
    parts: list[bytes] = []
    received = 0
    try:
        async for part in request.stream():
            received += len(part)
            if received > bytes_max:
                raise errors.PayloadTooLarge(extra={"limit_bytes": bytes_max})
            parts.append(part)
    except ClientDisconnect as gone:
        raise errors.BadRequest(MESSAGES["body.truncated"], code="body.truncated") from gone
    return b"".join(parts)


def _refuse_null_characters(request: Request) -> None:
    """PostgreSQL's text cannot hold one; in a body, the fields refuse it."""
    message = MESSAGES["text.control"]
    found = [
        errors.InputError(f"/{escape_pointer(name)}", "text.control", message)
        for name, value in request.query_params.multi_items()
        if "\0" in value
    ]
    if found:
        raise errors.Unprocessable(message, errors=found)


def _refuse_unknown_parameters(request: Request, known: Collection[str]) -> None:
    """A misspelt `as_of` that nobody reads would answer another question, without a word."""
    found = [
        errors.InputError(f"/{escape_pointer(name)}", "unknown_field", MESSAGES["unknown_field"])
        for name in request.query_params
        if name not in known
    ]
    if found:
        raise errors.Unprocessable(found[0].message, errors=found)


def _list_parameters(dependant: Dependant) -> set[str]:
    """Of the query: those an operation declares, itself or through what it depends on."""
    own = {field.alias for field in dependant.query_params}
    return own.union(*map(_list_parameters, dependant.dependencies))


class StrictRoute(APIRoute):
    """Reads a JSON body before FastAPI does, so that its refusals keep their status and place.

    Parameters of the query are those the operation declares, and no other.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[None, None, Response]]:
        handle = super().get_route_handler()
        takes_json = self.body_field is not None
        known = _list_parameters(self.dependant)

        async def handle_strictly(request: Request) -> Response:
            strict = StrictRequest(request.scope, request.receive)
            _refuse_null_characters(request)
            _refuse_unknown_parameters(request, known)
            if takes_json:
                media_type = request.headers.get("content-type", "").partition(";")[0].strip()
                if media_type.lower() not in ("application/json", "application/merge-patch+json"):
                    raise errors.UnsupportedMediaType(
                        headers={"Accept": "application/json"},
                        extra={"accepted": ["application/json"]},
                    )
                await strict.json()
            return await handle(strict)

        return handle_strictly


def install_problem_handlers(
    app: FastAPI, translate: Callable[[Exception], Problem | None] = lambda error: None
) -> None:
    """Every refusal and every failure of `app` becomes a problem document.

    `translate` names the failures that are not defects (a database that is down, say).
    """

    async def on_problem(request: Request, error: Exception) -> Response:
        return problem_response(cast(Problem, error), request)

    async def on_validation(request: Request, error: Exception) -> Response:
        found = cast(RequestValidationError, error).errors()
        if any(each["loc"][0] == "path" for each in found):
            return problem_response(errors.NotFound(), request)
        return problem_response(
            errors.Unprocessable(errors=to_input_errors(found, skip=1)), request
        )

    async def on_http_exception(request: Request, error: Exception) -> Response:
        refused = cast(HTTPException, error)
        kinds: dict[int, type[Problem]] = {
            400: errors.BadRequest,
            404: errors.NotFound,
            405: errors.MethodNotAllowed,
            413: errors.PayloadTooLarge,
            415: errors.UnsupportedMediaType,
        }
        kind = kinds.get(refused.status_code, errors.Internal)
        return problem_response(kind(headers=refused.headers or {}), request)

    async def on_failure(request: Request, error: Exception) -> Response:
        problem = translate(error)
        if problem is None:
            _log.error("request_failed", path=request.url.path, **describe_failure(error))
            problem = errors.Internal()
        return problem_response(problem, request)

    app.add_exception_handler(Problem, on_problem)
    app.add_exception_handler(RequestValidationError, on_validation)
    app.add_exception_handler(HTTPException, on_http_exception)
    app.add_middleware(FailureToProblem, answer=on_failure)
    app.add_middleware(Tracing)


class FailureToProblem:
    """The last resort: a failure no handler knows is logged once and answered."""

    def __init__(
        self, app: ASGIApp, answer: Callable[[Request, Exception], Coroutine[None, None, Response]]
    ):
        self.app = app
        self.answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = False

        async def send_and_note(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        except Exception as error:
            if started:
                raise
            response = await self.answer(Request(scope), error)
            await response(scope, receive, send)


class Tracing:
    """Gives the request the trace identifier of its `traceparent`, or a new one."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = dict(scope["headers"])
            scope["trace_id"] = read_trace_id(headers.get(b"traceparent", b""))
            structlog.contextvars.clear_contextvars()
            structlog.contextvars.bind_contextvars(trace_id=scope["trace_id"])
        await self.app(scope, receive, send)
