"""Alembic's entry: migrate the schema `registry` as its owner."""

from services.common.schema import run_migrations

run_migrations("registry")
