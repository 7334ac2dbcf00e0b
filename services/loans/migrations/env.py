"""Alembic's entry: migrate the schema `loans` as its owner."""

from services.common.schema import run_migrations

run_migrations("loans")
