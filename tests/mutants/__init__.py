"""Mutation testing of the arithmetic: `make mutants` (docs/testing.md)."""
