"""What proves an import: its file, kept and read again; and the room that refused files take."""

import pytest

from services.common import import_queries
from services.common.database import Database
from services.common.identity import organisation_id
from services.common.import_replays import find_damage
from tests.services.importing.notes_service import GOOD, NotesService

BAD = "identifiant;nom;montant\nN1;;1,00\n"


async def test_a_kept_file_gives_the_same_rows(service: NotesService, member: str) -> None:
    import_id = (await service.send(member, GOOD)).json()["import_id"]
    replay = (await service.get(member, f"/v1/imports/{import_id}/replay")).json()
    digest = replay["rows_digest"]
    assert replay == {
        "import_id": import_id,
        "file_intact": True,
        "rows_received": 2,
        "rows_digest": digest,
        "replayed_digest": digest,
        "same": True,
    }
    other = (await service.send(member, GOOD.replace("Zoé", "Zoë"), "&mode=partial")).json()
    replayed = (await service.get(member, f"/v1/imports/{other['import_id']}/replay")).json()
    assert replayed["same"] is True
    assert replayed["rows_digest"] != digest


async def test_rows_that_would_differ_are_told(service: NotesService, member: str) -> None:
    import_id = (await service.send(member, GOOD)).json()["import_id"]
    await service.look(
        "UPDATE notes.imports SET rows_digest = sha256('') WHERE organisation_id = $1",
        organisation_id(member),
    )
    path = f"/v1/imports/{import_id}/replay"
    assert (await service.get(member, path)).json()["same"] is False
    await service.look(
        "UPDATE notes.imports SET rows_digest = NULL WHERE organisation_id = $1",
        organisation_id(member),
    )
    assert (await service.get(member, path)).json()["same"] is None


async def test_a_damaged_file_is_told(service: NotesService, member: str) -> None:
    import_id = (await service.send(member, GOOD)).json()["import_id"]
    assert await damage(service, member) == []
    await service.look(
        "UPDATE notes.import_files SET content = $2 WHERE organisation_id = $1",
        organisation_id(member),
        GOOD.replace("5,00", "6,00").encode(),
    )
    replay = (await service.get(member, f"/v1/imports/{import_id}/replay")).json()
    assert (replay["file_intact"], replay["same"]) == (False, False)
    assert len(await damage(service, member)) == 1


async def damage(service: NotesService, member: str) -> list[str]:
    database: Database = service.app.state.database
    async with database.read(organisation_id(member)) as session:
        return [each async for each in find_damage(session)]


async def send_bad(service: NotesService, member: str, number: int) -> str:
    response = await service.send(member, BAD + f"N{number};Zoé;1,00\n")
    assert response.status_code == 422
    import_id: str = response.json()["import_id"]
    return f"/v1/imports/{import_id}"


async def test_refused_files_make_room_for_later_ones(
    service: NotesService, member: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_queries, "REFUSED_FILES_MAX", 2)
    recorded = (await service.send(member, GOOD)).json()["import_id"]
    first, second, third = [await send_bad(service, member, number) for number in range(3)]
    for what in ("file", "errors.xlsx", "replay"):
        gone = await service.get(member, f"{first}/{what}")
        assert (gone.status_code, gone.json()["code"]) == (410, "import.file_dropped")
        assert (await service.get(member, f"{second}/{what}")).status_code == 200
    told = (await service.get(member, first)).json()
    assert gone.json()["sha256"] == told["sha256"]
    assert told["counts"]["rejected"] == 1
    assert (await service.get(member, f"/v1/imports/{recorded}/file")).status_code == 200
    # Sent again, it is among the latest once more.
    again = await send_bad(service, member, 0)
    assert (await service.get(member, f"{again}/file")).status_code == 200
    assert (await service.get(member, f"{first}/file")).status_code == 200
    assert (await service.get(member, f"{second}/file")).status_code == 410
    assert (await service.get(member, f"{third}/file")).status_code == 200
    assert await damage(service, member) == []


async def test_large_refused_files_make_room_sooner(
    service: NotesService, member: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_queries, "REFUSED_BYTES_MAX", 10)
    first, second = [await send_bad(service, member, number) for number in range(2)]
    assert (await service.get(member, f"{first}/file")).status_code == 410
    assert (await service.get(member, f"{second}/file")).status_code == 200
