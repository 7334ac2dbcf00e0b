"""What differs between two deployments of the funds service."""

from services.common.settings import TotalsSettings


class FundsSettings(TotalsSettings):
    """The kernel's settings, and where the services whose events the journal follows answer."""

    loans_url: str
    """Base URL of the loans service: its events are posted to the journal."""
    registry_url: str
    """Base URL of the registry: its organisations have a fund each."""
