"""Events are numbered 1, 2, 3, ... per organisation, whoever writes at the same time."""

import asyncio
import uuid
from random import Random

from sqlalchemy import text

from services.common import outbox
from services.common.errors import Conflict, JsonValue
from tests.services.kernel.marks_service import MarksService

WRITERS = 120
PATIENCE_SECONDS = 60
"""Longer than any machine is busy: reached by a defect alone."""


async def write(service: MarksService, organisation: uuid.UUID, count: int, fails: bool) -> None:
    async with service.database.write(organisation) as session:
        payloads: list[JsonValue] = [{"position": position} for position in range(count)]
        await outbox.append_all(session, "batch", payloads)
        await asyncio.sleep(0)
        if fails:
            raise Conflict()


async def test_numbers_have_no_gap_and_readers_miss_none(
    service: MarksService, twin: MarksService
) -> None:
    """Writers of several organisations at once, some of whom fail; readers follow them."""
    draw = Random(7)
    organisations = [uuid.uuid4() for _ in range(4)]
    jobs = [
        (draw.choice(organisations), draw.randint(1, 3), draw.random() < 0.3)
        for _ in range(WRITERS)
    ]
    writing = asyncio.gather(
        *(write(draw.choice((service, twin)), *job) for job in jobs), return_exceptions=True
    )
    seen: dict[uuid.UUID, list[int]] = {organisation: [] for organisation in organisations}
    finished = False
    while not finished:
        finished = writing.done()  # look once more after the last has written
        for organisation, numbers in seen.items():
            async with service.database.read(organisation) as session:
                after = numbers[-1] if numbers else 0
                found = await outbox.read_after(session, after, 5)
            numbers += [each.number for each in found]
            finished = finished and len(found) < 5
    failed = [outcome for outcome in await writing if outcome is not None]
    assert all(isinstance(each, Conflict) for each in failed)
    assert len(failed) == sum(fails for _, _, fails in jobs)
    for organisation, numbers in seen.items():
        written = sum(count for at, count, fails in jobs if at == organisation and not fails)
        assert numbers == list(range(1, written + 1))


async def test_a_batch_keeps_its_order_in_one_statement(service: MarksService) -> None:
    organisation = uuid.uuid4()
    async with service.database.write(organisation) as session:
        payloads: list[JsonValue] = [{"position": position, "é": None} for position in range(500)]
        await outbox.append_all(session, "batch", payloads)
        await outbox.append_all(session, "batch", [])
        await outbox.append(session, "single", "text")
        # A row says which command of its transaction made it.
        made = await session.connection.execute(
            text(
                "SELECT type, count(*), count(DISTINCT cmin::text) FROM events"
                " WHERE organisation_id = :organisation GROUP BY type ORDER BY type"
            ),
            {"organisation": organisation},
        )
        assert [tuple(row) for row in made] == [("batch", 500, 1), ("single", 1, 1)]
    async with service.database.read(organisation) as reading:
        found = await outbox.read_after(reading, 0, 1000)
        assert await outbox.read_after(reading, 501, 10) == []
    assert [each.payload for each in found] == [*payloads, "text"]
    assert [each.number for each in found] == list(range(1, 502))
    assert {each.organisation_id for each in found} == {organisation}
    assert found[-1].type == "single"


async def test_writers_of_one_organisation_wait_others_do_not(
    service: MarksService, twin: MarksService
) -> None:
    one, other = uuid.uuid4(), uuid.uuid4()
    await write(service, one, 1, fails=False)  # its row is there: the wait is for a lock alone
    async with service.database.write(one):
        for process in (service, twin):
            await asyncio.wait_for(write(process, other, 1, fails=False), PATIENCE_SECONDS)
        waiting = [
            asyncio.create_task(write(process, one, 1, fails=False)) for process in (service, twin)
        ]
        await asyncio.sleep(0.1)
        assert not any(task.done() for task in waiting)
    await asyncio.wait_for(asyncio.gather(*waiting), PATIENCE_SECONDS)


async def test_those_who_wait_hold_no_connection(service: MarksService) -> None:
    """More writers of one organisation than the pool has connections; others still read."""
    one = uuid.uuid4()
    async with service.database.write(one):
        waiting = [asyncio.create_task(write(service, one, 1, fails=False)) for _ in range(20)]
        await asyncio.sleep(0.05)
        async with (
            asyncio.timeout(PATIENCE_SECONDS),
            service.database.read(uuid.uuid4()) as session,
        ):
            assert await outbox.read_after(session, 0, 1) == []
    await asyncio.wait_for(asyncio.gather(*waiting), PATIENCE_SECONDS)
