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
HOME_SECONDS = 5
"""A visitor of the home page waits no longer for a part that is silent."""
Days = tuple[date, date]
GATEWAY = Principal("gateway", Role.SERVICE)


class HomeTotals:
    """Loads the totals of a period for `create_pages_router`; those who wait share one reading."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._readings: dict[Days, asyncio.Task[RegionalTotals]] = {}
        self._kept: tuple[float, Days, RegionalTotals] | None = None

    async def __call__(self, first: date, last: date) -> RegionalTotals:
        """Raises PartUnavailable; a failure answers those who waited for it and is not kept."""
        days = (first, last)
        if self._kept is not None:
            read_at, kept_days, totals = self._kept
            if kept_days == days and time.monotonic() - read_at < KEPT_SECONDS:
                return totals
        reading = self._readings.get(days)
        if reading is None:
            reading = asyncio.create_task(self._read(Period(first, last, last)))
            self._readings[days] = reading
            reading.add_done_callback(lambda _: self._readings.pop(days))
        totals = await asyncio.shield(reading)
        self._kept = (time.monotonic(), days, totals)
        return totals

    async def _read(self, period: Period) -> RegionalTotals:
        state = self._app.state
        asker = Asker(GATEWAY, secrets.token_hex(16))
        try:
            report = await make_regional_report(
                state.part_reader, asker, period, None, HOME_SECONDS
            )
        except Unavailable as error:
            missing = cast("list[str]", error.extra["missing"])
            raise PartUnavailable(missing) from error
        except BadGateway as error:
            part = error.extra.get("part", Part.REGISTRY.value)
            raise PartUnavailable([cast(str, part)]) from error
        document = answer_report(report, period, None).model_dump(mode="json", by_alias=True)
        return cast(RegionalTotals, document)
