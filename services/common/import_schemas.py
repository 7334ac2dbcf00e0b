"""What is answered about an import."""

import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from pydantic import Field

from services.common.columns import Notice, RowError
from services.common.fields import Answer
from services.common.import_job_queries import ImportJob, JobState
from services.common.import_kinds import Findings
from services.common.import_queries import (
    Counts,
    Import,
    MappingUsed,
    Mode,
    OnChange,
    Outcome,
)
from services.common.oddities import WARNINGS_MAX
from services.common.recording import FieldChange, Say
from services.common.tabular import PARSER_VERSION
from services.common.text import Language

_SHEET = "D'un classeur de plusieurs sortes seulement."


def _is_none(value: object) -> bool:
    return value is None


class CountsAnswer(Answer):
    received: int = Field(description="Lignes reçues.")
    created: int = Field(description="Lignes inscrites.")
    unchanged: int = Field(description="Lignes déjà inscrites avec le même contenu.")
    rejected: int = Field(description="Lignes à corriger.")


class RowErrorAnswer(Answer):
    sheet: str | None = Field(None, description=_SHEET, exclude_if=_is_none)
    row: int = Field(description="La première ligne sous les titres est 1 ; les titres sont 0.")
    line: int | None = Field(
        None,
        description="Le numéro que montre un tableur ; d'une feuille ou d'un CSV seulement.",
        exclude_if=_is_none,
    )
    column: str = Field(description="Vide quand toute la ligne est en cause.")
    title: str | None = Field(
        None, description="Votre titre de la colonne, quand elle en a un.", exclude_if=_is_none
    )
    code: str
    message: str


class NoticeAnswer(Answer):
    sheet: str | None = Field(None, description=_SHEET, exclude_if=_is_none)
    code: str
    message: str


class WordAnswer(Answer):
    fr: str
    en: str


_WORD = Field(None, description="Le mot de ce code, d'une feuille.", exclude_if=_is_none)


class FieldChangeAnswer(Answer):
    column: str
    title: str | None = Field(
        None, description="Votre titre de la colonne, quand elle en a un.", exclude_if=_is_none
    )
    before: str | None = Field(description="Ce qui est inscrit.")
    after: str | None = Field(description="Ce qui est envoyé.")
    before_word: WordAnswer | None = _WORD
    after_word: WordAnswer | None = _WORD


class RowChangeAnswer(Answer):
    """A row that says something else of a fact on record."""

    sheet: str | None = Field(None, description=_SHEET, exclude_if=_is_none)
    row: int
    line: int | None = Field(None, exclude_if=_is_none)
    external_id: str
    fields: list[FieldChangeAnswer]


class SheetAnswer(Answer):
    """What came of one sheet of a workbook."""

    sheet: str
    kind: str
    counts: CountsAnswer
    corrected: int


class KindMappingAnswer(Answer):
    """The version of a mapping that the sheets of a kind were read with."""

    kind: str
    name: str
    version: int


class TotalsAnswer(Answer):
    before: dict[str, int | str]
    after: dict[str, int | str]


class ReportAnswer(Answer):
    """What an import says beside its counts and errors."""

    on_change: OnChange = "refuse"
    reason: str | None = None
    corrected: int = Field(
        0, description="Lignes inscrites qui corrigent un fait : le reste est nouveau."
    )
    changes: list[RowChangeAnswer] = Field([], description="Les 1 000 premières différences.")
    changes_truncated: bool = False
    absent: int = Field(
        0, description="Faits inscrits que le fichier, déjà envoyé en partie, ne nomme pas."
    )
    sheets: list[SheetAnswer] = Field([], description="Par feuille, pour un classeur.")
    mappings: list[KindMappingAnswer] = Field(
        [], description="Les correspondances suivies, par sorte de lignes."
    )
    totals: TotalsAnswer | None = Field(None, description="Totaux de l'organisation.")


class ImportHead(Answer):
    import_id: str | None = Field(description="Nul pour un essai à blanc.")
    kind: str
    mode: Mode
    dry_run: bool
    counts: CountsAnswer
    errors: list[RowErrorAnswer] = Field(description="Les 1 000 premières, par ligne et colonne.")
    errors_truncated: bool
    warnings: list[RowErrorAnswer] = Field(
        description="Ce qui est admis et étonne : les 1 000 premiers avertissements."
    )
    warnings_truncated: bool
    notices: list[NoticeAnswer] = Field(description="Ce qu'il faut savoir de tout le fichier.")


class ImportAnswer(ReportAnswer, ImportHead):
    """What came of a file, or what would come of it."""


class MappingUsedAnswer(Answer):
    name: str
    version: int


class ImportSummaryAnswer(Answer):
    import_id: str
    kind: str
    mode: Mode
    state: JobState = Field(description="`done` ou `refused` pour un import déjà répondu.")
    outcome: Outcome | None = Field(description="Nul tant que rien n'est décidé.")
    counts: CountsAnswer
    mapping: MappingUsedAnswer | None
    parser_version: int = Field(description="Change quand la lecture des fichiers change.")
    media_type: str
    file_name: str | None
    sha256: str
    byte_count: int
    recorded_at: datetime


class ProgressAnswer(Answer):
    rows_expected: int | None = Field(description="À peu près ; nul quand on ne sait pas.")
    rows_read: int
    rows_checked: int
    rows_stored: int = Field(
        description="Compte feuille par feuille : les lignes d'une feuille s'inscrivent ensemble. "
        "Acquises seulement quand l'état est `done`."
    )
    remaining_seconds: int | None = Field(description="Une estimation ; nul quand on ne sait pas.")


class ImportProblemAnswer(Answer):
    status: int
    code: str
    title: str
    detail: str


class ImportRecordAnswer(ReportAnswer, ImportSummaryAnswer):
    dry_run: bool
    errors: list[RowErrorAnswer]
    errors_truncated: bool
    progress: ProgressAnswer | None = Field(description="D'un long import seulement.")
    problem: ImportProblemAnswer | None = Field(
        description="Pourquoi un long import s'est terminé sans rien à corriger ligne par ligne."
    )
    warnings: list[RowErrorAnswer]
    warnings_truncated: bool
    notices: list[NoticeAnswer]


class ImportPageAnswer(Answer):
    items: list[ImportSummaryAnswer]
    next: str | None


def format_import_id(service_name: str, import_id: uuid.UUID) -> str:
    """The public identifier; its first word tells the gateway where the import is kept."""
    return f"{service_name}-{import_id}"


def parse_import_id(service_name: str, public_id: str) -> uuid.UUID | None:
    """The identifier inside the service; None when it is not one of its own."""
    try:
        import_id = uuid.UUID(public_id.removeprefix(f"{service_name}-"))
    except ValueError:
        return None
    return import_id if format_import_id(service_name, import_id) == public_id else None


def to_error_answers(found: Sequence[RowError], language: Language) -> list[RowErrorAnswer]:
    return [
        RowErrorAnswer(
            sheet=e.sheet or None,
            row=e.row,
            line=e.line,
            column=e.column,
            title=e.title or None,
            code=e.code,
            message=e.message.read(language),
        )
        for e in found
    ]


def to_change_answer(
    sheet: str,
    row: int,
    line: int | None,
    external_id: str,
    changes: Sequence[FieldChange],
    titles: Mapping[str, str],
    say: Say,
) -> RowChangeAnswer:
    """`titles` are what the sender calls our columns, `say` gives the words for their codes."""
    return RowChangeAnswer(
        sheet=sheet or None,
        row=row,
        line=line,
        external_id=external_id,
        fields=[
            FieldChangeAnswer(
                column=c.column,
                title=titles.get(c.column),
                before=c.before,
                after=c.after,
                before_word=_to_word_answer(c.column, c.before, say),
                after_word=_to_word_answer(c.column, c.after, say),
            )
            for c in changes
        ],
    )


def _to_word_answer(column: str, value: str | None, say: Say) -> WordAnswer | None:
    if value is None:
        return None
    word = say(column, value)
    return None if word.fr == word.en == value else WordAnswer(fr=word.fr, en=word.en)


def to_notice_answers(found: Sequence[Notice], language: Language) -> list[NoticeAnswer]:
    return [
        NoticeAnswer(sheet=n.sheet or None, code=n.code, message=n.message.read(language))
        for n in found
    ]


def to_mapping_used_answer(used: MappingUsed) -> MappingUsedAnswer:
    return MappingUsedAnswer(name=used.name, version=used.version)


def to_kind_mapping_answers(used: Mapping[str, MappingUsed]) -> list[KindMappingAnswer]:
    return [KindMappingAnswer(kind=k, name=m.name, version=m.version) for k, m in used.items()]


def to_counts_answer(counts: Counts) -> CountsAnswer:
    return CountsAnswer(
        received=counts.received,
        created=counts.created,
        unchanged=counts.unchanged,
        rejected=counts.rejected,
    )


def to_summary_answer(found: Import, service_name: str) -> ImportSummaryAnswer:
    return ImportSummaryAnswer(
        import_id=format_import_id(service_name, found.import_id),
        kind=found.kind,
        mode=found.mode,
        state="done" if found.outcome == "recorded" else "refused",
        outcome=found.outcome,
        counts=to_counts_answer(found.counts),
        mapping=None if found.mapping is None else to_mapping_used_answer(found.mapping),
        parser_version=found.parser_version,
        media_type=found.media_type,
        file_name=found.file_name,
        sha256=found.sha256.hex(),
        byte_count=found.byte_count,
        recorded_at=found.recorded_at.astimezone(UTC),
    )


def to_record_answer(
    found: Import,
    findings: Findings,
    job: ImportJob | None,
    service_name: str,
    language: Language,
) -> ImportRecordAnswer:
    return ImportRecordAnswer(
        **dict(to_summary_answer(found, service_name)),
        **dict(ReportAnswer.model_validate(found.report)),
        dry_run=False,
        errors=to_error_answers(findings.errors, language),
        errors_truncated=findings.is_truncated,
        warnings=to_error_answers(findings.warnings[:WARNINGS_MAX], language),
        warnings_truncated=len(findings.warnings) > WARNINGS_MAX,
        notices=to_notice_answers(findings.notices, language),
        progress=None if job is None else _to_progress_answer(job),
        problem=None,
    )


def to_job_summary(job: ImportJob, service_name: str) -> ImportSummaryAnswer:
    """A long import of which there is nothing on record, or not yet."""
    return ImportSummaryAnswer(
        import_id=format_import_id(service_name, job.import_id),
        kind=job.kind,
        mode=job.mode,
        state=job.advance.state,
        outcome=None,
        counts=CountsAnswer(received=job.advance.read, created=0, unchanged=0, rejected=0),
        mapping=None if job.mapping is None else to_mapping_used_answer(job.mapping),
        parser_version=PARSER_VERSION,
        media_type=job.media_type,
        file_name=job.file_name,
        sha256=job.sha256.hex(),
        byte_count=job.byte_count,
        recorded_at=job.accepted_at.astimezone(UTC),
    )


def to_job_answer(job: ImportJob, service_name: str, language: Language) -> ImportRecordAnswer:
    problem = job.problem
    on_change: OnChange = "refuse" if job.reason is None else "correct"
    return ImportRecordAnswer(
        **dict(to_job_summary(job, service_name)),
        **dict(
            ReportAnswer(
                on_change=on_change,
                reason=job.reason,
                mappings=to_kind_mapping_answers(job.mappings),
            )
        ),
        dry_run=False,
        errors=[],
        errors_truncated=False,
        warnings=[],
        warnings_truncated=False,
        notices=[],
        progress=_to_progress_answer(job),
        problem=None
        if problem is None
        else ImportProblemAnswer(
            status=problem.status,
            code=problem.code,
            title=problem.title.read(language),
            detail=problem.detail.read(language),
        ),
    )


def _to_progress_answer(job: ImportJob) -> ProgressAnswer:
    advance = job.advance
    return ProgressAnswer(
        rows_expected=job.expected,
        rows_read=advance.read,
        rows_checked=advance.checked,
        rows_stored=advance.stored,
        remaining_seconds=advance.remaining_seconds,
    )
