"""The tables of the registry, by kind; migrations, grants and the catalogue's checks read it.

The register is the network's own: small, rarely written, the same for every reader. Its tables are
reference tables (copied to every node of a distributed database) and carry no row-level security;
grants limit what may change in them. Access keys are local: read in the network's own transactions
alone, which row-level security enforces.
"""

REFERENCE_TABLES = (
    "regions",
    "organisations",
    "organisation_regions",
    "former_names",
    "memberships",
)

LOCAL_TABLES = ("access_keys",)

TENANT_TABLES: tuple[str, ...] = ()
"""None beside the kernel's: what the register tells and audits belongs to NO_ORGANISATION."""

GRANTS: dict[str, str] = {
    "regions": "SELECT, INSERT",
    "organisations": "SELECT, INSERT, UPDATE (name, sort_key, name_status, territory, city,"
    " website, status, founded_on_year, source, version)",
    "organisation_regions": "SELECT, INSERT, DELETE",
    "former_names": "SELECT, INSERT",
    "memberships": "SELECT, INSERT, UPDATE (to_on)",
    "access_keys": "SELECT, INSERT, UPDATE (revoked_at, revoked_by)",
}
"""A membership is added, then ended once; a key is made, then revoked: nothing else changes."""
