"""What may be recorded of a contribution, and what is left of it. Amounts are in cents."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from services.common.errors import InputError, JsonValue
from services.common.money import format_cents, format_rate
from services.common.strict_json import fingerprint
from services.common.text import Text
from services.common.validation import say
from services.funds.vocabulary import (
    REPAYABLE,
    SOURCES,
    ContributorKind,
    Instrument,
    Purpose,
    Source,
)


@dataclass(frozen=True, slots=True)
class ContributionDraft:
    """A contribution as a member tells it: well formed, not yet checked as a whole."""

    external_id: str
    contributor: str
    contributor_kind: ContributorKind
    instrument: Instrument
    purpose: Purpose
    amount_cents: int
    received_on: date
    annual_rate: Decimal | None = None
    repayable_on: date | None = None

    @property
    def source(self) -> Source:
        return SOURCES[self.contributor_kind]

    @property
    def annual_rate_text(self) -> str | None:
        """One writing for one rate: 7, 7.0 and 7.00 are `7`."""
        return None if self.annual_rate is None else format_rate(self.annual_rate)

    @property
    def fingerprint(self) -> bytes:
        return fingerprint(self.content())

    def content(self) -> dict[str, JsonValue]:
        """What makes two posts the same contribution."""
        repayable_on = self.repayable_on
        return {
            "contributor": self.contributor,
            "contributor_kind": self.contributor_kind.value,
            "instrument": self.instrument.value,
            "purpose": self.purpose.value,
            "amount_cents": self.amount_cents,
            "received_on": self.received_on.isoformat(),
            "annual_rate": self.annual_rate_text,
            "repayable_on": None if repayable_on is None else repayable_on.isoformat(),
        }


RATE_REFUSED = Text(
    "Un taux ne convient qu'à un placement.",
    "Only a placement carries a rate.",
)
NOT_REPAYABLE = Text(
    "Seuls un placement et un prêt sans intérêt ont une date de remboursement.",
    "Only a placement and an interest-free loan have a date of repayment.",
)
REPAYABLE_BEFORE_RECEIVED = Text(
    "La date de remboursement précède la réception.",
    "The date of repayment is before the contribution is received.",
)


def check_contribution(draft: ContributionDraft, today: date) -> Iterator[InputError]:
    """What the fields of a contribution cannot say together."""
    if draft.received_on > today:
        yield InputError("/received_on", "date.future", say("date.future", {}))
    if not _may_carry_rate(draft.instrument, draft.annual_rate):
        yield InputError("/annual_rate", "contribution.rate", RATE_REFUSED)
    if draft.repayable_on is not None:
        if draft.instrument not in REPAYABLE:
            yield InputError("/repayable_on", "contribution.not_repayable", NOT_REPAYABLE)
        elif draft.repayable_on < draft.received_on:
            yield InputError(
                "/repayable_on", "contribution.repayable_on", REPAYABLE_BEFORE_RECEIVED
            )


def _may_carry_rate(instrument: Instrument, rate: Decimal | None) -> bool:
    if rate is None or instrument is Instrument.PLACEMENT:
        return True
    return instrument is Instrument.INTEREST_FREE_LOAN and rate == 0


def check_repayment(
    amount_cents: int, repaid_on: date, received_on: date, left_cents: int, today: date
) -> Iterator[InputError]:
    """A repayment happens after the contribution and never takes more than what is left of it."""
    if repaid_on > today:
        yield InputError("/repaid_on", "date.future", say("date.future", {}))
    if repaid_on < received_on:
        yield InputError(
            "/repaid_on",
            "contribution.repaid_before_received",
            Text(
                f"Le remboursement précède la contribution, reçue le {received_on}.",
                f"The repayment is before the contribution, received on {received_on}.",
            ),
        )
    if amount_cents > left_cents:
        left = format_cents(left_cents)
        yield InputError(
            "/amount",
            "contribution.left_exceeded",
            Text(
                f"Il ne reste que {left} $ de cette contribution.",
                f"Only ${left} is left of this contribution.",
            ),
        )


@dataclass(frozen=True, slots=True)
class Movement:
    """The net amount, over many facts, of one kind of contributor in one form for one purpose."""

    contributor_kind: ContributorKind
    instrument: Instrument
    purpose: Purpose
    amount_cents: int


@dataclass(frozen=True, slots=True)
class Balance:
    """What contributors have in a fund, by source: money received, and guarantees promised."""

    capital: Mapping[Source, int]
    operations: Mapping[Source, int]
    guarantees: Mapping[Source, int]


def sum_by_source(movements: Iterable[Movement]) -> Balance:
    """Every source is there, with zero when nothing came from it."""
    purposes = {purpose: dict.fromkeys(Source, 0) for purpose in Purpose}
    guarantees = dict.fromkeys(Source, 0)
    for movement in movements:
        is_guarantee = movement.instrument is Instrument.GUARANTEE
        amounts = guarantees if is_guarantee else purposes[movement.purpose]
        amounts[SOURCES[movement.contributor_kind]] += movement.amount_cents
    return Balance(purposes[Purpose.CAPITAL], purposes[Purpose.OPERATIONS], guarantees)
