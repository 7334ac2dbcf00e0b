"""Finding what was sent: on record, on its way to it, or no longer kept."""

import uuid

from services.common.database import ReadSession
from services.common.errors import Gone, not_found
from services.common.import_job_queries import find_job
from services.common.import_queries import DroppedFile, SentFile, find_import
from services.common.import_schemas import (
    ImportRecordAnswer,
    parse_import_id,
    to_job_answer,
    to_record_answer,
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
