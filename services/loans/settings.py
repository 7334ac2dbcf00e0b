"""What differs between two deployments of the loans service."""

from services.common.settings import TotalsSettings


class LoansSettings(TotalsSettings):
    """Its database, its totals role and the gateway's public key; nothing more."""
