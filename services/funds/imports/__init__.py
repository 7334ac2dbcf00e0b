"""Imports of contributions."""
