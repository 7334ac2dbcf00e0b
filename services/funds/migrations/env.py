"""Alembic's entry: migrate the schema `funds` as its owner."""

from services.common.schema import run_migrations

run_migrations("funds")
