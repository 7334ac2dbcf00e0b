"""Holding facts to the network's rules as they are recorded."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date

from services.common.database import WriteSession
from services.common.errors import InputError
from services.loans.rules.arithmetic import Facts, find_broken
from services.loans.rules.queries import list_rules

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
