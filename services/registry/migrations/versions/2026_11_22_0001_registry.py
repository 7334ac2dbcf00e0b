"""Create the register: regions, organisations, memberships over time, access keys."""

from alembic import op

from services.common.identity import NO_ORGANISATION
from services.common.schema import create_kernel_tables, grant

revision = "0001"
down_revision = None

APP_ROLE = "registry_app"

GRANTS = {
    "regions": "SELECT, INSERT",
    "organisations": "SELECT, INSERT, UPDATE (name, sort_key, name_status, territory, city,"
    " website, status, founded_on_year, source, version)",
    "organisation_regions": "SELECT, INSERT, DELETE",
    "former_names": "SELECT, INSERT",
    "memberships": "SELECT, INSERT, UPDATE (to_on)",
    "access_keys": "SELECT, INSERT, UPDATE (revoked_at, revoked_by)",
}
"""A membership is added, then ended once; a key is made, then revoked: nothing else changes."""


def upgrade() -> None:
    create_kernel_tables(APP_ROLE)
    create_organisations()
    create_history()
    create_access_keys()
    for table, privileges in GRANTS.items():
        grant(APP_ROLE, privileges, [table])


def downgrade() -> None:
    raise NotImplementedError("facts are append-only: a migration is followed, never undone")


def create_organisations() -> None:
    op.execute(
        """
        CREATE TABLE regions (
            code char(2) CONSTRAINT regions_pkey PRIMARY KEY,
            name text NOT NULL,
            CONSTRAINT regions_code_form CHECK (code ~ '^[0-9]{2}$')
        )
        """
    )
    op.execute(
        """
        CREATE TABLE organisations (
            organisation_id uuid CONSTRAINT organisations_pkey PRIMARY KEY,
            slug text NOT NULL CONSTRAINT organisations_slug_key UNIQUE,
            name text NOT NULL,
            sort_key text COLLATE "C" NOT NULL,
            name_status text NOT NULL,
            territory text,
            city text,
            website text,
            status text NOT NULL,
            founded_on_year integer,
            source text,
            version integer NOT NULL DEFAULT 1,
            fingerprint bytea NOT NULL,
            recorded_at timestamptz NOT NULL DEFAULT now(),
            recorded_by text NOT NULL,
            CONSTRAINT organisations_slug_form CHECK (slug ~ '^[a-z0-9]+(-[a-z0-9]+)*$'),
            CONSTRAINT organisations_name_status_known
                CHECK (name_status IN ('confirmed', 'inferred', 'unknown')),
            CONSTRAINT organisations_status_known CHECK (status IN ('active', 'inactive'))
        )
        """
    )
    op.execute("CREATE UNIQUE INDEX organisations_french_order ON organisations (sort_key, slug)")
    op.execute(
        """
        CREATE TABLE organisation_regions (
            organisation_id uuid NOT NULL,
            region_code char(2) NOT NULL,
            CONSTRAINT organisation_regions_pkey PRIMARY KEY (organisation_id, region_code),
            CONSTRAINT organisation_regions_organisation_fkey
                FOREIGN KEY (organisation_id) REFERENCES organisations (organisation_id),
            CONSTRAINT organisation_regions_region_fkey
                FOREIGN KEY (region_code) REFERENCES regions (code)
        )
        """
    )


def create_history() -> None:
    op.execute(
        """
        CREATE TABLE former_names (
            organisation_id uuid NOT NULL,
            number integer NOT NULL,
            name text NOT NULL,
            until_on date,
            CONSTRAINT former_names_pkey PRIMARY KEY (organisation_id, number),
            CONSTRAINT former_names_organisation_fkey
                FOREIGN KEY (organisation_id) REFERENCES organisations (organisation_id)
        )
        """
    )
    # That periods never overlap is checked under the register's write lock: an exclusion constraint
    # over (uuid, range) needs the extension btree_gist, which the embedded PostgreSQL lacks.
    op.execute(
        """
        CREATE TABLE memberships (
            organisation_id uuid NOT NULL,
            from_on date NOT NULL,
            to_on date,
            from_status text NOT NULL,
            CONSTRAINT memberships_pkey PRIMARY KEY (organisation_id, from_on),
            CONSTRAINT memberships_organisation_fkey
                FOREIGN KEY (organisation_id) REFERENCES organisations (organisation_id),
            CONSTRAINT memberships_dates_ordered CHECK (to_on >= from_on),
            CONSTRAINT memberships_from_status_known
                CHECK (from_status IN ('confirmed', 'inferred', 'unknown'))
        )
        """
    )
    op.execute(
        "CREATE UNIQUE INDEX memberships_one_open ON memberships (organisation_id)"
        " WHERE to_on IS NULL"
    )


def create_access_keys() -> None:
    op.execute(
        """
        CREATE TABLE access_keys (
            key_id text CONSTRAINT access_keys_pkey PRIMARY KEY,
            organisation_id uuid,
            role text NOT NULL,
            label text,
            secret_hash bytea NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            created_by text NOT NULL,
            expires_at timestamptz,
            revoked_at timestamptz,
            revoked_by text,
            CONSTRAINT access_keys_organisation_fkey
                FOREIGN KEY (organisation_id) REFERENCES organisations (organisation_id),
            CONSTRAINT access_keys_role_known
                CHECK (role IN ('member', 'network', 'funder', 'auditor', 'operator')),
            CONSTRAINT access_keys_organisation_of_members
                CHECK ((role = 'member') = (organisation_id IS NOT NULL)),
            CONSTRAINT access_keys_auditors_expire
                CHECK (role <> 'auditor' OR expires_at IS NOT NULL),
            CONSTRAINT access_keys_hash_length CHECK (octet_length(secret_hash) = 32)
        )
        """
    )
    op.execute("CREATE INDEX access_keys_organisation ON access_keys (organisation_id, key_id)")
    # Not a tenant's rows: only a transaction that acts for the network itself may look at keys.
    op.execute("ALTER TABLE access_keys ENABLE ROW LEVEL SECURITY")
    op.execute("ALTER TABLE access_keys FORCE ROW LEVEL SECURITY")
    op.execute(
        f"""
        CREATE POLICY access_keys_network ON access_keys TO {APP_ROLE}
        USING (current_setting('app.organisation_id')::uuid = '{NO_ORGANISATION}')
        WITH CHECK (current_setting('app.organisation_id')::uuid = '{NO_ORGANISATION}')
        """
    )
