"""What the command line shows: progress on standard error, results on standard output."""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich import filesize
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from deploy.client import Advance, ImportOutcome, Sent, Told
from deploy.language import text

_ROWS_SHOWN_MAX = 200
# Into a file or a pipe, a line stays a line.
_WIDTH_WITHOUT_TERMINAL = 240


def say(message: str) -> None:
    """A line for the person who waits."""
    _errors().print(message, markup=False, highlight=False, soft_wrap=True)


def say_failure(message: str) -> None:
    _errors().print(message, style="bold red", markup=False, highlight=False, soft_wrap=True)


def print_result(line: str) -> None:
    """A line for whoever reads the output: a person or a program; sent at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


@contextmanager
def upload_progress(name: str, size_bytes: int) -> Iterator[tuple[Sent, Told]]:
    """A bar over the bytes sent, then one over the rows checked, then a sign of the recording."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[amount]}"),
    )
    with Progress(*columns, TimeElapsedColumn(), console=_errors()) as progress:
        task = progress.add_task(name, total=size_bytes, amount="")

        def sent(total_bytes: int) -> None:
            amount = f"{filesize.decimal(total_bytes)} / {filesize.decimal(size_bytes)}"
            progress.update(task, completed=total_bytes, amount=amount)
            if total_bytes >= size_bytes:
                checking = text("vérification et inscription", "checking and recording")
                progress.update(task, description=f"{name} ({checking})", total=None)

        def told(advance: Advance) -> None:
            total: int | None = None
            if advance.state == "checking" and advance.rows_expected:
                total = max(advance.rows_expected, advance.rows_checked)
            elif advance.state == "done":
                total = advance.rows_checked
            progress.update(
                task,
                description=f"{name} ({_state_name(advance.state)})",
                total=total,
                completed=0 if total is None else advance.rows_checked,
                amount=_describe_advance(advance),
            )

        yield sent, told


def _state_name(state: str) -> str:
    return {
        "queued": text("en attente", "waiting"),
        "reading": text("lecture", "reading"),
        "checking": text("vérification", "checking"),
        "recording": text("inscription", "recording"),
        "done": text("terminé", "done"),
        "refused": text("refusé", "refused"),
        "failed": text("interrompu", "failed"),
        "cancelled": text("annulé", "cancelled"),
    }.get(state, state)


def _describe_advance(advance: Advance) -> str:
    said = []
    if advance.rows_checked:
        of_all = f" / {advance.rows_expected}" if advance.rows_expected else ""
        said.append(f"{advance.rows_checked}{of_all} {text('lignes', 'rows')}")
    if advance.remaining_seconds is not None:
        said.append(
            text("encore environ {} s", "about {} s left").format(advance.remaining_seconds)
        )
    return ", ".join(said)


@contextmanager
def file_progress(title: str) -> Iterator[Callable[[str], None]]:
    """A count of finished files, with the name of the last; the block tells each name."""
    columns = (SpinnerColumn(), TextColumn("{task.completed}"), TextColumn("{task.description}"))
    with Progress(*columns, TimeElapsedColumn(), console=_errors()) as progress:
        task = progress.add_task(title, total=None)
        yield lambda name: progress.update(task, advance=1, description=f"{title} : {name}")


def print_outcome(outcome: ImportOutcome) -> None:
    """The counts of an import, what is odd about it, then the refused rows."""
    counts, corrected = outcome.counts, outcome.corrected
    shown = {
        text("reçues", "received"): counts.get("received", 0),
        text("créées", "created"): counts.get("created", 0) - corrected,
        **({text("corrigées", "corrected"): corrected} if corrected else {}),
        text("inchangées", "unchanged"): counts.get("unchanged", 0),
        text("refusées", "refused"): counts.get("rejected", 0),
    }
    told = ", ".join(f"{label} {count}" for label, count in shown.items())
    print_result(f"{text('Lignes', 'Rows')} : {told}")
    if not outcome.is_stored:
        print_result(text("Rien n'a été inscrit.", "Nothing was recorded."))
    for notice in outcome.notices:
        print_result(f"{text('Avis', 'Notice')} : {notice}")
    if outcome.warnings:
        titles = (text("Ligne", "Row"), text("Colonne", "Column"), text("À vérifier", "To check"))
        warnings = [(w.row, w.column, w.message) for w in outcome.warnings]
        print_table(titles, warnings[:_ROWS_SHOWN_MAX])
    if outcome.changes:
        heads = (
            text("Ligne", "Row"),
            text("Identifiant", "Identifier"),
            text("Colonne", "Column"),
            text("Inscrit", "On record"),
            text("Envoyé", "Sent"),
        )
        changes = [(c.row, c.external_id, c.column, c.before, c.after) for c in outcome.changes]
        print_table(heads, changes[:_ROWS_SHOWN_MAX])
    if outcome.errors:
        rows = [(error.row, error.column, error.message) for error in outcome.errors]
        headings = (text("Ligne", "Row"), text("Colonne", "Column"), "Message")
        print_table(headings, rows[:_ROWS_SHOWN_MAX])
    if outcome.errors_truncated or len(outcome.errors) > _ROWS_SHOWN_MAX:
        print_result(text("D'autres lignes sont refusées.", "More rows are refused."))


def print_items(columns: Sequence[str], items: Sequence[Mapping[str, object]]) -> None:
    """Some fields of a list that the server sent."""
    rows = [["" if item.get(c) is None else str(item[c]) for c in columns] for item in items]
    print_table(columns, rows)


def print_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    table = Table(*headings)
    for row in rows:
        table.add_row(*row)
    console = Console(markup=False, highlight=False)
    if not console.is_terminal:
        console.width = _WIDTH_WITHOUT_TERMINAL
    console.print(table)


def _errors() -> Console:
    return Console(stderr=True)
