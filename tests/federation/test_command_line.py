"""The command line against a gateway that answers what each test tells it to."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from urllib.parse import parse_qs, urlsplit

import pytest

from deploy.command_line import main
from deploy.data_folder import (
    DataFolder,
    RunningFederation,
    open_data_folder,
    write_private,
    write_running,
)
from services.common.records import XLSX
from tests.support.workbooks import sheet

STORED = {
    "import_id": "1",
    "kind": "repayments",
    "mode": "atomic",
    "dry_run": False,
    "counts": {"received": 2, "created": 2, "unchanged": 0, "rejected": 0},
    "errors": [],
    "errors_truncated": False,
}
REFUSED = {
    **STORED,
    "title": "Lignes refusées",
    "counts": {"received": 2, "created": 0, "unchanged": 0, "rejected": 1},
    "errors": [{"row": 2, "column": "paid_on", "code": "date.invalid", "message": "Date absente"}],
}


@dataclass(frozen=True, slots=True)
class Call:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    """What to answer; status 0 cuts the connection after reading the request."""

    status: int
    document: object = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Gateway:
    url: str
    answers: list[Answer]
    calls: list[Call]


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    told = Gateway("", [], [])

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
            told.calls.append(Call(self.command, self.path, dict(self.headers), body))
            answer = told.answers.pop(0)
            if answer.status == 0:
                return
            content = b"" if answer.document is None else json.dumps(answer.document).encode()
            self.send_response(answer.status)
            for name, value in {**answer.headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = answer

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        told.url = f"http://127.0.0.1:{server.server_address[1]}"
        thread = Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield told
        server.shutdown()
        thread.join()


@dataclass(frozen=True, slots=True)
class Result:
    code: int
    output: str
    errors: str


Reseau = Callable[..., Result]


@pytest.fixture
def reseau(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Reseau:
    """Run the command in this process."""
    monkeypatch.setenv("LANG", "fr_CA.UTF-8")
    monkeypatch.setenv("COLUMNS", "200")
    for name in ("LC_ALL", "LC_MESSAGES", "RESEAU_KEY"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: str) -> Result:
        monkeypatch.setattr(sys, "argv", ["reseau", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        captured = capsys.readouterr()
        return Result(int(ended.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "remboursements.csv"
    path.write_bytes(b"external_id;montant\nR-1;10,00\nR-2;12,50\n")
    return path


def import_arguments(gateway: Gateway, file: Path) -> list[str]:
    return ["import", str(file), "--kind", "repayments", "--url", gateway.url, "--key", "clef"]


def test_import_streams_the_file_as_it_is(gateway: Gateway, reseau: Reseau, file: Path) -> None:
    gateway.answers = [Answer(201, STORED)]
    result = reseau(*import_arguments(gateway, file))
    assert result.code == 0
    assert "créées 2" in result.output
    (call,) = gateway.calls
    assert call.body == file.read_bytes()
    assert call.path == "/v1/imports?kind=repayments&mode=atomic&dry_run=false"
    assert call.headers["Authorization"] == "Bearer clef"
    assert call.headers["Content-Type"] == "text/csv"
    assert call.headers["Accept-Language"] == "fr"


def test_import_of_a_workbook_says_what_it_is(
    gateway: Gateway, reseau: Reseau, tmp_path: Path
) -> None:
    gateway.answers = [Answer(201, STORED)]
    workbook = tmp_path / "Remboursements.XLSX"
    workbook.write_bytes(sheet([("external_id", "montant"), ("R-1", 10)]))
    assert reseau(*import_arguments(gateway, workbook)).code == 0
    (call,) = gateway.calls
    assert call.body == workbook.read_bytes()
    assert call.headers["Content-Type"] == XLSX


def test_refused_rows_are_a_table_and_exit_code_1(
    gateway: Gateway, reseau: Reseau, file: Path
) -> None:
    gateway.answers = [Answer(422, REFUSED)]
    result = reseau(*import_arguments(gateway, file))
    assert result.code == 1
    assert "Rien n'a été inscrit" in result.output
    (row,) = [line for line in result.output.splitlines() if "paid_on" in line]
    assert "2" in row
    assert "Date absente" in row


def test_partial_import_with_refused_rows_is_exit_code_1(
    gateway: Gateway, reseau: Reseau, file: Path
) -> None:
    gateway.answers = [Answer(201, {**REFUSED, "mode": "partial"})]
    result = reseau(*import_arguments(gateway, file), "--mode", "partial")
    assert result.code == 1
    assert "mode=partial" in gateway.calls[0].path
    assert "Rien n'a été inscrit" not in result.output


def test_what_is_odd_is_shown_by_the_lines_of_the_sheet(
    gateway: Gateway, reseau: Reseau, file: Path
) -> None:
    told = {
        "notices": [{"sheet": "Apports", "code": "sheet.unknown", "message": "De côté."}],
        "warnings": [{"row": 1, "line": 4, "column": "amount", "code": "x", "message": "Loin."}],
    }
    gateway.answers = [Answer(201, {**STORED, **told})]
    result = reseau(*import_arguments(gateway, file))
    assert result.code == 0
    assert "Avis : Apports : De côté." in result.output
    (row,) = [line for line in result.output.splitlines() if "Loin." in line]
    assert "4" in row


def test_the_sheet_of_errors_is_put_where_it_is_asked_for(
    gateway: Gateway, reseau: Reseau, file: Path
) -> None:
    asked, marked = {"Content-Type": XLSX}, file.with_name("erreurs.xlsx")
    gateway.answers = [Answer(422, REFUSED), Answer(200, "a workbook", asked)]
    result = reseau(*import_arguments(gateway, file), "--errors", str(marked))
    assert (result.code, marked.read_bytes()) == (1, b'"a workbook"')
    assert gateway.calls[1].path == "/v1/imports/1/errors.xlsx"
    assert str(marked) in result.errors

    dry = {**REFUSED, "import_id": None}
    gateway.answers = [Answer(422, dry), Answer(200, "another", asked)]
    reseau(*import_arguments(gateway, file), "--dry-run", "--errors", str(marked))
    assert marked.read_bytes() == b'"another"'
    assert "dry_run=true&errors=xlsx" in gateway.calls[3].path
    assert gateway.calls[3].body == file.read_bytes()


def test_the_sheet_of_errors_is_not_put_over_the_file(
    gateway: Gateway, reseau: Reseau, file: Path
) -> None:
    result = reseau(*import_arguments(gateway, file), "--errors", str(file))
    assert (result.code, gateway.calls) == (2, [])


def test_a_file_that_cannot_be_read_has_no_sheet_of_errors(
    gateway: Gateway, reseau: Reseau, file: Path
) -> None:
    marked = file.with_name("erreurs.xlsx")
    refused = Answer(422, {**REFUSED, "import_id": None})
    gateway.answers = [refused, refused]
    assert reseau(*import_arguments(gateway, file), "--errors", str(marked)).code == 1
    assert not marked.exists()


def test_a_file_whose_titles_are_wrong_is_tried_again_for_its_sheet_of_errors(
    gateway: Gateway, reseau: Reseau, file: Path
) -> None:
    marked = file.with_name("erreurs.xlsx")
    refused = Answer(422, {**REFUSED, "import_id": None})
    gateway.answers = [refused, Answer(200, "a workbook", {"Content-Type": XLSX})]
    assert reseau(*import_arguments(gateway, file), "--errors", str(marked)).code == 1
    assert marked.read_bytes() == b'"a workbook"'
    assert "dry_run=true&errors=xlsx" in gateway.calls[1].path


def test_dry_run_says_that_nothing_is_recorded(
    gateway: Gateway, reseau: Reseau, file: Path
) -> None:
    gateway.answers = [Answer(200, {**STORED, "dry_run": True})]
    result = reseau(*import_arguments(gateway, file), "--dry-run")
    assert result.code == 0
    assert "dry_run=true" in gateway.calls[0].path
    assert "Rien n'a été inscrit" in result.output


def test_corrections_and_mappings_are_asked_for_by_name(
    gateway: Gateway, reseau: Reseau, file: Path
) -> None:
    gateway.answers = [Answer(201, STORED)]
    asked = ("--correct", "Relevé vérifié", "--mapping", "acceo")
    assert reseau(*import_arguments(gateway, file), *asked).code == 0
    query = parse_qs(urlsplit(gateway.calls[0].path).query)
    assert (query["on_change"], query["reason"]) == (["correct"], ["Relevé vérifié"])
    assert query["mapping"] == ["acceo"]


def test_what_is_on_record_otherwise_is_told_with_the_way_to_correct_it(
    gateway: Gateway, reseau: Reseau, file: Path
) -> None:
    word = {"fr": "femme", "en": "woman"}
    said = {"before": "woman", "before_word": word, "after": None}
    field = {"column": "gender", "title": "Sexe", **said}
    changes = [{"row": 1, "line": 2, "external_id": "E-1", "fields": [field]}]
    gateway.answers = [Answer(422, {**REFUSED, "changes": changes})]
    result = reseau(*import_arguments(gateway, file))
    assert result.code == 1
    [told] = [line for line in result.output.splitlines() if "Sexe" in line]
    assert "femme" in told
    assert "woman" not in told
    assert "--correct RAISON" in result.errors

    gateway.answers = [Answer(201, {**STORED, "corrected": 1, "changes": changes})]
    result = reseau(*import_arguments(gateway, file), "--correct", "Relu")
    assert "--correct" not in result.errors
    assert "créées 1, corrigées 1, inchangées" in result.output


def long_import(state: str, **members: object) -> Answer:
    progress = {
        "rows_expected": 2,
        "rows_read": 2,
        "rows_checked": 1,
        "rows_stored": 0,
        "remaining_seconds": 7,
    }
    return Answer(200, {**STORED, "state": state, "progress": progress, "problem": None, **members})


ACCEPTED = Answer(202, {"state": "queued"}, {"Location": "/v1/imports/loans-1"})


def test_a_long_import_is_followed_to_its_end(gateway: Gateway, reseau: Reseau, file: Path) -> None:
    """Also past a service that is started again meanwhile."""
    gateway.answers = [
        ACCEPTED,
        long_import("checking"),
        Answer(503, {"missing": ["loans"]}),
        long_import("recording"),
        long_import("done"),
    ]
    result = reseau(*import_arguments(gateway, file))
    assert result.code == 0
    assert "créées 2" in result.output
    first, *others = gateway.calls
    assert first.headers["Prefer"] == "respond-async"
    assert first.headers["Content-Disposition"].endswith("filename*=UTF-8''remboursements.csv")
    assert {(call.method, call.path) for call in others} == {("GET", "/v1/imports/loans-1")}


def test_a_long_import_refused_is_told_row_by_row(
    gateway: Gateway, reseau: Reseau, file: Path
) -> None:
    gateway.answers = [ACCEPTED, long_import("refused", **REFUSED)]
    result = reseau(*import_arguments(gateway, file))
    assert result.code == 1
    assert "Date absente" in result.output
    assert "Rien n'a été inscrit" in result.output


@pytest.mark.parametrize(
    ("state", "problem", "said"),
    [
        ("refused", {"detail": "Trop de lignes."}, "Trop de lignes."),
        ("failed", {"detail": "Interrompu."}, "Interrompu."),
        ("cancelled", None, "annulé"),
    ],
)
def test_a_long_import_that_came_to_nothing_is_exit_code_2(
    gateway: Gateway,
    reseau: Reseau,
    file: Path,
    state: str,
    problem: dict[str, str] | None,
    said: str,
) -> None:
    gateway.answers = [ACCEPTED, long_import(state, problem=problem)]
    result = reseau(*import_arguments(gateway, file))
    assert result.code == 2
    assert said in result.errors


def test_ctrl_c_cancels_a_long_import(
    gateway: Gateway, reseau: Reseau, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(seconds: float) -> None:
        raise KeyboardInterrupt

    gateway.answers = [ACCEPTED, long_import("checking"), long_import("cancelled")]
    monkeypatch.setattr("deploy.client.time.sleep", interrupt)
    result = reseau(*import_arguments(gateway, file))
    assert result.code == 2
    assert "annulé" in result.errors
    assert gateway.calls[-1].path == "/v1/imports/loans-1/cancellations"


def test_broken_connection_and_part_down_are_sent_again_with_the_same_key(
    gateway: Gateway, reseau: Reseau, file: Path
) -> None:
    gateway.answers = [Answer(0), Answer(503, {"missing": ["loans"]}), Answer(201, STORED)]
    result = reseau(*import_arguments(gateway, file))
    assert result.code == 0
    assert len({call.headers["Idempotency-Key"] for call in gateway.calls}) == 1
    assert {call.body for call in gateway.calls} == {file.read_bytes()}


def test_next_run_has_another_idempotency_key(gateway: Gateway, reseau: Reseau, file: Path) -> None:
    gateway.answers = [Answer(201, STORED), Answer(200, STORED)]
    reseau(*import_arguments(gateway, file))
    reseau(*import_arguments(gateway, file))
    assert len({call.headers["Idempotency-Key"] for call in gateway.calls}) == 2


@pytest.mark.parametrize("status", [401, 403, 413, 415, 422])
def test_other_refusals_are_exit_code_2_with_the_problem(
    gateway: Gateway, reseau: Reseau, file: Path, status: int
) -> None:
    problem = {
        "title": "Refusé",
        "detail": "Voici pourquoi.",
        "errors": [{"pointer": "/x", "code": "c", "message": "Trop long"}],
    }
    gateway.answers = [Answer(status, problem)]
    result = reseau(*import_arguments(gateway, file))
    assert result.code == 2
    for part in (str(status), "Refusé", "Voici pourquoi.", "/x : Trop long"):
        assert part in result.errors


def test_unknown_ending_wrong_address_and_strange_key_are_exit_code_2(
    gateway: Gateway, reseau: Reseau, file: Path
) -> None:
    other = file.rename(file.with_suffix(".pdf"))
    assert ".csv" in reseau(*import_arguments(gateway, other)).errors
    file = other.rename(file)
    arguments = ["import", str(file), "--kind", "repayments"]
    assert reseau(*arguments, "--url", "localhost", "--key", "k").code == 2
    assert reseau(*arguments, "--url", gateway.url, "--key", "clé").code == 2
    assert gateway.calls == []


def test_key_from_the_environment(
    gateway: Gateway, reseau: Reseau, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RESEAU_KEY", "de-l-environnement")
    gateway.answers = [Answer(201, STORED)]
    arguments = import_arguments(gateway, file)[:-2]
    assert reseau(*arguments).code == 0
    assert gateway.calls[0].headers["Authorization"] == "Bearer de-l-environnement"


@pytest.fixture
def folder(tmp_path: Path, gateway: Gateway) -> DataFolder:
    """A folder that says that its federation runs at the gateway."""
    folder = open_data_folder(tmp_path / "data")
    names = ("network", "funder", "auditor", "operator")
    keys = {**{name: f"{name}-key" for name in names}, "members": {"montreal": "member-key"}}
    write_private(folder.access_keys, json.dumps(keys))
    write_running(folder, RunningFederation(gateway.url, 1, 1))
    return folder


def test_new_key_is_printed_alone_on_standard_output(
    gateway: Gateway, reseau: Reseau, folder: DataFolder
) -> None:
    gateway.answers = [Answer(201, {"key_id": "k1", "key": "toute-neuve"})]
    options = ["--organisation", "montreal", "--data-dir", str(folder.root)]
    result = reseau("keys", "create", "--role", "member", *options, "--label", "Comptabilité")
    assert (result.code, result.output) == (0, "toute-neuve\n")
    (call,) = gateway.calls
    assert call.path == "/v1/organisations/montreal/keys"
    assert json.loads(call.body) == {"role": "member", "label": "Comptabilité"}
    assert call.headers["Authorization"] == "Bearer network-key"


def test_key_of_the_network_belongs_to_no_organisation(
    gateway: Gateway, reseau: Reseau, folder: DataFolder
) -> None:
    gateway.answers = [Answer(201, {"key_id": "k1", "key": "toute-neuve"})]
    where = ["--data-dir", str(folder.root)]
    assert reseau("keys", "create", "--role", "funder", *where).output == "toute-neuve\n"
    assert gateway.calls[0].path == "/v1/keys"
    assert reseau("keys", "create", "--role", "member", *where).code == 2
    options = ["--role", "funder", "--organisation", "montreal"]
    assert reseau("keys", "create", *options, *where).code == 2
    assert len(gateway.calls) == 1


def test_key_whose_first_answer_was_lost_is_named(
    gateway: Gateway, reseau: Reseau, folder: DataFolder
) -> None:
    gateway.answers = [Answer(0), Answer(201, {"key_id": "k1", "key": None})]
    result = reseau("keys", "create", "--role", "network", "--data-dir", str(folder.root))
    assert (result.code, result.output) == (2, "")
    assert "k1" in result.errors


def test_keys_are_listed_page_by_page_and_revoked(
    gateway: Gateway, reseau: Reseau, folder: DataFolder
) -> None:
    first = {"items": [{"key_id": "k1", "role": "member", "label": None}]}
    path = "/v1/organisations/montreal/keys"
    gateway.answers = [
        Answer(200, {**first, "next": f"{path}?cursor=x"}),
        Answer(200, {"items": [{"key_id": "k2", "role": "member"}], "next": None}),
        Answer(204),
    ]
    where = ["--data-dir", str(folder.root)]
    listed = reseau("keys", "list", "--organisation", "montreal", *where).output
    assert "k1" in listed
    assert "k2" in listed
    assert reseau("keys", "revoke", "k1", *where).code == 0
    assert [(call.method, call.path) for call in gateway.calls] == [
        ("GET", path),
        ("GET", f"{path}?cursor=x"),
        ("DELETE", "/v1/keys/k1"),
    ]


def test_commands_that_need_a_running_federation_say_so(
    reseau: Reseau, folder: DataFolder, tmp_path: Path
) -> None:
    folder.running.unlink()
    result = reseau("demo", "--data-dir", str(folder.root))
    assert result.code == 2
    assert "reseau up" in result.errors
    result = reseau("demo", "--data-dir", str(tmp_path / "elsewhere"))
    assert result.code == 2
    assert not (tmp_path / "elsewhere").exists()


def test_english_when_the_environment_asks_for_it(
    gateway: Gateway, reseau: Reseau, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "en_CA.UTF-8")
    gateway.answers = [Answer(201, STORED)]
    assert "created 2" in reseau(*import_arguments(gateway, file)).output
    assert gateway.calls[0].headers["Accept-Language"] == "en"
