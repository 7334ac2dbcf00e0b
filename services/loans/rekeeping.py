"""Keeping anew what an earlier form of the figures kept otherwise. Safe to run at every start.

What a fee took of a repayment's surplus once stood in the repayment's split, on its own date: the
figures, the totals of the days and the journal are moved to the fee's date.
"""

from dataclasses import replace

from pydantic import SecretStr
from sqlalchemy import text

from services.common import outbox
from services.common.database import WriteSession, open_database
from services.common.outbox import read_organisations
from services.loans.positions import queries
from services.loans.positions.arithmetic import replay
from services.loans.positions.figures import compare
from services.loans.positions.telling import EVENT, list_payloads


async def rekeep_figures(database_url: SecretStr, totals_database_url: SecretStr) -> None:
    """Organisation by organisation, each in one transaction."""
    database = open_database(database_url, 1)
    totals_database = open_database(totals_database_url, 1)
    try:
        async with totals_database.read_totals("rekeeping") as reading:
            organisations = await read_organisations(reading)
        for organisation in organisations:
            async with database.write(organisation) as session:
                await rekeep_credit_uses(session)
    finally:
        await database.close()
        await totals_database.close()


async def rekeep_credit_uses(session: WriteSession) -> None:
    """Only a loan that was charged a fee may be kept otherwise than its facts now say."""
    place = {"organisation": session.organisation_id}
    charged = [row.loan_id for row in await session.connection.execute(_CHARGED, place)]
    if not charged:
        return
    splits = await queries.load_allocations(session)
    uses = await queries.load_credit_uses(session)
    before, after = [], []
    for facts in await queries.load_facts(session, charged):
        now = replay(facts)
        kept_splits, kept_uses = tuple(splits[facts.loan_id]), tuple(uses[facts.loan_id])
        if (kept_splits, kept_uses) != (now.allocations, now.credit_uses):
            before.append((facts, replace(now, allocations=kept_splits, credit_uses=kept_uses)))
            after.append((facts, now))
    figures = compare(before, after)
    await queries.put_figures(session, figures.kept)
    await queries.add_daily_totals(session, figures.days)
    await outbox.append_all(session, EVENT, list_payloads((), figures.moves))


_CHARGED = text("SELECT DISTINCT loan_id FROM fees WHERE organisation_id = :organisation")
