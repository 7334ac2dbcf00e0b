"""The SQL of contributions and of the repayments made to contributors."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Row, text

from services.common.database import ReadSession, WriteSession
from services.funds.contributions.arithmetic import ContributionDraft, Movement
from services.funds.vocabulary import ContributorKind, Instrument, Purpose


@dataclass(frozen=True, slots=True)
class Contribution:
    """A contribution on record, with what became of it. `left_cents` is zero once reversed."""

    contribution_id: UUID
    draft: ContributionDraft
    recorded_at: datetime
    is_reversed: bool
    repaid_cents: int
    revision: int

    @property
    def left_cents(self) -> int:
        return 0 if self.is_reversed else self.draft.amount_cents - self.repaid_cents


@dataclass(frozen=True, slots=True)
class Repayment:
    """Money paid back to a contributor."""

    repayment_id: UUID
    external_id: str
    contribution_id: UUID
    amount_cents: int
    repaid_on: date
    fingerprint: bytes
    recorded_at: datetime
    is_reversed: bool


async def insert_contributions(
    session: WriteSession,
    drafts: Sequence[ContributionDraft],
    revisions: Sequence[int],
    subject: str,
) -> dict[str, UUID]:
    """Insert contributions, new or revised; returns their identifiers by external_id."""
    rows = await session.connection.execute(
        _INSERT,
        {
            "organisation": session.organisation_id,
            "subject": subject,
            "external_ids": [draft.external_id for draft in drafts],
            "fingerprints": [draft.fingerprint for draft in drafts],
            "contributors": [draft.contributor for draft in drafts],
            "kinds": [draft.contributor_kind.value for draft in drafts],
            "instruments": [draft.instrument.value for draft in drafts],
            "purposes": [draft.purpose.value for draft in drafts],
            "amounts": [draft.amount_cents for draft in drafts],
            "received": [draft.received_on for draft in drafts],
            "rates": [draft.annual_rate for draft in drafts],
            "repayable": [draft.repayable_on for draft in drafts],
            "revisions": list(revisions),
        },
    )
    return {row.external_id: row.contribution_id for row in rows}


async def find_on_record(
    session: ReadSession, external_ids: Sequence[str]
) -> dict[str, Contribution]:
    """The newest revision of each."""
    if not external_ids:
        return {}
    rows = await session.connection.execute(
        _ON_RECORD, {"organisation": session.organisation_id, "external_ids": list(external_ids)}
    )
    return {row.external_id: _contribution(row) for row in rows}


async def reverse_contributions(
    session: WriteSession,
    contribution_ids: Sequence[UUID],
    reason: str,
    contents: Sequence[bytes],
    subject: str,
) -> dict[UUID, UUID]:
    """Reverse contributions that stand; returns the reversals by contribution."""
    rows = await session.connection.execute(
        _REVERSE,
        {
            "organisation": session.organisation_id,
            "contributions": list(contribution_ids),
            "fingerprints": list(contents),
            "reason": reason,
            "subject": subject,
        },
    )
    return {row.contribution_id: row.reversal_id for row in rows}


async def count_absent(session: ReadSession, external_ids: Sequence[str]) -> int:
    """How many contributions stand and are none of these."""
    row = await session.connection.execute(
        _ABSENT, {"organisation": session.organisation_id, "external_ids": list(external_ids)}
    )
    return int(row.scalar_one())


async def read_fingerprints(
    session: ReadSession, external_ids: Sequence[str]
) -> Mapping[str, bytes]:
    """The fingerprints of the newest revisions on record, by external_id."""
    rows = await session.connection.execute(
        _FINGERPRINTS,
        {"organisation": session.organisation_id, "external_ids": list(external_ids)},
    )
    return {row.external_id: row.fingerprint for row in rows}


async def find_contribution(session: ReadSession, contribution_id: UUID) -> Contribution | None:
    rows = await session.connection.execute(
        _FIND, {"organisation": session.organisation_id, "contribution": contribution_id}
    )
    return next(map(_contribution, rows), None)


async def find_contribution_told_as(session: ReadSession, external_id: str) -> Contribution | None:
    rows = await session.connection.execute(
        _FIND_TOLD, {"organisation": session.organisation_id, "external_id": external_id}
    )
    return next(map(_contribution, rows), None)


async def list_contributions(session: ReadSession, after: UUID, limit: int) -> list[Contribution]:
    """In the order of their recording."""
    rows = await session.connection.execute(
        _LIST, {"organisation": session.organisation_id, "after": after, "limit": limit}
    )
    return [_contribution(row) for row in rows]


async def insert_repayment(
    session: WriteSession,
    external_id: str,
    contribution_id: UUID,
    amount_cents: int,
    repaid_on: date,
    content: bytes,
    subject: str,
) -> Repayment:
    row = (
        await session.connection.execute(
            _INSERT_REPAYMENT,
            {
                "organisation": session.organisation_id,
                "external_id": external_id,
                "contribution": contribution_id,
                "amount": amount_cents,
                "repaid_on": repaid_on,
                "fingerprint": content,
                "subject": subject,
            },
        )
    ).one()
    return Repayment(
        row.repayment_id,
        external_id,
        contribution_id,
        amount_cents,
        repaid_on,
        content,
        row.recorded_at,
        is_reversed=False,
    )


async def find_repayment(session: ReadSession, repayment_id: UUID) -> Repayment | None:
    rows = await session.connection.execute(
        _FIND_REPAYMENT, {"organisation": session.organisation_id, "repayment": repayment_id}
    )
    return next(map(_repayment, rows), None)


async def find_repayment_told_as(session: ReadSession, external_id: str) -> Repayment | None:
    rows = await session.connection.execute(
        _FIND_REPAYMENT_TOLD, {"organisation": session.organisation_id, "external_id": external_id}
    )
    return next(map(_repayment, rows), None)


async def list_repayments(session: ReadSession, after: UUID, limit: int) -> list[Repayment]:
    """In the order of their recording."""
    rows = await session.connection.execute(
        _LIST_REPAYMENTS, {"organisation": session.organisation_id, "after": after, "limit": limit}
    )
    return [_repayment(row) for row in rows]


async def sum_movements(session: ReadSession, as_of: date) -> list[Movement]:
    """What the facts dated up to `as_of` add up to, by kind of contributor, form and purpose."""
    rows = await session.connection.execute(
        _MOVEMENTS, {"organisation": session.organisation_id, "as_of": as_of}
    )
    return [
        Movement(
            ContributorKind(row.contributor_kind),
            Instrument(row.instrument),
            Purpose(row.purpose),
            int(row.amount_cents),
        )
        for row in rows
    ]


def _contribution(row: Row[tuple[object, ...]]) -> Contribution:
    return Contribution(
        row.contribution_id,
        ContributionDraft(
            row.external_id,
            row.contributor,
            ContributorKind(row.contributor_kind),
            Instrument(row.instrument),
            Purpose(row.purpose),
            row.amount_cents,
            row.received_on,
            row.annual_rate,
            row.repayable_on,
        ),
        row.recorded_at,
        row.is_reversed,
        int(row.repaid_cents),
        row.revision,
    )


def _repayment(row: Row[tuple[object, ...]]) -> Repayment:
    return Repayment(
        row.repayment_id,
        row.external_id,
        row.contribution_id,
        row.amount_cents,
        row.repaid_on,
        row.fingerprint,
        row.recorded_at,
        row.is_reversed,
    )


_INSERT = text(
    """
    INSERT INTO contributions
        (organisation_id, recorded_by, external_id, fingerprint, contributor, contributor_kind,
         instrument, purpose, amount_cents, received_on, annual_rate, repayable_on, revision)
    SELECT cast(:organisation AS uuid), cast(:subject AS text), * FROM unnest(
        cast(:external_ids AS text[]), cast(:fingerprints AS bytea[]),
        cast(:contributors AS text[]), cast(:kinds AS text[]), cast(:instruments AS text[]),
        cast(:purposes AS text[]), cast(:amounts AS bigint[]), cast(:received AS date[]),
        cast(:rates AS numeric[]), cast(:repayable AS date[]), cast(:revisions AS integer[])
    )
    RETURNING external_id, contribution_id
    """
)
_FINGERPRINTS = text(
    """
    SELECT external_id, fingerprint FROM contributions
    WHERE organisation_id = :organisation AND external_id = ANY(cast(:external_ids AS text[]))
    ORDER BY revision
    """
)
_IS_REVERSED = """EXISTS (
    SELECT FROM contribution_reversals s
    WHERE s.organisation_id = {fact}.organisation_id AND s.{key} = {fact}.{key}
)"""
_CONTRIBUTION_REVERSED = _IS_REVERSED.format(fact="c", key="contribution_id")
_REPAYMENT_REVERSED = _IS_REVERSED.format(fact="r", key="repayment_id")
_CONTRIBUTIONS = f"""
    SELECT c.*, {_CONTRIBUTION_REVERSED} AS is_reversed, (
        SELECT coalesce(sum(r.amount_cents), 0) FROM contribution_repayments r
        WHERE r.organisation_id = c.organisation_id AND r.contribution_id = c.contribution_id
          AND NOT {_REPAYMENT_REVERSED}
    ) AS repaid_cents
    FROM contributions c WHERE c.organisation_id = :organisation
"""
_FIND = text(f"{_CONTRIBUTIONS} AND c.contribution_id = :contribution")
_FIND_TOLD = text(
    f"{_CONTRIBUTIONS} AND c.external_id = :external_id ORDER BY c.revision DESC LIMIT 1"
)
_ON_RECORD = text(
    f"{_CONTRIBUTIONS} AND c.external_id = ANY(cast(:external_ids AS text[])) ORDER BY c.revision"
)
_REVERSE = text(
    """
    INSERT INTO contribution_reversals
        (organisation_id, contribution_id, reason, fingerprint, recorded_by)
    SELECT cast(:organisation AS uuid), gone.contribution_id, cast(:reason AS text),
           gone.fingerprint, cast(:subject AS text)
    FROM unnest(cast(:contributions AS uuid[]), cast(:fingerprints AS bytea[]))
         AS gone (contribution_id, fingerprint)
    RETURNING contribution_id, reversal_id
    """
)
_ABSENT = text(
    f"""
    SELECT count(*) FROM contributions c
    WHERE c.organisation_id = :organisation AND NOT {_CONTRIBUTION_REVERSED}
      AND NOT EXISTS (SELECT FROM unnest(cast(:external_ids AS text[])) AS sent (name)
                      WHERE sent.name = c.external_id)
    """
)
_LIST = text(
    f"{_CONTRIBUTIONS} AND c.contribution_id > :after ORDER BY c.contribution_id LIMIT :limit"
)
_INSERT_REPAYMENT = text(
    """
    INSERT INTO contribution_repayments
        (organisation_id, external_id, contribution_id, amount_cents, repaid_on, fingerprint,
         recorded_by)
    VALUES (:organisation, :external_id, :contribution, :amount, :repaid_on, :fingerprint, :subject)
    RETURNING repayment_id, recorded_at
    """
)
_REPAYMENTS = f"""
    SELECT r.*, {_REPAYMENT_REVERSED} AS is_reversed
    FROM contribution_repayments r WHERE r.organisation_id = :organisation
"""
_FIND_REPAYMENT = text(f"{_REPAYMENTS} AND r.repayment_id = :repayment")
_FIND_REPAYMENT_TOLD = text(f"{_REPAYMENTS} AND r.external_id = :external_id")
_LIST_REPAYMENTS = text(
    f"{_REPAYMENTS} AND r.repayment_id > :after ORDER BY r.repayment_id LIMIT :limit"
)
_MOVEMENTS = text(
    f"""
    SELECT contributor_kind, instrument, purpose, sum(amount_cents) AS amount_cents
    FROM (
        SELECT c.contributor_kind, c.instrument, c.purpose, c.amount_cents
        FROM contributions c
        WHERE c.organisation_id = :organisation AND c.received_on <= :as_of
          AND NOT {_CONTRIBUTION_REVERSED}
        UNION ALL
        SELECT c.contributor_kind, c.instrument, c.purpose, -r.amount_cents
        FROM contribution_repayments r
        JOIN contributions c ON c.organisation_id = r.organisation_id
                            AND c.contribution_id = r.contribution_id
        WHERE r.organisation_id = :organisation AND r.repaid_on <= :as_of
          AND NOT {_REPAYMENT_REVERSED}
    ) AS movements
    GROUP BY contributor_kind, instrument, purpose
    """
)
