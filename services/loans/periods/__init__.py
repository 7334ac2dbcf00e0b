"""Reporting periods: what a member submits each month, what the network approves and locks."""
