"""The import columns of the contract, one typed row per kind, and their CSV text.

A row is a tuple in the order of its columns; every value is already the text of its cell.
"""

import csv
import io
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, NamedTuple

ImportKind = Literal[
    "contributions", "borrowers", "loans", "repayments", "coaching-sessions", "outcomes"
]


class BorrowerRow(NamedTuple):
    external_id: str
    kind: str
    given_name: str
    family_name: str
    legal_name: str
    birth_year: str
    gender: str
    region_code: str
    municipality: str
    postal_code: str
    clienteles: str
    enterprise_name: str
    sector_code: str
    social_economy: str


class LoanRow(NamedTuple):
    external_id: str
    borrower_external_id: str
    borrower_kind: str
    gender: str
    birth_year: str
    clienteles: str
    region_code: str
    municipality: str
    product: str
    stage: str
    sector_code: str
    principal: str
    annual_rate: str
    instalments: str
    frequency: str
    contracted_on: str
    disbursed_on: str
    first_due_on: str
    fee: str
    other_financing: str
    funding_state: str
    funding_community: str
    funding_private: str


class RepaymentRow(NamedTuple):
    external_id: str
    loan_external_id: str
    paid_on: str
    amount: str
    method: str


class CoachingSessionRow(NamedTuple):
    external_id: str
    borrower_external_id: str
    loan_external_id: str
    held_on: str
    duration_minutes: str
    mode: str
    stage: str
    topics: str
    coach: str


class OutcomeRow(NamedTuple):
    external_id: str
    loan_external_id: str
    observed_on: str
    business_status: str
    jobs_created: str
    jobs_maintained: str
    turnover: str
    other_financing: str


class ContributionRow(NamedTuple):
    external_id: str
    contributor: str
    contributor_kind: str
    instrument: str
    purpose: str
    amount: str
    received_on: str
    annual_rate: str
    repayable_on: str


Row = BorrowerRow | LoanRow | RepaymentRow | CoachingSessionRow | OutcomeRow | ContributionRow


@dataclass(frozen=True, slots=True)
class DemonstrationFile:
    """One import to post: the slug of the member, the kind, the whole CSV text."""

    organisation: str
    kind: ImportKind
    csv: str


def write_csv(columns: tuple[str, ...], rows: Iterable[Row]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()
