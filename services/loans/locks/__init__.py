"""Months that are closed: no fact dated in one is recorded until it is reopened."""
