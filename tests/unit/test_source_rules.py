"""Rules of the house that only the source can break: its SQL, its money, its clocks, its size.

The SQL looked at is what is handed to text(): constants are put together as Python would; a value
known only when a function runs stands as an ellipsis.
"""

import ast
import importlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain, pairwise
from pathlib import Path

from tests.support.manifest import IMPORTS, KERNEL, MANIFESTS, names_of

ROOT = Path(__file__).parents[2]
LINES_MAX = 400
FUNCTION_LINES_MAX = 70

SQL_NEVER = {
    "set_config": "it never reaches the workers of a distributed database: set_org()",
    r"^\s*SET (?!LOCAL|TRANSACTION)": "it survives the commit: SET LOCAL",
    "SERIALIZABLE": "it does not hold over two nodes: lock the organisation's row",
    r"\bMERGE\b": "not with parameters on a distributed table: ON CONFLICT",
    r"\b(LISTEN|NOTIFY|pg_notify)\b": "an instance-wide lock at commit; lost between nodes",
    r"pg_(try_)?advisory": "of one node alone: lock the organisation's row",
    r"\bxmin\b|pg_current_xact_id|pg_snapshot": "each node counts its own transactions",
    r"GROUPING SETS|ROLLUP|\bCUBE\b|RECURSIVE": "not across organisations",
    r"\bTRUNCATE\b": "it passes row-level security by",
    r"VALUES\s*\(\s*\(\s*SELECT": "not in an INSERT of a distributed table: INSERT .. SELECT",
    r"clock_timestamp|uuidv7|gen_random_uuid": "bind it, or let the column default to it",
    r"CREATE (OR REPLACE )?(TRIGGER|RULE)|MATERIALIZED|DEFERR(ABLE|ED)|SECURITY DEFINER": (
        "none here: grants and plain keys"
    ),
    r"::(real|float|double|money)|\b(float[48]?|double precision)\b": "money is bigint cents",
}
# What may stand in one place, with its reason.
SQL_ALLOWED = {
    ("services/common/schema.py", r"pg_(try_)?advisory"): "migrations wait for each other",
}
ACROSS_ORGANISATIONS = {
    ("services/funds/tenancy.py", "funds"): "the list of the network's funds, page by page",
    ("services/loans/totals/queries.py", "events"): "until when everybody's facts are counted",
}
CLOCKS_ALLOWED = {
    "services/common/audit.py": "the moment an entry is chained",
    "services/common/clock.py": "the place that asks what day it is",
    "services/common/identity.py": "when a token is issued",
    "services/registry/keys/routes.py": "routes ask; below them a moment is a parameter",
}
FLOATS_ALLOWED = {
    "services/common/identity.py": "seconds since the epoch",
    "services/common/text.py": "the quality of a language",
    "services/common/number_formats.py": "what a workbook holds; written out in 15 digits at once",
}
DIVISIONS_ALLOWED = {
    "services/loans/loans/contract_terms.py": "Decimals, in a context of its own precision",
    "services/loans/schedules/apr.py": "Decimals, in a context of its own precision",
    "services/registry/seed.py": "the slash of paths",
}
ANY_ALLOWED = {"services/common/database.py": "SQLAlchemy hides the driver's type"}


@dataclass(frozen=True, slots=True)
class Source:
    path: str
    text: str
    tree: ast.Module

    @property
    def module(self) -> str:
        return self.path.removesuffix(".py").replace("/", ".")

    @property
    def service(self) -> str:
        return self.path.split("/")[1]


@cache
def read(root: str) -> tuple[Source, ...]:
    found = []
    for path in sorted((ROOT / root).rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        found.append(Source(str(path.relative_to(ROOT)), text, ast.parse(text)))
    assert found
    return tuple(found)


def sources(*roots: str) -> Iterator[Source]:
    return chain.from_iterable(read(root) for root in roots)


def is_migration(source: Source) -> bool:
    return "/migrations/" in source.path


def is_declaration(source: Source) -> bool:
    """Tables are made or declared there; no request comes by."""
    return is_migration(source) or Path(source.path).name in (
        "import_tables.py",
        "schema.py",
        "tables.py",
    )


@dataclass(frozen=True, slots=True)
class Statement:
    """Some SQL and where it stands."""

    source: Source
    line: int
    sql: str

    def __str__(self) -> str:
        return f"{self.source.path}:{self.line} {' '.join(self.sql.split())[:100]}"


def statements(source: Source) -> Iterator[Statement]:
    """What the module hands to text(), and to op.execute() in migrations."""
    namespace = {} if is_migration(source) else vars(importlib.import_module(source.module))
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and node.args:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            name = node.func.id if isinstance(node.func, ast.Name) else name
            if name == "text" or (name == "execute" and is_declaration(source)):
                yield Statement(source, node.lineno, render(node.args[0], namespace))


def render(node: ast.expr, namespace: dict[str, object]) -> str:
    """The text of an expression; what is not known before a function runs is `...`."""
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(render(part, namespace) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return render(node.value, namespace)
    try:
        return str(eval(ast.unparse(node), dict(namespace)))
    except NameError:
        return "..."


@cache
def all_statements() -> tuple[Statement, ...]:
    found = tuple(each for source in sources("services") for each in statements(source))
    assert len(found) > 100
    return found


def used_tables(statement: Statement) -> list[str]:
    """The tenant tables it reads and writes, as often as it names them."""
    tenant = {each.service: names_of(each.tenant_tables) for each in MANIFESTS}
    tenant["common"] = names_of((*KERNEL, *IMPORTS))
    used = re.findall(r"(?:FROM|JOIN|INTO|UPDATE)\s+(\w+|\.\.\.)", statement.sql)
    return [name for name in used if name in tenant[statement.source.service] or name == "..."]


def test_sql_says_nothing_a_distributed_database_would_hear_otherwise() -> None:
    assert [
        f"{statement}: {reason}"
        for statement in all_statements()
        for pattern, reason in SQL_NEVER.items()
        if re.search(pattern, statement.sql)
        and (statement.source.path, pattern) not in SQL_ALLOWED
        # The defaults of columns give what a statement must not.
        and not (is_declaration(statement.source) and "uuidv7" in pattern)
    ] == []


def test_statements_name_the_organisation_as_often_as_a_tenant_table() -> None:
    """Each table of a join is narrowed to the organisation, so that one node can answer alone."""
    assert [
        str(statement)
        for statement in all_statements()
        if not is_declaration(statement.source)
        and len(used_tables(statement)) > statement.sql.count("organisation_id")
        and (statement.source.path, *used_tables(statement)) not in ACROSS_ORGANISATIONS
    ] == []


def test_every_insert_of_a_select_can_be_pulled_to_the_coordinator() -> None:
    assert [
        str(statement)
        for statement in all_statements()
        if re.search(r"INSERT INTO\s[^;]*\bSELECT\b", statement.sql)
        and used_tables(statement)
        and not re.search(r"ON CONFLICT|RETURNING", statement.sql)
    ] == []


def test_upserts_call_no_function() -> None:
    assert [
        str(statement)
        for statement in all_statements()
        for part in re.findall(r"DO UPDATE SET\s(.*)", statement.sql, re.DOTALL)
        if "(" in part.partition("RETURNING")[0]
    ] == []


def test_every_constraint_is_named() -> None:
    """In each CREATE or ALTER TABLE, CONSTRAINT and a name come before what the constraint says."""
    kinds = r"CONSTRAINT \S+|PRIMARY KEY|UNIQUE|FOREIGN KEY|EXCLUDE|CHECK|REFERENCES"
    unnamed = []
    for statement in all_statements():
        if not re.search(r"(CREATE|ALTER) TABLE", statement.sql):
            continue
        found = re.findall(kinds, statement.sql)
        for before, kind in pairwise(["", *found]):
            is_named = before.startswith("CONSTRAINT") or before == "FOREIGN KEY"
            if not kind.startswith("CONSTRAINT") and not is_named:
                unnamed.append(f"{statement}: {kind}")
    assert unnamed == []


def test_money_is_never_a_float() -> None:
    assert [
        f"{source.path}:{node.lineno} {ast.unparse(node)}"
        for source in sources("services")
        if source.path not in FLOATS_ALLOWED
        for node in ast.walk(source.tree)
        if (isinstance(node, ast.Name) and node.id in ("float", "round"))
        or (isinstance(node, ast.Constant) and isinstance(node.value, float))
    ] == []


def test_whole_numbers_are_never_divided_into_floats() -> None:
    assert [
        f"{source.path}:{node.lineno} {ast.unparse(node)}"
        for source in sources("services")
        if source.path not in DIVISIONS_ALLOWED
        for node in ast.walk(source.tree)
        if isinstance(node, ast.BinOp)
        and isinstance(node.op, ast.Div)
        and "Path(" not in ast.unparse(node.left)
    ] == []


def test_clocks_are_asked_in_few_places() -> None:
    assert [
        f"{source.path}:{node.lineno} {ast.unparse(node)}"
        for source in sources("services")
        if source.path not in CLOCKS_ALLOWED
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Attribute)
        and node.attr in ("now", "utcnow", "today", "time", "monotonic")
        and ast.unparse(node.value) in ("datetime", "date", "time")
    ] == []


def test_types_are_never_waived() -> None:
    assert [
        source.path
        for source in sources("services", "gateway", "deploy")
        if source.path not in ANY_ALLOWED
        and ("type: ignore" in source.text or re.search(r"\bAny\b", source.text))
    ] == []


def test_files_and_functions_stay_short() -> None:
    long = []
    for source in sources("services", "gateway", "deploy"):
        lines = source.text.count("\n")
        if lines > LINES_MAX:
            long.append(f"{source.path}: {lines} lines")
        for node in ast.walk(source.tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > FUNCTION_LINES_MAX:
                    long.append(f"{source.path} {node.name}: {lines} lines")
    assert long == []
