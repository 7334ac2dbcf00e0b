"""The text of a file whose encoding is rarely said: UTF-8, or the cp1252 of older spreadsheets.

Excel's "Unicode text" is UTF-16, which its byte order mark tells.
"""

import re

UTF_8_LABELS = ("utf-8", "utf8", "us-ascii", "ascii")
CP1252_LABELS = ("windows-1252", "cp1252", "iso-8859-1", "latin1", "latin-1")
BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")

_WHOLE_CHARACTER = re.compile(
    rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
_HIGH_BYTES = bytes(range(0x80, 0x100))
# In cp1252 "Ã©" or "Â°": no French word holds them, so that they are é or ° in UTF-8.
_ONLY_UTF_8 = re.compile(rb"[\xc2\xc3][\x80-\xbf]")
# First halves of French letters and signs; in cp1252 no French word ends in Â, Ã or Å.
_CUT_CHARACTERS = (b"\xc2", b"\xc3", b"\xc5")


class UnreadableText(Exception):
    """Neither UTF-8 nor cp1252. `line` is where the first byte that is neither stands, from 1."""

    def __init__(self, body: bytes, position: int) -> None:
        super().__init__(position)
        self.line = body.count(b"\n", 0, position) + 1


def find_encoding(body: bytes, charset: str = "") -> str:
    """The codec under which the whole body is text. Raises UnreadableText.

    A byte order mark or a declared charset is taken at its word. Otherwise what is not UTF-8 is
    cp1252, unless it is cut inside an accent of UTF-8 or holds whole ones: that is a damaged file,
    or one made of two, and reading it as cp1252 would record wrong names. Text holds no NUL byte.
    """
    if body.startswith(_UTF_16_MARKS) and not charset:
        if "\0" in _decode(body, "utf-16"):
            raise UnreadableText(body, 0)
        return "utf-16"
    if b"\0" in body:
        raise UnreadableText(body, body.index(b"\0"))
    marked = body.startswith(BYTE_ORDER_MARK)
    is_declared = charset in CP1252_LABELS and not marked
    codec = "cp1252" if is_declared else "utf-8-sig"
    try:
        _decode(body, codec)
    except UnreadableText:
        if marked or charset or _is_damaged_utf_8(body):
            raise
        if accent := _ONLY_UTF_8.search(body):
            raise UnreadableText(body, accent.start()) from None
        codec = "cp1252"
        _decode(body, codec)
    return codec


def _decode(body: bytes, codec: str) -> str:
    try:
        return body.decode(codec)
    except UnicodeDecodeError as error:
        raise UnreadableText(body, error.start) from error


def _is_damaged_utf_8(body: bytes) -> bool:
    others, whole = _WHOLE_CHARACTER.subn(b"", body)
    stray = len(others) - len(others.translate(None, _HIGH_BYTES))
    return whole > stray or body.endswith(_CUT_CHARACTERS)
