"""The home page and the documentation pages: language, headers, template. No script is inline."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import date

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from gateway.formats import LANGUAGE_TAGS, bind_punctuation
from gateway.pages import messages
from gateway.pages.assets import Asset, load_assets
from gateway.pages.home import build_home_totals, last_complete_fiscal_year
from gateway.pages.totals import LoadTotals, PartUnavailable
from gateway.routing import PART_NAMES, Part
from services.common.text import Language, Text, choose_language

OPENAPI_PATH = "/openapi.json"

_LANGUAGES: Mapping[str, Language] = {"fr": "fr", "en": "en"}

_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
HOME_POLICY = f"{_POLICY}; style-src 'self'; img-src 'self'"
# Swagger UI is a script, calls this same door, and draws its icons from data: addresses.
DOCS_POLICY = (
    f"{_POLICY}; style-src 'self'; img-src 'self' data:; script-src 'self'; connect-src 'self'"
)


def create_pages_router(
    load_totals: LoadTotals, today: Callable[[], date], *, is_demonstration: bool = False
) -> APIRouter:
    """Routes `/`, `/docs` and `/static/...`.

    `today` is the date in Québec's legal time; `is_demonstration` labels the figures as fictitious.
    """
    router = APIRouter(include_in_schema=False)
    assets = load_assets()
    templates = _open_templates(assets)

    @router.get("/")
    async def show_home(request: Request) -> Response:
        language = _language_of(request)
        values: dict[str, object] = {"is_demonstration": is_demonstration}
        # A page without figures must not outlive the fault that took them away.
        cache = "public, max-age=60"
        try:
            year = last_complete_fiscal_year(today())
            report = await load_totals(year.first_day, year.last_day)
            values["totals"] = build_home_totals(report, language)
        except PartUnavailable as unavailable:
            values["missing"] = _name_parts(unavailable.missing, language)
            cache = "no-store"
        return _render(templates, "home.html", language, values, HOME_POLICY, cache)

    @router.get("/docs")
    async def show_docs(request: Request) -> Response:
        language = _language_of(request)
        year = last_complete_fiscal_year(today())
        values: dict[str, object] = {
            "address": str(request.base_url).rstrip("/"),
            "openapi_path": OPENAPI_PATH,
            "labels": json.dumps(messages.SWAGGER_UI_LABELS if language == "fr" else {}),
            "year": year,
        }
        # Not shared: the commands on the page carry the address it was asked at.
        cache = "private, max-age=60"
        return _render(templates, "docs.html", language, values, DOCS_POLICY, cache)

    for asset in assets.values():
        router.add_route(asset.path, asset.answer, methods=["GET"], include_in_schema=False)
    return router


def _language_of(request: Request) -> Language:
    """`?lang=` first, then what the browser prefers; French unless English is asked for."""
    asked = _LANGUAGES.get(request.query_params.get("lang", ""))
    return asked or choose_language(request.headers.get("accept-language"))


def _name_parts(parts: tuple[str, ...], language: Language) -> str:
    return ", ".join(PART_NAMES[Part(part)].read(language) for part in parts)


def _render(
    templates: Environment,
    name: str,
    language: Language,
    values: Mapping[str, object],
    policy: str,
    cache: str,
) -> Response:
    def read(text: Text) -> Markup:
        """A sentence in the page's language, escaped, with its back-quoted words as code."""
        escaped = str(escape(bind_punctuation(text.read(language), language)))
        return Markup(re.sub(r"`([^`]+)`", r"<code>\1</code>", escaped))

    page = templates.get_template(name).render(
        **values,
        read=read,
        language=language,
        language_tag=LANGUAGE_TAGS[language],
        other_language="en" if language == "fr" else "fr",
    )
    return HTMLResponse(
        page,
        headers={
            "Cache-Control": cache,
            "Content-Language": LANGUAGE_TAGS[language],
            "Content-Security-Policy": policy,
            "Cross-Origin-Opener-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "Vary": "Accept-Language",
            "X-Content-Type-Options": "nosniff",
        },
    )


def _open_templates(assets: Mapping[str, Asset]) -> Environment:
    templates = Environment(
        loader=PackageLoader("gateway.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.globals.update(m=messages, asset={name: asset.path for name, asset in assets.items()})
    return templates
