"""The first filling of the register and the first access keys: once, and never over anything."""

import json
import stat
from pathlib import Path

import asyncpg
import pytest

from services.common.errors import JsonValue
from services.registry.seed import read_organisations, seed_register
from tests.support.databases import ClonedDatabase

SLUGS = [organisation.slug for organisation in read_organisations()]


@pytest.fixture
def keys_file(tmp_path: Path) -> Path:
    return tmp_path / "access-keys.json"


async def seed(database: ClonedDatabase, keys_file: Path) -> None:
    await seed_register(database.url("registry_app"), keys_file)


async def look(database: ClonedDatabase, statement: str, *arguments: object) -> object:
    """The first value of a statement, past row-level security."""
    connection = await asyncpg.connect(database.superuser_dsn)
    try:
        value: object = await connection.fetchval(statement, *arguments)
        return value
    finally:
        await connection.close()


def content_of(keys_file: Path) -> str | None:
    return keys_file.read_text(encoding="utf-8") if keys_file.exists() else None


def write(keys_file: Path, content: str) -> None:
    keys_file.write_text(content, encoding="utf-8")


def remove(keys_file: Path) -> None:
    keys_file.unlink()


def mode_of(keys_file: Path) -> int:
    return stat.S_IMODE(keys_file.stat().st_mode)


def read(keys_file: Path) -> dict[str, JsonValue]:
    document: dict[str, JsonValue] = json.loads(keys_file.read_text(encoding="utf-8"))
    return document


async def test_the_file_holds_a_key_for_each(
    fresh_database: ClonedDatabase, keys_file: Path
) -> None:
    await seed(fresh_database, keys_file)

    document = read(keys_file)
    assert mode_of(keys_file) == 0o600
    assert list(document) == ["network", "funder", "auditor", "operator", "members"]
    members = document["members"]
    assert isinstance(members, dict)
    assert list(members) == SLUGS
    assert len(SLUGS) == 16
    assert list(keys_file.parent.iterdir()) == [keys_file]
    assert await look(fresh_database, "SELECT count(*) FROM registry.access_keys") == 20
    assert await look(fresh_database, "SELECT count(*) FROM registry.regions") == 17


async def test_a_second_start_changes_nothing(
    fresh_database: ClonedDatabase, keys_file: Path
) -> None:
    everything = """
        SELECT md5(string_agg(row, ',' ORDER BY row)) FROM (
            SELECT o::text FROM registry.organisations o
            UNION ALL SELECT m::text FROM registry.memberships m
            UNION ALL SELECT f::text FROM registry.former_names f
            UNION ALL SELECT r::text FROM registry.organisation_regions r
            UNION ALL SELECT k::text FROM registry.access_keys k
            UNION ALL SELECT e::text FROM registry.events e
            UNION ALL SELECT a::text FROM registry.audit_entries a) AS rows (row)
    """
    await seed(fresh_database, keys_file)
    before = (await look(fresh_database, everything), content_of(keys_file))
    await seed(fresh_database, keys_file)

    assert (await look(fresh_database, everything), content_of(keys_file)) == before


async def test_a_crash_between_the_file_and_the_hashes_heals(
    fresh_database: ClonedDatabase, keys_file: Path
) -> None:
    await seed(fresh_database, keys_file)
    written = content_of(keys_file)
    await look(fresh_database, "DELETE FROM registry.access_keys")
    await seed(fresh_database, keys_file)

    assert content_of(keys_file) == written
    assert await look(fresh_database, "SELECT count(*) FROM registry.access_keys") == 20


async def test_a_revoked_key_stays_revoked(fresh_database: ClonedDatabase, keys_file: Path) -> None:
    await seed(fresh_database, keys_file)
    key_id = str(read(keys_file)["funder"]).split("_")[1]
    await look(
        fresh_database,
        "UPDATE registry.access_keys SET revoked_at = now() WHERE key_id = $1",
        key_id,
    )
    await seed(fresh_database, keys_file)

    revoked = "SELECT key_id FROM registry.access_keys WHERE revoked_at IS NOT NULL"
    assert await look(fresh_database, revoked) == key_id


async def test_what_the_network_changed_is_kept(
    fresh_database: ClonedDatabase, keys_file: Path
) -> None:
    await seed(fresh_database, keys_file)
    await look(
        fresh_database, "UPDATE registry.organisations SET name = 'Autre' WHERE slug = 'laval'"
    )
    await look(fresh_database, "UPDATE registry.memberships SET to_on = '2025-12-31'")
    await seed(fresh_database, keys_file)

    name = "SELECT name FROM registry.organisations WHERE slug = 'laval'"
    assert await look(fresh_database, name) == "Autre"
    open_ones = "SELECT count(*) FROM registry.memberships WHERE to_on IS NULL"
    assert await look(fresh_database, open_ones) == 0


async def test_a_file_that_was_taken_away_is_not_made_again(
    fresh_database: ClonedDatabase, keys_file: Path
) -> None:
    await seed(fresh_database, keys_file)
    remove(keys_file)
    await seed(fresh_database, keys_file)

    assert content_of(keys_file) is None
    assert await look(fresh_database, "SELECT count(*) FROM registry.access_keys") == 20


@pytest.mark.parametrize(
    "content", ['{"network": "rmc_1_2", "members": {}}', '{"members": []}', "[]"]
)
async def test_a_file_of_something_else_is_refused(
    fresh_database: ClonedDatabase, keys_file: Path, content: str
) -> None:
    write(keys_file, content)

    with pytest.raises(ValueError, match=r"access-keys\.json"):
        await seed(fresh_database, keys_file)
    assert content_of(keys_file) == content
    assert await look(fresh_database, "SELECT count(*) FROM registry.access_keys") == 0
