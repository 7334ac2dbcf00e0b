"""Carries the events of the loans service to the funds' journal.

The two services keep their own books; this only carries. Funds keeps how far it has posted each
organisation's events, in the transaction that posts them, so events carried twice, or by two
gateways at once, are posted once, and what was interrupted goes on where it stopped. Events that
cannot be posted hold up their own organisation alone.
"""

import asyncio
from collections.abc import Collection, Mapping
from typing import Annotated

import aiohttp
import structlog
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from gateway.authentication import TokenSigner
from gateway.routing import Part
from gateway.settings import GatewaySettings
from services.common.identity import Principal, Role
from services.common.telemetry import make_traceparent, read_trace_id

RELAY = Principal("relay", Role.SERVICE)
EVERYONE = "everyone"  # whose events wait when a part does not say how far they are
PAUSE_SECONDS = 1.0
PAUSE_AFTER_FAILURE_SECONDS = 5.0
_TIMEOUT = aiohttp.ClientTimeout(total=30)

_log = structlog.get_logger()

Number = Annotated[int, Field(ge=0)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Positions(_Strict):
    """How far each organisation's events go, by organisation_id."""

    positions: dict[str, Number]


class _Events(_Strict):
    events: list[dict[str, JsonValue]]


class Relay:
    """Runs beside the gateway until it is cancelled."""

    def __init__(
        self, session: aiohttp.ClientSession, settings: GatewaySettings, signer: TokenSigner
    ) -> None:
        self._session = session
        self._loans_url = settings.url_of(Part.LOANS)
        self._funds_url = settings.url_of(Part.FUNDS)
        self._signer = signer
        self._failing: Collection[str] = ()

    async def run(self) -> None:
        """Carry what is new, pause, and begin again, whatever fails: the journals wait for it."""
        while True:
            try:
                failures = await self.carry_all()
            except Exception as error:
                failures = {EVERYONE: error}
            self._tell(failures)
            await asyncio.sleep(PAUSE_AFTER_FAILURE_SECONDS if failures else PAUSE_SECONDS)

    async def carry_all(self) -> dict[str, Exception]:
        """Bring every organisation's journal up to the loans recorded when this was called.

        What stops one organisation's events does not hold up the others: it is returned by
        organisation_id. Raises what hinders asking how far everyone is.
        """
        recorded = await self._positions(f"{self._loans_url}/internal/events/positions")
        posted = await self._positions(f"{self._funds_url}/internal/journal/positions")
        failures: dict[str, Exception] = {}
        for organisation_id, number in recorded.items():
            reached = posted.get(organisation_id, 0)
            try:
                while reached < number and (carried := await self._carry(organisation_id, reached)):
                    reached += carried
            except Exception as error:
                failures[organisation_id] = error
        return failures

    def _tell(self, failures: Mapping[str, Exception]) -> None:
        """Log each failure when it begins, not every five seconds."""
        for organisation_id, error in failures.items():
            if organisation_id not in self._failing:
                _log.warning(
                    "relay_waits",
                    organisation_id=organisation_id,
                    error=type(error).__name__,
                    status=error.status if isinstance(error, aiohttp.ClientResponseError) else None,
                )
        self._failing = frozenset(failures)

    async def _positions(self, url: str) -> dict[str, int]:
        async with self._session.get(url, headers=self._headers(), timeout=_TIMEOUT) as response:
            response.raise_for_status()
            return _Positions.model_validate_json(await response.read()).positions

    async def _carry(self, organisation_id: str, after: int) -> int:
        """Carry the next events; returns how many."""
        async with self._session.get(
            f"{self._loans_url}/internal/events",
            params={"organisation_id": organisation_id, "after": str(after)},
            headers=self._headers(),
            timeout=_TIMEOUT,
        ) as response:
            response.raise_for_status()
            events = _Events.model_validate_json(await response.read()).events
        async with self._session.post(
            f"{self._funds_url}/internal/journal/events",
            json={"organisation_id": organisation_id, "events": events},
            headers={**self._headers(), "Content-Type": "application/json"},
            timeout=_TIMEOUT,
        ) as response:
            response.raise_for_status()
        return len(events)

    def _headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self._signer.sign(RELAY)}",
            "traceparent": make_traceparent(read_trace_id(b"")),
        }
