"""The SQL of the journal. Transactions are numbered per organisation, under its write lock."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import text

from services.common.database import ReadSession, WriteSession
from services.funds.journal.accounts import IN_TRANSIT
from services.funds.journal.arithmetic import Kind, Posting, Transaction


@dataclass(frozen=True, slots=True)
class Recorded:
    """A transaction of the journal with its number."""

    number: int
    transaction: Transaction
    recorded_at: datetime


async def read_last_number(session: WriteSession) -> int:
    """The number of the newest transaction; the write lock keeps it the newest."""
    place = {"organisation": session.organisation_id}
    return int((await session.connection.execute(_LAST_NUMBER, place)).scalar_one())


async def insert_transactions(session: WriteSession, numbered: Mapping[int, Transaction]) -> None:
    await session.connection.execute(
        _INSERT_TRANSACTIONS,
        {
            "organisation": session.organisation_id,
            "numbers": list(numbered),
            "kinds": [transaction.kind.value for transaction in numbered.values()],
            "dates": [transaction.occurred_on for transaction in numbered.values()],
            "subjects": [transaction.subject_id for transaction in numbered.values()],
            "facts": [transaction.fact_id for transaction in numbered.values()],
        },
    )
    rows = [
        (number, position, posting, transaction.occurred_on)
        for number, transaction in numbered.items()
        for position, posting in enumerate(transaction.postings, 1)
    ]
    await session.connection.execute(
        _INSERT_POSTINGS,
        {
            "organisation": session.organisation_id,
            "numbers": [number for number, _, _, _ in rows],
            "positions": [position for _, position, _, _ in rows],
            "debits": [posting.debit for _, _, posting, _ in rows],
            "credits": [posting.credit for _, _, posting, _ in rows],
            "amounts": [posting.amount_cents for _, _, posting, _ in rows],
            "dates": [occurred_on for _, _, _, occurred_on in rows],
        },
    )


async def add_to_account_days(
    session: WriteSession, amounts: Mapping[tuple[str, date], int]
) -> None:
    await session.connection.execute(
        _ADD_TO_DAYS,
        {
            "organisation": session.organisation_id,
            "accounts": [account for account, _ in amounts],
            "dates": [day for _, day in amounts],
            "amounts": list(amounts.values()),
        },
    )


async def read_balances(session: ReadSession, as_of: date) -> dict[str, int]:
    """The balance of each account that was ever moved, debits positive, at the end of a day."""
    rows = await session.connection.execute(
        _BALANCES, {"organisation": session.organisation_id, "as_of": as_of}
    )
    return {row.account: int(row.amount_cents) for row in rows}


async def read_account_balance(session: ReadSession, account: str) -> int:
    """The balance of one account, all facts counted."""
    row = await session.connection.execute(
        _BALANCE, {"organisation": session.organisation_id, "account": account}
    )
    return int(row.scalar_one())


async def read_in_transit(session: ReadSession, loan_ids: Collection[str]) -> dict[str, int]:
    """What posted reservations hold for these loans, by loan."""
    rows = await session.connection.execute(
        _IN_TRANSIT,
        {
            "organisation": session.organisation_id,
            "loans": list(loan_ids),
            "account": IN_TRANSIT,
        },
    )
    return {row.subject_id: int(row.amount_cents) for row in rows if row.amount_cents}


async def find_disbursed(session: ReadSession, loan_ids: Collection[str]) -> set[str]:
    """Those of the loans whose disbursement is in the journal."""
    rows = await session.connection.execute(
        _DISBURSED,
        {
            "organisation": session.organisation_id,
            "loans": list(loan_ids),
            "kind": Kind.DISBURSEMENT.value,
        },
    )
    return {row.subject_id for row in rows}


async def list_transactions(
    session: ReadSession, from_on: date, to_on: date, after: int, limit: int
) -> list[Recorded]:
    """Transactions dated in the period, in the order of their recording, with their postings."""
    rows = (
        await session.connection.execute(
            _LIST,
            {
                "organisation": session.organisation_id,
                "from_on": from_on,
                "to_on": to_on,
                "after": after,
                "limit": limit,
            },
        )
    ).all()
    postings: dict[int, list[Posting]] = {row.transaction_number: [] for row in rows}
    for row in await session.connection.execute(
        _POSTINGS, {"organisation": session.organisation_id, "numbers": list(postings)}
    ):
        posting = Posting(row.debit_account, row.credit_account, row.amount_cents)
        postings[row.transaction_number].append(posting)
    return [
        Recorded(
            row.transaction_number,
            Transaction(
                Kind(row.kind),
                row.occurred_on,
                row.subject_id,
                row.fact_id,
                postings[row.transaction_number],
            ),
            row.recorded_at,
        )
        for row in rows
    ]


async def read_cursor(session: ReadSession, source: str) -> int:
    """The number of the last event of `source` that was posted; 0 before the first."""
    row = (
        await session.connection.execute(
            _CURSOR, {"organisation": session.organisation_id, "source": source}
        )
    ).first()
    return 0 if row is None else int(row.last_event_number)


async def read_positions(session: ReadSession, source: str) -> dict[UUID, int]:
    """How far each organisation's events are posted, through the totals role."""
    rows = await session.connection.execute(_POSITIONS, {"source": source})
    return {row.organisation_id: row.last_event_number for row in rows}


async def advance_cursor(session: WriteSession, source: str, number: int) -> None:
    await session.connection.execute(
        _ADVANCE,
        {"organisation": session.organisation_id, "source": source, "number": number},
    )


async def find_day_differences(session: ReadSession) -> Sequence[str]:
    """Where the kept daily amounts are not what the postings add up to: one sentence each."""
    rows = await session.connection.execute(_DIFFERENCES, {"organisation": session.organisation_id})
    return [
        f"account {row.account} on {row.occurred_on}: {row.kept} cents kept, {row.posted} posted"
        for row in rows
    ]


_LAST_NUMBER = text(
    "SELECT coalesce(max(transaction_number), 0) FROM journal_transactions"
    " WHERE organisation_id = :organisation"
)
_INSERT_TRANSACTIONS = text(
    """
    INSERT INTO journal_transactions
        (organisation_id, transaction_number, kind, occurred_on, subject_id, fact_id)
    SELECT cast(:organisation AS uuid), * FROM unnest(
        cast(:numbers AS bigint[]), cast(:kinds AS text[]), cast(:dates AS date[]),
        cast(:subjects AS text[]), cast(:facts AS text[])
    )
    RETURNING transaction_number
    """
)
_INSERT_POSTINGS = text(
    """
    INSERT INTO postings (organisation_id, transaction_number, posting_number, debit_account,
                          credit_account, amount_cents, occurred_on)
    SELECT cast(:organisation AS uuid), * FROM unnest(
        cast(:numbers AS bigint[]), cast(:positions AS integer[]), cast(:debits AS text[]),
        cast(:credits AS text[]), cast(:amounts AS bigint[]), cast(:dates AS date[])
    )
    RETURNING posting_number
    """
)
_ADD_TO_DAYS = text(
    """
    INSERT INTO account_days (organisation_id, account, occurred_on, amount_cents)
    SELECT cast(:organisation AS uuid), * FROM unnest(
        cast(:accounts AS text[]), cast(:dates AS date[]), cast(:amounts AS bigint[])
    )
    ON CONFLICT (organisation_id, account, occurred_on)
    DO UPDATE SET amount_cents = account_days.amount_cents + excluded.amount_cents
    """
)
_BALANCES = text(
    """
    SELECT account, sum(amount_cents) AS amount_cents FROM account_days
    WHERE organisation_id = :organisation AND occurred_on <= :as_of
    GROUP BY account ORDER BY account
    """
)
_BALANCE = text(
    "SELECT coalesce(sum(amount_cents), 0) FROM account_days"
    " WHERE organisation_id = :organisation AND account = :account"
)
_IN_TRANSIT = text(
    """
    SELECT t.subject_id,
           sum(CASE WHEN p.debit_account = :account THEN p.amount_cents
                    WHEN p.credit_account = :account THEN -p.amount_cents
                    ELSE 0 END) AS amount_cents
    FROM journal_transactions t
    JOIN postings p ON p.organisation_id = t.organisation_id
                   AND p.transaction_number = t.transaction_number
    WHERE t.organisation_id = :organisation AND t.subject_id = ANY(cast(:loans AS text[]))
    GROUP BY t.subject_id
    """
)
_DISBURSED = text(
    """
    SELECT DISTINCT subject_id FROM journal_transactions
    WHERE organisation_id = :organisation AND subject_id = ANY(cast(:loans AS text[]))
      AND kind = :kind
    """
)
_LIST = text(
    """
    SELECT transaction_number, kind, occurred_on, subject_id, fact_id, recorded_at
    FROM journal_transactions
    WHERE organisation_id = :organisation AND transaction_number > :after
      AND occurred_on BETWEEN :from_on AND :to_on
    ORDER BY transaction_number LIMIT :limit
    """
)
_POSTINGS = text(
    """
    SELECT transaction_number, debit_account, credit_account, amount_cents FROM postings
    WHERE organisation_id = :organisation
      AND transaction_number = ANY(cast(:numbers AS bigint[]))
    ORDER BY transaction_number, posting_number
    """
)
_CURSOR = text(
    "SELECT last_event_number FROM journal_cursors"
    " WHERE organisation_id = :organisation AND source = :source"
)
_ADVANCE = text(
    """
    INSERT INTO journal_cursors (organisation_id, source, last_event_number)
    VALUES (:organisation, :source, :number)
    ON CONFLICT (organisation_id, source)
    DO UPDATE SET last_event_number = excluded.last_event_number
    """
)
_DIFFERENCES = text(
    """
    WITH posted AS (
        SELECT account, occurred_on, sum(amount_cents) AS amount_cents
        FROM (
            SELECT debit_account AS account, occurred_on, amount_cents FROM postings
            WHERE organisation_id = :organisation
            UNION ALL
            SELECT credit_account, occurred_on, -amount_cents FROM postings
            WHERE organisation_id = :organisation
        ) AS legs
        GROUP BY account, occurred_on
    ), kept AS (
        SELECT account, occurred_on, amount_cents FROM account_days
        WHERE organisation_id = :organisation
    )
    SELECT account, occurred_on, coalesce(kept.amount_cents, 0) AS kept,
           coalesce(posted.amount_cents, 0) AS posted
    FROM kept FULL JOIN posted USING (account, occurred_on)
    WHERE coalesce(kept.amount_cents, 0) <> coalesce(posted.amount_cents, 0)
    ORDER BY account, occurred_on
    """
)
_POSITIONS = text(
    "SELECT organisation_id, last_event_number FROM journal_cursors WHERE source = :source"
)
