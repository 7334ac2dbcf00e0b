"""The XML parts of a vetted archive: small ones whole, large ones a piece at a time.

Document type declarations were refused with the archive: there are no entities to expand.
"""

import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser, fromstring

from services.common.archive import WorkbookRefused, read_chunks, refusing_damage

WHOLE_BYTES_MAX = 8 * 1024 * 1024
# The most XML that may come without the end of another row: what the parser then holds is bounded,
# and so is the time it takes over a tag that never ends.
PENDING_BYTES_MAX = 2 * 1024 * 1024
WINDOW_OVERLAP_BYTES = 64


def local_name(element: Element) -> str:
    """`{namespace}row` is `row`: transitional and strict workbooks have other namespaces."""
    return element.tag.rpartition("}")[2]


def load_part(archive: zipfile.ZipFile, part: str) -> Element:
    """The root of a small part."""
    entry = _find(archive, part)
    if entry.file_size > WHOLE_BYTES_MAX:
        raise WorkbookRefused("workbook.damaged")
    with refusing_damage(), _refusing_malformed():
        return fromstring(archive.read(entry))


def stream_children(
    archive: zipfile.ZipFile, part: str, container: str | None = None
) -> Iterator[Element]:
    """The elements in the root, or in its first child called `container`, one by one.

    What follows the container is not read.
    """
    entry = _find(archive, part)
    builder = TreeBuilder()
    document = builder.start("document", {})  # ours around theirs: what is built is in sight
    parser = XMLParser(target=builder)
    pending = 0
    with refusing_damage(), archive.open(entry) as stream:
        for chunk in read_chunks(stream):
            with _refusing_malformed():
                parser.feed(chunk)
            finished, is_over = _take_finished(document, container)
            yield from finished
            if is_over:
                return
            pending = 0 if finished else pending + len(chunk)
            if pending > PENDING_BYTES_MAX:
                raise WorkbookRefused("workbook.damaged")
        with _refusing_malformed():
            parser.close()
    parent = _find_parent(document, container)
    yield from parent if parent is not None else ()


def stream_windows(archive: zipfile.ZipFile, part: str) -> Iterator[bytes]:
    """The bytes of a part in pieces, each with the end of the one before."""
    tail = b""
    with refusing_damage(), archive.open(_find(archive, part)) as stream:
        for chunk in read_chunks(stream):
            yield tail + chunk
            tail = chunk[-WINDOW_OVERLAP_BYTES:]


def _take_finished(document: Element, container: str | None) -> tuple[list[Element], bool]:
    """The children that the parser is done with, taken out; and whether no other will come."""
    parent = _find_parent(document, container)
    if parent is None:
        return [], False
    is_over = container is not None and parent is not document[0][-1]
    finished = parent[:] if is_over else parent[:-1]
    del parent[: len(finished)]
    return finished, is_over


def _find_parent(document: Element, container: str | None) -> Element | None:
    root = next(iter(document), None)
    if root is None or container is None:
        return root
    return next((child for child in root if local_name(child) == container), None)


@contextmanager
def _refusing_malformed() -> Iterator[None]:
    try:
        yield
    except ParseError as error:
        raise WorkbookRefused("workbook.damaged") from error


def _find(archive: zipfile.ZipFile, part: str) -> zipfile.ZipInfo:
    try:
        return archive.getinfo(part)
    except KeyError as error:
        raise WorkbookRefused("workbook.damaged") from error
