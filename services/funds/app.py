"""The funds service: `uvicorn services.funds.app:create_app --factory`."""

from fastapi import FastAPI

from services.common.app import create_service
from services.common.import_worker import import_worker
from services.funds.agreements import routes as agreements
from services.funds.contributions import routes as contributions
from services.funds.funds import routes as funds
from services.funds.imports import routes as imports
from services.funds.imports.kinds import CONTRIBUTIONS
from services.funds.imports.queries import read_totals
from services.funds.journal import routes as journal
from services.funds.reservations import routes as reservations
from services.funds.reversals import routes as reversals
from services.funds.settings import FundsSettings
from services.funds.totals import routes as totals


def create_app() -> FastAPI:
    """The application, configured by its environment."""
    return create_service(
        "Fonds",
        FundsSettings(),
        [
            funds.router,
            contributions.router,
            reversals.router,
            journal.router,
            reservations.router,
            agreements.router,
            imports.router,
            totals.router,
        ],
        [import_worker([CONTRIBUTIONS], "funds", read_totals)],
    )
