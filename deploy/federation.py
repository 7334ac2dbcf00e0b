"""The whole federation on one machine: PostgreSQL, three services and the gateway.

    up ─┬─ guardian.py ── PostgreSQL
        └─ stem.py ─┬─ registry, funds, loans
                    └─ gateway                  the only one whose port is known in advance

They stop in the opposite order. The applications are imported while PostgreSQL starts.
"""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial

from deploy.cluster import Cluster, start_cluster, stop_cluster
from deploy.data_folder import DataFolder, RunningFederation, locked, read_running, write_running
from deploy.language import DeploymentError, text
from deploy.ports import free_port, require_port
from deploy.prepared import is_prepared
from deploy.provisioning import SERVICES, SERVICES_WITH_TOTALS, database_url
from deploy.supervisor import (
    ROOT,
    Child,
    Kept,
    Part,
    Report,
    Stem,
    keep_logs_short,
    kept,
    last_lines,
    run_until_signal,
    wait_until_ready,
)

# A run that was killed a moment ago left its note, and can still hold the port for as long.
_PORT_PATIENCE_SECONDS = 15.0
# What every service imports, loaded once. Libraries alone: the code of a service is imported by its
# own process, after the fork.
_LIBRARIES = (
    "aiohttp",
    "asyncpg",
    "fastapi",
    "httptools",
    "httpx",
    "joserfc.jwt",
    "pgqueuer.core.qm",
    "pydantic_settings",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "sqlalchemy.ext.asyncio",
    "structlog",
    "uvicorn.lifespan.on",
    "uvicorn.protocols.http.httptools_impl",
    "uvloop",
)
_STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run. The last part is the gateway; `prepare` comes before any part serves."""

    folder: DataFolder
    postgresql_port: int
    libraries: Sequence[str]
    parts: Sequence[Part]
    prepare: Callable[[Cluster], Awaitable[None]]
    when_ready: Callable[[str], Awaitable[None]]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.parts[-1].port}"


def federation_plan(
    folder: DataFolder,
    port: int,
    is_demonstration: bool,
    when_ready: Callable[[str], Awaitable[None]],
) -> Plan:
    """The real services. Ports of the inside are chosen now and kept over restarts.

    With `is_demonstration` the pages say that the figures are invented.
    """
    postgresql_port = free_port()
    ports = {service: free_port() for service in SERVICES}
    urls = {
        f"RESEAU_{service.upper()}_URL": f"http://127.0.0.1:{ports[service]}"
        for service in SERVICES
    }
    public_key = {"RESEAU_TOKEN_PUBLIC_KEY_FILE": str(folder.token_public_key)}
    private_key = {"RESEAU_TOKEN_PRIVATE_KEY_FILE": str(folder.token_private_key)}
    parts = []
    for service in SERVICES:
        environment = {
            **urls,
            **public_key,
            "RESEAU_DATABASE_URL": database_url(folder, postgresql_port, f"{service}_app"),
        }
        if service in SERVICES_WITH_TOTALS:
            environment["RESEAU_TOTALS_DATABASE_URL"] = database_url(
                folder, postgresql_port, f"{service}_totals"
            )
        factory = f"services.{service}.app:create_app"
        parts.append(Part(service, factory, ports[service], environment))
    environment = {
        **urls,
        **public_key,
        **private_key,
        "RESEAU_IS_DEMONSTRATION": str(is_demonstration).lower(),
    }
    parts.append(Part("gateway", "gateway.app:create_app", port, environment))
    return Plan(folder, postgresql_port, _LIBRARIES, parts, prepare, when_ready)


def run(plan: Plan, report: Report) -> None:
    """Run until SIGINT, SIGTERM or SIGHUP. DeploymentError when something does not start."""
    asyncio.run(run_until_signal(partial(_run, plan, report), _STOP_SIGNALS))


async def _run(plan: Plan, report: Report) -> None:
    folder, (*services, gateway) = plan.folder, plan.parts
    async with AsyncExitStack() as stack:
        stack.enter_context(locked(folder))
        patience_seconds = 0.0 if read_running(folder) is None else _PORT_PATIENCE_SECONDS
        await asyncio.to_thread(require_port, gateway.port, patience_seconds)
        log_keeper = asyncio.create_task(keep_logs_short(folder.logs))
        stack.callback(log_keeper.cancel)

        stem = Stem(folder.logs, plan.libraries)
        stack.push_async_callback(stem.stop)
        forking = asyncio.create_task(_fork_parts(stem, plan.parts, stack))
        stack.push_async_callback(_settle, forking)
        starting = asyncio.create_task(_start_postgresql(folder, plan.postgresql_port))
        stack.push_async_callback(_undo, starting)

        clock = time.monotonic()
        postgresql = await asyncio.shield(starting)
        report(_took(text("PostgreSQL est prêt", "PostgreSQL is ready"), clock))

        clock = time.monotonic()
        await plan.prepare(postgresql.cluster)
        report(_took(text("Base de données à jour", "Database up to date"), clock))

        clock = time.monotonic()
        children = await forking
        for child in children.values():
            child.release()
        for part in plan.parts:
            await wait_until_ready(part, children[part.name], folder.logs)
        report(_took(text("Services et passerelle prêts", "Services and gateway ready"), clock))

        restart_postgresql = partial(_start_postgresql, folder, plan.postgresql_port)
        keep_postgresql = Kept("PostgreSQL", postgresql, restart_postgresql)
        keep_parts = [
            Kept(part.name, children[part.name], partial(_restart_part, part, stem))
            for part in (*services, gateway)
        ]
        await stack.enter_async_context(kept([keep_postgresql], report))
        await stack.enter_async_context(kept(keep_parts[:-1], report))
        await stack.enter_async_context(kept(keep_parts[-1:], report))

        note = RunningFederation(plan.url, os.getpid(), plan.postgresql_port)
        write_running(folder, note)
        stack.callback(partial(folder.running.unlink, missing_ok=True))
        await plan.when_ready(plan.url)
        await asyncio.Event().wait()


@dataclass(frozen=True, slots=True)
class _PostgreSQL:
    """The cluster as something to keep alive: its guardian is waited for in a thread."""

    cluster: Cluster

    async def wait(self) -> None:
        await asyncio.to_thread(self.cluster.guardian.wait)

    async def stop(self) -> None:
        await asyncio.to_thread(stop_cluster, self.cluster)


async def _start_postgresql(folder: DataFolder, port: int) -> _PostgreSQL:
    """Start in a thread. A cancelled start is waited for and undone: threads cannot be stopped."""
    starting = asyncio.ensure_future(asyncio.to_thread(start_cluster, folder, port=port))
    try:
        return _PostgreSQL(await asyncio.shield(starting))
    except asyncio.CancelledError:
        with suppress(DeploymentError):
            await _PostgreSQL(await starting).stop()
        raise


async def _undo(starting: asyncio.Task[_PostgreSQL]) -> None:
    starting.cancel()
    with suppress(asyncio.CancelledError, DeploymentError):
        await (await starting).stop()


async def _settle(forking: asyncio.Task[dict[str, Child]]) -> None:
    forking.cancel()
    await asyncio.gather(forking, return_exceptions=True)


async def _fork_parts(stem: Stem, parts: Sequence[Part], stack: AsyncExitStack) -> dict[str, Child]:
    children = {}
    for part in parts:
        children[part.name] = await stem.fork(part)
        stack.push_async_callback(children[part.name].stop)
    return children


async def _restart_part(part: Part, stem: Stem) -> Child:
    child = await stem.fork(part)
    child.release()
    return child


async def prepare(cluster: Cluster) -> None:
    """Provision, migrate and seed, in a process of its own, unless nothing changed since."""
    folder = cluster.folder
    if await is_prepared(folder, cluster.superuser_dsn()):
        return
    log = folder.logs / "preparation.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "deploy.preparation", str(folder.root), str(cluster.port)),
            cwd=ROOT,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        code = await process.wait()
    except asyncio.CancelledError:
        process.terminate()
        await process.wait()
        raise
    if code != 0:
        raise DeploymentError(
            f"La base de données n'a pas pu être préparée (journal : {log}).\n{last_lines(log)}",
            f"The database could not be prepared (log: {log}).\n{last_lines(log)}",
        )


def _took(what: str, since: float) -> str:
    return f"{what} ({time.monotonic() - since:.1f} s)"
