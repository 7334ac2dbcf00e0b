"""The relay between two tiny parts, one organisation of which has events that cannot be posted."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from joserfc.jwk import OKPKey
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from gateway.authentication import TokenSigner
from gateway.proxy import open_session
from gateway.relay import Relay
from gateway.settings import GatewaySettings
from tests.services.gateway.upstreams import TinyPart, problem, serve

BROKEN = "0a000000-0000-0000-0000-000000000000"
SOUND = "0b000000-0000-0000-0000-000000000000"
RECORDED = {BROKEN: 2, SOUND: 3}


@dataclass
class Books:
    """How far the events of each organisation are posted; those of `BROKEN` are refused."""

    relay: Relay
    loans: TinyPart
    posted: dict[str, int] = field(default_factory=dict)

    async def tell_recorded(self, _: Request) -> Response:
        return JSONResponse({"positions": RECORDED})

    async def tell_posted(self, _: Request) -> Response:
        return JSONResponse({"positions": self.posted})

    async def tell_events(self, request: Request) -> Response:
        number = int(request.query_params["after"]) + 1
        return JSONResponse({"events": [{"number": number}]})

    async def post(self, request: Request) -> Response:
        body = await request.json()
        if body["organisation_id"] == BROKEN:
            return problem(422, "input.invalid")
        self.posted[SOUND] = body["events"][-1]["number"]
        return JSONResponse({"posted": len(body["events"])})


@pytest.fixture
async def books(tmp_path: Path) -> AsyncIterator[Books]:
    key = OKPKey.generate_key("Ed25519")
    key_file = tmp_path / "gateway.pem"
    key_file.write_bytes(key.as_pem(private=True))
    loans, funds = TinyPart("loans", key), TinyPart("funds", key)
    async with serve(loans.app()) as loans_url, serve(funds.app()) as funds_url:
        settings = GatewaySettings.model_validate(
            {
                "token_private_key_file": key_file,
                "registry_url": loans_url,
                "funds_url": funds_url,
                "loans_url": loans_url,
            }
        )
        async with open_session() as session:
            opened = Books(Relay(session, settings, TokenSigner(key)), loans)
            loans.behaviours |= {
                "/internal/events/positions": opened.tell_recorded,
                "/internal/events": opened.tell_events,
            }
            funds.behaviours |= {
                "/internal/journal/positions": opened.tell_posted,
                "/internal/journal/events": opened.post,
            }
            yield opened


async def test_events_that_cannot_be_posted_hold_up_their_own_organisation_alone(
    books: Books,
) -> None:
    failures = await books.relay.carry_all()
    assert books.posted == {SOUND: RECORDED[SOUND]}
    assert list(failures) == [BROKEN]


async def test_nothing_is_carried_while_a_part_does_not_say_how_far_it_is(books: Books) -> None:
    del books.loans.behaviours["/internal/events/positions"]
    with pytest.raises(Exception, match="503"):
        await books.relay.carry_all()
    assert books.posted == {}
