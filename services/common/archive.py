"""A zipped office document, vetted before anything of it is unpacked.

What it declares is bounded first (entries, names, sizes, compression); zipfile then never yields
more than was declared. Only then is it walked once, in pieces, for what must not be inside.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

ENTRIES_MAX = 1_000
UNPACKED_BYTES_MAX = 100 * 1024 * 1024
RATIO_MAX = 100
CHUNK_BYTES = 32 * 1024

# Below this an entry cannot hurt, whatever its ratio: a drawing of nothing compresses well.
_SMALL_BYTES = 1024 * 1024
_ZIP_MAGIC = b"PK\x03\x04"
_OLE_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # an .xls, or a workbook with a password
_ARCHIVE_MAGICS = (_ZIP_MAGIC, _OLE_MAGIC, b"\x1f\x8b", b"7z\xbc\xaf", b"Rar!", b"BZh", b"\xfd7zXZ")
_CENTRAL_ENTRY = b"PK\x01\x02"
_PASSWORD_MARK = "EncryptedPackage".encode("utf-16-le")

_CONTENT_TYPES = "[Content_Types].xml"
_FOLDERS = ("xl/", "docProps/", "docMetadata/", "_rels/", "customXml/")
_MACROS = re.compile(r"vbaproject|(^|/)(macrosheets|vba)/", re.IGNORECASE)
_MACRO_TYPE = re.compile(rb"macroenabled|vbaproject", re.IGNORECASE)
_XML = re.compile(r"\.(xml|rels|vml)$", re.IGNORECASE)
# In UTF-8, and with the NUL bytes of UTF-16 and UTF-32 between its letters.
_DOCTYPE = re.compile(rb"<\0*!\0*D\0*O\0*C\0*T\0*Y\0*P\0*E", re.IGNORECASE)
_DOCTYPE_LENGTH_MAX = 4 * len("<!DOCTYPE")


class WorkbookRefused(Exception):
    """The workbook as a whole is not read. `blanks` fill the message of the code."""

    def __init__(self, code: str, **blanks: object) -> None:
        super().__init__(code)
        self.code = code
        self.blanks = blanks


def open_archive(body: bytes) -> zipfile.ZipFile:
    """The archive, once it is known to be harmless. Raises WorkbookRefused."""
    if not body.startswith(_ZIP_MAGIC):
        is_locked = body.startswith(_OLE_MAGIC) and _PASSWORD_MARK in body
        raise WorkbookRefused("workbook.locked" if is_locked else "workbook.form")
    # zipfile reads the whole directory at once: counted first, so that its memory is bounded.
    if body.count(_CENTRAL_ENTRY) > ENTRIES_MAX:
        raise _too_large()
    with refusing_damage():
        archive = zipfile.ZipFile(io.BytesIO(body))
        _vet_directory(archive.infolist())
        for entry in archive.infolist():
            _vet_content(archive, entry)
    return archive


@contextmanager
def refusing_damage() -> Iterator[None]:
    """Whatever a damaged archive makes zipfile raise, as WorkbookRefused."""
    try:
        yield
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        NotImplementedError,
        UnicodeDecodeError,
        ValueError,
        OSError,
    ) as error:
        raise WorkbookRefused("workbook.damaged") from error


def _vet_directory(entries: list[zipfile.ZipInfo]) -> None:
    """Refuse by what the directory says, with nothing unpacked."""
    names = [entry.filename for entry in entries]
    if len(entries) > ENTRIES_MAX or sum(e.file_size for e in entries) > UNPACKED_BYTES_MAX:
        raise _too_large()
    if len({name.casefold() for name in names}) != len(names):  # two readers could see two books
        raise WorkbookRefused("workbook.damaged")
    for entry in entries:
        name = entry.filename
        if _MACROS.search(name):
            raise WorkbookRefused("workbook.macros")
        if name != _CONTENT_TYPES and (not name.startswith(_FOLDERS) or _leaves_its_folder(name)):
            raise WorkbookRefused("workbook.part", part=_show(name))
        if entry.flag_bits & 0x1:
            raise WorkbookRefused("workbook.locked")
        if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise WorkbookRefused("workbook.damaged")
        if entry.file_size > max(_SMALL_BYTES, RATIO_MAX * entry.compress_size):
            raise _too_large()


def _leaves_its_folder(name: str) -> bool:
    return "\\" in name or any(part in (".", "..") for part in name.split("/"))


def _vet_content(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> None:
    """Refuse archives inside the archive, macros, and XML that declares entities.

    Walking an entry to its end also checks its length and its CRC.
    """
    is_xml, is_types = _XML.search(entry.filename), entry.filename == _CONTENT_TYPES
    tail = b""
    with archive.open(entry) as part:
        for chunk in read_chunks(part):
            if not tail and chunk.startswith(_ARCHIVE_MAGICS):
                raise WorkbookRefused("workbook.part", part=_show(entry.filename))
            window = tail + chunk
            if is_xml and _DOCTYPE.search(window):
                raise WorkbookRefused("workbook.doctype", part=_show(entry.filename))
            if is_types and _MACRO_TYPE.search(window):
                raise WorkbookRefused("workbook.macros")
            tail = window[-_DOCTYPE_LENGTH_MAX:]


def read_chunks(part: IO[bytes]) -> Iterator[bytes]:
    while chunk := part.read(CHUNK_BYTES):
        yield chunk


def _too_large() -> WorkbookRefused:
    return WorkbookRefused(
        "workbook.too_large",
        megabytes_max=UNPACKED_BYTES_MAX // 1024**2,
        entries_max=ENTRIES_MAX,
    )


def _show(name: str) -> str:
    """The name of an entry as it may stand in an answer."""
    return "".join(c if c.isprintable() else "\ufffd" for c in name[:100])
