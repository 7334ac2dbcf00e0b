"""Making a service: routes, problem documents, database, and what it refuses to start with."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from datetime import date

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from joserfc.jwk import OKPKey

from services.common.answers import StrictRoute, install_problem_handlers
from services.common.clock import legal_today
from services.common.database import Database, open_database, refuse_unsafe_role, to_problem
from services.common.identity import Public, Requires
from services.common.settings import ImportSettings, ServiceSettings, TotalsSettings
from services.common.telemetry import configure_logging

Background = Callable[[FastAPI], AbstractAsyncContextManager[None]]


def today_of(request: Request) -> date:
    """The application's today; tests give it another."""
    clock: Callable[[], date] = request.app.state.today
    return clock()


def service_router() -> APIRouter:
    """A router whose JSON bodies are read strictly."""
    return APIRouter(route_class=StrictRoute)


def create_service(
    title: str,
    settings: ServiceSettings,
    routers: Sequence[APIRouter],
    background: Sequence[Background] = (),
) -> FastAPI:
    """One service's application, with what it does beside answering.

    Raises RuntimeError when an operation declares no scope.
    """
    configure_logging()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        databases = open_databases(app, settings)
        try:
            for database in databases:
                await refuse_unsafe_role(database)
            async with AsyncExitStack() as stack:
                for each in background:
                    await stack.enter_async_context(each(app))
                yield
        finally:
            for database in databases:
                await database.close()

    app = FastAPI(title=title, lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url=None)
    app.state.today = legal_today
    app.state.settings = settings
    app.state.token_key = OKPKey.import_key(settings.token_public_key_file.read_text())
    install_problem_handlers(app, to_problem)
    for router in (_health_router(), *routers):
        refuse_unscoped_operations(router)
        app.include_router(router)
    return app


def open_databases(app: FastAPI, settings: ServiceSettings) -> list[Database]:
    """Open the service's pools and hand them to its routes through `app.state`."""
    app.state.database = open_database(settings.database_url, settings.database_connections_max)
    databases = [app.state.database]
    if isinstance(settings, TotalsSettings):
        app.state.totals_database = open_database(
            settings.totals_database_url, settings.database_connections_max
        )
        databases.append(app.state.totals_database)
    return databases


def database_of(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


def totals_database_of(request: Request) -> Database:
    database: Database = request.app.state.totals_database
    return database


def import_settings_of(request: Request) -> ImportSettings:
    settings: ImportSettings = request.app.state.settings
    return settings


def refuse_unscoped_operations(router: APIRouter) -> None:
    """Deny by default: an operation that declares no scope stops the service at its start."""
    for route in router.routes:
        if isinstance(route, APIRoute) and not _has_scope(route.dependant):
            raise RuntimeError(f"{route.methods} {route.path} declares no scope")


def _has_scope(dependant: Dependant) -> bool:
    return isinstance(dependant.call, Requires | Public) or any(
        _has_scope(dependency) for dependency in dependant.dependencies
    )


def _health_router() -> APIRouter:
    router = APIRouter()

    @router.get("/health", include_in_schema=False, dependencies=[Depends(Public())])
    async def health(request: Request) -> dict[str, str]:
        """Answers once the service and its database do."""
        async with database_of(request).read(None):
            return {"status": "ready"}

    return router
