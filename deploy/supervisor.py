"""Processes kept alive: started, watched, started again when they die, stopped in order.

Stopping is asyncio's cancellation: whoever leaves a `kept` block, for whatever reason, stops what
the block kept. The supervisor itself knows nothing of PostgreSQL or of the services.
"""

import asyncio
import json
import os
import shutil
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from deploy.language import DeploymentError, text

ROOT = Path(__file__).parents[1]
_READY_SECONDS_MAX = 60.0
_HEALTH_SECONDS_MAX = 5.0
_POLL_SECONDS = 0.03
_STOP_SECONDS_MAX = 8.0
_RESTART_DELAY_SECONDS_MIN = 0.2
_RESTART_DELAY_SECONDS_MAX = 10.0
# Whoever lived this long is healthy: its next death counts as the first.
_LIVED_WELL_SECONDS = 60.0
_LOG_BYTES_MAX = 10 * 1024 * 1024
_LOG_CHECK_SECONDS = 10.0
# What a large import used goes back to the system: with glibc's own figures a service keeps it, an
# arena for each of its threads, and the next import begins from there. Others ignore these.
_ALLOCATION = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": "1048576",
    "MALLOC_TRIM_THRESHOLD_": "1048576",
}

Report = Callable[[str], None]


class Running(Protocol):
    """A process that can be waited for and stopped."""

    async def wait(self) -> None: ...

    async def stop(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Part:
    """A service or the gateway: an application factory, its port and its environment."""

    name: str
    factory: str
    port: int
    environment: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Child:
    """A running part: it imports at once and serves when released."""

    process_id: int
    lifeline: BinaryIO
    """Our end of its standard input: a byte releases it, closing it stops it."""
    ended: asyncio.Task[bytes]

    def release(self) -> None:
        with suppress(BrokenPipeError):
            self.lifeline.write(b"\n")

    async def wait(self) -> None:
        await asyncio.wait({self.ended})

    async def stop(self) -> None:
        self.lifeline.close()
        await asyncio.wait({self.ended}, timeout=_STOP_SECONDS_MAX)
        if not self.ended.done():
            os.kill(self.process_id, signal.SIGKILL)
            await self.wait()


class Stem:
    """The process that parts are forked from (stem.py); started again whenever it has died."""

    def __init__(self, logs: Path, libraries: Sequence[str]) -> None:
        self._logs = logs
        self._libraries = libraries
        self._process: asyncio.subprocess.Process | None = None
        self._requests: socket.socket | None = None

    async def fork(self, part: Part) -> Child:
        """A process for the part, held back until released. DeploymentError when none came."""
        requests = await self._reach()
        request = {
            "name": part.name,
            "factory": part.factory,
            "port": part.port,
            "environment": dict(part.environment),
        }
        lifeline_out, lifeline_in = os.pipe()
        status_out, status_in = os.pipe()
        with log_of(part, self._logs).open("ab") as log:
            try:
                files = [lifeline_out, status_in, log.fileno()]
                socket.send_fds(requests, [json.dumps(request).encode()], files)
            except OSError as error:
                os.close(lifeline_in)
                os.close(status_out)
                raise _not_started(part, self._logs) from error
            finally:
                os.close(lifeline_out)
                os.close(status_in)
        lifeline = os.fdopen(lifeline_in, "wb", buffering=0)
        status = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(status), os.fdopen(status_out, "rb")
        )
        process_id = await status.readline()
        if not process_id:
            lifeline.close()
            raise _not_started(part, self._logs)
        return Child(int(process_id), lifeline, asyncio.create_task(status.read()))

    async def stop(self) -> None:
        if self._requests is not None:
            self._requests.close()
        if self._process is not None:
            await self._process.wait()

    async def _reach(self) -> socket.socket:
        if self._process is None or self._process.returncode is not None or not self._requests:
            if self._requests is not None:
                self._requests.close()
            self._requests, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            with theirs, _stem_log(self._logs).open("ab") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *(sys.executable, "-m", "deploy.stem", *self._libraries),
                    cwd=ROOT,
                    env={**os.environ, **_ALLOCATION},
                    stdin=theirs.fileno(),
                    stdout=log,
                    stderr=log,
                    # Ctrl-C in the terminal is for the supervisor, which stops parts in order.
                    start_new_session=True,
                )
        return self._requests


def log_of(part: Part, logs: Path) -> Path:
    return logs / f"{part.name}.log"


async def wait_until_ready(part: Part, child: Running, logs: Path) -> None:
    """Until the part answers GET /health. DeploymentError when it ends or stays silent instead."""
    ended = asyncio.create_task(child.wait())
    try:
        deadline = time.monotonic() + _READY_SECONDS_MAX
        while not await answers(part.port):
            await asyncio.wait({ended}, timeout=_POLL_SECONDS)
            if ended.done() or time.monotonic() > deadline:
                raise _not_started(part, logs)
    finally:
        ended.cancel()


async def answers(port: int) -> bool:
    """True when GET /health on this port says 200."""
    try:
        async with asyncio.timeout(_HEALTH_SECONDS_MAX):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(
                    b"GET /health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                )
                return b" 200 " in await reader.readline()
            finally:
                writer.close()
    except OSError:  # TimeoutError is one
        return False


@dataclass(frozen=True, slots=True)
class Kept:
    """What to keep alive: the process that runs now, and how to start the next one."""

    name: str
    first: Running
    start: Callable[[], Awaitable[Running]]


@asynccontextmanager
async def kept(processes: Sequence[Kept], report: Report) -> AsyncIterator[None]:
    """Keep processes alive for the length of the block, then stop them all at once."""
    keepers = [asyncio.create_task(_keep(process, report)) for process in processes]
    try:
        yield
    finally:
        for keeper in keepers:
            keeper.cancel()
        await asyncio.gather(*keepers, return_exceptions=True)


async def _keep(process: Kept, report: Report) -> None:
    """Start again whatever ends, for ever but never in haste: an operator can mend the cause."""
    running: Running | None = process.first
    delay = _RESTART_DELAY_SECONDS_MIN
    while True:
        began = time.monotonic()
        if running is not None:
            try:
                await running.wait()
            finally:
                await running.stop()
            report(
                text(
                    f"« {process.name} » s'est arrêté ; redémarrage.",
                    f"“{process.name}” has ended; starting it again.",
                )
            )
        if time.monotonic() - began > _LIVED_WELL_SECONDS:
            delay = _RESTART_DELAY_SECONDS_MIN
        await asyncio.sleep(delay)
        delay = min(2 * delay, _RESTART_DELAY_SECONDS_MAX)
        try:
            running = await process.start()
        except DeploymentError as error:
            running = None
            report(str(error))


async def keep_logs_short(logs: Path) -> None:
    """Bound every log. Runs until cancelled."""
    while True:
        await asyncio.to_thread(shorten_logs, logs, _LOG_BYTES_MAX)
        await asyncio.sleep(_LOG_CHECK_SECONDS)


def shorten_logs(logs: Path, bytes_max: int) -> None:
    """Past the limit a log's content becomes its one old copy.

    The processes write at the end of the file whatever its length (O_APPEND), so it can be emptied
    under them.
    """
    for log in logs.glob("*.log"):
        if log.stat().st_size > bytes_max:
            shutil.copyfile(log, log.with_suffix(".log.1"))
            os.truncate(log, 0)


async def run_until_signal(
    main: Callable[[], Awaitable[None]], signals: Sequence[signal.Signals]
) -> None:
    """Run `main`; the first of the signals cancels it, and further ones change nothing."""
    task = asyncio.ensure_future(main())
    stopped_by_signal = asyncio.Event()

    def stop() -> None:
        if not stopped_by_signal.is_set():
            stopped_by_signal.set()
            task.cancel()

    for number in signals:
        asyncio.get_running_loop().add_signal_handler(number, stop)
    try:
        await task
    except asyncio.CancelledError:
        if not stopped_by_signal.is_set():
            raise


def _stem_log(logs: Path) -> Path:
    return logs / "stem.log"


def _not_started(part: Part, logs: Path) -> DeploymentError:
    log = log_of(part, logs)
    last_words = last_lines(log) or last_lines(_stem_log(logs))
    return DeploymentError(
        f"« {part.name} » n'a pas démarré (journal : {log}).\n{last_words}",
        f"“{part.name}” did not start (log: {log}).\n{last_words}",
    )


def last_lines(log: Path) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return "\n".join(lines[-8:])
