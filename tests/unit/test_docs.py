"""Prose and code say the same thing; these fail when they part.

First links, commands and names of code; then settings, routes with their roles, codes, tables,
columns of imports, indicators.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import asyncpg
import pytest
import typer
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from joserfc.jwk import OKPKey
from pydantic_settings import BaseSettings
from starlette.routing import BaseRoute

from deploy.command_line import application
from deploy.provisioning import SERVICES
from gateway.app import create_own_app
from gateway.entry import Admits
from gateway.reports.indicators import INDICATORS
from gateway.routing import find_destination, split_path
from gateway.settings import GatewaySettings
from services.common.errors import Problem
from services.common.identity import Requires, Role
from services.common.import_kinds import ImportKind
from services.common.messages import MESSAGES
from services.common.tabular import read_table
from services.funds.app import create_app as create_funds
from services.funds.imports.kinds import CONTRIBUTIONS
from services.funds.settings import FundsSettings
from services.loans.app import create_app as create_loans
from services.loans.imports.kinds import KINDS
from services.loans.settings import LoansSettings
from services.registry.app import create_app as create_registry
from services.registry.settings import RegistrySettings
from tests.support.databases import ClonedDatabase

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(
    page for place in ("*", "api/*", "docs/**/*", "tests/**/*") for page in ROOT.glob(f"{place}.md")
)
DECISIONS = sorted((DOCS / "decisions").glob("[0-9]*.md"))
SETTINGS: tuple[type[BaseSettings], ...] = (
    RegistrySettings,
    FundsSettings,
    LoansSettings,
    GatewaySettings,
)
EXAMPLES = {
    "borrowers": "emprunteurs.csv",
    "loans": "prets.csv",
    "repayments": "remboursements.csv",
    "coaching-sessions": "rencontres.csv",
    "outcomes": "resultats.csv",
    "contributions": "contributions.csv",
}
ROLES = tuple(role.value for role in Role if role is not Role.SERVICE)

every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
every_kind = pytest.mark.parametrize("kind", [*KINDS, CONTRIBUTIONS], ids=lambda kind: kind.name)


def read(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def rows_of(text: str) -> dict[str, list[str]]:
    """The rows of a page's tables whose first cell is code, by that code: their other cells."""
    rows = {}
    for line in text.splitlines():
        if line.startswith("| `"):
            first, *cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            for word in re.findall(r"`([^`]+)`", first):
                rows[word] = cells
    return rows


def code_in(text: str) -> Iterator[str]:
    """The lines of code blocks, and the spans of code between them."""
    parts = re.split(r"^```\w*\n(.*?)^```", text, flags=re.M | re.S)
    for prose, block in zip(parts[::2], [*parts[1::2], ""], strict=True):
        yield from re.findall(r"`([^`\n]+)`", prose)
        yield from block.splitlines()


def anchors_of(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.M)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


# Links, commands, code


@every_page
def test_every_link_leads_somewhere(page: Path) -> None:
    for text, target in re.findall(r"\[([^\]]+)\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        assert file.exists(), f"{target} leads nowhere"
        assert not anchor or anchor in anchors_of(file), f"{target} names no heading"
        name = re.fullmatch(r"`(\w+)`", text)
        if name and file.suffix == ".py":
            defined = rf"^\s*(async def|def|class) {name[1]}\b|^{name[1]}(:.*)? = "
            assert re.search(defined, file.read_text(encoding="utf-8"), re.M), f"{text} in {path}"


@every_page
def test_no_page_names_a_machine(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert set(re.findall(r"https?://([\w.-]+)", text)) <= {"127.0.0.1"}
    assert not re.findall(r"(?<![\w.])/(?:work|root|home|tmp|mnt|usr|var)/", text)
    assert set(re.findall(r"\b\d{1,3}(?:\.\d{1,3}){3}\b", text)) <= {"127.0.0.1"}


@every_page
def test_every_command_exists(page: Path) -> None:
    targets = re.findall(r"^([a-z]+):.*##", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    commands = options_by_command(application)
    for line in code_in(page.read_text(encoding="utf-8")):
        made = re.match(r"make ([a-z]+)", line)
        assert made is None or made[1] in targets, line
        called = re.match(r"(?:\S*/)?reseau ((?:keys )?[a-z]+)(?![\w.])(.*)", line)
        if called:
            assert called[1] in {*commands, "keys"}, line
            options = set(re.findall(r"(?<!\S)--[a-z-]+", called[2].partition("#")[0]))
            assert options <= commands.get(called[1], set()), line


def options_by_command(app: typer.Typer, prefix: str = "") -> dict[str, set[str]]:
    """`up`, `keys create`, ... with the options each of them takes."""
    group = typer.main.get_group(app)
    found: dict[str, set[str]] = {}
    for name, command in group.commands.items():
        options = {option for parameter in command.params for option in parameter.opts}
        found[f"{prefix}{name}"] = {option for option in options if option.startswith("--")}
    for group_info in app.registered_groups:
        if group_info.typer_instance is not None and not prefix:
            found |= options_by_command(group_info.typer_instance, f"{group_info.name} ")
    return found


@pytest.mark.parametrize("page", DECISIONS, ids=lambda page: page.stem)
def test_a_decision_has_its_parts_and_is_listed(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert re.findall(r"^## (.+)$", text, re.M) == [
        "Status",
        "Context",
        "Decision",
        "Consequences",
        "Alternatives",
    ]
    assert text.startswith(f"# {int(page.name[:4])}. ")
    assert f"({page.name})" in (DOCS / "decisions" / "README.md").read_text(encoding="utf-8")


def test_decisions_are_numbered_without_a_gap() -> None:
    assert [int(page.name[:4]) for page in DECISIONS] == list(range(1, len(DECISIONS) + 1))


# Settings


def test_every_setting_is_in_the_runbook() -> None:
    documented = set(re.findall(r"RESEAU_[A-Z_]+", read("runbook.md")))
    declared = {f"RESEAU_{name.upper()}" for each in SETTINGS for name in each.model_fields}
    assert documented == declared | {"RESEAU_KEY"}


# Routes


@pytest.fixture(scope="module")
def applications(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, FastAPI]:
    """The gateway's own application and the three services, made and never started."""
    key_file = tmp_path_factory.mktemp("docs") / "key.pem"
    key_file.write_bytes(OKPKey.generate_key("Ed25519").as_pem(private=False))
    with pytest.MonkeyPatch.context() as environment:
        for name in ("RESEAU_DATABASE_URL", "RESEAU_TOTALS_DATABASE_URL"):
            environment.setenv(name, "postgresql+asyncpg://nobody@127.0.0.1/nothing")
        for part in SERVICES:
            environment.setenv(f"RESEAU_{part.upper()}_URL", "http://127.0.0.1:1")
        environment.setenv("RESEAU_TOKEN_PUBLIC_KEY_FILE", str(key_file))
        environment.setenv("RESEAU_TOKEN_PRIVATE_KEY_FILE", str(key_file))
        return {
            "gateway": create_own_app(GatewaySettings()),
            "registry": create_registry(),
            "funds": create_funds(),
            "loans": create_loans(),
        }


def operations_of(apps: Iterable[FastAPI]) -> dict[str, set[str]]:
    """`GET /v1/loans` -> the roles that may call it; nobody in particular for a public one."""
    return {
        f"{method} {route.path}": set(roles_of(route.dependant))
        for app in apps
        for route in routes_of(app.routes)
        for method in route.methods or ()
    }


def routes_of(routes: Iterable[BaseRoute]) -> Iterator[APIRoute]:
    for route in routes:
        if isinstance(route, APIRoute):
            yield route
        else:  # FastAPI keeps an included router whole
            yield from routes_of(getattr(getattr(route, "original_router", None), "routes", ()))


def roles_of(dependant: Dependant) -> Iterator[str]:
    if isinstance(dependant.call, Requires | Admits):
        yield from (role.value for role in dependant.call.roles)
    for dependency in dependant.dependencies:
        yield from roles_of(dependency)


def test_each_role_against_each_operation(applications: Mapping[str, FastAPI]) -> None:
    operations = operations_of(applications.values())
    actual = {
        name: roles - {Role.SERVICE.value}
        for name, roles in operations.items()
        if name.partition(" ")[2].startswith("/v1/")
    }
    documented = {
        operation: {role for role, cell in zip(ROLES, cells, strict=False) if cell}
        for operation, cells in rows_of(read("api-guide.md")).items()
        if re.match(r"[A-Z]+ /v1/", operation)
    }
    assert documented == actual


def test_every_route_between_the_parts_is_in_the_architecture(
    applications: Mapping[str, FastAPI],
) -> None:
    documented = {
        operation
        for operation in rows_of(read("architecture.md"))
        if re.match(r"[A-Z]+ /(internal|health)", operation)
    }
    services = [app for name, app in applications.items() if name != "gateway"]
    assert documented == {name for name in operations_of(services) if "/v1/" not in name}


def test_every_page_of_the_gateway_is_in_the_guide(applications: Mapping[str, FastAPI]) -> None:
    guide = read("api-guide.md")
    for operation in operations_of([applications["gateway"]]):
        assert operation.startswith("HEAD ") or f"`{operation}`" in guide, operation


def test_the_gateway_leads_to_every_operation(applications: Mapping[str, FastAPI]) -> None:
    for part, app in applications.items():
        for operation in operations_of([app]):
            method, _, path = operation.partition(" ")
            if path.startswith("/v1/import"):
                continue  # two services have some: the tests of the routing hold them
            segments = split_path(re.sub(r"\{\w+\}", "x", path).encode())
            found = find_destination(segments, method, b"")
            is_proxied = part != "gateway" and path.startswith("/v1/")
            assert (found and found.part.value) == (part if is_proxied else None), operation


# Codes

_WORD = r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+"
_NOT_OURS = re.compile(
    r"(http|websocket|gateway|regions|openapi|[a-z])\.|.*\.(css|csv|html|js|svg)$"
)


def dotted_words() -> tuple[set[str], set[str]]:
    """Dotted words in the code of services and gateway: codes, events, audit actions.

    The second set has those written with blanks, as regular expressions.
    """
    words, patterns = set[str](), set[str]()
    for file in (*ROOT.glob("services/**/*.py"), *ROOT.glob("gateway/**/*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                words.add(node.value)
            elif isinstance(node, ast.JoinedStr):
                parts = [v.value if isinstance(v, ast.Constant) else "*" for v in node.values]
                patterns.add("".join(map(str, parts)))
    words -= {source for indicator in INDICATORS for source in indicator.sources}
    ours = {word for word in words if re.fullmatch(_WORD, word) and not _NOT_OURS.match(word)}
    blanks = {p for p in patterns if re.fullmatch(r"(\*|[a-z_]+)\.(\*|[a-z_]+)", p) and p != "*.*"}
    return ours, {re.escape(p).replace(r"\*", "[a-z_]+") for p in blanks}


def default_codes(kind: type[Problem] = Problem) -> Iterator[str]:
    yield kind.default_code
    for each in kind.__subclasses__():
        yield from default_codes(each)


def test_every_code_is_explained_and_every_code_explained_exists() -> None:
    explained = set(rows_of(read("errors.md")))
    told = set(re.findall(rf"`({_WORD})`", read("architecture.md")))
    words, patterns = dotted_words()
    undotted = {code for code in (*MESSAGES, *default_codes()) if "." not in code}
    assert words | undotted <= explained | told, "codes, events or actions nobody explains"
    for pattern in patterns:
        assert any(re.fullmatch(pattern, word) for word in explained | told), pattern
    gone = {
        code
        for code in explained - words - undotted
        if not any(re.fullmatch(pattern, code) for pattern in patterns)
    }
    assert gone == set()


# Tables


async def test_every_table_is_in_the_glossary(database: ClonedDatabase) -> None:
    connection = await asyncpg.connect(database.superuser_dsn)
    try:
        found = await connection.fetch(
            "SELECT schemaname, tablename FROM pg_tables WHERE schemaname = ANY($1)"
            " AND tablename <> 'alembic_version'",
            list(SERVICES),
        )
    finally:
        await connection.close()
    services: dict[str, set[str]] = {}
    for row in found:
        services.setdefault(row["tablename"], set()).add(row["schemaname"])
    documented = {
        table: set(SERVICES) if cells[0] == "each" else set(cells[0].split(", "))
        for table, cells in rows_of(read("glossary.md").partition("## Tables")[2]).items()
    }
    assert documented == services


# Imports


def section_of(kind: ImportKind) -> str:
    [section] = re.findall(
        rf"^### [^\n]*`{kind.name}`\n(.*?)(?=^### |\Z)", read("guide-des-membres.md"), re.M | re.S
    )
    return str(section)


@every_kind
def test_every_column_is_in_the_members_guide(kind: ImportKind) -> None:
    section = section_of(kind)
    rows = rows_of(section)
    assert list(rows) == [column.name for column in kind.columns]
    for column in kind.columns:
        assert set(re.findall(r"`([^`]+)`", rows[column.name][0])) == set(column.aliases)
        assert (f"| `{column.name}` ●" in section) == column.required
    assert f"(examples/{EXAMPLES[kind.name]})" in section


@every_kind
def test_the_example_of_a_kind_is_good(kind: ImportKind) -> None:
    content = (DOCS / "examples" / EXAMPLES[kind.name]).read_bytes()
    prepared = kind.prepare(read_table(content, "text/csv", kind.columns))
    assert prepared.findings.errors == []
    assert prepared.received == len(prepared.numbers) > 0


# Indicators


def test_every_indicator_is_explained() -> None:
    rows = rows_of(read("indicators.md").partition("## Indicators")[2])
    assert rows == {
        indicator.code: [
            indicator.section.value,
            indicator.unit.value,
            indicator.formula.en,
            ", ".join(f"`{source}`" for source in indicator.sources),
            str(indicator.version),
        ]
        for indicator in INDICATORS
    }
