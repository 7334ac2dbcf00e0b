"""Imports from the request to the tables: what is answered, and what is then on record."""

import asyncio
import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from sqlalchemy import Engine, event

from services.common.database import ReadSession, WriteSession, driver
from services.common.identity import Principal, Role, organisation_id
from services.common.import_orders import Order
from services.common.import_queries import SentFile
from services.common.import_schemas import TotalsAnswer
from services.common.importing import try_import
from services.common.tabular import PARSER_VERSION
from tests.services.importing.notes_service import GOOD, NOTES, TODAY, NotesService, kept, places

MIXED = (
    "external_id,person_name,amount,noted_on,count\n"
    "N1,Zoé,1.00,2026-03-31,\n"  # 1: good
    "N2,Émile,1.005,2026-02-30,-1\n"  # 2: three cells
    "N3,,1,000.00,,\n"  # 3: a cell too many
    "N4,Ana,1.00,2026-04-01,5\n"  # 4: in the future
    "N1,Zoé,2.00,2026-03-31,\n"  # 5: another content under the same identifier
    "N6,Guy,1000001,,\n"  # 6: refused on its way to a draft
    "N7,Léa,1,,13\n"  # 7: the same, without a place
)
MIXED_ERRORS = [
    (2, "amount", "amount.decimals"),
    (2, "count", "number.too_small"),
    (2, "noted_on", "date.impossible"),
    (3, "", "row.cells"),
    (4, "noted_on", "date.future"),
    (5, "external_id", "external_id.conflict"),
    (6, "amount", "note.too_much"),
    (7, "", "note.thirteen"),
]


class TestRecording:
    async def test_a_file_is_recorded_and_kept(self, service: NotesService, member: str) -> None:
        response = await service.send(
            member, GOOD, Content_Disposition="attachment; filename*=UTF-8''pr%C3%AAts%20mars.csv"
        )
        answer = response.json()
        import_id = answer["import_id"]
        assert response.status_code == 201
        assert response.headers["location"] == f"/v1/imports/{import_id}"
        assert import_id.startswith("notes-")
        assert answer == {
            "import_id": import_id,
            "kind": "notes",
            "mode": "atomic",
            "dry_run": False,
            "counts": {"received": 2, "created": 2, "unchanged": 0, "rejected": 0},
            "errors": [],
            "errors_truncated": False,
            "on_change": "refuse",
            "reason": None,
            "corrected": 0,
            "changes": [],
            "changes_truncated": False,
            "absent": 0,
            "sheets": [],
            "mappings": [],
            "totals": None,
            "warnings": [],
            "warnings_truncated": False,
            "notices": [],
        }
        rows = await service.look(
            "SELECT external_id, amount_cents FROM notes.notes WHERE organisation_id = $1"
            " ORDER BY external_id",
            organisation_id(member),
        )
        assert [tuple(row) for row in rows] == [("N1", 123456), ("N2", 500)]

        found = (await service.get(member, f"/v1/imports/{import_id}")).json()
        assert found.pop("recorded_at").endswith("Z")
        assert found == {
            **answer,
            "state": "done",
            "outcome": "recorded",
            "progress": None,
            "problem": None,
            "mapping": None,
            "parser_version": PARSER_VERSION,
            "media_type": "text/csv",
            "file_name": "prêts mars.csv",
            "sha256": hashlib.sha256(GOOD.encode()).hexdigest(),
            "byte_count": len(GOOD.encode()),
        }
        file = await service.get(member, f"/v1/imports/{import_id}/file")
        assert file.content == GOOD.encode()
        assert file.headers["content-type"] == "text/csv"
        assert file.headers["content-disposition"] == (
            "attachment; filename*=UTF-8''pr%C3%AAts%20mars.csv"
        )
        entries = await service.look(
            "SELECT entry FROM notes.audit_entries WHERE organisation_id = $1",
            organisation_id(member),
        )
        entry = json.loads(entries[0]["entry"])
        assert (entry["action"], entry["subject"]) == ("import.recorded", "key-member")
        assert entry["details"]["import_id"] == import_id

    async def test_the_same_file_twice(self, service: NotesService, member: str) -> None:
        first = await service.send(member, GOOD)
        again = await service.send(member, GOOD)
        assert again.status_code == 200
        assert again.json()["counts"] == {
            "received": 2,
            "created": 0,
            "unchanged": 2,
            "rejected": 0,
        }
        assert again.json()["import_id"] != first.json()["import_id"]
        counts = await kept(service, member)
        assert (counts["notes"], counts["imports"], counts["import_files"]) == (2, 2, 1)

    async def test_the_same_file_twice_at_once(self, service: NotesService, member: str) -> None:
        responses = await asyncio.gather(*(service.send(member, GOOD) for _ in range(6)))
        assert sorted(response.status_code for response in responses) == [200] * 5 + [201]
        assert (await kept(service, member))["notes"] == 2

    async def test_csv_and_ndjson_are_one(self, service: NotesService, member: str) -> None:
        lines = (
            {"external_id": "N1", "person_name": "Zoé", "amount": "1234.56", "topics": ["loan"]},
            {"identifiant": "N3", "nom": "Ana", "montant": "7.00", "nombre": 5, "sujets": None},
        )
        await service.send(member, GOOD)
        response = await service.send(
            member, "\n".join(map(json.dumps, lines)), "", "application/x-ndjson"
        )
        assert response.status_code == 201
        assert response.json()["counts"] == {
            "received": 2,
            "created": 1,
            "unchanged": 1,
            "rejected": 0,
        }

    async def test_an_idempotency_key(self, service: NotesService, member: str) -> None:
        first = await service.send(member, GOOD, Idempotency_Key="march")
        again = await service.send(member, GOOD, Idempotency_Key="march")
        other = await service.send(member, GOOD + "N9;Ana;1;\n", Idempotency_Key="march")
        assert (again.status_code, again.json()) == (201, first.json())
        assert again.headers["idempotent-replayed"] == "true"
        assert (other.status_code, other.json()["code"]) == (422, "idempotency_key.reused")
        assert (await kept(service, member))["imports"] == 1

    async def test_a_refusal_does_not_keep_the_key(
        self, service: NotesService, member: str
    ) -> None:
        await service.send(member, MIXED, Idempotency_Key="march")
        mended = await service.send(member, GOOD, Idempotency_Key="march")
        assert mended.status_code == 201


class TestBadRows:
    async def test_atomic_stores_nothing(self, service: NotesService, member: str) -> None:
        response = await service.send(member, MIXED, Accept_Language="en")
        document = response.json()
        assert response.status_code == 422
        assert response.headers["content-type"] == "application/problem+json"
        assert document["code"] == "import.rejected"
        assert document["detail"] == "Nothing was recorded: 6 row(s) to correct out of 7."
        assert places(response) == MIXED_ERRORS
        assert document["errors"][3]["pointer"] == "/3"
        assert document["errors"][0] == {
            "pointer": "/2/amount",
            "row": 2,
            "line": 3,
            "column": "amount",
            "title": "amount",
            "code": "amount.decimals",
            "message": '"1.005": An amount has at most two decimals.',
        }
        assert document["counts"] == {
            "received": 7,
            "created": 0,
            "unchanged": 0,
            "rejected": 6,
        }
        assert (document["mode"], document["dry_run"], document["kind"]) == (
            "atomic",
            False,
            "notes",
        )
        # The attempt is kept with its file and its errors; no fact and no event is.
        assert await kept(service, member) == {"imports": 1, "import_files": 1, "audit_entries": 1}
        found = (await service.get(member, f"/v1/imports/{document['import_id']}")).json()
        assert found["outcome"] == "refused"
        assert [(e["row"], e["column"], e["code"]) for e in found["errors"]] == MIXED_ERRORS
        said = "« 1.005 » : Un montant a deux décimales au plus."
        assert found["errors"][0]["message"] == said

    async def test_partial_stores_the_good_ones(self, service: NotesService, member: str) -> None:
        response = await service.send(member, MIXED, "&mode=partial")
        assert response.status_code == 201
        assert places(response) == MIXED_ERRORS
        assert set(response.json()["errors"][0]) == {
            "row", "line", "column", "title", "code", "message",
        }  # fmt: skip
        assert response.json()["counts"] == {
            "received": 7,
            "created": 1,
            "unchanged": 0,
            "rejected": 6,
        }
        again = await service.send(member, MIXED, "&mode=partial")
        assert again.status_code == 200
        assert again.json()["counts"]["unchanged"] == 1
        assert (await kept(service, member))["notes"] == 1

    async def test_only_bad_rows(self, service: NotesService, member: str) -> None:
        body = "external_id,person_name,amount\nN1,Zoé,zero\n"
        partial = await service.send(member, body, "&mode=partial")
        assert (partial.status_code, places(partial)) == (200, [(1, "amount", "amount.form")])
        assert "notes" not in await kept(service, member)

    async def test_a_dry_run_answers_what_the_real_run_does(
        self, service: NotesService, member: str
    ) -> None:
        for body in (GOOD, MIXED):
            for mode in ("atomic", "partial"):
                other = f"{member}-{mode}-{len(body)}"
                dry = await service.send(other, body, f"&mode={mode}&dry_run=true")
                assert await kept(service, other) == {}
                real = await service.send(other, body, f"&mode={mode}")
                assert dry.status_code == (422 if real.status_code == 422 else 200)
                assert dry.json()["import_id"] is None
                assert dry.json()["dry_run"] is True
                for member_name in ("kind", "mode", "counts", "errors", "errors_truncated"):
                    assert dry.json()[member_name] == real.json()[member_name]

    async def test_a_dry_run_with_a_key_keeps_its_answer_alone(
        self, service: NotesService, member: str
    ) -> None:
        first = await service.send(member, GOOD, "&dry_run=true", Idempotency_Key="k")
        again = await service.send(member, GOOD, "&dry_run=true", Idempotency_Key="k")
        assert first.json() == again.json()
        assert await kept(service, member) == {"idempotency_keys": 1}

    async def test_the_first_thousand_errors(self, service: NotesService, member: str) -> None:
        head = "external_id,person_name,amount,noted_on\n"
        # Found while reading in every odd row, while recording in every even one.
        rows = "".join(f"N{i},Zoé,{'x' if i % 2 else '1'},2026-04-01\n" for i in range(1, 12_001))
        response = await service.send(member, head + rows, "&mode=partial")
        assert response.json()["counts"]["rejected"] == 12_000
        assert response.json()["errors_truncated"] is True
        assert places(response) == [
            (i, "amount", "amount.form") if i % 2 else (i, "noted_on", "date.future")
            for i in range(1, 1001)
        ]

    async def test_exactly_a_thousand_errors(self, service: NotesService, member: str) -> None:
        rows = "".join(f"N{i},Zoé,x\n" for i in range(1000)) + "N,Zoé,1\n"
        response = await service.send(member, "external_id,person_name,amount\n" + rows)
        assert len(response.json()["errors"]) == 1000
        assert response.json()["errors_truncated"] is False


@contextmanager
def sent_statements() -> Iterator[list[int]]:
    """For each statement sent within the block, the thread it came from."""
    threads: list[int] = []

    def note(*_: object) -> None:
        threads.append(threading.get_ident())

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield threads
    finally:
        event.remove(Engine, "before_cursor_execute", note)


async def test_as_many_statements_for_one_row_as_for_thousands(
    service: NotesService, member: str
) -> None:
    counts = []
    for rows in (1, 6_000):
        body = "external_id,person_name,amount\n" + "".join(
            f"{rows}-{i},Zoé,1\n" for i in range(rows)
        )
        with sent_statements() as statements:
            response = await service.send(member, body)
        assert response.json()["counts"]["created"] == rows
        counts.append(len(statements))
    assert 0 < counts[0] == counts[1] < 20


async def test_rows_are_recorded_away_from_the_event_loop_that_answers_others(
    service: NotesService, member: str
) -> None:
    with sent_statements() as statements:
        assert (await service.send(member, GOOD)).status_code == 201
    assert statements
    assert threading.get_ident() not in statements


async def test_what_an_import_reads_beside_itself(service: NotesService, member: str) -> None:
    """On a connection with as much time as the import has; no more once something is recorded."""

    async def look(session: ReadSession, _: date) -> dict[str, int | str]:
        assert isinstance(session, WriteSession)
        if session.beside is None:
            return {}
        async with session.beside() as reader:
            connection = await driver(reader)
            names = ("statement_timeout", "idle_in_transaction_session_timeout")
            return {name: await connection.fetchval(f"SHOW {name}") for name in names}

    order = Order("notes", NOTES, "atomic", dry_run=True, language="fr", measure=look)
    content = GOOD.encode()
    file = SentFile(content, hashlib.sha256(content).digest(), "text/csv", None)
    principal = Principal("key-member", Role.MEMBER, member)
    came = await try_import(service.app.state.database, principal, order, file, TODAY)
    assert came.report.totals == TotalsAnswer(
        before={"statement_timeout": "5min", "idle_in_transaction_session_timeout": "5min"},
        after={},
    )
