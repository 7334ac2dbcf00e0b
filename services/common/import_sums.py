"""What came of an import: its counts, what was wrong, what changed; in all and by sheet."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from heapq import merge
from itertools import chain, islice

from services.common.columns import Notice, RowError
from services.common.error_log import read_log, write_log
from services.common.errors import InputError
from services.common.import_kinds import ERRORS_MAX, Findings, by_row, place_errors
from services.common.import_parts import Part, PreparedFile
from services.common.import_queries import Counts, MappingUsed, Mode, SentFile
from services.common.import_schemas import (
    ReportAnswer,
    RowChangeAnswer,
    SheetAnswer,
    to_change_answer,
    to_counts_answer,
    to_kind_mapping_answers,
)
from services.common.quoting import name_columns, quote_cells, tell_in_words
from services.common.recording import Recorded, Say, say_as_is, tell_changes
from services.common.records import read_records

CHANGES_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Came:
    """What came of an import."""

    counts: Counts
    findings: Findings
    rows_digest: bytes | None = None
    report: ReportAnswer = field(default_factory=ReportAnswer)


@dataclass(frozen=True, slots=True)
class _PartCame:
    """What came of one sheet."""

    part: Part
    counts: Counts
    findings: Findings
    corrected: int
    changes: Sequence[RowChangeAnswer]
    has_more_changes: bool
    absent: int


def refuse_file(found: Sequence[RowError]) -> Came:
    """Nothing could be read of it."""
    errors = found if any(error.sheet for error in found) else sorted(found, key=by_row)
    return Came(Counts(0, 0, 0, 0), Findings(errors[:ERRORS_MAX], len(found) > ERRORS_MAX))


def sum_up(
    prepared: PreparedFile,
    recorded: Sequence[Recorded],
    mode: Mode,
    reason: str | None,
    file: SentFile,
    mappings: Mapping[str, MappingUsed],
) -> Came:
    """`recorded` are what came of the parts, in their order."""
    pairs = zip(prepared.parts, recorded, strict=True)
    came = sorted((_sum_up_part(*pair) for pair in pairs), key=lambda each: each.part.place)
    counts = _add(each.counts for each in came)
    if counts.rejected and mode == "atomic":
        counts = replace(counts, created=0)
        came = [replace(each, counts=replace(each.counts, created=0), corrected=0) for each in came]
    changes = [change for each in came for change in each.changes]
    report = ReportAnswer(
        on_change="refuse" if reason is None else "correct",
        reason=reason,
        corrected=sum(each.corrected for each in came),
        changes=changes[:CHANGES_MAX],
        changes_truncated=len(changes) > CHANGES_MAX or any(c.has_more_changes for c in came),
        absent=sum(each.absent for each in came),
        mappings=to_kind_mapping_answers(mappings),
        sheets=[_show_sheet(each) for each in came if each.part.sheet],
    )
    findings = _join([_quote(each, file) for each in came], prepared.notices)
    return Came(counts, findings, prepared.digest, report)


def _sum_up_part(part: Part, recorded: Recorded) -> _PartCame:
    prepared = part.prepared
    drafts, header = len(prepared.numbers), prepared.header_line
    created, corrected = len(recorded.created), len(recorded.corrected)
    unchanged, refused = len(recorded.unchanged), len(recorded.refused)
    assert created + corrected + unchanged + refused == drafts, "a row is recorded or refused"
    rejected = prepared.received - drafts + refused
    shown = sorted(recorded.changes)[:CHANGES_MAX]
    say = _say_to_sender(part)
    return _PartCame(
        part,
        Counts(prepared.received, created + corrected, unchanged, rejected),
        _merge(part, recorded, say),
        corrected,
        [
            to_change_answer(
                part.sheet,
                prepared.numbers[row],
                None if header is None else header + prepared.numbers[row],
                prepared.drafts[row].external_id,
                recorded.changes[row],
                prepared.titles,
                say,
            )
            for row in shown
        ],
        len(shown) < len(recorded.changes),
        recorded.absent,
    )


def _add(counts: Iterable[Counts]) -> Counts:
    received, created, unchanged, rejected = (
        sum(column)
        for column in zip(
            *((c.received, c.created, c.unchanged, c.rejected) for c in counts), strict=True
        )
    )
    return Counts(received, created, unchanged, rejected)


def _show_sheet(came: _PartCame) -> SheetAnswer:
    return SheetAnswer(
        sheet=came.part.sheet,
        kind=came.part.kind.name,
        counts=to_counts_answer(came.counts),
        corrected=came.corrected,
    )


def _merge(part: Part, recorded: Recorded, say: Say) -> Findings:
    """What reading found and what recording found: the first of both by row, and all of them."""
    prepared = part.prepared

    def place(told: Mapping[int, Sequence[InputError]]) -> Iterator[RowError]:
        for position in sorted(told):
            found = [tell_changes(error, prepared.titles, say) for error in told[position]]
            yield from place_errors(prepared.numbers[position], found, part.kind.places)

    read = prepared.findings
    warnings = sorted([*read.warnings, *place(recorded.warned)], key=by_row)
    told = replace(read, warnings=warnings)
    if not recorded.refused:
        return told
    found = merge(_every(read), place(recorded.refused), key=lambda error: error.row)
    first = list(islice(found, ERRORS_MAX + 1))
    is_truncated = len(first) > ERRORS_MAX
    return replace(
        told,
        errors=sorted(first, key=by_row)[:ERRORS_MAX],
        is_truncated=is_truncated,
        log=write_log(chain(first, found)) if is_truncated else b"",
    )


def _say_to_sender(part: Part) -> Say:
    """People who fill a sheet are told words, programs codes."""
    is_sheet = part.prepared.header_line is not None
    return tell_in_words(part.kind.columns) if is_sheet else say_as_is


def _quote(came: _PartCame, file: SentFile) -> _PartCame:
    """The errors that are shown, with what their cells hold, and where a spreadsheet shows them."""
    part, findings = came.part, came.findings
    columns, header = part.kind.columns, part.prepared.header_line
    if not (findings.errors or findings.warnings):
        return came
    records = read_records(file.content, file.media_type, columns, part.sheet)
    errors = quote_cells(findings.errors, records, columns, is_sheet=header is not None)
    warnings = findings.warnings
    if header is not None:
        errors, warnings = (
            [replace(e, line=header + e.row) for e in name_columns(found, part.prepared.titles)]
            for found in (errors, warnings)
        )
    return replace(came, findings=replace(findings, errors=errors, warnings=warnings))


def _join(came: Sequence[_PartCame], notices: Sequence[Notice]) -> Findings:
    """The findings of all sheets, in their order in the file, each with its sheet."""
    if len(came) == 1 and not came[0].part.sheet:
        return came[0].findings
    errors = [e for each in came for e in _name_sheet(each, each.findings.errors)]
    is_truncated = len(errors) > ERRORS_MAX or any(c.findings.is_truncated for c in came)
    every = (e for each in came for e in _name_sheet(each, _every(each.findings)))
    return Findings(
        errors=errors[:ERRORS_MAX],
        is_truncated=is_truncated,
        warnings=[e for each in came for e in _name_sheet(each, each.findings.warnings)],
        notices=[
            *notices,
            *(
                replace(notice, sheet=each.part.sheet)
                for each in came
                for notice in each.findings.notices
            ),
        ],
        log=write_log(every) if is_truncated else b"",
    )


def _name_sheet(came: _PartCame, found: Iterable[RowError]) -> Iterator[RowError]:
    return (replace(error, sheet=came.part.sheet) for error in found)


def _every(findings: Findings) -> Iterator[RowError]:
    return read_log(findings.log) if findings.log else iter(findings.errors)
