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
# First halves of French letters and signs; in cp1252 no French word ends in Â, Ã or Å.
_CUT_CHARACTERS = (b"\xc2", b"\xc3", b"\xc5")


class UnreadableText(Exception):
    """Neither UTF-8 nor cp1252. `line` is where the first byte that is neither stands, from 1."""

    def __init__(self, body: bytes, position: int) -> None:
        super().__init__(position)
        self.line = body.count(b"\n", 0, position) + 1


def decode(body: bytes, charset: str = "") -> str:
    """The text, without a byte order mark. Raises UnreadableText.

    A byte order mark or a declared charset is taken at its word. Otherwise what is not UTF-8 is
    cp1252, unless most of its accents are whole UTF-8 or it is cut inside one: that is a damaged
    file, and reading it as cp1252 would record wrong names. Text holds no NUL byte.
    """
    if body.startswith(_UTF_16_MARKS) and not charset:
        try:
            text = body.decode("utf-16")
        except UnicodeDecodeError as error:
            raise UnreadableText(body, error.start) from error
        if "\0" in text:
            raise UnreadableText(body, 0)
        return text
    if b"\0" in body:
        raise UnreadableText(body, body.index(b"\0"))
    marked = body.startswith(BYTE_ORDER_MARK)
    try:
        return body.decode("cp1252" if charset in CP1252_LABELS and not marked else "utf-8-sig")
    except UnicodeDecodeError as error:
        if marked or charset or _is_damaged_utf_8(body):
            raise UnreadableText(body, error.start) from error
    try:
        return body.decode("cp1252")
    except UnicodeDecodeError as error:
        raise UnreadableText(body, error.start) from error


def _is_damaged_utf_8(body: bytes) -> bool:
    others, whole = _WHOLE_CHARACTER.subn(b"", body)
    stray = len(others) - len(others.translate(None, _HIGH_BYTES))
    return whole > stray or body.endswith(_CUT_CHARACTERS)
