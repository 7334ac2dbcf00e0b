"""Long imports: accepted, done once whatever happens, told as they go, and cancelled."""

import asyncio
import hashlib
import json
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import asyncpg
import httpx
import pytest

from services.common import import_job_routes, tabular
from services.common.database import Database
from services.common.identity import Principal, Role, organisation_id
from services.common.import_job_routes import STREAMS_MAX
from services.common.import_jobs import UNFINISHED_MAX, JobPlace, prefers_job
from services.common.import_schemas import parse_import_id
from services.common.import_worker import ATTEMPTS_MAX, run_job
from services.common.job_queue import TryAgain
from services.common.text import Language
from tests.services.importing.notes_service import LONG_ROWS, SERVICE, NotesService, kept

ENDED = ("done", "refused", "failed", "cancelled")
HEADER = "identifiant;nom;montant\n"
PATIENCE_SECONDS = 120
"""Longer than any machine is busy: reached by a defect alone."""


def sheet(rows: int = 3, amount: str = "5,00") -> str:
    return HEADER + "".join(f"N{n};Zoé;{amount}\n" for n in range(rows))


async def accept(
    service: NotesService, member: str, body: str = "", query: str = "", **headers: str
) -> httpx.Response:
    return await service.send(member, body or sheet(), query, Prefer="respond-async", **headers)


async def wait_for(
    service: NotesService, member: str, path: str, is_there: Callable[[str], bool]
) -> dict[str, object]:
    """Look until the state is the awaited one."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            answer: dict[str, object] = (await service.get(member, path)).json()
            if is_there(str(answer["state"])):
                return answer
            await asyncio.sleep(0.05)


async def wait_for_end(service: NotesService, member: str, path: str) -> dict[str, object]:
    return await wait_for(service, member, path, lambda state: state in ENDED)


async def wait_for_work(service: NotesService, member: str, path: str) -> dict[str, object]:
    return await wait_for(service, member, path, lambda state: state == "checking")


async def wait_for_checks(service: NotesService, member: str, path: str) -> dict[str, object]:
    """The progress, once it tells of checked rows: it is reported twice a second."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            progress: dict[str, object] = (await service.get(member, path)).json()["progress"]
            if progress["rows_checked"]:
                return progress
            await asyncio.sleep(0.05)


@asynccontextmanager
async def held(service: NotesService, member: str) -> AsyncIterator[None]:
    """Keep an organisation's write lock: its jobs come as far as recording, and wait."""
    connection = await asyncpg.connect(service.superuser_dsn)
    transaction = connection.transaction()
    await transaction.start()
    try:
        await connection.execute(
            "INSERT INTO notes.organisation_counters (organisation_id) VALUES ($1)"
            " ON CONFLICT (organisation_id) DO UPDATE SET last_event_number ="
            " organisation_counters.last_event_number",
            organisation_id(member),
        )
        yield
    finally:
        await transaction.rollback()
        await connection.close()


async def until(is_so: Callable[[], bool]) -> None:
    """Wait for what another task does."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            if is_so():
                return
            await asyncio.sleep(0.01)


class TestAccepting:
    async def test_from_acceptance_to_the_record(self, service: NotesService, member: str) -> None:
        response = await accept(service, member, Content_Disposition="attachment; filename=a.csv")
        accepted, path = response.json(), response.headers["location"]
        assert response.status_code == 202
        assert response.headers["preference-applied"] == "respond-async"
        assert path == f"/v1/imports/{accepted['import_id']}"
        assert (accepted["state"], accepted["outcome"]) == ("queued", None)
        assert accepted["progress"] == {
            "rows_expected": 4,  # lines, the header among them: an estimate
            "rows_read": 0,
            "rows_checked": 0,
            "rows_stored": 0,
            "remaining_seconds": None,
        }
        found = await wait_for_end(service, member, path)
        assert (found["state"], found["outcome"]) == ("done", "recorded")
        assert found["counts"] == {"received": 3, "created": 3, "unchanged": 0, "rejected": 0}
        assert found["file_name"] == "a.csv"
        assert found["sha256"] == hashlib.sha256(sheet().encode()).hexdigest()
        assert (await service.get(member, f"{path}/file")).text == sheet()
        counts = await kept(service, member)
        assert (counts["notes"], counts["imports"], counts["audit_entries"]) == (3, 1, 1)

    async def test_only_who_agrees_is_answered_before(
        self, service: NotesService, member: str
    ) -> None:
        assert (await service.send(member, sheet())).status_code == 201
        assert (await service.send(member, sheet(4), "&async=true")).status_code == 202
        short = await accept(service, member, sheet(LONG_ROWS, "6,00"), "&mode=partial")
        assert short.status_code in (200, 201, 422)
        dry = await accept(service, member, sheet(5), "&dry_run=true")
        assert (dry.status_code, dry.json()["dry_run"]) == (200, True)

    async def test_a_file_that_cannot_begin_is_refused_at_once(
        self, service: NotesService, member: str
    ) -> None:
        response = await accept(service, member, sheet().replace("montant", "somme"))
        assert (response.status_code, response.json()["errors"][0]["row"]) == (422, 0)
        assert await kept(service, member) == {}

    @pytest.mark.parametrize(
        ("header", "agrees"),
        [
            (None, False),
            ("respond-async", True),
            ("return=minimal, Respond-Async; x=1, wait=10", True),
            ("respond-asynchronously", False),
        ],
    )
    def test_the_preference(self, header: str | None, agrees: bool) -> None:
        assert prefers_job(header) is agrees

    async def test_the_same_file_twice_at_once_is_one_import(
        self, service: NotesService, member: str
    ) -> None:
        async with held(service, member):
            responses = await asyncio.gather(*(accept(service, member) for _ in range(5)))
            assert {response.status_code for response in responses} == {202}
            assert len({response.headers["location"] for response in responses}) == 1
            replayed = [r for r in responses if "idempotent-replayed" in r.headers]
            assert len(replayed) == 4
        await wait_for_end(service, member, responses[0].headers["location"])
        counts = await kept(service, member)
        assert (counts["notes"], counts["imports"]) == (3, 1)
        again = await accept(service, member)
        found = await wait_for_end(service, member, again.headers["location"])
        assert found["counts"] == {"received": 3, "created": 0, "unchanged": 3, "rejected": 0}

    async def test_an_idempotency_key(self, service: NotesService, member: str) -> None:
        first = await accept(service, member, Idempotency_Key="march")
        await wait_for_end(service, member, first.headers["location"])
        again = await accept(service, member, Idempotency_Key="march")
        other = await accept(service, member, sheet(4), Idempotency_Key="march")
        assert (again.status_code, again.json()) == (202, first.json())
        assert again.headers["idempotent-replayed"] == "true"
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key.reused")

    async def test_too_many_at_once(self, service: NotesService, member: str) -> None:
        async with held(service, member):
            for number in range(UNFINISHED_MAX):
                assert (await accept(service, member, sheet(3 + number))).status_code == 202
            response = await accept(service, member, sheet(100))
            assert (response.status_code, response.json()["code"]) == (
                429,
                "import.too_many_jobs",
            )


class TestDoing:
    async def test_in_order_for_one_and_meanwhile_for_others(
        self, service: NotesService, member: str
    ) -> None:
        other = f"other-{uuid.uuid4().hex}"
        async with held(service, member):
            first = await accept(service, member, sheet(3))
            second = await accept(service, member, sheet(4))
            elsewhere = await accept(service, other, sheet(3))
            await wait_for_end(service, other, elsewhere.headers["location"])
            progress = await wait_for_checks(service, member, first.headers["location"])
            assert (progress["rows_read"], progress["rows_checked"]) == (3, 3)
            assert progress["rows_stored"] == 0
            waiting = (await service.get(member, second.headers["location"])).json()
            assert waiting["state"] == "queued"
        found = await wait_for_end(service, member, second.headers["location"])
        assert found["counts"] == {"received": 4, "created": 1, "unchanged": 3, "rejected": 0}

    async def test_bad_rows(self, service: NotesService, member: str) -> None:
        response = await accept(service, member, sheet() + "N9;;0,001\n")
        found = await wait_for_end(service, member, response.headers["location"])
        assert (found["state"], found["outcome"]) == ("refused", "refused")
        assert found["counts"] == {"received": 4, "created": 0, "unchanged": 0, "rejected": 1}
        errors = found["errors"]
        assert isinstance(errors, list)
        assert [(e["row"], e["column"]) for e in errors] == [(4, "amount"), (4, "person_name")]
        errors_sheet = await service.get(member, f"{response.headers['location']}/errors.xlsx")
        assert errors_sheet.status_code == 200
        assert (await kept(service, member)).get("notes") is None

    async def test_an_organisations_own_titles(self, service: NotesService, member: str) -> None:
        columns = {"Dossier": "external_id", "Personne": "person_name", "$": "amount"}
        headers = service.headers(member)
        mapping = {"name": "excel", "columns": columns, "codes": {}}
        await service.client.post("/v1/import-mappings?kind=notes", json=mapping, headers=headers)
        body = sheet().replace(HEADER, "Dossier;Personne;$\n")
        path = (await accept(service, member, body, "&mapping=excel")).headers["location"]
        found = await wait_for_end(service, member, path)
        assert (found["state"], found["mapping"]) == ("done", {"name": "excel", "version": 1})
        assert (await service.get(member, f"{path}/replay")).json()["same"] is True

    async def test_a_file_cut_far_from_its_beginning(
        self, service: NotesService, member: str
    ) -> None:
        response = await accept(service, member, sheet(tabular.BATCH_ROWS + 1) + 'N;"Zoé;1\n')
        assert response.status_code == 202
        found = await wait_for_end(service, member, response.headers["location"])
        assert (found["state"], found["outcome"]) == ("refused", "refused")
        errors = found["errors"]
        assert isinstance(errors, list)
        assert [error["code"] for error in errors] == ["csv.malformed"]
        assert "notes" not in await kept(service, member)

    async def test_too_many_rows(
        self, service: NotesService, member: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tabular, "ROWS_MAX", tabular.BATCH_ROWS)
        response = await accept(service, member, sheet(tabular.BATCH_ROWS + 1))
        found = await wait_for_end(service, member, response.headers["location"])
        assert (found["state"], found["outcome"]) == ("refused", None)
        problem = found["problem"]
        assert isinstance(problem, dict)
        assert (problem["status"], problem["code"]) == (413, "import.too_many_rows")
        assert problem["detail"].startswith("Un fichier a")

    async def test_a_defect_of_ours(self, service: NotesService, member: str) -> None:
        response = await accept(service, member, sheet().replace("Zoé", "Défaut"))
        found = await wait_for_end(service, member, response.headers["location"])
        assert (found["state"], found["problem"]) == (
            "failed",
            {
                "status": 500,
                "code": "internal",
                "title": "Erreur interne",
                "detail": "Erreur interne",
            },
        )
        after = await accept(service, member, sheet())
        assert (await wait_for_end(service, member, after.headers["location"]))["state"] == "done"

    async def test_two_workers_record_once(self, service: NotesService, member: str) -> None:
        """As when a heartbeat was late: the job is taken up while its first worker still lives."""
        async with held(service, member):
            response = await accept(service, member)
            path = response.headers["location"]
            await wait_for_work(service, member, path)
            database: Database = service.app.state.database
            again = asyncio.create_task(
                run_job(database, SERVICE, place_of(member, path), asyncio.Event())
            )
            await until_begun_twice(service, member)
        await again
        found = await wait_for_end(service, member, path)
        assert found["state"] == "done"
        counts = await kept(service, member)
        assert (counts["notes"], counts["imports"], counts["audit_entries"]) == (3, 1, 1)

    async def test_a_job_that_always_kills_its_process_is_given_up(
        self, service: NotesService, member: str
    ) -> None:
        async with held(service, member):
            path = (await accept(service, member)).headers["location"]
            await wait_for_work(service, member, path)
            await service.look(
                "UPDATE notes.import_jobs SET attempt_count = $2 WHERE organisation_id = $1",
                organisation_id(member),
                ATTEMPTS_MAX,
            )
            database: Database = service.app.state.database
            await run_job(database, SERVICE, place_of(member, path), asyncio.Event())
        found = await wait_for_end(service, member, path)
        assert found["state"] == "failed"
        assert "notes" not in await kept(service, member)

    async def test_a_worker_that_stops_gives_the_job_back(
        self, service: NotesService, member: str
    ) -> None:
        async with held(service, member):
            first = (await accept(service, member)).headers["location"]
            second = (await accept(service, member, sheet(4))).headers["location"]
            await wait_for_work(service, member, first)
            stopping = asyncio.Event()
            stopping.set()
            with pytest.raises(TryAgain):
                await run_job(
                    service.app.state.database, SERVICE, place_of(member, second), stopping
                )


async def until_begun_twice(service: NotesService, member: str) -> None:
    """Until two workers are at the member's one job."""
    attempts = "SELECT attempt_count FROM notes.import_jobs WHERE organisation_id = $1"
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            [row] = await service.look(attempts, organisation_id(member))
            if row["attempt_count"] >= 2:
                return
            await asyncio.sleep(0.05)


def place_of(member: str, path: str) -> JobPlace:
    import_id = parse_import_id("notes", path.rpartition("/")[2])
    assert import_id is not None
    return JobPlace(organisation_id(member), import_id)


async def cancellations_of(service: NotesService, member: str) -> list[str]:
    """What the member cancelled, by the audit chain."""
    connection = await asyncpg.connect(service.superuser_dsn)
    try:
        rows = await connection.fetch(
            "SELECT entry FROM notes.audit_entries WHERE organisation_id = $1"
            " AND entry ->> 'action' = 'import.cancelled' ORDER BY entry_number",
            organisation_id(member),
        )
    finally:
        await connection.close()
    entries = [json.loads(row["entry"]) for row in rows]
    for entry in entries:
        assert entry["details"].keys() == {"import_id", "kind", "sha256", "cancelled_at"}
        assert (entry["subject"], entry["role"]) == ("key-member", "member")
    return [entry["details"]["import_id"] for entry in entries]


class TestCancelling:
    async def cancel(self, service: NotesService, member: str, path: str) -> httpx.Response:
        return await service.client.post(f"{path}/cancellations", headers=service.headers(member))

    async def test_nothing_is_stored(self, service: NotesService, member: str) -> None:
        async with held(service, member):
            path = (await accept(service, member)).headers["location"]
            waiting = (await accept(service, member, sheet(4))).headers["location"]
            await wait_for_work(service, member, path)
            response = await self.cancel(service, member, path)
            assert (response.status_code, response.json()["state"]) == (200, "cancelled")
            assert (await self.cancel(service, member, waiting)).status_code == 200
            again = await self.cancel(service, member, path)
            assert (again.status_code, again.json()["state"]) == (200, "cancelled")
        after = (await accept(service, member, sheet(5))).headers["location"]
        await wait_for_end(service, member, after)
        listed, place = list[tuple[str, str | None]](), "/v1/imports?limit=2"
        while place:
            answer = (await service.get(member, place)).json()
            listed += [(each["state"], each["outcome"]) for each in answer["items"]]
            place = answer["next"]
        assert listed == [("done", "recorded"), ("cancelled", None), ("cancelled", None)]
        found = (await service.get(member, path)).json()
        assert (found["state"], found["outcome"]) == ("cancelled", None)
        counts = await kept(service, member)
        assert (counts["notes"], counts["imports"]) == (5, 1)
        # One entry each, though one was cancelled twice: written as soon as the lock is free.
        for _ in range(300):
            found = await cancellations_of(service, member)
            if len(found) == 2:
                break
            await asyncio.sleep(0.05)
        assert sorted(found) == sorted(each.rpartition("/")[2] for each in (path, waiting))

    async def test_in_the_middle_of_a_statement(self, service: NotesService, member: str) -> None:
        slow = sheet().replace("Zoé", "Lenteur")
        path = (await accept(service, member, slow)).headers["location"]
        await wait_for(service, member, path, lambda state: state == "recording")
        assert (await self.cancel(service, member, path)).status_code == 200
        after = (await accept(service, member)).headers["location"]
        assert (await wait_for_end(service, member, after))["state"] == "done"
        assert (await kept(service, member))["notes"] == 3

    async def test_what_has_ended(self, service: NotesService, member: str) -> None:
        path = (await accept(service, member)).headers["location"]
        await wait_for_end(service, member, path)
        response = await self.cancel(service, member, path)
        assert (response.status_code, response.json()["code"]) == (409, "import.ended")
        at_once = (await service.send(member, sheet(4))).json()["import_id"]
        response = await self.cancel(service, member, f"/v1/imports/{at_once}")
        assert (response.status_code, response.json()["code"]) == (409, "import.ended")

    async def test_what_is_not_ones_own(self, service: NotesService, member: str) -> None:
        path = (await accept(service, member)).headers["location"]
        other = f"other-{uuid.uuid4().hex}"
        for strange in (path, "/v1/imports/notes-x", f"/v1/imports/notes-{uuid.uuid4()}"):
            assert (await self.cancel(service, other, strange)).status_code == 404
            assert (await service.get(other, f"{strange}/events")).status_code == 404
            assert (await service.get(other, f"{strange}/replay")).status_code == 404
        await wait_for_end(service, member, path)

    @pytest.mark.parametrize("role", [Role.NETWORK, Role.FUNDER, Role.AUDITOR, Role.OPERATOR])
    async def test_strangers(self, service: NotesService, role: Role) -> None:
        headers = {"Authorization": f"Bearer {service.token(None, role)}"}
        path = f"/v1/imports/notes-{uuid.uuid4()}"
        for way in (
            service.client.post(f"{path}/cancellations", headers=headers),
            service.client.get(f"{path}/events", headers=headers),
            service.client.get(f"{path}/replay", headers=headers),
        ):
            assert (await way).status_code == 403


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The events of all streams as they are told: this client hears a stream at its end."""
    seen: list[bytes] = []
    tell = import_job_routes._tell

    async def note(
        database: Database, who: Principal, service: str, own_id: uuid.UUID, language: Language
    ) -> AsyncIterator[bytes]:
        async for event in tell(database, who, service, own_id, language):
            seen.append(event)
            yield event

    monkeypatch.setattr(import_job_routes, "_tell", note)
    return seen


class TestEvents:
    async def test_until_the_end(
        self, service: NotesService, member: str, told: list[bytes]
    ) -> None:
        async with held(service, member):
            path = (await accept(service, member)).headers["location"]
            listening = asyncio.create_task(service.get(member, f"{path}/events"))
            await until(lambda: any(b'"state": "checking"' in event for event in told))
        response = await listening
        assert response.headers["content-type"] == "text/event-stream"
        events = [event.split("\n") for event in response.text.strip().split("\n\n")]
        assert all(event[1] == "event: progress" for event in events)
        states = [json.loads(event[2].removeprefix("data: "))["state"] for event in events]
        assert states[0] in ("queued", "checking")
        assert "checking" in states
        assert states[-1] == "done"

    async def test_too_many(self, service: NotesService, member: str, told: list[bytes]) -> None:
        async with held(service, member):
            path = (await accept(service, member)).headers["location"]
            streams = [
                asyncio.create_task(service.get(member, f"{path}/events"))
                for _ in range(STREAMS_MAX)
            ]
            await until(lambda: sum(e.startswith(b"id: 0") for e in told) == STREAMS_MAX)
            response = await service.get(member, f"{path}/events")
            assert (response.status_code, response.json()["code"]) == (429, "rate.exceeded")
        assert {stream.status_code for stream in await asyncio.gather(*streams)} == {200}
