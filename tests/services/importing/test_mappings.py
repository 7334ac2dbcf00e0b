"""An organisation's own titles and codes: kept by version, laid over a file, suggested from one."""

import pytest

from services.common.identity import Role, organisation_id
from tests.services.importing.notes_service import NotesService, places
from tests.services.importing.test_import_jobs import wait_for_end
from tests.support.workbooks import sheet

MAPPINGS = "/v1/import-mappings"
COLUMNS = {"Dossier": "external_id", "Personne": "person_name", "$": "amount", "Suivi": None}
BODY = {"name": "excel", "columns": COLUMNS, "codes": {"topics": {"Formation": "training"}}}
FILE = "Dossier;Personne;$ ;Sujets;Suivi\nN1;Zoé;5,00;formation|loan;x\n"


async def post(service: NotesService, member: str, **changes: object) -> dict[str, object]:
    answer = await service.client.post(
        f"{MAPPINGS}?kind=notes", json={**BODY, **changes}, headers=service.headers(member)
    )
    return {"status": answer.status_code, **answer.json()}


class TestVersions:
    async def test_a_mapping_from_its_first_version_to_its_last(
        self, service: NotesService, member: str
    ) -> None:
        headers = service.headers(member)
        made = await service.client.post(f"{MAPPINGS}?kind=notes", json=BODY, headers=headers)
        place = f"{MAPPINGS}/notes/excel"
        assert (made.status_code, made.headers["location"]) == (201, place)
        assert made.json() == {
            **BODY,
            "mapping_id": "notes/excel",
            "kind": "notes",
            "version": 1,
            "is_retired": False,
        }
        again = await service.client.post(f"{MAPPINGS}?kind=notes", json=BODY, headers=headers)
        assert (again.status_code, again.headers["idempotent-replayed"]) == (200, "true")

        read = await service.client.get(place, headers=headers)
        assert read.headers["etag"] == '"1"'
        changed = {"columns": {**COLUMNS, "Jour": "noted_on"}, "codes": {}}
        for sent, status in ((None, 428), ('"9"', 412)):
            asked = {**headers, **({"If-Match": sent} if sent else {})}
            answer = await service.client.put(place, json=changed, headers=asked)
            assert answer.status_code == status
        put = await service.client.put(place, json=changed, headers={**headers, "If-Match": '"1"'})
        assert (put.status_code, put.json()["version"], put.headers["etag"]) == (200, 2, '"2"')
        same = await service.client.put(place, json=changed, headers={**headers, "If-Match": '"2"'})
        assert same.json()["version"] == 2

        first = (await service.client.get(f"{place}?version=1", headers=headers)).json()
        assert first["columns"] == COLUMNS
        listed = (await service.client.get(MAPPINGS, headers=headers)).json()["items"]
        assert [(each["name"], each["version"]) for each in listed] == [("excel", 2)]

        gone = await service.client.delete(place, headers={**headers, "If-Match": '"2"'})
        assert gone.status_code == 204
        assert (await service.client.get(place, headers=headers)).status_code == 404
        assert (await service.client.get(f"{place}?version=2", headers=headers)).status_code == 200
        assert (await service.client.get(MAPPINGS, headers=headers)).json()["items"] == []
        assert (await post(service, member))["version"] == 4
        actions = await service.look(
            "SELECT entry FROM notes.audit_entries WHERE organisation_id = $1",
            organisation_id(member),
        )
        assert len(actions) == 4

    async def test_other_content_under_a_name_is_a_conflict(
        self, service: NotesService, member: str
    ) -> None:
        assert (await post(service, member))["status"] == 201
        refused = await post(service, member, codes={})
        assert (refused["status"], refused["code"]) == (409, "mapping.conflict")

    async def test_the_list_in_pages(self, service: NotesService, member: str) -> None:
        for name in ("b", "a", "c"):
            assert (await post(service, member, name=name))["status"] == 201
        path, seen = f"{MAPPINGS}?kind=notes&limit=2", []
        while path:
            found = (await service.get(member, path)).json()
            seen += [each["name"] for each in found["items"]]
            path = found["next"]
        assert seen == ["a", "b", "c"]

    @pytest.mark.parametrize(
        ("changes", "pointer", "code"),
        [
            ({"name": "Mon Excel"}, "/name", "mapping_name.form"),
            ({"columns": {"x": "no_such"}}, "/columns/x", "choice"),
            ({"columns": {"No / x": "amount", "n° x": None}}, "/columns/n° x",
             "mapping.title_twice"),
            ({"columns": {" ": None}}, "/columns/ ", "text.too_short"),
            ({"codes": {"no_such": {"a": "b"}}}, "/codes/no_such", "choice"),
            ({"codes": {"topics": {"Formation": "dance"}}}, "/codes/topics/Formation", "choice"),
            ({"codes": {"topics": "a"}}, "/codes/topics", "object.type"),
            ({"more": 1}, "/more", "unknown_field"),
        ],
    )  # fmt: skip
    async def test_what_means_nothing_here_is_refused(
        self,
        service: NotesService,
        member: str,
        changes: dict[str, object],
        pointer: str,
        code: str,
    ) -> None:
        refused = await post(service, member, **changes)
        assert refused["status"] == 422
        errors = refused["errors"]
        assert isinstance(errors, list)
        assert (errors[0]["pointer"], errors[0]["code"]) == (pointer, code)


class TestAccess:
    @pytest.mark.parametrize("role", [role for role in Role if role is not Role.MEMBER])
    async def test_roles(self, service: NotesService, role: Role) -> None:
        headers = {"Authorization": f"Bearer {service.token(None, role)}"}
        for method, path in (
            ("GET", MAPPINGS),
            ("POST", f"{MAPPINGS}?kind=notes"),
            ("POST", f"{MAPPINGS}/suggestions?kind=notes"),
            ("GET", f"{MAPPINGS}/notes/excel"),
            ("PUT", f"{MAPPINGS}/notes/excel"),
            ("DELETE", f"{MAPPINGS}/notes/excel"),
        ):
            answer = await service.client.request(method, path, json=BODY, headers=headers)
            assert answer.status_code == 403, path

    async def test_another_member_sees_nothing(self, service: NotesService, member: str) -> None:
        assert (await post(service, member))["status"] == 201
        stranger = service.headers(f"{member}-stranger", If_Match='"1"')
        place = f"{MAPPINGS}/notes/excel"
        assert (await service.client.get(MAPPINGS, headers=stranger)).json()["items"] == []
        for method in ("GET", "PUT", "DELETE"):
            body = b'{"columns": {}}' if method == "PUT" else None
            headers = {**stranger, "Content-Type": "application/json"}
            answer = await service.client.request(method, place, content=body, headers=headers)
            assert answer.status_code == 404, method
        sent = await service.send(f"{member}-stranger", FILE, "&mapping=excel")
        assert (sent.status_code, sent.json()["code"]) == (422, "mapping.unknown")

    async def test_unknown_kinds(self, service: NotesService, member: str) -> None:
        headers = service.headers(member)
        for path in (f"{MAPPINGS}?kind=x", f"{MAPPINGS}/suggestions?kind=x"):
            answer = await service.client.post(path, json=BODY, headers=headers)
            assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "/kind")
        assert (await service.get(member, f"{MAPPINGS}/x/excel")).status_code == 404


class TestImports:
    async def test_a_file_under_an_organisations_own_titles(
        self, service: NotesService, member: str
    ) -> None:
        assert (await service.send(member, FILE)).status_code == 422
        await post(service, member)
        sent = await service.send(member, FILE, "&mapping=excel")
        assert (sent.status_code, sent.json()["notices"]) == (201, [])
        found = (await service.get(member, sent.headers["location"])).json()
        assert found["mapping"] == {"name": "excel", "version": 1}

    async def test_errors_are_marked_under_the_version_that_was_used(
        self, service: NotesService, member: str
    ) -> None:
        await post(service, member)
        bad = FILE.replace("5,00", "cinq")
        sent = await service.send(member, bad, "&mapping=excel&mode=partial", Accept_Language="en")
        assert places(sent) == [(1, "amount", "amount.form")]
        assert sent.json()["errors"][0]["message"].startswith('"cinq": ')
        headers = service.headers(member, If_Match='"1"')
        put = await service.client.put(
            f"{MAPPINGS}/notes/excel", json={"columns": {}, "codes": {}}, headers=headers
        )
        assert put.json()["version"] == 2
        found = await service.get(member, f"/v1/imports/{sent.json()['import_id']}/errors.xlsx")
        assert found.status_code == 200

    async def test_a_long_import_is_read_with_its_mapping(
        self, service: NotesService, member: str
    ) -> None:
        await post(service, member)
        body = FILE + "N2;Ana;6,00;formation;x\nN3;Guy;7,00;loan;x\n"
        sent = await service.send(member, body, "&mapping=excel", Prefer="respond-async")
        assert sent.status_code == 202
        place = sent.headers["location"]
        found = await wait_for_end(service, member, place)
        assert (found["state"], found["mapping"]) == ("done", {"name": "excel", "version": 1})
        replay = (await service.get(member, f"{place}/replay")).json()
        assert (replay["same"], replay["rows_received"]) == (True, 3)

    async def test_a_retired_mapping_is_none(self, service: NotesService, member: str) -> None:
        await post(service, member)
        await service.client.delete(
            f"{MAPPINGS}/notes/excel", headers=service.headers(member, If_Match='"1"')
        )
        sent = await service.send(member, FILE, "&mapping=excel")
        assert (sent.status_code, sent.json()["code"]) == (422, "mapping.unknown")


class TestSuggestions:
    async def suggest(
        self, service: NotesService, member: str, body: bytes, media_type: str = "text/csv"
    ) -> dict[str, object]:
        headers = service.headers(member, Content_Type=media_type)
        answer = await service.client.post(
            f"{MAPPINGS}/suggestions?kind=notes", content=body, headers=headers
        )
        assert answer.status_code == 200, answer.text
        found: dict[str, object] = answer.json()
        return found

    async def test_of_a_file(self, service: NotesService, member: str) -> None:
        lines = "Identifiant;Nom complet;Montant payé;Date de la note;Couleur;Sujets\n" + (
            "N1;Zoé;5,00;31/03/2026;bleu;formation\n"
        )
        found = await self.suggest(service, member, lines.encode())
        assert found["columns"] == [
            {"title": "Identifiant", "column": "external_id", "confidence": "1.00"},
            {"title": "Nom complet", "column": "person_name", "confidence": "0.66"},
            {"title": "Montant payé", "column": "amount", "confidence": "0.75"},
            {"title": "Date de la note", "column": "noted_on", "confidence": "1.00"},
            {"title": "Couleur", "column": None, "confidence": "0.00"},
            {"title": "Sujets", "column": "topics", "confidence": "1.00"},
        ]
        assert (found["unknown"], found["missing"]) == (["Couleur"], [])
        assert found["codes"] == [
            {"column": "topics", "word": "formation", "code": None, "confidence": "0.00"}
        ]
        mapping = found["mapping"]
        assert isinstance(mapping, dict)
        made = await post(service, member, **mapping)
        assert made["status"] == 201

    async def test_of_titles_alone(self, service: NotesService, member: str) -> None:
        found = await self.suggest(service, member, b'["No","Montants"]', "application/json")
        assert found["columns"] == [
            {"title": "No", "column": None, "confidence": "0.00"},
            {"title": "Montants", "column": "amount", "confidence": "0.88"},
        ]
        assert found["missing"] == ["external_id", "person_name"]

    async def test_of_a_workbook(self, service: NotesService, member: str) -> None:
        book = sheet([["Identifiant", "Montant dû"], ["N1", 5]])
        xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        found = await self.suggest(service, member, book, xlsx)
        assert found["missing"] == ["person_name"]

    @pytest.mark.parametrize(
        ("body", "media_type", "status", "code"),
        [
            (b"", "text/csv", 200, None),
            (b"x", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", 422,
             "workbook.form"),
            (b"{}", "application/json", 422, "import.array"),
            (b"{", "application/json", 400, "json.malformed"),
            (b"a" + b"," * 300, "text/csv", 422, "header.too_wide"),
            (b"a", "text/plain", 415, "media_type.unsupported"),
        ],
    )  # fmt: skip
    async def test_what_cannot_be_read(
        self, service: NotesService, member: str, body: bytes, media_type: str, status: int,
        code: str | None,
    ) -> None:  # fmt: skip
        headers = service.headers(member, Content_Type=media_type)
        answer = await service.client.post(
            f"{MAPPINGS}/suggestions?kind=notes", content=body, headers=headers
        )
        assert (answer.status_code, answer.json().get("code")) == (status, code)
