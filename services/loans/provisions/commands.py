"""Recording a new provision matrix: after those on record, never in place of one."""

from services.common import audit
from services.common.database import WriteSession
from services.common.errors import JsonValue
from services.common.identity import Principal
from services.common.recording import refuse_backdated
from services.loans.provisions import queries
from services.loans.provisions.arithmetic import Matrix
from services.loans.provisions.schemas import MatrixBody


async def record_matrix(
    session: WriteSession, principal: Principal, body: MatrixBody
) -> tuple[list[Matrix], bool]:
    """Every matrix, the new one last; False when that very one was there already.

    Raises Unprocessable for a date that is not after the newest's.
    """
    matrix = Matrix(body.effective_from, body.to_rules())
    on_record = await queries.load_matrices(session)
    if on_record and matrix == on_record[-1]:
        return on_record, False
    if on_record:
        refuse_backdated(matrix.effective_on, on_record[-1].effective_on)
    await queries.insert_matrix(session, matrix, principal.subject)
    details: dict[str, JsonValue] = {"effective_from": matrix.effective_on.isoformat()}
    await audit.append(session, principal, "provision_matrix.record", details)
    return [*on_record, matrix], True
