"""The tables each service declares, by kind, with those of the kernel."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import MetaData, Table
from sqlmodel import SQLModel

from services.common.import_tables import (
    Import,
    ImportFile,
    ImportJob,
    ImportMapping,
    ImportTable,
)
from services.common.tables import (
    AuditEntry,
    Event,
    IdempotencyKey,
    KernelTable,
    OrganisationCounter,
    table_of,
)
from services.funds import tables as funds
from services.loans import tables as loans
from services.registry import tables as registry

Declared = Sequence[type[SQLModel]]

KERNEL_FACTS = (Event, AuditEntry)
KERNEL_OTHERS = (OrganisationCounter, IdempotencyKey)
IMPORT_FACTS = (Import, ImportMapping)
IMPORT_OTHERS = (ImportFile, ImportJob)

KERNEL = (*KERNEL_FACTS, *KERNEL_OTHERS)
IMPORTS = (*IMPORT_FACTS, *IMPORT_OTHERS)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What one service keeps, each table in exactly one of the three kinds of a table.

    `facts` are the tenant tables that are append-only.
    """

    service: str
    bases: Declared
    tenant_tables: Declared
    facts: Declared
    reference_tables: Declared = ()
    local_tables: Declared = ()

    @property
    def tables(self) -> Declared:
        return (*self.tenant_tables, *self.reference_tables, *self.local_tables)

    @property
    def metadata(self) -> MetaData:
        """All of it as one schema."""
        whole = MetaData()
        for base in self.bases:
            for table in base.metadata.tables.values():
                table.to_metadata(whole)
        return whole


MANIFESTS = (
    Manifest(
        "registry",
        bases=(KernelTable, registry.RegistryTable),
        tenant_tables=(*KERNEL, *registry.TENANT_TABLES),
        facts=KERNEL_FACTS,
        reference_tables=registry.REFERENCE_TABLES,
        local_tables=registry.LOCAL_TABLES,
    ),
    Manifest(
        "funds",
        bases=(KernelTable, ImportTable, funds.FundsTable),
        tenant_tables=(*KERNEL, *IMPORTS, *funds.TENANT_TABLES),
        facts=(*KERNEL_FACTS, *IMPORT_FACTS, *funds.FACTS),
    ),
    Manifest(
        "loans",
        bases=(KernelTable, ImportTable, loans.LoansTable),
        tenant_tables=(*KERNEL, *IMPORTS, *loans.TENANT_TABLES),
        facts=(*KERNEL_FACTS, *IMPORT_FACTS, *loans.FACTS),
        reference_tables=loans.REFERENCE_TABLES,
    ),
)


def names_of(declared: Declared) -> set[str]:
    return {table_of(each).name for each in declared}


def personal_columns(table: Table) -> set[str]:
    return {column.name for column in table.columns if column.info.get("personal")}
