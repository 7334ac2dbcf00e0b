"""The register as it is first filled, and the first access keys. Safe to run at every start.

    seed/regions.csv          the administrative regions, by official code
    seed/organisations.csv    lists are separated by `|`; former names by `;`, each `name|last day`
    access-keys.json          written before the hashes of its keys: a crash in between heals itself

What the network changed since is never overwritten, and a revoked key never comes back.
"""

import csv
import json
import os
import secrets
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import text

from services.common import audit
from services.common.clock import legal_today
from services.common.database import WriteSession, open_database
from services.common.errors import JsonValue
from services.common.identity import NO_ORGANISATION, Principal, Role
from services.common.strict_json import loads
from services.registry.keys import queries as key_queries
from services.registry.keys.arithmetic import read_key
from services.registry.keys.commands import KeyDraft, draw_key, to_new_key
from services.registry.organisations import queries as organisation_queries
from services.registry.organisations.arithmetic import Organisation
from services.registry.organisations.commands import record_organisation
from services.registry.organisations.schemas import OrganisationBody

SEED_FOLDER = Path(__file__).parent / "seed"
SEEDER = Principal("seed", Role.OPERATOR)
NETWORK_ROLES = (Role.NETWORK, Role.FUNDER, Role.AUDITOR, Role.OPERATOR)
FIRST_AUDITOR_KEY_DAYS = 365


async def seed_register(database_url: str, access_keys_file: Path) -> None:
    """Fill the register and its first access keys with what is missing of them.

    Raises ValueError when the file of access keys is not one of ours.
    """
    database = open_database(SecretStr(database_url), 1)
    try:
        async with database.write(NO_ORGANISATION) as session:
            await session.connection.execute(_INSERT_REGION, _read_rows("regions.csv"))
            for organisation in read_organisations():
                await _seed_organisation(session, organisation)
        async with database.write(NO_ORGANISATION) as session:
            await _seed_keys(session, access_keys_file)
    finally:
        await database.close()


async def _seed_organisation(session: WriteSession, organisation: Organisation) -> None:
    if await organisation_queries.find_fingerprint(session, organisation.slug) is None:
        await record_organisation(session, SEEDER, organisation)


def read_organisations() -> Iterator[Organisation]:
    """The organisations of the seed, checked like those that come over HTTP."""
    for row in _read_rows("organisations.csv"):
        year = row["founded_on_year"]
        body = OrganisationBody.model_validate(
            {
                "slug": row["slug"],
                "name": row["name"],
                "name_status": row["name_status"],
                "region_codes": row["region_codes"].split("|"),
                "territory": row["territory"] or None,
                "city": row["city"] or None,
                "website": row["website"] or None,
                "founded_on_year": int(year) if year else None,
                "source": row["source"],
                "former_names": [_read_name(name) for name in _split(row["former_names"], ";")],
                "memberships": [
                    {"from": row["membership_from"], "from_status": row["membership_from_status"]}
                ],
            }
        )
        yield body.to_organisation()


def _read_rows(file_name: str) -> list[dict[str, str]]:
    with (SEED_FOLDER / file_name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def _split(value: str, separator: str) -> list[str]:
    return value.split(separator) if value else []


def _read_name(value: str) -> dict[str, str | None]:
    name, _, until = value.partition("|")
    return {"name": name, "until": until or None}


async def _seed_keys(session: WriteSession, file: Path) -> None:
    is_first = not await key_queries.has_keys(session)
    today = legal_today()
    keys = []
    for role, organisation, key_text in _read_or_draw(file, is_first):
        key = read_key(key_text)
        if key is None:
            raise ValueError(f"{file} holds something that is not an access key")
        draft = KeyDraft(role, organisation, "première clé", _last_day(role, today))
        keys.append(to_new_key(draft, key))
    inserted = await key_queries.insert_keys(session, keys, SEEDER.subject)
    if inserted:
        key_ids: list[JsonValue] = [record.key_id for record in inserted]
        await audit.append(session, SEEDER, "access_keys.seed", {"key_ids": key_ids})


def _read_or_draw(file: Path, is_first: bool) -> list[tuple[Role, str | None, str]]:
    """The keys of the file, drawn if there never were any: a file taken away stays away."""
    if not file.exists():
        if not is_first:
            return []
        _write_private(file, _draw_keys())
    return list(_read_keys(file))


def _last_day(role: Role, today: date) -> date | None:
    return today + timedelta(days=FIRST_AUDITOR_KEY_DAYS) if role is Role.AUDITOR else None


def _draw_keys() -> str:
    members = {organisation.slug: draw_key().text for organisation in read_organisations()}
    document: dict[str, object] = {role.value: draw_key().text for role in NETWORK_ROLES}
    return json.dumps({**document, "members": members}, indent=2) + "\n"


def _read_keys(file: Path) -> Iterator[tuple[Role, str | None, str]]:
    """Role, organisation and key, as the file places them. Raises ValueError."""
    document = loads(file.read_bytes())
    if not isinstance(document, dict) or not isinstance(document.get("members"), dict):
        raise ValueError(f"{file} does not hold access keys")
    for name, value in document.items():
        if name != "members":
            yield Role(name), None, str(value)
    for slug, value in document["members"].items():
        yield Role.MEMBER, slug, str(value)


def _write_private(file: Path, content: str) -> None:
    """Mode 600, and wholly on disk before anything relies on it."""
    partial = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    partial.replace(file)
    folder = os.open(file.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


_INSERT_REGION = text(
    "INSERT INTO regions (code, name) VALUES (:code, :name) ON CONFLICT (code) DO NOTHING"
)
