"""Carries the events of the loans service to the funds' journal.

The two services keep their own books; this only carries. Funds keeps how far it has posted each
organisation's events, in the transaction that posts them, so events carried twice, or by two
gateways at once, are posted once, and what was interrupted goes on where it stopped.
"""

import asyncio
from typing import Annotated

import aiohttp
import structlog
from pydantic import BaseModel, ConfigDict, Field, JsonValue, ValidationError

from gateway.authentication import TokenSigner
from gateway.routing import Part
from gateway.settings import GatewaySettings
from services.common.identity import Principal, Role
from services.common.telemetry import make_traceparent, read_trace_id

RELAY = Principal("relay", Role.SERVICE)
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
        self._refused: dict[str, int] = {}

    async def run(self) -> None:
        """Carry what is new, pause, and begin again; a part that is down is waited for."""
        is_failing = False
        while True:
            try:
                await self.carry_all()
                is_failing = False
            except (aiohttp.ClientError, TimeoutError, ValidationError) as error:
                if not is_failing:
                    _log.warning("relay_waits", error=type(error).__name__)
                is_failing = True
            await asyncio.sleep(PAUSE_AFTER_FAILURE_SECONDS if is_failing else PAUSE_SECONDS)

    async def carry_all(self) -> None:
        """Bring every organisation's journal up to the loans recorded when this was called."""
        recorded = await self._positions(f"{self._loans_url}/internal/events/positions")
        posted = await self._positions(f"{self._funds_url}/internal/journal/positions")
        for organisation_id, number in recorded.items():
            reached = posted.get(organisation_id, 0)
            try:
                while reached < number and (carried := await self._carry(organisation_id, reached)):
                    reached += carried
            except aiohttp.ClientResponseError as refused:
                self._note_refusal(organisation_id, reached, refused.status)

    def _note_refusal(self, organisation_id: str, reached: int, status: int) -> None:
        """An event the journal refuses holds up its own organisation alone; told once."""
        if self._refused.get(organisation_id) != reached:
            self._refused[organisation_id] = reached
            _log.error("relay_refused", organisation=organisation_id, after=reached, status=status)

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
