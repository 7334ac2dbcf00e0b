"""The pages as people meet them: in a real browser where one is installed, and by their headers.

The browser is Debian's chromium against this application on a loopback port.
"""

import asyncio
import re
import shutil
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import date
from typing import Annotated, Literal

import httpx
import pytest
import uvicorn
from axe_playwright_python.async_playwright import Axe
from fastapi import Depends, FastAPI, Query
from fastapi.security import HTTPBearer
from playwright.async_api import Browser, Page, async_playwright
from pydantic import BaseModel

from gateway.pages.regions import REGIONS
from gateway.pages.routes import create_pages_router
from gateway.pages.totals import PartUnavailable, RegionalTotals, RegionTotals, Totals

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="no chromium here (Debian: apt-get install chromium)"
)
CHROMIUM_ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
]
AXE_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]

# A year of loans by region: common, small (05 is kept back for 11), none at all.
LOANS = {
    "01": 31,
    "02": 27,
    "03": 58,
    "04": 18,
    "05": 12,
    "06": 96,
    "07": 22,
    "11": 4,
    "12": 15,
    "13": 13,
    "15": 41,
    "16": 44,
    "17": 0,
}


def totals_of(loans: int, organisations: int = 1) -> Totals:
    return {
        "organisations": organisations,
        "loans": {"count": loans, "amount": f"{loans * 6123}.00"},
        "coaching": {"people": loans * 3},
        "outcomes": {"jobs_created": loans, "jobs_maintained": loans},
    }


async def load_sample(first: date, last: date) -> RegionalTotals:
    names = {region.code: region.name for region in REGIONS}
    regions: list[RegionTotals] = [
        {"region_code": code, "region_name": names[code], **totals_of(count)}
        for code, count in LOANS.items()
    ]
    return {
        "period": {"from": first.isoformat(), "to": last.isoformat()},
        "regions": regions,
        "total": totals_of(sum(LOANS.values()), len(LOANS)),
    }


async def load_without_loans(first: date, last: date) -> RegionalTotals:
    raise PartUnavailable(["loans", "funds"])


class Quote(BaseModel):
    """What a schedule is made from."""

    principal: str
    instalments: int
    frequency: Literal["days", "weeks", "months"] = "months"


def create_sample(*, is_down: bool = False, is_demonstration: bool = False) -> FastAPI:
    """The pages with two operations to document."""
    app = FastAPI(title="Réseau", docs_url=None, redoc_url=None)
    app.include_router(
        create_pages_router(
            load_without_loans if is_down else load_sample,
            lambda: date(2026, 11, 22),
            is_demonstration=is_demonstration,
        )
    )
    key = Depends(HTTPBearer(description="Clé d’accès"))

    @app.post("/v1/schedules", tags=["Prêts"], summary="Simuler un prêt", dependencies=[key])
    async def post_schedule(quote: Quote) -> Quote:
        return quote

    @app.get("/v1/loans", tags=["Prêts"], summary="Lister les prêts", dependencies=[key])
    async def list_loans(limit: Annotated[int, Query(ge=1, le=500)] = 100) -> list[str]:
        return []

    return app


# What any client sees


@asynccontextmanager
async def client_of(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://reseau.test") as client:
        yield client


@pytest.fixture(scope="session")
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with client_of(create_sample()) as client:
        yield client


@pytest.mark.parametrize(
    ("query", "accepted", "tag"),
    [
        ("", None, "fr-CA"),
        ("", "en-CA,en;q=0.9,fr;q=0.8", "en-CA"),
        ("", "de, es;q=0.5", "fr-CA"),
        ("", "%%%;q=;;", "fr-CA"),
        ("?lang=en", "fr", "en-CA"),
        ("?lang=fr", "en", "fr-CA"),
        ("?lang=<script>", "en", "en-CA"),
    ],
)
async def test_language(
    client: httpx.AsyncClient, query: str, accepted: str | None, tag: str
) -> None:
    headers = {} if accepted is None else {"Accept-Language": accepted}
    for path in ("/", "/docs"):
        answer = await client.get(path + query, headers=headers)
        assert answer.status_code == 200
        assert answer.headers["content-language"] == tag
        assert answer.headers["vary"] == "Accept-Language"
        assert f'<html lang="{tag}">' in answer.text
        assert "<script>" not in answer.text


async def test_security_headers(client: httpx.AsyncClient) -> None:
    for path in ("/", "/docs"):
        headers = (await client.get(path)).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert "http" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
    assert "script-src" not in (await client.get("/")).headers["content-security-policy"]


async def test_nothing_is_inline_and_every_address_is_ours(client: httpx.AsyncClient) -> None:
    for path in ("/", "/docs"):
        page = (await client.get(path)).text
        assert not re.search(r"<style|\sstyle=|\son\w+=|javascript:|<script>", page)
        addresses = re.findall(r'(?:href|src)="([^"]*)"', page)
        assert addresses
        assert all(re.match(r"[/?#](?!/)", address) for address in addresses), addresses


async def test_assets_are_named_by_their_content(client: httpx.AsyncClient) -> None:
    page = (await client.get("/docs")).text
    paths = re.findall(r'(?:href|src)="(/static/[^"]*)"', page)
    assert len(paths) == 6
    for path in paths:
        answer = await client.get(path)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["cache-control"]
        plain = await client.get(path, headers={"Accept-Encoding": "identity"})
        assert plain.content == answer.content
        assert "content-encoding" not in plain.headers
    assert (await client.get("/static/site.css")).status_code == 404
    assert (await client.get("/static/../routes.py")).status_code == 404


async def test_the_keys_place_is_told_and_never_a_value(client: httpx.AsyncClient) -> None:
    page = (await client.get("/")).text
    assert "access-keys.json" in page
    assert 'href="/openapi.json"' in page
    assert 'href="/docs?lang=fr"' in page


async def test_only_protected_figures_leave(client: httpx.AsyncClient) -> None:
    page = (await client.get("/")).text
    assert "supprimé (confidentialité)" in page
    for exact in ("96", "381", "587"):
        assert not re.search(rf">\s*{exact}\b", page)


async def test_demonstration_data_is_called_fictitious(client: httpx.AsyncClient) -> None:
    assert "fictifs" not in (await client.get("/")).text
    async with client_of(create_sample(is_demonstration=True)) as demonstration:
        assert "fictifs" in (await demonstration.get("/")).text


async def test_a_part_down_shows_no_partial_figure() -> None:
    async with client_of(create_sample(is_down=True)) as client:
        answer = await client.get("/", headers={"Accept-Language": "fr"})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert "le service des prêts, le service des fonds" in answer.text
    assert "<table" not in answer.text
    assert "access-keys.json" in answer.text


# What a person sees


@asynccontextmanager
async def running(app: FastAPI) -> AsyncIterator[str]:
    """The application on a loopback port of its own."""
    listener = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", ws="none"))
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


@pytest.fixture(scope="session")
async def site() -> AsyncIterator[str]:
    async with running(create_sample()) as address:
        yield address


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, args=CHROMIUM_ARGUMENTS
        )
        yield browser
        await browser.close()


@asynccontextmanager
async def visit(
    browser: Browser,
    address: str,
    *,
    width: int = 1280,
    scheme: Literal["dark", "light"] = "light",
    language: str = "fr-CA",
) -> AsyncIterator[Page]:
    """A page that must stay on its origin, without a script error or a refused resource."""
    context = await browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        locale=language,
        reduced_motion="reduce",  # colours are judged where they end, not on their way
    )
    context.set_default_timeout(240_000)  # a busy machine is slow, not wrong
    page = await context.new_page()
    complaints: list[str] = []
    origin = re.match(r"https?://[^/]+", address)
    assert origin is not None
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((origin[0], "data:"))
            else complaints.append(f"left the origin: {request.url}")
        ),
    )
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    await page.goto(address)
    if "/docs" in address:
        await page.locator(".opblock").first.wait_for()
    yield page
    assert complaints == []
    await context.close()


async def find_violations(page: Page) -> Mapping[str, list[str]]:
    """axe-core's violations of WCAG 2.1 A and AA and of its best practices, with where."""
    results = await Axe().run(page, options={"runOnly": AXE_RULES})
    return {
        violation["id"]: [node["html"][:160] for node in violation["nodes"]]
        for violation in results.response["violations"]
    }


VIEWS = [
    (360, "light", "fr-CA"),
    (360, "dark", "en-CA"),
    (1280, "dark", "fr-CA"),
    (1280, "light", "en-CA"),
]


@needs_chromium
@pytest.mark.parametrize("path", ["/", "/docs"])
@pytest.mark.parametrize(("width", "scheme", "language"), VIEWS)
async def test_accessible_in_every_view(
    browser: Browser,
    site: str,
    path: str,
    width: int,
    scheme: Literal["dark", "light"],
    language: str,
) -> None:
    async with visit(browser, site + path, width=width, scheme=scheme, language=language) as page:
        assert await find_violations(page) == {}


@needs_chromium
@pytest.mark.parametrize("path", ["/", "/docs"])
async def test_a_narrow_screen_needs_no_sideways_scrolling(
    browser: Browser, site: str, path: str
) -> None:
    """320 pixels are 1,280 at 400 % (WCAG 1.4.10)."""
    async with visit(browser, site + path, width=320) as page:
        assert await page.evaluate("document.documentElement.scrollWidth") <= 320


@needs_chromium
@pytest.mark.parametrize("width", [360, 800, 1280])
async def test_tiles_hold_their_text_and_do_not_overlap(
    browser: Browser, site: str, width: int
) -> None:
    async with visit(browser, site, width=width) as page:
        tiles = page.locator(".tile")
        assert await tiles.count() == len(REGIONS)
        spilling = await tiles.evaluate_all(
            "tiles => tiles.filter(t => t.scrollWidth > t.clientWidth).map(t => t.textContent)"
        )
        assert spilling == []
        places = await tiles.evaluate_all(
            "tiles => tiles.map(t => { const b = t.getBoundingClientRect();"
            " return `${Math.round(b.x)},${Math.round(b.y)}`; })"
        )
        assert len(set(places)) == len(REGIONS)


@needs_chromium
async def test_the_map_and_the_table_say_the_same(browser: Browser, site: str) -> None:
    async with visit(browser, site) as page:
        for code in (region.code for region in REGIONS):
            tile = await page.locator(f".region-{code} .value").inner_text()
            row = page.locator("tbody tr", has=page.locator(".code", has_text=code))
            cells = await row.locator("td").all_inner_texts()
            if len(cells) == 1:
                assert tile == "aucun membre"
                assert cells == ["Aucun membre"]
            else:
                assert cells[1].startswith(re.sub(r"\s*prêts?$", "", tile))


@needs_chromium
async def test_the_table_is_a_table(browser: Browser, site: str) -> None:
    async with visit(browser, site) as page:
        assert "Montants en dollars" in await page.locator("caption").inner_text()
        assert await page.locator("thead th[scope=col]").count() == 6
        assert await page.locator("tbody th[scope=row]").count() == len(REGIONS)
        assert await page.locator("th:not([scope])").count() == 0


@needs_chromium
async def test_keyboard(browser: Browser, site: str) -> None:
    """The first stop skips to the content; every stop is in view and shows where it is."""
    async with visit(browser, site) as page:
        await page.keyboard.press("Tab")
        assert await page.evaluate("document.activeElement.className") == "skip"
        stops = 0
        while await page.evaluate("document.activeElement !== document.body"):
            outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline == "solid"
            box = await page.evaluate("document.activeElement.getBoundingClientRect().toJSON()")
            assert box["bottom"] > 0
            assert box["top"] < 900
            stops += 1
            await page.keyboard.press("Tab")
        assert stops == await page.locator("a[href], [tabindex='0']").count()
        await page.locator(".skip").focus()
        await page.keyboard.press("Enter")
        assert await page.evaluate("document.activeElement.id") == "content"


@needs_chromium
async def test_changing_the_language_stays_on_the_page(browser: Browser, site: str) -> None:
    for path in ("/", "/docs"):
        async with visit(browser, site + path) as page:
            await page.get_by_role("link", name="English").click()
            await page.wait_for_url(f"{site}{path}?lang=en")
            assert await page.locator("html").get_attribute("lang") == "en-CA"
            await page.get_by_role("link", name="Français").click()
            await page.wait_for_url(f"{site}{path}?lang=fr")
            assert await page.locator("html").get_attribute("lang") == "fr-CA"


@needs_chromium
async def test_the_page_without_totals_is_accessible(browser: Browser) -> None:
    async with (
        running(create_sample(is_down=True, is_demonstration=True)) as address,
        visit(browser, address) as page,
    ):
        assert await page.get_by_role("heading", name="momentanément").count() == 1
        assert await find_violations(page) == {}


@needs_chromium
@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (1280, "light")])
async def test_the_reference_is_french_accessible_and_works(
    browser: Browser, site: str, width: int, scheme: Literal["dark", "light"]
) -> None:
    """Give a key, open an operation, send it: each step without an axe violation."""
    async with visit(browser, f"{site}/docs", scheme=scheme, width=width) as page:
        reference = page.locator("#swagger-ui")
        await reference.get_by_role("button", name="Donner ma clé").click()
        await reference.locator("input").fill("une-cle")
        assert await find_violations(page) == {}
        await reference.get_by_role("button", name="Donner cette clé").click()
        await reference.get_by_role("button", name="Fermer").last.click()
        await reference.get_by_role("button", name="Simuler un prêt").click()
        await reference.get_by_role("button", name="Essayer").click()
        await reference.get_by_role("button", name="Envoyer").click()
        await reference.get_by_text("Corps de la réponse").wait_for()
        assert await find_violations(page) == {}
        english = {"Parameters", "Responses", "Execute", "Try it out", "Cancel", "Request body"}
        words = set((await reference.inner_text()).splitlines())
        assert not words & english
        kept = await page.evaluate("JSON.stringify([localStorage, sessionStorage])")
        assert "une-cle" not in kept


@needs_chromium
async def test_the_reference_in_english_keeps_its_words(browser: Browser, site: str) -> None:
    async with visit(browser, f"{site}/docs", language="en-CA") as page:
        await page.get_by_role("button", name="Authorize").wait_for()
