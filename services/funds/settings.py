"""What differs between two deployments of the funds service."""

from services.common.settings import TotalsSettings


class FundsSettings(TotalsSettings):
    """Its database, its totals role and the gateway's public key; nothing more."""
