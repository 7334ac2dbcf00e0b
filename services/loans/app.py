"""The loans service's application: uvicorn --factory services.loans.app:create_app."""

from fastapi import FastAPI

from services.common.app import create_service
from services.common.events import create_events_router
from services.common.import_kinds import Kind
from services.common.import_routes import create_imports_router
from services.common.import_worker import import_worker
from services.loans.borrowers import routes as borrowers
from services.loans.coaching_sessions import routes as coaching_sessions
from services.loans.imports.kinds import KINDS, WORKBOOK
from services.loans.imports.queries import read_totals
from services.loans.loan_facts import routes as loan_facts
from services.loans.loans import routes as loans
from services.loans.outcomes import routes as outcomes
from services.loans.periods import asking_routes as asking
from services.loans.periods import completeness_routes as completeness
from services.loans.periods import routes as periods
from services.loans.products import routes as products
from services.loans.provisions import routes as provisions
from services.loans.repayments import routes as repayments
from services.loans.reversals import routes as reversals
from services.loans.rules import routes as rules
from services.loans.schedules import routes as schedules
from services.loans.settings import LoansSettings
from services.loans.totals import routes as totals


def create_app() -> FastAPI:
    """Settings come from the environment (RESEAU_...)."""
    kinds: tuple[Kind, ...] = (*KINDS, WORKBOOK)
    routers = [
        schedules.router,
        products.router,
        provisions.router,
        borrowers.router,
        loans.router,
        repayments.router,
        loan_facts.router,
        coaching_sessions.router,
        outcomes.router,
        reversals.router,
        create_imports_router(kinds, "loans", read_totals),
        periods.router,
        asking.router,
        rules.router,
        totals.router,
        completeness.router,
        create_events_router(),
    ]
    return create_service(
        "Prêts du réseau",
        LoansSettings(),
        routers,
        [import_worker(kinds, "loans", read_totals)],
    )
