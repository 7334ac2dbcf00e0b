"""Transactions: all or nothing; when the database goes away, the request can be sent again."""

import asyncio
import uuid

import asyncpg
import pytest
import sqlalchemy.exc
from pydantic import SecretStr
from structlog.testing import capture_logs

from services.common.database import driver, open_database, to_problem
from services.common.errors import BadRequest, Conflict, Unavailable
from tests.services.kernel.marks_service import Caller, MarksService


@pytest.mark.parametrize("place", ["statement", "rows", "commit"])
async def test_a_server_process_that_goes_away(
    service: MarksService, caller: Caller, place: str
) -> None:
    """Whether it is noticed at a statement, in the driver, or at the commit."""
    with capture_logs() as logs:
        refused = await caller.post("a", path=f"/v1/refused-marks/{place}")
    assert refused.status_code == 503, refused.text
    assert refused.json()["code"] == "database.unavailable"
    assert refused.headers["retry-after"] == "2"
    assert refused.headers["content-type"] == "application/problem+json"
    assert [each for each in logs if each["log_level"] == "error"] == []
    assert await service.numbers(caller) == []
    assert (await caller.post("a")).status_code == 201
    assert await service.numbers(caller) == [1]


async def test_all_connections_lost_between_requests_are_found_again(
    service: MarksService, caller: Caller
) -> None:
    await asyncio.gather(*(caller.post("a") for _ in range(8)))
    await service.look(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND usename = 'registry_app'"
    )
    responses = await asyncio.gather(*(caller.post("a") for _ in range(8)))
    assert {response.status_code for response in responses} == {201}


async def test_a_refusal_takes_everything_back(service: MarksService, caller: Caller) -> None:
    refused = await caller.post("a", path="/v1/refused-marks/conflict")
    assert refused.status_code == 409
    assert await service.numbers(caller) == []


async def test_text_the_database_cannot_hold_is_a_bad_request(caller: Caller) -> None:
    refused = await caller.get("/v1/marks/a%00b")
    assert (refused.status_code, refused.json()["code"]) == (400, "text.control")
    assert (await caller.get("/v1/marks/a")).text == "0"


async def test_a_transaction_for_nobody_names_no_organisation(service: MarksService) -> None:
    async with service.database.read(None) as session:
        with pytest.raises(AssertionError, match="acts for no organisation"):
            _ = session.organisation_id


async def test_a_reader_sees_one_moment(service: MarksService, caller: Caller) -> None:
    organisation = caller.principal.organisation_id
    async with service.database.read(organisation) as session:
        connection = await driver(session)
        before = await connection.fetchval("SELECT count(*) FROM events")
        assert (await caller.post("a")).status_code == 201
        assert await connection.fetchval("SELECT count(*) FROM events") == before == 0


async def test_sessions_have_time_limits(service: MarksService) -> None:
    async with service.database.read(uuid.uuid4()) as session:
        connection = await driver(session)
        for name, value in (
            ("statement_timeout", "30s"),
            ("lock_timeout", "30s"),
            ("idle_in_transaction_session_timeout", "1min"),
        ):
            assert await connection.fetchval(f"SHOW {name}") == value


async def test_a_database_that_is_not_there(service: MarksService) -> None:
    url = service.cloned.url("registry_app").replace(f":{service.cloned.cluster.port}/", ":1/")
    nowhere = open_database(SecretStr(url), 1)
    with pytest.raises(OSError) as caught:  # noqa: PT011
        async with nowhere.read(uuid.uuid4()):
            pass
    assert isinstance(to_problem(caught.value), Unavailable)
    await nowhere.close()


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (asyncpg.ConnectionDoesNotExistError(), Unavailable),
        (asyncpg.InterfaceError("connection is closed"), Unavailable),
        (asyncpg.InterfaceError("another operation is in progress"), None),
        (asyncpg.DataError("invalid input for query argument $1"), None),
        (asyncpg.TooManyConnectionsError(), Unavailable),
        (asyncpg.QueryCanceledError(), Unavailable),
        (asyncpg.LockNotAvailableError(), Unavailable),
        (asyncpg.DeadlockDetectedError(), Unavailable),
        (asyncpg.SerializationError(), Unavailable),
        (asyncpg.AdminShutdownError(), Unavailable),
        (asyncpg.CannotConnectNowError(), Unavailable),
        (asyncpg.DiskFullError(), Unavailable),
        (asyncpg.InternalServerError(), Unavailable),
        (asyncpg.CharacterNotInRepertoireError(), BadRequest),
        (sqlalchemy.exc.TimeoutError(), Unavailable),
        (TimeoutError(), Unavailable),
        (ConnectionRefusedError(), Unavailable),
        (asyncpg.UniqueViolationError(), None),
        (asyncpg.CheckViolationError(), None),
        (asyncpg.InsufficientPrivilegeError(), None),
        (asyncpg.UndefinedTableError(), None),
        (asyncpg.PostgresSyntaxError(), None),
        (ValueError(), None),
        (AssertionError(), None),
        (Conflict(), None),
    ],
    ids=lambda each: type(each).__name__ if isinstance(each, Exception) else None,
)
def test_what_a_failure_means(error: Exception, expected: type[Exception] | None) -> None:
    wrapped = sqlalchemy.exc.DBAPIError("SELECT 1", None, error)
    for each in (error, wrapped) if isinstance(error, asyncpg.PostgresError) else (error,):
        problem = to_problem(each)
        assert problem is None if expected is None else isinstance(problem, expected)
