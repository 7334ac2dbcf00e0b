"""Pages by keyset: all rows once, in order, whatever is added meanwhile before the cursor."""

import base64
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi import Request
from hypothesis import given
from hypothesis import strategies as st

from services.common.errors import JsonValue, Unprocessable
from services.common.pagination import decode_cursor, encode_cursor, page

keys = st.text(
    st.characters(categories=["L", "N", "P", "S", "Zs"]), min_size=1, max_size=30
).filter(str.isprintable)


def make_request(query: str = "") -> Request:
    return Request(
        {
            "type": "http",
            "method": "GET",
            "scheme": "http",
            "server": ("inner", 8001),
            "path": "/v1/loans",
            "query_string": query.encode(),
            "headers": [],
        }
    )


@given(keys)
def test_cursors_come_back_as_they_went(key: str) -> None:
    cursor = encode_cursor(key)
    assert decode_cursor(cursor) == key
    assert cursor.isascii()
    assert not set(cursor) & set("+/=&?#% ")


def test_no_cursor_is_the_start() -> None:
    assert decode_cursor(None) == ""


@pytest.mark.parametrize(
    "cursor",
    [
        "",
        "x",
        "====",
        "é",
        "%00",
        "bm90IGpzb24",
        base64.urlsafe_b64encode(b"12").decode(),
        base64.urlsafe_b64encode(b'["a"]').decode(),
        base64.urlsafe_b64encode(b'"a\\u0000b"').decode(),
        base64.urlsafe_b64encode(b'"\\ud800"').decode(),
        base64.urlsafe_b64encode(b"[" * 100_000).decode(),
        base64.urlsafe_b64encode(b"1" * 10_000).decode(),
        base64.urlsafe_b64encode(b"\xff").decode(),
    ],
)
def test_a_cursor_from_elsewhere_is_refused(cursor: str) -> None:
    with pytest.raises(Unprocessable) as caught:
        decode_cursor(cursor)
    assert caught.value.code == "cursor.invalid"
    assert [error.pointer for error in caught.value.errors] == ["/cursor"]


@given(st.sets(keys, max_size=25), st.integers(1, 7))
def test_pages_hold_every_row_once(rows: set[str], limit: int) -> None:
    ordered = sorted(rows)
    seen: list[JsonValue] = []
    query = f"limit={limit}&kind=x%20y"
    for _ in range(len(rows) + 1):
        request = make_request(query)
        after = decode_cursor(request.query_params.get("cursor"))
        items: list[dict[str, JsonValue]] = [{"id": key} for key in ordered if key > after]
        answer = page(request, items[: limit + 1], limit, "id")
        shown = answer["items"]
        assert isinstance(shown, list)
        assert len(shown) <= limit
        seen += [item["id"] for item in shown]
        link = answer["next"]
        if link is None:
            break
        assert isinstance(link, str)
        assert link.startswith("/v1/loans?"), "the gateway's path, no inner host"
        query = urlsplit(link).query
        assert parse_qs(query)["kind"] == ["x y"]
        assert parse_qs(query)["limit"] == [str(limit)]
    assert seen == ordered
