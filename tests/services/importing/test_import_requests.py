"""What a request for an import may ask, who may ask it, and files that nobody can read."""

import uuid
from collections.abc import MutableMapping

import pytest

from services.common import importing, tabular
from services.common.identity import Role
from tests.services.importing.notes_service import GOOD, NotesService, kept, places


class TestUnreadable:
    @pytest.mark.parametrize(
        ("body", "media_type", "expected"),
        [
            (b"", "text/csv", [(0, "", "import.empty")]),
            (b"", "application/x-ndjson", [(0, "", "import.empty")]),
            (b"external_id,person_name,amount\r\n", "text/csv", [(0, "", "import.no_rows")]),
            (b"external_id,amount,x\n1,1,1\n", "text/csv",
             [(0, "person_name", "column.missing")]),
            (GOOD.encode()[:-1] + b"\xc3", "text/csv", [(0, "", "import.encoding")]),
            (GOOD.encode() + b'"N3;Ana', "text/csv", [(3, "", "csv.malformed")]),
            (b"PK\x03\x04\x14\x00\x06\x00", "text/csv", [(0, "", "import.encoding")]),
        ],
    )  # fmt: skip
    @pytest.mark.parametrize("mode", ["atomic", "partial"])
    async def test_nothing_is_kept(
        self,
        service: NotesService,
        member: str,
        body: bytes,
        media_type: str,
        expected: list[tuple[int, str, str]],
        mode: str,
    ) -> None:
        response = await service.send(member, body, f"&mode={mode}", media_type)
        document = response.json()
        assert response.status_code == 422
        assert places(response) == expected
        assert document["code"] == document["errors"][0]["code"]
        assert document["import_id"] is None
        assert await kept(service, member) == {}

    async def test_a_body_over_the_limit(self, service: NotesService, member: str) -> None:
        response = await service.send(member, b"x" * (importing.IMPORT_MAX_BYTES + 1))
        assert (response.status_code, response.json()["code"]) == (413, "body.too_large")

    async def test_rows_over_the_limit(
        self, service: NotesService, member: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tabular, "ROWS_MAX", 2)
        assert (await service.send(member, GOOD)).status_code == 201
        response = await service.send(member, GOOD + "N3;Ana;1;\n")
        assert (response.status_code, response.json()["limit_rows"]) == (413, 2)

    async def test_an_upload_that_breaks_off(self, service: NotesService, member: str) -> None:
        headers = service.headers(member, Content_Type="text/csv")
        received: list[MutableMapping[str, object]] = []
        messages = iter(
            (
                {"type": "http.request", "body": GOOD.encode(), "more_body": True},
                {"type": "http.disconnect"},
            )
        )

        async def receive() -> MutableMapping[str, object]:
            return dict(next(messages))

        async def send(message: MutableMapping[str, object]) -> None:
            received.append(message)

        scope = {
            "type": "http",
            "method": "POST",
            "path": "/v1/imports",
            "raw_path": b"/v1/imports",
            "query_string": b"kind=notes",
            "headers": [(n.lower().encode(), v.encode()) for n, v in headers.items()],
        }
        await service.app(scope, receive, send)
        assert received[0]["status"] == 400
        assert await kept(service, member) == {}


class TestRequests:
    @pytest.mark.parametrize(
        ("query", "pointer", "code"),
        [
            ("kind=loans", "/kind", "choice"),
            ("kind=", "/kind", "choice"),
            ("", "/kind", "missing"),
            ("kind=notes&mode=most", "/mode", "choice"),
            ("kind=notes&dry_run=maybe", "/dry_run", "boolean.type"),
            ("kind=notes&dryrun=true", "/dryrun", "unknown_field"),
        ],
    )
    async def test_parameters(
        self, service: NotesService, member: str, query: str, pointer: str, code: str
    ) -> None:
        response = await service.client.post(
            f"/v1/imports?{query}",
            content=GOOD.encode(),
            headers=service.headers(member, Content_Type="text/csv"),
        )
        assert response.status_code == 422
        assert [(e["pointer"], e["code"]) for e in response.json()["errors"]] == [(pointer, code)]
        assert await kept(service, member) == {}

    async def test_an_unknown_kind_is_told_the_list(
        self, service: NotesService, member: str
    ) -> None:
        response = await service.client.post(
            "/v1/imports?kind=x", headers=service.headers(member, Content_Type="text/csv")
        )
        assert "notes" in response.json()["errors"][0]["message"]

    @pytest.mark.parametrize("media_type", ["application/xml", "text/plain", "image/png"])
    async def test_media_types(self, service: NotesService, member: str, media_type: str) -> None:
        response = await service.send(member, GOOD, "", media_type)
        assert response.status_code == 415
        assert response.json()["accepted"] == list(tabular.READERS)

    @pytest.mark.parametrize("role", [role for role in Role if role is not Role.MEMBER])
    async def test_roles(self, service: NotesService, role: Role) -> None:
        headers = {"Authorization": f"Bearer {service.token(None, role)}"}
        unknown = f"/v1/imports/notes-{uuid.uuid4()}"
        for method, path in (
            ("POST", "/v1/imports?kind=notes"),
            ("GET", "/v1/imports"),
            ("GET", unknown),
            ("GET", f"{unknown}/file"),
            ("GET", f"{unknown}/errors.xlsx"),
        ):
            response = await service.client.request(method, path, headers=headers)
            assert response.status_code == 403
            assert (await service.client.request(method, path)).status_code == 401

    async def test_another_member_sees_nothing(self, service: NotesService, member: str) -> None:
        import_id = (await service.send(member, GOOD)).json()["import_id"]
        stranger = f"{member}-stranger"
        for path in (f"/v1/imports/{import_id}", f"/v1/imports/{import_id}/file"):
            response = await service.get(stranger, path)
            assert (response.status_code, response.json()["code"]) == (404, "not_found")
        assert (await service.get(stranger, "/v1/imports")).json() == {"items": [], "next": None}

    @pytest.mark.parametrize(
        "import_id", ["x", "notes-x", "loans-00000000-0000-0000-0000-000000000001", "notes-%00"]
    )
    async def test_no_such_import(self, service: NotesService, member: str, import_id: str) -> None:
        own = f"/v1/imports/{import_id}"
        for path in (own, f"{own}/file", f"{own}/errors.xlsx"):
            assert (await service.get(member, path)).status_code == 404

    async def test_the_list_in_pages(self, service: NotesService, member: str) -> None:
        sent = [(await service.send(member, GOOD)).json()["import_id"] for _ in range(5)]
        listed: list[str] = []
        path = "/v1/imports?limit=2&kind=notes"
        while path:
            answer = (await service.get(member, path)).json()
            assert len(answer["items"]) <= 2
            listed += [item["import_id"] for item in answer["items"]]
            path = answer["next"]
        assert listed == sent[::-1]
        unknown = await service.get(member, "/v1/imports?kind=loans")
        assert (unknown.status_code, unknown.json()["errors"][0]["code"]) == (422, "choice")

    async def test_a_foreign_cursor(self, service: NotesService, member: str) -> None:
        response = await service.get(member, "/v1/imports?cursor=InRvdG8i")
        assert (response.status_code, response.json()["code"]) == (422, "cursor.invalid")
