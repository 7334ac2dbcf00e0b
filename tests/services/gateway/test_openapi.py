"""One inventory: what the code answers, what api/ says, and what the gateway routes."""

import json

from deploy.openapi import API_FOLDER, build_documents, render
from gateway.routing import PREFIXES, find_destination
from tests.services.gateway.upstreams import Bench


def test_the_committed_documents_are_those_of_the_code() -> None:
    for name, document in build_documents().items():
        committed = (API_FOLDER / f"{name}.json").read_text(encoding="utf-8")
        assert committed == render(document), f"api/{name}.json is old: run `make openapi`"


def test_every_path_of_a_part_is_routed_to_it_and_nothing_else_is() -> None:
    segments_used = set()
    for part in ("registry", "funds", "loans"):
        document = json.loads((API_FOLDER / f"{part}.json").read_text(encoding="utf-8"))
        for path, methods in document["paths"].items():
            segments = path.split("/")[1:]
            segments_used.add(segments[1])
            for method in methods:
                query = b"kind=contributions" if part == "funds" else b""
                kind = "contributions" if part == "funds" else "loans"
                concrete = [
                    segment.replace("{import_id}", f"{part}-1").replace("{kind}", kind)
                    for segment in segments
                ]
                destination = find_destination(concrete, method.upper(), query)
                assert destination is not None, path
                assert destination.part == part, path
    own = json.loads((API_FOLDER / "gateway.json").read_text(encoding="utf-8"))
    for path in own["paths"]:
        assert find_destination(path.split("/")[1:], "GET", b"") is None
    assert segments_used == set(PREFIXES)


def test_operations_are_told_apart_and_refusals_described() -> None:
    whole = json.loads((API_FOLDER / "openapi.json").read_text(encoding="utf-8"))
    operations = [one for methods in whole["paths"].values() for one in methods.values()]
    names = [one["operationId"] for one in operations]
    assert len(names) == len(set(names))
    for operation in operations:
        assert operation["summary"]
        assert operation["responses"]["default"] == {"$ref": "#/components/responses/Refus"}
    text = json.dumps(whole)
    assert "/internal/" not in text
    for reference in text.split('"$ref": "#/components/')[1:]:
        group, name = reference.split('"')[0].split("/")
        assert name in whole["components"][group]


async def test_the_gateway_serves_the_document(bench: Bench) -> None:
    async with bench.open_client() as client:
        answer = await client.get("/openapi.json")
    assert answer.content == (API_FOLDER / "openapi.json").read_bytes()
    assert answer.headers["content-type"] == "application/json"
