"""Reversing a follow-up fact: reports no longer count it, on any date."""

from collections.abc import Sequence
from uuid import UUID

from services.common import audit, outbox
from services.common.database import WriteSession
from services.common.errors import InputError, JsonValue, NotFound
from services.common.idempotency import Answered, created, replayed
from services.common.identity import Principal
from services.common.locks import require_unlocked
from services.common.recording import CONFLICT, Draft, OnRecord, to_problem
from services.common.text import Text
from services.loans.reversals import queries
from services.loans.reversals.schemas import FollowUpKind


def already_reversed(pointer: str) -> InputError:
    """The refusal of a second reversal with another reason, placed in the body that asks for it."""
    return InputError(
        pointer,
        CONFLICT.code,
        Text(
            "Ce fait est déjà renversé, pour une autre raison.",
            "This fact is already reversed, for another reason.",
        ),
    )


async def reverse_follow_up(
    session: WriteSession, principal: Principal, kind: FollowUpKind, fact_id: UUID, reason: str
) -> Answered:
    """Take out a coaching session or an outcome. Raises NotFound, Conflict, Unprocessable."""
    fact = await queries.find_follow_up(session, kind, fact_id)
    if fact is None:
        raise NotFound(Text("Fait introuvable.", "Fact not found."))
    if fact.reversal_id is not None and fact.reason != reason:
        raise to_problem([already_reversed("/reason")])
    if fact.reversal_id is None:
        await require_unlocked(session, "", fact.on)
    reversal_id = fact.reversal_id or await queries.insert_reversal(
        session, kind, fact_id, reason, principal.subject
    )
    document: dict[str, JsonValue] = {
        "reversal_id": str(reversal_id),
        "fact": {"kind": kind, "external_id": fact.external_id},
        "reason": reason,
    }
    location = f"/v1/{kind.replace('_', '-')}s"
    if fact.reversal_id is not None:
        return replayed(document, location)
    details: dict[str, JsonValue] = {"kind": kind, "fact_id": str(fact_id)}
    await outbox.append(session, "fact.reversed", details)
    await audit.append(session, principal, "fact.reversed", details)
    return created(document, location)


async def reverse_replaced(
    session: WriteSession,
    principal: Principal,
    kind: FollowUpKind,
    replaced: Sequence[OnRecord[Draft]],
    reason: str | None,
) -> None:
    """Take out the follow-up facts that corrections replace, those that still stand."""
    gone = [old.fact_id for old in replaced if not old.is_reversed]
    if not gone:
        return
    assert reason is not None, "a correction has a reason"
    await queries.insert_reversals(session, kind, gone, reason, principal.subject)
    told: list[JsonValue] = [{"kind": kind, "fact_id": str(fact_id)} for fact_id in gone]
    await outbox.append_all(session, "fact.reversed", told)
    details: dict[str, JsonValue] = {"kind": kind, "count": len(gone)}
    await audit.append(session, principal, "facts.corrected", details)
