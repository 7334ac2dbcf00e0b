"""Every refusal over HTTP: one form, two languages, nothing of what went wrong inside."""

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import APIRouter, FastAPI, Request, Response
from starlette.types import Message
from structlog.testing import capture_logs

from services.common import errors
from services.common.answers import (
    JSON_BODY_MAX_BYTES,
    StrictRoute,
    install_problem_handlers,
    json_response,
    read_body,
)
from services.common.errors import InputError, Problem, Unavailable
from services.common.fields import Body, Name
from services.common.text import Text

SECRET = "Zoé Tremblay"


def kinds_of(kind: type[Problem]) -> list[type[Problem]]:
    return [each for sub in kind.__subclasses__() for each in (sub, *kinds_of(sub))]


KINDS = [kind for kind in kinds_of(Problem) if kind.__module__ == errors.__name__]


class NoteBody(Body):
    text: Name


def make_app() -> FastAPI:
    app = FastAPI()
    router = APIRouter(route_class=StrictRoute)

    @router.get("/raise/{name}")
    async def raise_kind(name: str) -> Response:
        raise next(kind for kind in KINDS if kind.__name__ == name)()

    @router.get("/detailed")
    async def raise_detailed() -> Response:
        raise errors.Conflict(
            Text("Déjà là.", "Already there."),
            code="note.there",
            errors=[InputError("/text", "note.text", Text("Ce texte.", "This text."))],
            extra={"limit": 3},
            headers={"Retry-After": "7"},
        )

    @router.get("/fail")
    async def fail() -> Response:
        raise ValueError(SECRET)

    @router.get("/down")
    async def down() -> Response:
        raise ConnectionError(SECRET)

    @router.post("/notes")
    async def post_note(request: Request, body: NoteBody) -> Response:
        whole = await request.body()
        return json_response({"text": body.text, "bytes": len(whole)}, 201)

    @router.get("/count")
    async def count(number: int) -> Response:
        return json_response({"number": number})

    app.include_router(router)
    install_problem_handlers(
        app, lambda error: Unavailable() if isinstance(error, OSError) else None
    )
    return app


@pytest.fixture(scope="module")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(make_app())
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


def check_form(response: httpx.Response, status: int, code: str) -> None:
    """What RFC 9457 and the contract ask of every refusal."""
    document = response.json()
    assert response.status_code == status == document["status"]
    assert response.headers["content-type"] == "application/problem+json"
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["vary"] == "Accept-Language"
    assert document["code"] == code
    assert document["type"] == f"urn:reseau:problem:{code}"
    assert document["title"]
    assert document["detail"]
    assert len(document["trace_id"]) == 32
    assert SECRET not in response.text


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
async def test_every_kind_is_answered_in_both_languages(
    client: httpx.AsyncClient, kind: type[Problem]
) -> None:
    titles = []
    for accepted, language in (("fr-CA", "fr-CA"), ("en", "en"), ("de", "fr-CA")):
        response = await client.get(
            f"/raise/{kind.__name__}", headers={"Accept-Language": accepted}
        )
        check_form(response, kind.status, kind.default_code)
        assert response.headers["content-language"] == language
        titles.append(response.json()["title"])
    assert titles == [kind.title.fr, kind.title.en, kind.title.fr]
    assert ("www-authenticate" in response.headers) == (kind is errors.Unauthenticated)


def test_each_kind_has_a_status_and_a_code_of_its_own() -> None:
    assert len({kind.status for kind in KINDS}) == len(KINDS)
    assert len({kind.default_code for kind in KINDS}) == len(KINDS)
    assert all(400 <= kind.status < 600 for kind in KINDS)


async def test_places_more_members_and_headers(client: httpx.AsyncClient) -> None:
    response = await client.get("/detailed", headers={"Accept-Language": "en"})
    check_form(response, 409, "note.there")
    document = response.json()
    assert document["detail"] == "Already there."
    assert document["errors"] == [
        {"pointer": "/text", "code": "note.text", "message": "This text."}
    ]
    assert document["limit"] == 3
    assert response.headers["retry-after"] == "7"


async def test_trace_id_is_that_of_the_request(client: httpx.AsyncClient) -> None:
    trace_id = "4bf92f3577b34da6a3ce929d0e0e4736"
    for sent, kept in (
        (f"00-{trace_id}-00f067aa0ba902b7-01", True),
        (f"00-{trace_id.upper()}-00f067aa0ba902b7-01", False),
        (trace_id, False),
        ('"; DROP', False),
    ):
        response = await client.get("/detailed", headers={"traceparent": sent})
        assert (response.json()["trace_id"] == trace_id) is kept
    first, second = [(await client.get("/detailed")).json()["trace_id"] for _ in range(2)]
    assert first != second


async def test_a_defect_says_nothing_of_itself(client: httpx.AsyncClient) -> None:
    with capture_logs() as logs:
        response = await client.get("/fail")
    check_form(response, 500, "internal")
    (log,) = [each for each in logs if each["log_level"] == "error"]
    assert (log["event"], log["error"]) == ("request_failed", "ValueError")
    assert "in fail" in log["frames"]
    assert SECRET not in str(log)


async def test_a_failure_that_is_no_defect_is_translated(client: httpx.AsyncClient) -> None:
    with capture_logs() as logs:
        check_form(await client.get("/down"), 503, "part.unavailable")
    assert [each for each in logs if each["log_level"] == "error"] == []


async def test_what_the_framework_refuses_has_the_same_form(client: httpx.AsyncClient) -> None:
    check_form(await client.get("/nowhere"), 404, "not_found")
    response = await client.delete("/notes")
    check_form(response, 405, "method.not_allowed")
    assert response.headers["allow"] == "POST"
    response = await client.get("/count?number=one")
    check_form(response, 422, "input.invalid")
    assert [(e["pointer"], e["code"]) for e in response.json()["errors"]] == [
        ("/number", "integer.type")
    ]


async def test_a_null_character_in_the_query_is_refused_at_its_place(
    client: httpx.AsyncClient,
) -> None:
    response = await client.get("/count?number=1&na/me=a%00b")
    check_form(response, 422, "input.invalid")
    assert [(e["pointer"], e["code"]) for e in response.json()["errors"]] == [
        ("/na~1me", "text.control")
    ]


async def test_a_body_that_breaks_off_is_a_bad_request() -> None:
    messages: list[Message] = [
        {"type": "http.request", "body": b'{"text"', "more_body": True},
        {"type": "http.disconnect"},
    ]

    async def receive() -> Message:
        return messages.pop(0)

    with pytest.raises(errors.BadRequest) as caught:
        await read_body(Request({"type": "http"}, receive), JSON_BODY_MAX_BYTES)
    assert caught.value.code == "body.truncated"


@pytest.mark.parametrize(
    ("content", "media_type", "status", "code"),
    [
        (b'{"text": "a"}', "text/plain", 415, "media_type.unsupported"),
        (b'{"text": "a"}', "", 415, "media_type.unsupported"),
        (b'{"text": "a"}', "application/jsonp", 415, "media_type.unsupported"),
        (b"", "application/json", 400, "json.malformed"),
        (b"\xff", "application/json", 400, "body.encoding"),
        (b'{"text": "a", "text": "b"}', "application/json", 422, "json.duplicate_key"),
        (b'{"text": 1.5}', "application/json", 422, "json.number"),
        (b"[]", "application/json", 422, "input.invalid"),
        (b"null", "application/json", 422, "input.invalid"),
        (b'"' + b"a" * JSON_BODY_MAX_BYTES + b'"', "application/json", 413, "body.too_large"),
    ],
)
async def test_bodies_refused(
    client: httpx.AsyncClient, content: bytes, media_type: str, status: int, code: str
) -> None:
    headers = {"Content-Type": media_type} if media_type else {}
    response = await client.post("/notes", content=content, headers=headers)
    check_form(response, status, code)
    if status == 415:
        assert response.json()["accepted"] == ["application/json"]
        assert response.headers["accept"] == "application/json"
    if status == 413:
        assert response.json()["limit_bytes"] == JSON_BODY_MAX_BYTES


@pytest.mark.parametrize(
    "media_type", ["application/json", "Application/JSON; charset=utf-8", "application/json ;x=1"]
)
async def test_a_body_is_read_once_and_can_be_had_again(
    client: httpx.AsyncClient, media_type: str
) -> None:
    content = '{"text": " Été "}'.encode()
    response = await client.post("/notes", content=content, headers={"Content-Type": media_type})
    assert response.status_code == 201
    assert response.json() == {"text": "Été", "bytes": len(content)}
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["content-type"] == "application/json"


async def test_a_body_is_refused_before_it_is_whole(client: httpx.AsyncClient) -> None:
    sent = 0

    async def stream() -> AsyncIterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += 1
            yield b" " * (JSON_BODY_MAX_BYTES // 4)

    headers = {"Content-Type": "application/json"}
    check_form(
        await client.post("/notes", content=stream(), headers=headers), 413, "body.too_large"
    )
    assert sent <= 6
