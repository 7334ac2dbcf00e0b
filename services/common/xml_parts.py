"""The XML parts of a vetted archive: small ones whole, large ones a piece at a time.

Document type declarations were refused with the archive: there are no entities to expand.
"""

import zipfile
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from xml.etree.ElementTree import Element, ParseError, XMLPullParser, fromstring

from services.common.archive import WorkbookRefused, read_chunks, refusing_damage

WHOLE_BYTES_MAX = 8 * 1024 * 1024
# The most XML that may come without the end of another row: what the parser then holds is bounded,
# and so is the time it takes over a tag that never ends.
PENDING_BYTES_MAX = 2 * 1024 * 1024


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
    parser: XMLPullParser[Element] = XMLPullParser(events=("start",))
    root: Element | None = None
    pending = 0
    with refusing_damage(), archive.open(entry) as stream:
        for chunk in read_chunks(stream):
            with _refusing_malformed():
                parser.feed(chunk)
                started = parser.read_events()
                if root is None:
                    root = _element_of(next(started, None))
                deque(started, maxlen=0)
            finished, is_over = _take_finished(root, container)
            yield from finished
            if is_over:
                return
            pending = 0 if finished else pending + len(chunk)
            if pending > PENDING_BYTES_MAX:
                raise WorkbookRefused("workbook.damaged")
        with _refusing_malformed():
            parser.close()
    parent = _find_parent(root, container)
    yield from parent if parent is not None else ()


def _element_of(event: object) -> Element | None:
    if not isinstance(event, tuple):
        return None
    _, element = event
    assert isinstance(element, Element)
    return element


def _take_finished(root: Element | None, container: str | None) -> tuple[list[Element], bool]:
    """The children that the parser is done with, taken out; and whether no other will come."""
    parent = _find_parent(root, container)
    if parent is None or root is None:
        return [], False
    is_over = parent is not root and parent is not root[-1]
    finished = parent[:] if is_over else parent[:-1]
    del parent[: len(finished)]
    return finished, is_over


def _find_parent(root: Element | None, container: str | None) -> Element | None:
    if container is None or root is None:
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
