"""What differs between two deployments of the loans service."""

from services.common.settings import ImportSettings, TotalsSettings


class LoansSettings(TotalsSettings, ImportSettings):
    """Its database, its totals role and the gateway's public key, and when an import is long."""
