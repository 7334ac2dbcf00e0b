"""The catalogue of the migrated database against the rules that keep it safe and distributable.

One code base runs on one server and on a distributed one (Citus). Each test asks the catalogue
for what breaks a rule and expects nothing.

The schemas of QUEUES hold the tables of a library (services/common/job_queue.py), with sequences
and a trigger of its own. They are no tenant's: a row says which job is due, nothing of anybody, and
on a distributed database they stay on one node beside alembic_version. So they answer for their
grants here, and for nothing else.
"""

import re
from collections.abc import AsyncIterator

import asyncpg
import pytest

from deploy.provisioning import SERVICES, SERVICES_WITH_JOBS, roles_of
from services.common.job_schema import queue_schema
from services.common.tables import table_of
from tests.support.databases import ClonedDatabase
from tests.support.manifest import MANIFESTS, Manifest, names_of, personal_columns

TENANT_POLICY = "(organisation_id = (current_setting('app.organisation_id'::text))::uuid)"
TOTALS_POLICY = "(current_setting('app.reader'::text) <> ''::text)"

QUEUES = [queue_schema(service) for service in SERVICES_WITH_JOBS]

every_service = pytest.mark.parametrize("manifest", MANIFESTS, ids=lambda each: each.service)


@pytest.fixture
async def catalogue(database: ClonedDatabase) -> AsyncIterator[asyncpg.Connection]:
    """A superuser's connection, whose answers name schemas in full."""
    connection = await asyncpg.connect(
        database.superuser_dsn, server_settings={"search_path": "pg_catalog"}
    )
    yield connection
    await connection.close()


async def lines(connection: asyncpg.Connection, query: str, *arguments: object) -> list[str]:
    """The first column of each row."""
    return [row[0] for row in await connection.fetch(query, *arguments)]


def full_names(manifest: Manifest) -> list[str]:
    """The tenant tables of a service with their schema."""
    return [f"{manifest.service}.{name}" for name in names_of(manifest.tenant_tables)]


@every_service
async def test_each_table_is_of_exactly_one_kind(
    catalogue: asyncpg.Connection, manifest: Manifest
) -> None:
    found = await lines(
        catalogue,
        "SELECT relname FROM pg_class WHERE relnamespace = $1::regnamespace"
        " AND relkind NOT IN ('i', 'I', 't', 'v')",
        manifest.service,
    )
    kinds = [table_of(each).name for each in manifest.tables]
    assert sorted(found) == sorted(["alembic_version", *kinds])
    assert names_of(manifest.facts) <= names_of(manifest.tenant_tables)


@every_service
async def test_tenant_tables_start_with_their_organisation(
    catalogue: asyncpg.Connection, manifest: Manifest
) -> None:
    query = """
        SELECT attrelid::regclass::text FROM pg_attribute
        WHERE attrelid = ANY($1::text[]::regclass[]) AND attnum = 1
          AND NOT (attname = 'organisation_id' AND atttypid = 'uuid'::regtype AND attnotnull)
    """
    assert await lines(catalogue, query, full_names(manifest)) == []
    query = """
        SELECT oid::regclass::text FROM unnest($1::text[]::regclass[]) AS t (oid)
        WHERE NOT EXISTS (SELECT FROM pg_constraint WHERE conrelid = t.oid AND contype = 'p')
    """
    assert await lines(catalogue, query, full_names(manifest)) == []


@every_service
async def test_keys_and_indexes_of_tenant_tables_start_with_their_organisation(
    catalogue: asyncpg.Connection, manifest: Manifest
) -> None:
    query = """
        SELECT conrelid::regclass || ' ' || conname FROM pg_constraint
        WHERE conrelid = ANY($1::text[]::regclass[]) AND contype IN ('p', 'u', 'x', 'f')
          AND NOT (conkey[1] = 1 AND (contype <> 'f' OR confkey[1] = 1))
        UNION ALL
        SELECT indexrelid::regclass::text FROM pg_index
        WHERE indrelid = ANY($1::text[]::regclass[]) AND indkey[0] <> 1
    """
    assert await lines(catalogue, query, full_names(manifest)) == []


@every_service
async def test_references_stay_within_what_may_be_distributed(
    catalogue: asyncpg.Connection, manifest: Manifest
) -> None:
    rows = await catalogue.fetch(
        """
        SELECT c.conname, t.relname AS source, r.relname AS target, c.confdeltype, c.confupdtype,
               r.relnamespace::regnamespace::text AS target_schema
        FROM pg_constraint c
        JOIN pg_class t ON t.oid = c.conrelid JOIN pg_class r ON r.oid = c.confrelid
        WHERE c.contype = 'f' AND c.connamespace = $1::regnamespace
        """,
        manifest.service,
    )
    tenant, reference = names_of(manifest.tenant_tables), names_of(manifest.reference_tables)
    local = names_of(manifest.local_tables)
    allowed = {
        *((source, target) for source in tenant for target in tenant | reference),
        *((source, target) for source in reference for target in reference),
        *((source, target) for source in local for target in local | reference),
    }
    for row in rows:
        assert (row["source"], row["target"]) in allowed, row
        assert row["target_schema"] == manifest.service, row
        assert row["confdeltype"] in (b"a", b"c"), row
        assert row["confupdtype"] == b"a", row


async def test_nothing_a_distributed_database_lacks(catalogue: asyncpg.Connection) -> None:
    query = """
        SELECT 'trigger ' || tgname FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid
        WHERE NOT tgisinternal AND c.relnamespace <> ALL ($1::text[]::regnamespace[])
        UNION ALL
        SELECT 'deferrable ' || conname FROM pg_constraint WHERE condeferrable
        UNION ALL
        SELECT 'not validated ' || conname FROM pg_constraint WHERE NOT convalidated
        UNION ALL
        SELECT 'inherits ' || inhrelid::regclass FROM pg_inherits
        WHERE inhrelid::regclass::text NOT LIKE 'pg\\_%'
        UNION ALL
        SELECT CASE relkind WHEN 'S' THEN 'sequence ' WHEN 'm' THEN 'materialised view ' END
               || oid::regclass
        FROM pg_class
        WHERE relkind IN ('S', 'm') AND relnamespace <> ALL ($1::text[]::regnamespace[])
        UNION ALL
        SELECT 'identity ' || attrelid::regclass || attname
        FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
        WHERE attidentity <> '' AND c.relnamespace <> ALL ($1::text[]::regnamespace[])
        UNION ALL
        SELECT 'rule ' || rulename FROM pg_rules WHERE schemaname NOT LIKE 'pg\\_%'
        UNION ALL
        SELECT 'extension ' || extname FROM pg_extension WHERE extname <> 'plpgsql'
    """
    assert await lines(catalogue, query, QUEUES) == []


async def test_queues_refer_to_nothing_and_define_no_function_that_sees_more(
    catalogue: asyncpg.Connection,
) -> None:
    query = """
        SELECT conname FROM pg_constraint
        WHERE connamespace = ANY ($1::text[]::regnamespace[]) AND contype = 'f'
        UNION ALL
        SELECT proname FROM pg_proc
        WHERE pronamespace = ANY ($1::text[]::regnamespace[]) AND prosecdef
        UNION ALL
        SELECT relname FROM pg_class
        WHERE relnamespace = ANY ($1::text[]::regnamespace[]) AND relkind IN ('v', 'm')
    """
    assert await lines(catalogue, query, QUEUES) == []


async def test_views_see_with_the_eyes_of_who_asks(catalogue: asyncpg.Connection) -> None:
    query = """
        SELECT oid::regclass::text FROM pg_class
        WHERE relkind = 'v' AND relnamespace = ANY($1::text[]::regnamespace[])
          AND NOT coalesce(reloptions, '{}') @> '{security_invoker=true}'
    """
    assert await lines(catalogue, query, list(SERVICES)) == []


async def test_functions_only_say_who_asks(catalogue: asyncpg.Connection) -> None:
    rows = await catalogue.fetch(
        "SELECT oid::regprocedure::text AS name, prosecdef, prosrc FROM pg_proc"
        " WHERE pronamespace = ANY($1::text[]::regnamespace[])",
        list(SERVICES),
    )
    expected = {f"{s}.set_{f}" for s in SERVICES for f in ("org(uuid)", "reader(text)")}
    assert {row["name"] for row in rows} == expected
    for row in rows:
        assert not row["prosecdef"]
        assert "EXECUTE format('SET LOCAL app." in row["prosrc"]


async def test_names_of_constraints(catalogue: asyncpg.Connection) -> None:
    """Each tells its table, and none ends like a shard's number: errors are mapped by name."""
    rows = await catalogue.fetch(
        "SELECT conname, conrelid::regclass::text AS table_name FROM pg_constraint"
        " WHERE connamespace = ANY($1::text[]::regnamespace[]) AND contype <> 'n'",
        list(SERVICES),
    )
    for row in rows:
        table = row["table_name"].partition(".")[2]
        assert row["conname"].startswith((f"{table}_", "alembic_version_")), row
        assert not re.search(r"_\d+$", row["conname"]), row


async def test_types_say_what_a_column_holds(catalogue: asyncpg.Connection) -> None:
    query = """
        SELECT attrelid::regclass || '.' || attname || ' ' || atttypid::regtype
        FROM pg_class c JOIN (
            SELECT attrelid, attname, attnum, CASE WHEN typcategory = 'A' AND typname <> '_text'
                                                   THEN typelem ELSE a.atttypid END AS atttypid
            FROM pg_attribute a JOIN pg_type ON pg_type.oid = a.atttypid
        ) AS of_elements ON c.oid = attrelid
        WHERE c.relkind = 'r' AND relnamespace = ANY($1::text[]::regnamespace[]) AND attnum > 0
          AND c.relname <> 'alembic_version'
          AND (atttypid::regtype::text NOT IN ('uuid', 'text', 'text[]', 'bytea', 'boolean', 'date',
                                               'integer', 'bigint', 'jsonb', 'character',
                                               'numeric', 'timestamp with time zone')
               OR attname LIKE '%\\_cents' <> (atttypid = 'bigint'::regtype
                                               AND attname LIKE '%\\_cents')
               OR (attname LIKE '%\\_on' OR attname = 'on_date')
                  <> (atttypid = 'date'::regtype)
               OR attname LIKE '%\\_at' <> (atttypid = 'timestamptz'::regtype)
               OR atttypid = 'numeric'::regtype AND attname NOT LIKE '%\\_rate'
               OR attname = 'organisation_id' AND atttypid <> 'uuid'::regtype)
    """
    assert await lines(catalogue, query, list(SERVICES)) == []


@every_service
async def test_row_level_security_is_forced(
    catalogue: asyncpg.Connection, manifest: Manifest
) -> None:
    service, tenant = manifest.service, names_of(manifest.tenant_tables)
    protected = await lines(
        catalogue,
        "SELECT relname FROM pg_class WHERE relnamespace = $1::regnamespace"
        " AND relrowsecurity AND relforcerowsecurity",
        service,
    )
    assert set(protected) == tenant | names_of(manifest.local_tables)
    policies = await catalogue.fetch("SELECT * FROM pg_policies WHERE schemaname = $1", service)
    for policy in policies:
        assert policy["permissive"] == "PERMISSIVE", policy
        assert policy["roles"] in ([f"{service}_app"], [f"{service}_totals"]), policy
        assert re.findall(r"current_setting\(([^)]*)\)", policy["qual"]) in (
            ["'app.organisation_id'::text"],
            ["'app.reader'::text"],
        ), "the strict form: a transaction that has set nothing fails"
    of_app = {p["tablename"]: p for p in policies if p["roles"] == [f"{service}_app"]}
    assert len(of_app) == sum(p["roles"] == [f"{service}_app"] for p in policies)
    assert set(of_app) == set(protected)
    for table in tenant:
        assert of_app[table]["cmd"] == "ALL"
        assert of_app[table]["qual"] == of_app[table]["with_check"] == TENANT_POLICY
    for table in names_of(manifest.local_tables):
        assert of_app[table]["cmd"] == "ALL"
        assert of_app[table]["qual"] == of_app[table]["with_check"]
    for policy in (p for p in policies if p["roles"] == [f"{service}_totals"]):
        assert (policy["cmd"], policy["qual"]) == ("SELECT", TOTALS_POLICY), policy
        assert policy["tablename"] in tenant


@every_service
async def test_grants_leave_facts_as_they_are(
    catalogue: asyncpg.Connection, manifest: Manifest
) -> None:
    service = manifest.service
    rows = await catalogue.fetch(
        """
        SELECT c.relname, coalesce(r.rolname, 'public') AS role, a.privilege_type AS privilege,
               a.is_grantable, NULL AS column_name
        FROM pg_class c, aclexplode(c.relacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
        WHERE c.relnamespace = $1::regnamespace AND a.grantee <> c.relowner
        UNION ALL
        SELECT c.relname, coalesce(r.rolname, 'public'), a.privilege_type, a.is_grantable, attname
        FROM pg_class c JOIN pg_attribute ON attrelid = c.oid, aclexplode(attacl) a
        LEFT JOIN pg_roles r ON r.oid = a.grantee
        WHERE c.relnamespace = $1::regnamespace AND a.grantee <> c.relowner
        """,
        service,
    )
    facts = names_of(manifest.facts)
    personal = {
        (table_of(each).name, column)
        for each in manifest.tables
        for column in personal_columns(table_of(each))
    }
    assert rows
    for row in rows:
        assert not row["is_grantable"], row
        assert row["relname"] != "alembic_version", row
        if row["role"] == f"{service}_totals":
            assert row["privilege"] == "SELECT", row
            assert row["column_name"] is not None, row
            assert (row["relname"], row["column_name"]) not in personal, row
        else:
            assert row["role"] == f"{service}_app", row
            assert row["privilege"] in ("SELECT", "INSERT", "UPDATE", "DELETE"), row
            assert row["relname"] not in facts or row["privilege"] in ("SELECT", "INSERT"), row


@pytest.mark.parametrize("service", SERVICES)
async def test_roles_can_do_no_more_than_serve(catalogue: asyncpg.Connection, service: str) -> None:
    owner, *served = roles_of(service)
    query = """
        SELECT rolname FROM pg_roles WHERE rolname = ANY($1)
          AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication
               OR rolinherit OR NOT rolcanlogin
               OR NOT rolconfig @> ARRAY['search_path=' || $2,
                                         'citus.propagate_set_commands=local']
               OR EXISTS (SELECT FROM pg_auth_members m WHERE pg_roles.oid IN (m.member, m.roleid)))
    """
    assert await lines(catalogue, query, [owner, *served], service) == []
    query = """
        SELECT classid::regclass || ' ' || objid FROM pg_shdepend
        WHERE refobjid::regrole::text = ANY($1) AND deptype = 'o' AND dbid IN
              (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
    """
    assert await lines(catalogue, query, served) == []
    query = """
        SELECT oid::regclass::text FROM pg_class
        WHERE relowner = $1::regrole AND relkind NOT IN ('t', 'i')
          AND relnamespace::regnamespace::text <> ALL ($2)
    """
    assert await lines(catalogue, query, owner, [service, queue_schema(service)]) == []


@pytest.mark.parametrize("service", SERVICES_WITH_JOBS)
async def test_a_queue_is_served_by_its_service_alone(
    catalogue: asyncpg.Connection, service: str
) -> None:
    owner, app, *_ = roles_of(service)
    rows = await catalogue.fetch(
        """
        SELECT coalesce(r.rolname, 'public') AS role, a.privilege_type AS privilege
        FROM pg_class c, aclexplode(c.relacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
        WHERE c.relnamespace = $1::regnamespace AND a.grantee <> c.relowner
        UNION
        SELECT coalesce(r.rolname, 'public'), a.privilege_type
        FROM pg_namespace n, aclexplode(nspacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
        WHERE n.oid = $1::regnamespace
        """,
        queue_schema(service),
    )
    assert {(row["role"], row["privilege"]) for row in rows} == {
        (owner, "CREATE"),
        (owner, "USAGE"),
        *((app, each) for each in ("USAGE", "SELECT", "INSERT", "UPDATE", "DELETE")),
    }


async def test_each_schema_is_its_services_own(catalogue: asyncpg.Connection) -> None:
    rows = await catalogue.fetch(
        """
        SELECT nspname, coalesce(r.rolname, 'public') AS role, a.privilege_type AS privilege
        FROM pg_namespace n, aclexplode(nspacl) a LEFT JOIN pg_roles r ON r.oid = a.grantee
        WHERE nspname = ANY($1::text[])
        """,
        [*SERVICES, "public"],
    )
    granted = {(row["nspname"], row["role"], row["privilege"]) for row in rows}
    expected = {
        (service, role, privilege)
        for service in SERVICES
        for owner, *served in [roles_of(service)]
        for role, privilege in [
            (owner, "USAGE"),
            (owner, "CREATE"),
            *((role, "USAGE") for role in served),
        ]
    }
    assert {each for each in granted if each[0] != "public"} == expected
    assert {role for schema, role, _ in granted if schema == "public"} <= {
        "pg_database_owner",
        "postgres",
    }
