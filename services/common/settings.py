"""What differs between two deployments of a service; read once, when its application is made."""

from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class ServiceSettings(BaseSettings):
    """Environment variables named RESEAU_..., the same for every service."""

    model_config = SettingsConfigDict(env_prefix="RESEAU_", extra="ignore")

    database_url: SecretStr
    """The service's own role and schema (postgresql+asyncpg://...)."""
    token_public_key_file: Path
    """The gateway's public key (PEM): only its tokens are accepted."""
    database_connections_max: int = 8
    """Connections one process holds at the most."""


class TotalsSettings(ServiceSettings):
    """For the services that answer network-wide totals."""

    totals_database_url: SecretStr
    """The read-only role that sees every organisation and no identifying column."""


class ImportSettings(ServiceSettings):
    """For the services that members send files to."""

    long_import_rows: int = 5_000
    """A file of more rows is done as a job when its sender agrees to be answered before."""
    job_heartbeat_seconds: int = 6
    """A job whose worker has been silent for longer is taken up by another."""
