"""A repayment, validated and typed, on its way to the record; and many of them, by column."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import overload

from services.common.recording import Drafts
from services.common.strict_json import quote
from services.loans.positions.facts import PaymentPurpose


@dataclass(frozen=True, slots=True)
class RepaymentDraft:
    external_id: str
    loan_external_id: str
    paid_on: date
    amount_cents: int
    method: str | None
    purpose: PaymentPurpose | None = None
    keeps_surplus: bool = False

    @property
    def is_special(self) -> bool:
        """Whether it is more than a payment of the next instalments."""
        return self.purpose is not None or self.keeps_surplus

    @property
    def fingerprint(self) -> bytes:
        end = ""
        if self.is_special:
            end = f",{_quote_or_null(self.purpose)},{'true' if self.keeps_surplus else 'false'}"
        return _fingerprint(
            self.external_id,
            quote(self.loan_external_id),
            self.paid_on.isoformat(),
            self.amount_cents,
            _quote_or_null(self.method),
            end,
        )


def _fingerprint(
    external_id: str, loan: str, paid_on: str, amount_cents: int, method: str, end: str = ""
) -> bytes:
    """`canonical` of a list of these, spelled out; the loan and the method are JSON already."""
    content = f'[{quote(external_id)},{loan},"{paid_on}",{amount_cents},{method}{end}]'
    return hashlib.sha256(content.encode()).digest()


def _quote_or_null(text: str | None) -> str:
    return "null" if text is None else quote(text)


@dataclass(slots=True)
class RepaymentDrafts(Drafts[RepaymentDraft]):
    """Many by column, for a sheet can hold two hundred thousand; each is made when asked for.

    `special` holds those that are, by their places. Fingerprints are made when first asked for.
    """

    external_ids: list[str] = field(default_factory=list)
    loan_external_ids: list[str] = field(default_factory=list)
    paid_on: list[date] = field(default_factory=list)
    amounts_cents: list[int] = field(default_factory=list)
    methods: list[str | None] = field(default_factory=list)
    special: dict[int, RepaymentDraft] = field(default_factory=dict)
    _fingerprints: list[bytes] = field(default_factory=list, init=False)

    def append(self, draft: RepaymentDraft, /) -> None:
        if draft.is_special:
            self.special[len(self)] = draft
        self.external_ids.append(draft.external_id)
        self.loan_external_ids.append(draft.loan_external_id)
        self.paid_on.append(draft.paid_on)
        self.amounts_cents.append(draft.amount_cents)
        self.methods.append(draft.method)

    def extend(self, drafts: Iterable[RepaymentDraft], /) -> None:
        others = by_column(drafts)
        self.special |= {len(self) + row: draft for row, draft in others.special.items()}
        self.external_ids += others.external_ids
        self.loan_external_ids += others.loan_external_ids
        self.paid_on += others.paid_on
        self.amounts_cents += others.amounts_cents
        self.methods += others.methods

    @property
    def fingerprints(self) -> Sequence[bytes]:
        first = len(self._fingerprints)
        loans, days = self.loan_external_ids[first:], self.paid_on[first:]
        methods = self.methods[first:]
        # Many are of one loan, of one day: what they share is written once.
        loan_texts = {loan: quote(loan) for loan in set(loans)}
        day_texts = {day: day.isoformat() for day in set(days)}
        method_texts = {method: _quote_or_null(method) for method in set(methods)}
        self._fingerprints += map(
            _fingerprint,
            self.external_ids[first:],
            map(loan_texts.__getitem__, loans),
            map(day_texts.__getitem__, days),
            self.amounts_cents[first:],
            map(method_texts.__getitem__, methods),
        )
        for row, draft in self.special.items():
            self._fingerprints[row] = draft.fingerprint
        return self._fingerprints

    def __len__(self) -> int:
        return len(self.external_ids)

    @overload
    def __getitem__(self, row: int) -> RepaymentDraft: ...

    @overload
    def __getitem__(self, row: slice) -> "RepaymentDrafts": ...

    def __getitem__(self, row: int | slice) -> "RepaymentDraft | RepaymentDrafts":
        if isinstance(row, slice):
            return self.take(range(*row.indices(len(self))))
        return self.special.get(row) or RepaymentDraft(
            self.external_ids[row],
            self.loan_external_ids[row],
            self.paid_on[row],
            self.amounts_cents[row],
            self.methods[row],
        )

    @property
    def purposes(self) -> list[PaymentPurpose | None]:
        found: list[PaymentPurpose | None] = [None] * len(self)
        for row, draft in self.special.items():
            found[row] = draft.purpose
        return found

    @property
    def surpluses(self) -> list[str | None]:
        found: list[str | None] = [None] * len(self)
        for row, draft in self.special.items():
            found[row] = "credit" if draft.keeps_surplus else None
        return found

    def take(self, rows: Sequence[int]) -> "RepaymentDrafts":
        """Those of some rows, in ascending order."""
        if len(rows) == len(self):
            return self
        taken = RepaymentDrafts(
            [self.external_ids[row] for row in rows],
            [self.loan_external_ids[row] for row in rows],
            [self.paid_on[row] for row in rows],
            [self.amounts_cents[row] for row in rows],
            [self.methods[row] for row in rows],
            {place: self.special[row] for place, row in enumerate(rows) if row in self.special},
        )
        fingerprints = self.fingerprints
        taken._fingerprints = [fingerprints[row] for row in rows]
        return taken

    def but(self, special: dict[int, RepaymentDraft]) -> "RepaymentDrafts":
        """The same with other drafts, all of them special, in some places."""
        return replace(self, special=self.special | special)


def by_column(drafts: Iterable[RepaymentDraft]) -> RepaymentDrafts:
    if isinstance(drafts, RepaymentDrafts):
        return drafts
    columns = RepaymentDrafts()
    for draft in drafts:
        columns.append(draft)
    return columns
