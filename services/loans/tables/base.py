"""What the tables of the loans service have in common: their schema."""

from sqlmodel import SQLModel

from services.common.tables import (
    new_registry,
)


class LoansTable(SQLModel, registry=new_registry()):
    """A table of the schema `loans`."""
