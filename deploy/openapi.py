"""Writes api/: an OpenAPI document of each part, and one of the whole as the gateway serves it.

    make openapi, or python -m deploy.openapi

Everything comes from the code; the same code gives the same bytes.
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

from fastapi import FastAPI
from joserfc.jwk import OKPKey

from gateway.app import create_own_app
from gateway.routing import PREFIXES
from gateway.settings import GatewaySettings
from services.common.errors import PROBLEM_MEDIA_TYPE, PROBLEM_TYPE_PREFIX
from services.funds.app import create_app as create_funds
from services.loans.app import create_app as create_loans
from services.registry.app import create_app as create_registry

API_FOLDER = Path(__file__).parent.parent / "api"
VERSION = "1"

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None
Object: TypeAlias = dict[str, Json]

# Tag -> what it says; a path belongs to the tag of its first segment after /v1/.
TAGS: Mapping[str, str] = {
    "Registre": "Régions, organismes, adhésions dans le temps, clés d'accès.",
    "Fonds": "Fonds, contributions, journal, réservations, ententes et cibles.",
    "Prêts": "Échéanciers, emprunteurs, prêts et leurs faits, accompagnement, retombées.",
    "Importations": "Les fichiers des membres : CSV, NDJSON, XLSX.",
    "Rapports": "Totaux régionaux, rapport de partenariat, dictionnaire des indicateurs.",
}
_TAG_OF_PART = {"registry": "Registre", "funds": "Fonds", "loans": "Prêts"}

_PROBLEM_SCHEMA: Object = {
    "type": "object",
    "description": "Un refus (RFC 9457). `code` est stable ; les textes suivent `Accept-Language`.",
    "required": ["type", "title", "status", "detail", "code", "trace_id"],
    "properties": {
        "type": {"type": "string", "example": f"{PROBLEM_TYPE_PREFIX}external_id.conflict"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "code": {"type": "string", "example": "external_id.conflict"},
        "trace_id": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "code", "message"],
                "properties": {
                    "pointer": {"type": "string", "example": "/terms/principal"},
                    "code": {"type": "string", "example": "amount.decimals"},
                    "message": {"type": "string"},
                },
            },
        },
        "missing": {
            "type": "array",
            "items": {"type": "string", "enum": ["registry", "funds", "loans"]},
            "description": "Avec 503 : les services qui ne répondent pas.",
        },
    },
}
_INTRODUCTION = (
    "Le registre et les rapports d'un réseau d'organismes de microcrédit communautaire.\n\n"
    "Chaque requête porte `Authorization: Bearer CLÉ`. Les montants sont des chaînes à deux "
    "décimales, les dates `AAAA-MM-JJ`. Tout refus est un `application/problem+json`. Publier deux "
    "fois le même `external_id` avec le même contenu ne change rien."
)


def build_documents() -> dict[str, Object]:
    """The documents by file stem: registry, funds, loans, gateway, and openapi for the whole."""
    with _environment():
        apps = {
            "registry": create_registry(),
            "funds": create_funds(),
            "loans": create_loans(),
            "gateway": create_own_app(GatewaySettings()),
        }
        documents = {name: _tidy(_read(app), name) for name, app in apps.items()}
    return {**documents, "openapi": merge(documents)}


def write_documents(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    for name, document in build_documents().items():
        (folder / f"{name}.json").write_text(render(document), encoding="utf-8")


def render(document: Object) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def merge(documents: Mapping[str, Object]) -> Object:
    """One document of all; a name two parts mean differently gets the name of its part."""
    paths: Object = {}
    schemas: Object = {}
    taken: set[str] = set()
    for part, document in documents.items():
        renamed = {
            name: f"{part.capitalize()}{name}"
            for name, schema in _schemas(document).items()
            if schemas.get(name, schema) != schema
        }
        moved = _object(_rename(document, renamed))
        schemas.update(_schemas(moved))
        for path, methods in _object(moved["paths"]).items():
            for method, said in _object(methods).items():
                operation, known = _object(said), _object(paths.setdefault(path, {}))
                if method in known:
                    _join_kinds(_object(known[method]), operation)
                    continue
                if operation["operationId"] in taken:
                    operation["operationId"] = f"{part}_{operation['operationId']}"
                taken.add(str(operation["operationId"]))
                known[method] = operation
    return _frame("Réseau de microcrédit : interface v1", _INTRODUCTION, paths, schemas)


def _join_kinds(known: Object, other: Object) -> None:
    """Two parts answer one path (imports): each parameter takes the values of both."""
    values = {
        parameter["name"]: _object(parameter["schema"]).get("enum")
        for parameter in map(_object, _list(other.get("parameters", [])))
    }
    for parameter in map(_object, _list(known.get("parameters", []))):
        schema, more = _object(parameter["schema"]), values.get(parameter["name"])
        if more is not None:
            enumerated = _list(schema["enum"])
            enumerated += [value for value in _list(more) if value not in enumerated]


def _read(app: FastAPI) -> Object:
    document: Object = json.loads(json.dumps(app.openapi()))
    return document


def _tidy(document: Object, part: str) -> Object:
    """What can be reached from outside, with our refusals in the place of the framework's."""
    paths: Object = {}
    for path, methods in _object(document["paths"]).items():
        if path.startswith("/internal"):
            continue
        paths[path] = {
            method: _tidy_operation(_object(operation), path, method)
            for method, operation in _object(methods).items()
        }
    used = _find_used(paths, _schemas(document))
    schemas = {name: schema for name, schema in _schemas(document).items() if name in used}
    info = _object(document["info"])
    return _frame(str(info["title"]), f"Part « {part} ».", paths, schemas)


def _tidy_operation(operation: Object, path: str, method: str) -> Object:
    function = (
        str(operation["operationId"])
        .removesuffix(re.sub(r"\W", "_", f"{path}_{method}"))
        .rstrip("_")
    )
    summary, _, description = str(operation.get("description", "")).partition("\n\n")
    responses = _object(operation["responses"])
    responses.pop("422", None)
    responses["default"] = {"$ref": "#/components/responses/Refus"}
    return {
        **operation,
        "operationId": function,
        "summary": " ".join(summary.split()) or function,
        "description": description.strip(),
        "responses": responses,
        "tags": [_tag_of(path)],
    }


def _tag_of(path: str) -> str:
    segment = path.split("/")[2]
    if segment == "imports":
        return "Importations"
    part = PREFIXES.get(segment)
    return _TAG_OF_PART[part.value] if part else "Rapports"


def _frame(title: str, description: str, paths: Object, schemas: Object) -> Object:
    return {
        "openapi": "3.1.0",
        "info": {"title": title, "version": VERSION, "description": description},
        "servers": [{"url": "/"}],
        "security": [{"cle": []}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": {**schemas, "Probleme": _PROBLEM_SCHEMA},
            "responses": {
                "Refus": {
                    "description": "Un refus, avec son code et, s'il y a lieu, sa place.",
                    "content": {
                        PROBLEM_MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Probleme"}}
                    },
                }
            },
            "securitySchemes": {
                "cle": {"type": "http", "scheme": "bearer", "description": "Une clé d'accès."}
            },
        },
    }


def _rename(node: Json, renamed: Mapping[str, str]) -> Json:
    """The document with some of its schemas under other names, where they stand and are used."""
    if isinstance(node, list):
        return [_rename(item, renamed) for item in node]
    if not isinstance(node, dict):
        return node
    moved: Object = {}
    for name, value in node.items():
        if name == "schemas":
            value = {renamed.get(key, key): schema for key, schema in _object(value).items()}
        if name == "$ref" and isinstance(value, str):
            prefix, _, schema = value.rpartition("/")
            value = f"{prefix}/{renamed.get(schema, schema)}"
        moved[name] = _rename(value, renamed)
    return moved


def _find_used(node: Json, schemas: Object) -> set[str]:
    """Names of the schemas that the paths reach, directly or through others."""
    used: set[str] = set()
    waiting = [node]
    while waiting:
        one = waiting.pop()
        if isinstance(one, list):
            waiting += one
        elif isinstance(one, dict):
            name = str(one.get("$ref", "")).rpartition("/schemas/")[2]
            if name in schemas and name not in used:
                used.add(name)
                waiting.append(schemas[name])
            waiting += one.values()
    return used


def _schemas(document: Object) -> Object:
    return _object(_object(document.get("components", {})).get("schemas", {}))


def _object(node: Json) -> Object:
    assert isinstance(node, dict), f"an object is expected, not {node!r}"
    return node


def _list(node: Json) -> list[Json]:
    assert isinstance(node, list), f"a list is expected, not {node!r}"
    return node


@contextmanager
def _environment() -> Iterator[None]:
    """Settings with which every application can be made; none of them is started."""
    before = dict(os.environ)
    with TemporaryDirectory() as folder:
        key = OKPKey.generate_key("Ed25519")
        private, public = Path(folder, "private.pem"), Path(folder, "public.pem")
        private.write_bytes(key.as_pem(private=True))
        public.write_bytes(key.as_pem(private=False))
        nowhere = "postgresql+asyncpg://nobody@127.0.0.1/nowhere"
        os.environ |= {
            "RESEAU_DATABASE_URL": nowhere,
            "RESEAU_TOTALS_DATABASE_URL": nowhere,
            "RESEAU_TOKEN_PRIVATE_KEY_FILE": str(private),
            "RESEAU_TOKEN_PUBLIC_KEY_FILE": str(public),
            **{f"RESEAU_{part}_URL": "http://127.0.0.1" for part in ("REGISTRY", "FUNDS", "LOANS")},
        }
        try:
            yield
        finally:
            os.environ.clear()
            os.environ |= before


if __name__ == "__main__":
    write_documents(API_FOLDER)
