"""Measurements against the targets; each prints what it measured, its range and its target."""
