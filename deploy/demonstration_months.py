"""Have the demonstration's months submitted, approved and locked on the days they were meant to be.

Over HTTP everything would happen today and be late: the loans service's own commands are called
with the day of each step instead, under its own role and row-level security.
"""

import asyncio
from datetime import date

from pydantic import SecretStr

from deploy.data_folder import AccessKeys
from deploy.demonstration import ReportedMonth, build_reported_months, first_asked_month
from services.common.database import Database, WriteSession, open_database
from services.common.identity import NO_ORGANISATION, Principal, Role, organisation_id
from services.loans.periods.arithmetic import Signature, Step
from services.loans.periods.asking_commands import record_start
from services.loans.periods.commands import Act, decide, load_month, reject, submit
from services.registry.keys.arithmetic import read_key

_SIGNATURE = Signature(
    "Démonstration", "personne fictive", "Les chiffres de ce mois sont complets et exacts."
)
_GIVEN_BACK = "Il manque des rencontres d'accompagnement : complétez, puis soumettez de nouveau."
_CONNECTIONS = 3


async def report_months(loans_url: SecretStr, keys: AccessKeys, today: date) -> None:
    """Record what is not there yet; a month that took any step is left as it is."""
    database = open_database(loans_url, _CONNECTIONS)
    network = _principal(keys.network, Role.NETWORK)
    turns = asyncio.Semaphore(_CONNECTIONS)

    async def report(member: Principal, months: list[ReportedMonth]) -> None:
        async with turns:  # a connection is not waited for longer than a request would
            await _report(database, network, member, months)

    try:
        first, reported = first_asked_month(today), build_reported_months(today)
        async with database.write(NO_ORGANISATION) as session:
            await record_start(session, network, first, first)
        await asyncio.gather(
            *(
                report(_principal(key, Role.MEMBER, slug), reported[slug])
                for slug, key in keys.members.items()
                if slug in reported
            )
        )
    finally:
        await database.close()


def _principal(key_text: str, role: Role, organisation: str | None = None) -> Principal:
    key = read_key(key_text)
    assert key is not None, "the first start wrote it"
    return Principal(key.key_id, role, organisation)


async def _report(
    database: Database, network: Principal, member: Principal, months: list[ReportedMonth]
) -> None:
    assert member.organisation is not None, "a member has an organisation"
    async with database.write(organisation_id(member.organisation)) as session:
        for month in months:
            await _report_month(session, network, member, month)


async def _report_month(
    session: WriteSession, network: Principal, member: Principal, said: ReportedMonth
) -> None:
    def act(principal: Principal, on: date) -> Act:
        assert member.organisation is not None, "a member has an organisation"
        return Act(principal, member.organisation, said.month, on)

    if (await load_month(session, said.month, said.submitted_on)).events:
        return
    await submit(session, act(member, said.submitted_on), _SIGNATURE, None)
    if said.rejected_on is not None:
        await reject(session, act(network, said.rejected_on), _GIVEN_BACK)
    if said.approved_on is not None:
        await decide(session, act(network, said.approved_on), Step.APPROVED, None)
    if said.locked_on is not None:
        await decide(session, act(network, said.locked_on), Step.LOCKED, None)
