import time

import pytest

from services.common.errors import ERRORS_SHOWN_MAX, InputError, Unprocessable
from services.common.pagination import decode_cursor, encode_cursor
from services.common.strict_json import DIGITS_SHOWN_MAX, loads
from services.common.text import Text

ANY = Text("", "")


def refusal(body: bytes) -> Unprocessable:
    with pytest.raises(Unprocessable) as caught:
        loads(body)
    return caught.value


def test_a_key_written_twice_is_refused_at_its_place() -> None:
    found = refusal(b'{"a":{"b/c":1,"b/c":1,"d":2}}')
    assert [(e.pointer, e.code) for e in found.errors] == [("/a/b~1c", "json.duplicate_key")]


def test_a_body_full_of_the_same_key_is_refused_as_fast_as_any() -> None:
    body = b"{" + b",".join([b'"a":1'] * 150_000) + b"}"
    began = time.process_time()
    assert len(refusal(body).errors) == 1
    assert time.process_time() - began < 5, "the time grows with the square of the keys"


def test_a_refusal_holds_no_more_errors_than_it_shows() -> None:
    body = b"[" + b",".join([b"NaN"] * 5_000) + b"]"
    assert len(refusal(body).errors) == ERRORS_SHOWN_MAX
    errors = [InputError(f"/{n}", "unknown_field", ANY) for n in range(5_000)]
    shown = Unprocessable(errors=errors).render("fr", "")["errors"]
    assert isinstance(shown, list)
    assert len(shown) == ERRORS_SHOWN_MAX


def test_a_number_is_not_quoted_whole() -> None:
    [error] = refusal(b"0." + b"1" * 1_000_000).errors
    assert len(error.message.fr) < 2 * DIGITS_SHOWN_MAX + 60


@pytest.mark.parametrize("key", ["", "PRÊT-1", "a" * 100])
def test_a_cursor_is_read_back(key: str) -> None:
    assert decode_cursor(encode_cursor(key)) == key


@pytest.mark.parametrize("cursor", ["é", "a", "W10", "W1tbW1tb" * 5_000, "MTIz"])
def test_any_other_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(Unprocessable) as caught:
        decode_cursor(cursor)
    assert caught.value.code == "cursor.invalid"
