"""The questions of a report to the parts: all at once, one deadline, every answer or none."""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import TypeVar, cast
from urllib.parse import urlencode

import aiohttp
import structlog
from pydantic import BaseModel, ValidationError
from yarl import URL

from gateway.authentication import TokenSigner
from gateway.parts import bad_answer, to_problem, unavailable
from gateway.reports import sources
from gateway.routing import Part
from gateway.settings import GatewaySettings
from services.common.errors import Problem, Unavailable
from services.common.identity import Principal
from services.common.telemetry import make_traceparent

PAGES_MAX = 50
PAGE_LIMIT = 200

Found = TypeVar("Found")
Said = TypeVar("Said", bound=BaseModel)
Item = TypeVar("Item", bound=sources.RegionSaid | sources.OrganisationSaid | sources.AgreementSaid)
_log = structlog.get_logger()


class PartFailed(Exception):
    """One question failed; `problem` is what that means if nothing else failed."""

    def __init__(self, part: Part, problem: Problem) -> None:
        super().__init__(part)
        self.part = part
        self.problem = problem


@dataclass(frozen=True, slots=True)
class Asker:
    """On whose behalf a part is asked, and in which trace."""

    principal: Principal
    trace_id: str


class PartReader:
    """Asks the parts on behalf of one principal, within one request's trace."""

    def __init__(
        self,
        settings: GatewaySettings,
        session: aiohttp.ClientSession,
        signer: TokenSigner,
        timeout: aiohttp.ClientTimeout,
    ) -> None:
        self._settings = settings
        self._session = session
        self._signer = signer
        self._timeout = timeout

    async def read(
        self, part: Part, path: str, kind: type[Said], asker: Asker, query: Mapping[str, str]
    ) -> Said:
        """One answer, checked. Raises PartFailed."""
        url = URL(f"{self._settings.url_of(part)}{path}", encoded=True)
        if query:
            url = URL(f"{url}?{urlencode(query)}", encoded=True)
        headers = {
            "Authorization": f"Bearer {self._signer.sign(asker.principal)}",
            "traceparent": make_traceparent(asker.trace_id),
        }
        try:
            async with self._session.get(
                url, headers=headers, allow_redirects=False, timeout=self._timeout
            ) as response:
                body = await response.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            raise PartFailed(part, to_problem(part, error)) from error
        if response.status == 503:
            raise PartFailed(part, unavailable([part]))
        try:
            if response.status == 200:
                return kind.model_validate_json(body)
            _log.error("answer_refused", part=part.value, path=path, status=response.status)
        except ValidationError as error:
            _log.error("answer_refused", part=part.value, path=path, errors=error.error_count())
        raise PartFailed(part, bad_answer(part))

    async def read_list(
        self,
        part: Part,
        path: str,
        page: type[sources.PageSaid[Item]],
        asker: Asker,
        query: Mapping[str, str],
    ) -> list[Item]:
        """Every item of a list, page by page. Raises PartFailed."""
        items: list[Item] = []
        said = await self.read(part, path, page, asker, {**query, "limit": str(PAGE_LIMIT)})
        for _ in range(PAGES_MAX):
            items += said.items
            if said.next is None:
                return items
            if not said.next.startswith(f"{path}?"):
                break
            said = await self.read(part, said.next, page, asker, {})
        raise PartFailed(part, bad_answer(part))


class Questions:
    """Questions asked at the same time; `answered` returns when all are, or raises for those not.

    async with Questions(seconds) as questions:
        regions = questions.ask(Part.REGISTRY, reader.read_list(...))
        await questions.answered()
        regions.result()
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._parts: dict[asyncio.Task[object], Part] = {}

    async def __aenter__(self) -> "Questions":
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._parts:
            task.cancel()
        await asyncio.gather(*self._parts, return_exceptions=True)

    def ask(self, part: Part, question: Coroutine[object, object, Found]) -> asyncio.Task[Found]:
        task = asyncio.create_task(question)
        self._parts[cast("asyncio.Task[object]", task)] = part
        return task

    async def answered(self) -> None:
        """Raises Unavailable naming every part that is down or late, else BadGateway."""
        done, late = await asyncio.wait(self._parts, timeout=self._seconds)
        failures = [failure for task in done if (failure := self._failure(task)) is not None]
        missing = {self._parts[task] for task in late}
        missing |= {f.part for f in failures if isinstance(f.problem, Unavailable)}
        if missing:
            raise unavailable(sorted(missing))
        for failure in failures:
            raise failure.problem

    @staticmethod
    def _failure(task: asyncio.Task[object]) -> PartFailed | None:
        """The failure of a question; any other error is a defect and goes on as it is."""
        error = task.exception()
        if error is None or isinstance(error, PartFailed):
            return error
        raise error
