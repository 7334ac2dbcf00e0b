"""The encodings members' programs write, told apart without being said."""

from contextlib import suppress

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from services.common.columns import Column, TableRefused
from services.common.encoding import UnreadableText, find_encoding
from services.common.errors import JsonValue
from services.common.tabular import read_table

COLUMNS = (Column("external_id", aliases=("identifiant",)), Column("pret"))


def values(body: bytes, media_type: str) -> list[dict[str, JsonValue]]:
    return [row for batch in read_table(body, media_type, COLUMNS).batches for row in batch.values]


BODY = "identifiant;prêt\nÉlève à Noël;Œuvre « où »\u00a0€\n"


@pytest.mark.parametrize(
    ("encoding", "media_type"),
    [
        ("utf-8", "text/csv"),
        ("utf-8", "text/csv; charset=utf-8"),
        ("utf-8", 'text/csv; header=present; Charset="UTF-8"'),
        ("utf-8-sig", "text/csv"),
        ("utf-8-sig", "text/csv; charset=windows-1252"),
        ("cp1252", "text/csv"),
        ("cp1252", "text/csv; charset=windows-1252"),
        ("cp1252", "TEXT/CSV;charset=iso-8859-1"),
    ],
)
def test_encodings(encoding: str, media_type: str) -> None:
    assert values(BODY.encode(encoding), media_type) == [
        {
            "external_id": "Élève à Noël",
            "pret": "Œuvre « où »\u00a0€",
        }
    ]


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (BODY.encode("cp1252"), "text/csv; charset=utf-8"),  # it says UTF-8
        (b"\xef\xbb\xbf" + BODY.encode("cp1252"), "text/csv"),  # so does this one
        (BODY.encode("utf-16-le"), "text/csv"),  # no mark says so
        (BODY.encode("utf-16")[:-1], "text/csv"),
        (b"external_id,pret\nR\0,1\n", "text/csv"),
        (b"external_id,pret\nR\x81\x8d,1\n", "text/csv"),  # cp1252 has no such bytes
        (BODY.encode().replace("Œ".encode(), b"\xe9"), "text/csv"),  # two encodings
        (b"external_id,pret\nR,No\xc3", "text/csv"),  # cut inside a character
        (("external_id,pret\nR,été " + "é").encode()[:-1], "text/csv"),
    ],
)
def test_neither_utf_8_nor_cp1252(body: bytes, media_type: str) -> None:
    with pytest.raises(TableRefused) as caught:
        values(body, media_type)
    assert [(e.row, e.column, e.code) for e in caught.value.found] == [(0, "", "import.encoding")]


def test_the_line_is_said() -> None:
    with pytest.raises(UnreadableText) as caught:
        find_encoding(b"a\nb\n\xffc\n", "utf-8")
    assert caught.value.line == 3


def test_a_file_made_of_two_is_refused_where_the_lesser_part_begins() -> None:
    lines = ["identifiant", "été", "Noël", "élève"]
    first, *others = (line.encode("cp1252") + b"\n" for line in lines)
    with pytest.raises(UnreadableText) as caught:
        find_encoding(first + b"".join(others) + "Zoé\n".encode())
    assert caught.value.line == 5


def test_capitals_before_a_closing_mark_are_cp1252() -> None:
    # In these bytes "É»" alone would be a whole UTF-8 character; the others show it is not.
    body = "identifiant,prêt\n«LIBERTÉ»,égalité\n".encode("cp1252")
    assert values(body, "text/csv")[0]["external_id"] == "«LIBERTÉ»"


@given(st.text(st.sampled_from("abcéèêàùçôîœÉÀ «»’€0;"), min_size=1))
def test_french_in_utf_8_is_never_taken_for_another(text: str) -> None:
    assert text.encode().decode(find_encoding(text.encode())) == text


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1))
def test_any_utf_8_is_read_as_it_is(text: str) -> None:
    assume(not text.startswith("\ufeff"))
    assert text.encode().decode(find_encoding(text.encode())) == text


@given(st.binary())
@example(b"\xc3")
def test_any_bytes_are_text_or_refused(body: bytes) -> None:
    with suppress(UnreadableText):
        assert "\0" not in body.decode(find_encoding(body))
