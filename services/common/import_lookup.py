"""Finding what was sent: on record, on its way to it, or no longer kept."""

import uuid
from collections.abc import Sequence

from services.common.database import ReadSession
from services.common.errors import Gone, not_found
from services.common.import_job_queries import find_job, list_jobs
from services.common.import_queries import DroppedFile, SentFile, find_import, list_imports
from services.common.import_schemas import (
    ImportRecordAnswer,
    ImportSummaryAnswer,
    parse_import_id,
    to_job_answer,
    to_job_summary,
    to_record_answer,
    to_summary_answer,
)
from services.common.messages import MESSAGES
from services.common.text import Language, Text

IMPORT = Text("Import", "Import")


def own_id_of(service_name: str, public_id: str) -> uuid.UUID:
    """The identifier inside the service. Raises NotFound for one of another."""
    import_id = parse_import_id(service_name, public_id)
    if import_id is None:
        raise not_found(IMPORT)
    return import_id


async def describe_import(
    session: ReadSession, service_name: str, import_id: uuid.UUID, language: Language
) -> ImportRecordAnswer:
    """An import on record, or one on its way to it. Raises NotFound."""
    job = await find_job(session, import_id)
    found = await find_import(session, import_id)
    if found is not None:
        return to_record_answer(*found, job, service_name, language)
    if job is not None:
        return to_job_answer(job, service_name, language)
    raise not_found(IMPORT)


async def list_described(
    session: ReadSession, service_name: str, kinds: Sequence[str], before: uuid.UUID, limit: int
) -> list[ImportSummaryAnswer]:
    """Newest first, what is on record and what is not, or not yet."""
    items = [
        *(
            (each.import_id, to_summary_answer(each, service_name))
            for each in await list_imports(session, kinds, before, limit)
        ),
        *(
            (each.import_id, to_job_summary(each, service_name))
            for each in await list_jobs(session, kinds, before, limit)
        ),
    ]
    newest = sorted(items, key=lambda item: item[0], reverse=True)
    return [answer for _, answer in newest[:limit]]


def require_content(file: SentFile | DroppedFile | None) -> SentFile:
    """The file of an import. Raises NotFound, and Gone when only its hash is kept."""
    if file is None:
        raise not_found(IMPORT)
    if isinstance(file, DroppedFile):
        raise Gone(
            MESSAGES["import.file_dropped"],
            code="import.file_dropped",
            extra={"sha256": file.sha256.hex()},
        )
    return file
