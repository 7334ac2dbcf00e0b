"""What differs between two deployments of the registry."""

from services.common.settings import ServiceSettings


class RegistrySettings(ServiceSettings):
    """The registry needs its database and the gateway's public key, nothing more."""
