"""Totals of every organisation: what the gateway's reports are made of. No person is named here."""
