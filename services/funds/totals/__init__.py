"""Totals by organisation, for the reports of the network."""
