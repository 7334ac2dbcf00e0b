"""What differs between two deployments of the funds service."""

from services.common.settings import ImportSettings, TotalsSettings


class FundsSettings(TotalsSettings, ImportSettings):
    """Its database, its totals role and the gateway's public key, and when an import is long."""
