"""An audit chain that was changed anywhere says so."""

import asyncio
import json

import pytest

from services.common import audit
from tests.services.kernel.marks_service import Caller, MarksService

ENTRIES = 5

DELETE = "DELETE FROM audit_entries WHERE organisation_id = $1"
EDIT = "UPDATE audit_entries SET entry = jsonb_set(entry, {}) WHERE organisation_id = $1"
SWAP = """
    UPDATE audit_entries a SET {} FROM audit_entries b
    WHERE a.organisation_id = $1 AND b.organisation_id = $1
      AND (a.entry_number, b.entry_number) IN ((2, 3), (3, 2))
"""
HEAD = "UPDATE organisation_counters SET {} WHERE organisation_id = $1"


async def find_breaks(service: MarksService, caller: Caller) -> list[str]:
    async with service.database.read(caller.principal.organisation_id) as session:
        return [each async for each in audit.find_breaks(session)]


@pytest.fixture
async def audited(caller: Caller) -> Caller:
    for number in range(ENTRIES):
        assert (await caller.post(f"mark {number}")).status_code == 201
    return caller


async def test_an_untouched_chain_holds(service: MarksService, audited: Caller) -> None:
    assert await find_breaks(service, audited) == []
    assert await find_breaks(service, service.caller()) == []
    rows = await service.look(
        "SELECT entry FROM audit_entries WHERE organisation_id = $1 ORDER BY entry_number",
        audited.principal.organisation_id,
    )
    entries = [json.loads(row["entry"]) for row in rows]
    assert [entry["number"] for entry in entries] == [1, 2, 3, 4, 5]
    assert {entry["subject"] for entry in entries} == {"key-1"}
    assert "mark" not in str([entry["details"] for entry in entries]), "no value of a request"


async def test_entries_of_parallel_requests_are_one_chain(
    service: MarksService, twin: MarksService, caller: Caller
) -> None:
    callers = [caller, caller.through(twin)] * 15
    await asyncio.gather(*(each.post("mark") for each in callers))
    assert await service.numbers(caller) == list(range(1, 31))
    assert await find_breaks(service, caller) == []


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        (
            [f"{DELETE} AND entry_number = 1"],
            [
                "audit entry 1 is missing before entry 2",
                "audit entry 2 does not match its hash",
            ],
        ),
        (
            [f"{DELETE} AND entry_number = 3"],
            [
                "audit entry 3 is missing before entry 4",
                "audit entry 4 does not match its hash",
            ],
        ),
        ([f"{DELETE} AND entry_number = 5"], ["the audit chain ends at entry 4, not at 5"]),
        ([f"{DELETE} AND entry_number > 2"], ["the audit chain ends at entry 2, not at 5"]),
        ([DELETE], ["the audit chain ends at entry 0, not at 5"]),
        (
            [f"{DELETE} AND entry_number > 3", HEAD.format("last_audit_number = 3")],
            ["the audit chain does not end with the hash on record"],
        ),
        (
            [DELETE, HEAD.format("last_audit_number = 0")],
            ["the audit chain does not end with the hash on record"],
        ),
        (
            [EDIT.format("'{role}', '\"network\"'") + " AND entry_number = 2"],
            ["audit entry 2 does not match its hash"],
        ),
        (
            [EDIT.format("'{details,count}', '2'") + " AND entry_number = 5"],
            ["audit entry 5 does not match its hash"],
        ),
        (
            [EDIT.format("'{added}', '1'") + " AND entry_number = 1"],
            ["audit entry 1 does not match its hash"],
        ),
        (
            ["UPDATE audit_entries SET hash = sha256('x') WHERE organisation_id = $1"],
            [
                *(f"audit entry {number} does not match its hash" for number in range(1, 6)),
                "the audit chain does not end with the hash on record",
            ],
        ),
        (
            [SWAP.format("entry = b.entry")],
            [
                "audit entry 2 does not match its hash",
                "audit entry 3 does not match its hash",
            ],
        ),
        (
            [SWAP.format("entry = b.entry, hash = b.hash")],
            [
                "audit entry 2 does not match its hash",
                "audit entry 3 does not match its hash",
                "audit entry 4 does not match its hash",
            ],
        ),
        (
            [
                "INSERT INTO audit_entries SELECT organisation_id, 6, entry, hash"
                " FROM audit_entries WHERE organisation_id = $1 AND entry_number = 5"
            ],
            ["audit entry 6 does not match its hash", "the audit chain ends at entry 6, not at 5"],
        ),
    ],
)
async def test_tampering_is_found(
    service: MarksService, audited: Caller, statements: list[str], expected: list[str]
) -> None:
    for statement in statements:
        await service.look(statement, audited.principal.organisation_id)
    assert await find_breaks(service, audited) == expected


async def test_a_last_entry_forged_with_its_hash_is_found(
    service: MarksService, audited: Caller
) -> None:
    """Whoever can write the table can also compute a hash; the head on record still differs."""
    organisation = audited.principal.organisation_id
    rows = await service.look(
        "SELECT entry, hash FROM audit_entries WHERE organisation_id = $1 ORDER BY entry_number",
        organisation,
    )
    forged = json.loads(rows[4]["entry"]) | {"subject": "key-2"}
    await service.look(
        "UPDATE audit_entries SET entry = $2, hash = $3"
        " WHERE organisation_id = $1 AND entry_number = 5",
        organisation,
        json.dumps(forged),
        audit.chain(rows[3]["hash"], forged),
    )
    assert await find_breaks(service, audited) == [
        "the audit chain does not end with the hash on record"
    ]
