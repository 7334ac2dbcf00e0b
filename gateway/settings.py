"""What differs between two deployments of the gateway; read once, when its application is made."""

from pathlib import Path

from pydantic import AnyHttpUrl
from pydantic_settings import BaseSettings, SettingsConfigDict

from gateway.routing import Part


class GatewaySettings(BaseSettings):
    """Environment variables named RESEAU_..."""

    model_config = SettingsConfigDict(env_prefix="RESEAU_", extra="ignore")

    token_private_key_file: Path
    """The Ed25519 key (PEM) that signs what the services trust; only the gateway can read it."""
    registry_url: AnyHttpUrl
    """Where the registry listens, scheme and authority only: http://127.0.0.1:8001."""
    funds_url: AnyHttpUrl
    loans_url: AnyHttpUrl
    openapi_file: Path | None = None
    """The OpenAPI document of the whole; by default `api/openapi.json` of the source tree."""

    is_demonstration: bool = False
    """Whether the figures are fictitious; the home page then says so."""

    requests_per_minute: int = 30_000
    """Requests one access key may make: a program that posts fact by fact never waits."""
    refusals_per_minute: int = 120
    """Keys one address may present that turn out wrong, before it is held up."""

    connect_seconds: float = 2
    """A part that takes longer to accept a connection is down."""
    authentication_seconds: float = 5
    """The registry is asked at each request: when it is silent for longer, it is down."""
    read_seconds: float = 30
    """A part that is silent for longer is late."""
    import_seconds: float = 300
    """The same for an import, which is answered once everything is stored."""
    report_seconds: float = 20
    """A report whose parts have not all answered by then is refused."""
    upload_idle_seconds: float = 20
    """A client that sends nothing for longer is cut off."""
    upload_seconds: float = 60
    """The longest a JSON body may take to arrive."""
    upload_import_seconds: float = 600
    """The longest an import may take to arrive: 20 MiB at 35 kB a second."""

    def url_of(self, part: Part) -> str:
        """The address of a part, without a slash at its end."""
        urls = {
            Part.REGISTRY: self.registry_url,
            Part.FUNDS: self.funds_url,
            Part.LOANS: self.loans_url,
        }
        return str(urls[part]).rstrip("/")
