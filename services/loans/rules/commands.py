"""Holding facts to the network's rules as they are recorded; recording a new version of a rule."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date

from services.common import audit, outbox
from services.common.database import WriteSession
from services.common.errors import InputError, JsonValue
from services.common.idempotency import Answered, created, replayed
from services.common.identity import Principal
from services.common.recording import to_problem
from services.common.text import Text
from services.loans.rules.arithmetic import Facts, find_broken
from services.loans.rules.queries import insert_rule, list_rules, list_versions
from services.loans.rules.schemas import RuleBody, show_rule

LOCATION = "/v1/validation-rules"

Found = dict[int, list[InputError]]


async def check_rows(
    session: WriteSession,
    kind: str,
    rows: Mapping[int, date],
    describe: Callable[[int], Facts],
    refused: Found,
) -> Mapping[int, Sequence[InputError]]:
    """Hold rows of a batch, each with the date it counts on, to the rules of their kind.

    Adds broken errors to `refused`; returns the warnings. `describe` is asked only when the kind
    has rules. One statement, whatever the number of rows.
    """
    rules = await list_rules(session, [kind])
    if not rules:
        return {}
    warned: Found = {}
    facts = [(day, describe(row)) for row, day in rows.items()]
    for row, broken in zip(rows, find_broken(rules, facts), strict=True):
        for rule in broken:
            found = refused if rule.severity == "error" else warned
            found.setdefault(row, []).append(rule.to_error())
    return warned


def join_found(*parts: Mapping[int, Sequence[InputError]]) -> Found:
    """What several checks say of the same rows."""
    joined: Found = {}
    for part in parts:
        for row, found in part.items():
            joined.setdefault(row, []).extend(found)
    return joined


async def record_rule(
    session: WriteSession, principal: Principal, body: RuleBody, today: date
) -> Answered:
    """Add a version, unless the newest says the same. Raises Unprocessable.

    What refuses begins today at the earliest: facts on record are not found wrong afterwards, in
    months that were signed.
    """
    versions = await list_versions(session, body.code)
    newest = versions[-1].version if versions else 0
    if versions and body.to_rule(newest) == versions[-1]:
        return replayed(show_rule(versions[-1]), LOCATION)
    rule = body.to_rule(newest + 1)
    if rule.severity == "error" and rule.from_on < today:
        message = Text(
            "Une règle qui refuse ne vaut pas pour le passé : faits déjà inscrits compris.",
            "A rule that refuses does not hold for the past, where facts are on record.",
        )
        raise to_problem([InputError("/from", "validation_rule.past", message)])
    await insert_rule(session, rule, body.to_data(), principal.subject)
    told: dict[str, JsonValue] = {"code": rule.code, "version": rule.version}
    await outbox.append(session, "validation_rule.recorded", told)
    await audit.append(session, principal, "validation_rule.recorded", told)
    return created(show_rule(rule), LOCATION)
