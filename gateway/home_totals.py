"""The regional totals of the home page, asked of the parts once a minute at the most."""

import asyncio
import secrets
import time
from datetime import date
from typing import cast

from fastapi import FastAPI

from gateway.pages.totals import PartUnavailable, RegionalTotals
from gateway.reports.periods import Period
from gateway.reports.reading import Asker
from gateway.reports.regional import make_regional_report
from gateway.reports.regional_routes import answer_report
from gateway.routing import Part
from services.common.errors import BadGateway, Unavailable
from services.common.identity import Principal, Role

KEPT_SECONDS = 60
GATEWAY = Principal("gateway", Role.SERVICE)


class HomeTotals:
    """Loads the totals of a period for `create_pages_router`; those who wait share one reading."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._lock = asyncio.Lock()
        self._kept: tuple[float, tuple[date, date], RegionalTotals] | None = None

    async def __call__(self, first: date, last: date) -> RegionalTotals:
        """Raises PartUnavailable; a failure is never kept."""
        async with self._lock:
            now = time.monotonic()
            if self._kept is not None:
                read_at, days, totals = self._kept
                if days == (first, last) and now - read_at < KEPT_SECONDS:
                    return totals
            totals = await self._read(Period(first, last, last))
            self._kept = (now, (first, last), totals)
            return totals

    async def _read(self, period: Period) -> RegionalTotals:
        state = self._app.state
        asker = Asker(GATEWAY, secrets.token_hex(16))
        try:
            report = await make_regional_report(
                state.part_reader, asker, period, None, state.report_seconds
            )
        except Unavailable as error:
            missing = cast("list[str]", error.extra["missing"])
            raise PartUnavailable(missing) from error
        except BadGateway as error:
            part = error.extra.get("part", Part.REGISTRY.value)
            raise PartUnavailable([cast(str, part)]) from error
        document = answer_report(report, period, None).model_dump(mode="json", by_alias=True)
        return cast(RegionalTotals, document)
