"""The gateway's HTTP contract as the command line uses it.

Every call carries an idempotency key and is sent again, a bounded number of times, when the
connection breaks or a part is down: the server answers the second sending with the first's answer.
"""

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import httpx

from deploy.language import DeploymentError, speaks_english

_ATTEMPTS_MAX = 5
_FIRST_DELAY_SECONDS = 0.5
_DELAY_SECONDS_MAX = 10.0
_PASSING_STATUS = (429, 502, 503, 504)
_PAGES_MAX = 1000
_CHUNK_BYTES = 64 * 1024
# An import of the permitted size is one transaction; it is answered when it is stored.
_TIMEOUT = httpx.Timeout(10.0, read=600.0, write=60.0)
_IMPORT_PATH = "/v1/imports"

CONTENT_TYPES = {
    ".csv": "text/csv",
    ".ndjson": "application/x-ndjson",
    ".jsonl": "application/x-ndjson",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}

Sent = Callable[[int], None]
"""Told how many bytes of the body have been sent so far."""
_AGREES_TO_WAIT = {"Prefer": "respond-async"}
_FOLLOW_SECONDS = 0.5
_ENDED = ("done", "refused", "failed", "cancelled")


@dataclass(frozen=True, slots=True)
class Advance:
    """How far the server is with a long file; what it cannot tell is None."""

    state: str
    rows_checked: int
    rows_expected: int | None
    remaining_seconds: int | None


Told = Callable[[Advance], None]


@dataclass(frozen=True, slots=True)
class Upload:
    """A file of facts to import."""

    kind: str
    content: Path | bytes
    content_type: str
    mode: str = "atomic"
    dry_run: bool = False
    correction_reason: str | None = None
    mapping: str | None = None

    @property
    def size_bytes(self) -> int:
        return len(self.content) if isinstance(self.content, bytes) else self.content.stat().st_size

    def chunks(self, sent: Sent) -> Iterator[bytes]:
        total = 0
        for chunk in self._pieces():
            yield chunk
            total += len(chunk)
            sent(total)

    def _pieces(self) -> Iterator[bytes]:
        if isinstance(self.content, bytes):
            for start in range(0, len(self.content), _CHUNK_BYTES):
                yield self.content[start : start + _CHUNK_BYTES]
            return
        with self.content.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                yield chunk


@dataclass(frozen=True, slots=True)
class RowError:
    """Why a row was refused; `row` is the number a spreadsheet shows, after the sheet's name."""

    row: str
    column: str
    message: str


@dataclass(frozen=True, slots=True)
class Change:
    """What a row says otherwise than the record; an empty text is nothing."""

    row: str
    external_id: str
    column: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class ImportOutcome:
    """What became of an upload; those `corrected` are among those created."""

    is_stored: bool
    counts: Mapping[str, int]
    errors: tuple[RowError, ...]
    errors_truncated: bool
    import_id: str | None = None
    corrected: int = 0
    changes: tuple[Change, ...] = ()
    warnings: tuple[RowError, ...] = ()
    notices: tuple[str, ...] = ()


def open_client(url: str, key: str) -> httpx.Client:
    """A client of one gateway, with one access key. DeploymentError when either is malformed."""
    if not url.startswith(("http://", "https://")):
        raise DeploymentError(
            f"L'adresse doit commencer par http:// ou https:// : {url}",
            f"The address must start with http:// or https://: {url}",
        )
    if not (key.isascii() and key.isprintable()):
        raise DeploymentError(
            "La clé d'accès contient des caractères qu'aucune clé ne contient.",
            "The access key contains characters that no key contains.",
        )
    return httpx.Client(
        base_url=url,
        headers={
            "Authorization": f"Bearer {key}",
            "Accept-Language": "en" if speaks_english() else "fr",
        },
        timeout=_TIMEOUT,
    )


def import_upload(
    client: httpx.Client, upload: Upload, sent: Sent, told: Told | None = None
) -> ImportOutcome:
    """Post a file and wait until it is dealt with; `told` hears how far a long one is.

    Raises DeploymentError for any answer that does not speak of its rows.
    """
    response = _post(client, upload, sent, {}, {} if told is None else _AGREES_TO_WAIT)
    if response.status_code == httpx.codes.ACCEPTED and told is not None:
        return _follow(client, response.headers["Location"], told)
    document = _document(response)
    if not isinstance(document.get("counts"), dict) or response.status_code not in (200, 201, 422):
        raise failure(response)
    return _read_outcome(document, response.is_success and not upload.dry_run)


def fetch_errors(client: httpx.Client, upload: Upload, outcome: ImportOutcome) -> bytes | None:
    """The workbook of what was wrong with an upload; None when it is no table at all."""
    if outcome.import_id is None:  # nothing of it is kept: it is tried once more
        tried = replace(upload, dry_run=True)
        response = _post(client, tried, lambda _: None, {"errors": "xlsx"}, {})
    else:
        path = f"{_IMPORT_PATH}/{outcome.import_id}/errors.xlsx"
        response = _send(client, lambda: client.build_request("GET", path))
    is_workbook = response.headers.get("Content-Type") == CONTENT_TYPES[".xlsx"]
    return response.content if response.is_success and is_workbook else None


def _post(
    client: httpx.Client,
    upload: Upload,
    sent: Sent,
    more: Mapping[str, str],
    more_headers: Mapping[str, str],
) -> httpx.Response:
    parameters = {
        "kind": upload.kind,
        "mode": upload.mode,
        "dry_run": "true" if upload.dry_run else "false",
        **more,
    }
    if upload.correction_reason is not None:
        parameters |= {"on_change": "correct", "reason": upload.correction_reason}
    if upload.mapping is not None:
        parameters["mapping"] = upload.mapping
    headers = {
        **more_headers,
        "Content-Type": upload.content_type,
        "Content-Length": str(upload.size_bytes),
        "Idempotency-Key": str(uuid.uuid4()),
    }
    if isinstance(upload.content, Path):
        name = quote(upload.content.name, safe="")
        headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{name}"

    def build() -> httpx.Request:
        return client.build_request(
            "POST", _IMPORT_PATH, params=parameters, headers=headers, content=upload.chunks(sent)
        )

    return _send(client, build)


def _follow(client: httpx.Client, path: str, told: Told) -> ImportOutcome:
    """Look at a long import until it has ended. Interrupted, it is cancelled on the server too."""
    try:
        while (document := call(client, "GET", path)).get("state") not in _ENDED:
            told(_read_advance(document))
            time.sleep(_FOLLOW_SECONDS)
    except KeyboardInterrupt:
        call(client, "POST", f"{path}/cancellations")
        raise DeploymentError(
            "Import annulé ; rien n'a été inscrit.", "Import cancelled; nothing was recorded."
        ) from None
    told(_read_advance(document))
    problem = document.get("problem")
    if isinstance(problem, dict):
        raise DeploymentError(str(problem.get("detail")), str(problem.get("detail")))
    if document.get("state") == "cancelled":
        raise DeploymentError(
            "Cet import a été annulé ; rien n'a été inscrit.",
            "This import was cancelled; nothing was recorded.",
        )
    return _read_outcome(document, document.get("state") == "done")


def _read_advance(document: Mapping[str, object]) -> Advance:
    progress = document.get("progress")
    told = progress if isinstance(progress, dict) else {}
    return Advance(
        state=str(document.get("state")),
        rows_checked=int(told.get("rows_checked") or 0),
        rows_expected=told.get("rows_expected"),
        remaining_seconds=told.get("remaining_seconds"),
    )


def _read_outcome(document: Mapping[str, object], is_stored: bool) -> ImportOutcome:
    counts, import_id = document.get("counts"), document.get("import_id")
    assert isinstance(counts, dict), "an outcome counts its rows"
    return ImportOutcome(
        is_stored=is_stored,
        counts={str(name): int(count) for name, count in counts.items()},
        errors=tuple(map(_row_error, _list(document, "errors"))),
        errors_truncated=bool(document.get("errors_truncated")),
        import_id=None if import_id is None else str(import_id),
        corrected=int(str(document.get("corrected") or 0)),
        changes=tuple(_read_changes(document)),
        warnings=tuple(map(_row_error, _list(document, "warnings"))),
        notices=tuple(map(_read_notice, _list(document, "notices"))),
    )


def _list(document: Mapping[str, object], name: str) -> Sequence[Mapping[str, object]]:
    listed = document.get(name)
    return listed if isinstance(listed, list) else []


def _read_notice(notice: Mapping[str, object]) -> str:
    sheet, message = notice.get("sheet"), str(notice.get("message"))
    return message if not sheet or str(sheet) in message else f"{sheet} : {message}"


def _read_changes(document: Mapping[str, object]) -> Iterator[Change]:
    listed = document.get("changes")
    for change in listed if isinstance(listed, list) else []:
        for field in change["fields"]:
            yield Change(
                _place(change),
                str(change["external_id"]),
                str(field.get("title") or field["column"]),
                _read_version(field, "before"),
                _read_version(field, "after"),
            )


def _read_version(field: Mapping[str, object], name: str) -> str:
    """What a column says, in the reader's word for it when it has one."""
    word = field.get(f"{name}_word")
    if isinstance(word, dict):
        return str(word["en" if speaks_english() else "fr"])
    return str(field.get(name) or "")


def _place(told: Mapping[str, object]) -> str:
    shown = str(told.get("line") or told.get("row") or "")
    sheet = told.get("sheet")
    return f"{sheet} {shown}" if sheet else shown


def call(
    client: httpx.Client, method: str, path: str, body: Mapping[str, object] | None = None
) -> Mapping[str, object]:
    """One JSON call. Raises DeploymentError with the text of the problem document."""
    headers = {"Idempotency-Key": str(uuid.uuid4())} if method == "POST" else {}
    response = _send(client, lambda: client.build_request(method, path, json=body, headers=headers))
    if not response.is_success:
        raise failure(response)
    return _document(response) if response.content else {}


def list_all(client: httpx.Client, path: str) -> Iterator[Mapping[str, object]]:
    """Every item of a list, page after page, as far as the `next` links lead."""
    for _ in range(_PAGES_MAX):
        document = call(client, "GET", path)
        items = document.get("items")
        yield from items if isinstance(items, list) else []
        following = document.get("next")
        if not isinstance(following, str):
            return
        path = following


def failure(response: httpx.Response) -> DeploymentError:
    """The problem document as one text, with the place of each error."""
    document = _document(response)
    lines = [f"{response.status_code} {document.get('title') or response.reason_phrase}"]
    detail = document.get("detail")
    if detail:
        lines.append(str(detail))
    errors = document.get("errors")
    for error in errors if isinstance(errors, list) else []:
        lines.append(f"  {error.get('pointer', '')} : {error.get('message', '')}")
    return DeploymentError("\n".join(lines), "\n".join(lines))


def _send(client: httpx.Client, build: Callable[[], httpx.Request]) -> httpx.Response:
    delay = _FIRST_DELAY_SECONDS
    for attempt in range(1, _ATTEMPTS_MAX + 1):
        try:
            response = client.send(build())
        except httpx.TransportError as error:
            if attempt == _ATTEMPTS_MAX:
                raise DeploymentError(
                    f"{client.base_url} ne répond pas après {attempt} essais : {error}",
                    f"{client.base_url} does not answer after {attempt} attempts: {error}",
                ) from error
            wait = delay
        else:
            if response.status_code not in _PASSING_STATUS or attempt == _ATTEMPTS_MAX:
                return response
            wait = max(delay, _retry_after_seconds(response))
        time.sleep(min(wait, _DELAY_SECONDS_MAX))
        delay *= 2
    raise AssertionError("the last attempt returns or raises")


def _retry_after_seconds(response: httpx.Response) -> float:
    """The wait the server asks for; HTTP dates, which our gateway never sends, count as none."""
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdigit() else 0.0


def _document(response: httpx.Response) -> Mapping[str, object]:
    try:
        document = response.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _row_error(error: Mapping[str, object]) -> RowError:
    return RowError(
        row=_place(error),
        column=str(error.get("title") or error.get("column") or ""),
        message=str(error.get("message") or error.get("code") or ""),
    )
