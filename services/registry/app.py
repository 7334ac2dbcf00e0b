"""The registry's application: uvicorn --factory services.registry.app:create_app."""

from fastapi import FastAPI

from services.common.app import create_service
from services.registry.keys import routes as keys
from services.registry.organisations import membership_routes as memberships
from services.registry.organisations import routes as organisations
from services.registry.regions import routes as regions
from services.registry.settings import RegistrySettings


def create_app() -> FastAPI:
    """Settings come from the environment (RESEAU_...)."""
    routers = [regions.router, organisations.router, memberships.router, keys.router]
    return create_service("Registre du réseau", RegistrySettings(), routers)
