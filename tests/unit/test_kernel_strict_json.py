"""JSON that two readers could read differently is refused, with the place of each fault."""

import json
import time
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import StrEnum
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.common.errors import ERRORS_SHOWN_MAX, BadRequest, JsonValue, Unprocessable
from services.common.strict_json import (
    canonical,
    escape_pointer,
    fingerprint,
    loads,
    quote,
    to_json,
)

scalars = st.none() | st.booleans() | st.integers(-(10**15) + 1, 10**15 - 1) | st.text(max_size=20)
documents: st.SearchStrategy[JsonValue] = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=20,
)


def refused(body: bytes) -> dict[str, str]:
    """The codes by pointer."""
    with pytest.raises(Unprocessable) as caught:
        loads(body)
    assert caught.value.code == caught.value.errors[0].code
    return {error.pointer: error.code for error in caught.value.errors}


def read_pointer(document: JsonValue, pointer: str) -> JsonValue:
    """An evaluation of RFC 6901 that shares nothing with the code."""
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(document, Mapping):
            document = document[name]
        else:
            assert isinstance(document, Sequence)
            document = document[int(name)]
    return document


@given(documents)
def test_reads_what_json_writes(document: JsonValue) -> None:
    assert loads(json.dumps(document).encode()) == document
    assert loads(json.dumps(document, ensure_ascii=False).encode()) == document


@given(st.lists(st.text(max_size=6) | st.integers(0, 3), max_size=5))
def test_a_pointer_leads_to_the_fault(path: list[str | int]) -> None:
    """Wherever a fraction stands, the pointer finds it in the same document with a mark instead."""
    with_fraction: object = 1.5
    with_mark: JsonValue = "mark"
    for step in reversed(path):
        if isinstance(step, int):
            with_fraction = [0] * step + [with_fraction]
            with_mark = [*[0] * step, with_mark]
        else:
            with_fraction, with_mark = {step: with_fraction}, {step: with_mark}
    ((pointer, code),) = refused(json.dumps(with_fraction).encode()).items()
    assert code == "json.number"
    assert read_pointer(with_mark, pointer) == "mark"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ('{"a": 1, "a": 2}', {"/a": "json.duplicate_key"}),
        ('{"a": 1, "a": 1}', {"/a": "json.duplicate_key"}),
        ('{"a": 1, "\\u0061": 2}', {"/a": "json.duplicate_key"}),
        ('{"": 1, "": 2}', {"/": "json.duplicate_key"}),
        ('{"c": {"d": [0, {"e": 1, "e": 2}]}}', {"/c/d/1/e": "json.duplicate_key"}),
        ('{"a/b": {"~": 1, "~": 2}}', {"/a~1b/~0": "json.duplicate_key"}),
        (
            '{"b": 1, "b": {"c": 1, "c": 2}, "d": 0.5}',
            {"/b": "json.duplicate_key", "/d": "json.number"},
        ),
        ('{"\\ud800": 1, "\\ud800": 2}', {"/\\ud800": "json.duplicate_key"}),
        ("NaN", {"": "json.not_finite"}),
        (
            "[NaN, Infinity, -Infinity]",
            dict.fromkeys(("/0", "/1", "/2"), "json.not_finite"),
        ),
        ('{"amount": 1e400}', {"/amount": "json.number"}),
        ('{"amount": 12.34}', {"/amount": "json.number"}),
        ('{"amount": 1E2}', {"/amount": "json.number"}),
        ('{"n": 1000000000000000}', {"/n": "json.number"}),
        ('{"n": -1000000000000000}', {"/n": "json.number"}),
        ("1" * 5000, {"": "json.number"}),
    ],
)
def test_refuses_what_is_not_i_json(body: str, expected: dict[str, str]) -> None:
    assert refused(body.encode()) == expected


def test_a_body_full_of_the_same_key_is_refused_as_fast_as_any() -> None:
    body = b"{" + b",".join([b'"a":1'] * 150_000) + b"}"
    began = time.process_time()
    assert refused(body) == {"/a": "json.duplicate_key"}
    assert time.process_time() - began < 60, "the time grows with the square of the keys"


def test_a_refusal_holds_no_more_errors_than_it_shows() -> None:
    assert len(refused(b"[" + b",".join([b"NaN"] * 5_000) + b"]")) == ERRORS_SHOWN_MAX


def test_integers_of_fifteen_digits_are_read() -> None:
    assert loads(b"[999999999999999, -999999999999999, -0]") == [10**15 - 1, 1 - 10**15, 0]


def test_a_refusal_shows_little_of_a_long_number() -> None:
    with pytest.raises(Unprocessable) as caught:
        loads(b"0." + b"1" * 100_000)
    assert len(caught.value.errors[0].message.fr) < 120


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "json.malformed"),
        (b" ", "json.malformed"),
        (b"\xef\xbb\xbf{}", "json.malformed"),
        (b"{'a': 1}", "json.malformed"),
        (b'{"a": 1,}', "json.malformed"),
        (b"{} {}", "json.malformed"),
        (b'{"a": "b\n"}', "json.malformed"),
        (b'{"a": 01}', "json.malformed"),
        (b'{"a": "', "json.malformed"),
        (b'{"a": "\xff"}', "body.encoding"),
        ('{"a": "é"}'.encode("latin-1"), "body.encoding"),
        ('{"a": 1}'.encode("utf-16"), "body.encoding"),
        (b'{"a": "\xed\xa0\x80"}', "body.encoding"),
        (b"[" * 100_000, "json.depth"),
        (b"[" * 5_000 + b"]" * 5_000, "json.depth"),
        (b'{"a":' * 100_000, "json.depth"),
    ],
)
def test_refuses_what_is_not_json(body: bytes, code: str) -> None:
    with pytest.raises(BadRequest) as caught:
        loads(body)
    assert caught.value.code == code


def test_says_where_the_text_breaks_off() -> None:
    with pytest.raises(BadRequest) as caught:
        loads(b'{\n  "a": tru\n}')
    assert caught.value.detail is not None
    assert caught.value.detail.fr == "Ce n'est pas du JSON : ligne 2, colonne 8."
    assert caught.value.detail.en == "This is not JSON: line 2, column 8."


@given(documents)
def test_canonical_form_keeps_the_content(document: JsonValue) -> None:
    assert json.loads(canonical(document)) == document


@given(st.dictionaries(st.text(max_size=5), scalars, max_size=6), st.randoms())
def test_fingerprint_knows_no_order_of_keys(members: dict[str, JsonValue], random: Random) -> None:
    names = list(members)
    random.shuffle(names)
    assert fingerprint({name: members[name] for name in names}) == fingerprint(members)


@given(documents, documents)
def test_fingerprints_differ_when_the_content_does(one: JsonValue, other: JsonValue) -> None:
    assert (fingerprint(one) == fingerprint(other)) == (canonical(one) == canonical(other))


def test_a_pointer_can_always_be_sent() -> None:
    assert escape_pointer("a/b~c") == "a~1b~0c"
    assert escape_pointer(3) == "3"
    escape_pointer("\ud800").encode()


class Colour(StrEnum):
    RED = "red"


def test_typed_values_as_json() -> None:
    assert to_json(
        {"on": date(2026, 3, 31), "rate": Decimal("7.250"), "kind": Colour.RED, "all": (1, None)}
    ) == {"on": "2026-03-31", "rate": "7.25", "kind": "red", "all": [1, None]}
    assert to_json(Decimal("1E+2")) == "100"
    assert type(to_json(Colour.RED)) is str
    for value in (1.5, b"x", object(), {1, 2}):
        with pytest.raises(TypeError):
            to_json(value)


@given(st.text())
def test_a_quoted_text_is_canonical(text: str) -> None:
    assert quote(text).encode() == canonical(text)
