"""What may not change once a member has data: migrations that ran, and fingerprints on record.

A migration is followed by another, never edited: a folder made before would stay as it was. A
fingerprint tells whether a fact was sent before: were it computed otherwise, every file sent again
would be in conflict with itself.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from services.common.errors import JsonValue
from services.common.records import JSON, XLSX
from services.common.strict_json import canonical, fingerprint
from services.common.tabular import PARSER_VERSION, read_table
from services.funds.contributions.schemas import ContributionBody
from services.loans.borrowers.schemas import BorrowerBody
from services.loans.coaching_sessions.schemas import CoachingSessionBody
from services.loans.imports.kinds import KINDS
from services.loans.imports.rows import LoanRow
from services.loans.loans.schemas import LoanBody
from services.loans.outcomes.schemas import OutcomeBody
from services.loans.repayments.schemas import RepaymentBody

SERVICES = Path(__file__).parents[2] / "services"

MIGRATIONS: Mapping[str, str] = {
    "2026_11_22_0001_funds.py": "1f4ab2ce447980d7",
    "2026_11_22_0001_loans.py": "78d99c08622f0bba",
    "2026_11_22_0001_registry.py": "8978672b064da072",
    "2026_11_22_0002_funds_mappings.py": "39ee82a37d998b45",
    "2026_11_22_0002_life_of_a_loan.py": "a3917b05e8a07b64",
    "2026_11_22_0003_funds_jobs.py": "81ccecfaece23fcd",
    "2026_11_22_0003_loans_mappings.py": "37d5acb30cb3d6de",
    "2026_11_22_0004_funds_revisions.py": "05d264bcdb42a7cd",
    "2026_11_22_0004_loans_jobs.py": "0eea50a48f0dbfe7",
    "2026_11_22_0005_funds_locks.py": "65decb21ec1c2140",
    "2026_11_22_0005_loans_revisions.py": "304f0ad7e3509aac",
    "2026_11_22_0006_products.py": "82b8cf81753855af",
    "2026_11_22_0007_periods.py": "33d177671561a011",
    "2026_11_22_0008_loan_figures.py": "cfbbe284b34d6b23",
    "2026_11_22_0009_credit_uses.py": "934b88c2effc3593",
    "2026_11_22_0010_overdue_interest.py": "565a3df32fc56fb1",
    "2026_11_22_0011_reporting_starts.py": "9170d9fd3d689045",
}


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def test_migrations_stay_as_they_ran() -> None:
    files = sorted(SERVICES.glob("*/migrations/versions/*.py"))
    assert {file.name: digest(file.read_bytes()) for file in files} == MIGRATIONS


FINGERPRINTS: Mapping[str, str] = {
    "borrower": "efb5c3c85c4a26e4",
    "loan": "00fe6a6d5febd18d",
    "loan row": "49e707131c54a7df",
    "repayment": "36cbeda7014ce9f9",
    "coaching session": "17ce226e51f1e10f",
    "outcome": "09b62d0f9a18c109",
    "contribution": "1373b26e4c5011b7",
}


def test_fingerprints_stay_as_they_are_on_record() -> None:
    terms = {"principal": "1200.00", "annual_rate": "7.50", "instalments": 12}
    borrower = BorrowerBody.model_validate(
        {"external_id": "E1", "kind": "person", "gender": "femme", "clienteles": ["immigrant"]}
    )
    loan = LoanBody.model_validate(
        {
            "external_id": "P1",
            "borrower": {"external_id": "E1"},
            "terms": terms,
            "disbursed_on": "2025-04-15",
            "funding": [{"source": "state", "amount": "600.00"}],
        }
    )
    row = LoanRow.model_validate(
        {"external_id": "P2", "borrower_external_id": "E1", "disbursed_on": "2025-04-15", **terms}
    )
    repayment = RepaymentBody.model_validate(
        {"external_id": "R1", "paid_on": "2025-05-15", "amount": "106.62", "method": "chèque"}
    )
    session = CoachingSessionBody.model_validate(
        {
            "external_id": "S1",
            "borrower": {"external_id": "E1"},
            "held_on": "2025-05-01",
            "duration_minutes": 60,
            "mode": "phone",
            "stage": "post_start",
        }
    )
    outcome = OutcomeBody.model_validate(
        {
            "external_id": "O1",
            "loan": {"external_id": "P1"},
            "observed_on": "2026-01-15",
            "business_status": "active",
            "jobs_created": 2,
        }
    )
    contribution = ContributionBody.model_validate(
        {
            "external_id": "C1",
            "contributor": "Caisse",
            "contributor_kind": "financial_institution",
            "instrument": "donation",
            "amount": "1000.00",
            "received_on": "2025-04-01",
        }
    )
    drafts = {
        "borrower": borrower.to_draft().fingerprint,
        "loan": loan.to_draft().fingerprint,
        "loan row": row.to_draft().fingerprint,
        "repayment": repayment.to_draft("P1").fingerprint,
        "coaching session": session.to_draft().fingerprint,
        "outcome": outcome.to_draft().fingerprint,
        "contribution": fingerprint(contribution.to_draft().content()),
    }
    assert {name: value.hex()[:16] for name, value in drafts.items()} == FINGERPRINTS


READINGS = (
    "No;Prêt;Date;Montant;Mode;Autre\nR1;P1;31/03/2026;1 234,56 $;virement;x\n"
    'R2;P1;03/04/2026;$1,234.5;;\nR3;P1;46112;5;"=""007""";\nR4;P1;1er mai 2026;-5,00;;\n'
    "R5;P1;20260331;1.234,50;=1+1;\nR6;P1;demain;1,234;;\n",
    "external_id,loan_external_id,paid_on,amount\nR1,P1,03/04/2026,5\nR2,P1,12/31/2025,5.10\n",
    "Remboursements 2026;;;\n;;;\nNo;Prêt;Date;Montant\nR1;P1;2026-03-31;5,00\nTotal;;;5,00\n",
    "No;Prêt;Date;Montant;Mode;Autre\nR1;P1;2026-03-31;5,00\nR2;P1;2026-03-31\nR3;P1;2026-03-31;5,00;;;;\n",
)
"""Sheets of repayments in every writing of their cells."""
READ_BY_VERSION: Mapping[int, str] = {4: "5a263e8c95a7c000"}
"""What each version of the parser reads of them: an import says which one read it."""


def test_another_reading_is_another_version() -> None:
    [columns] = [kind.columns for kind in KINDS if kind.name == "repayments"]
    read: list[JsonValue] = []
    for sheet in READINGS:
        for encoding in ("utf-8", "cp1252"):
            for batch in read_table(sheet.encode(encoding), "text/csv", columns).batches:
                read += [*batch.values, *(error.code for error in batch.refused)]
    lines = b'{"no":"R1","loan":"P1","paid_on":"2026-03-31","amount":"5.00","mode":null,"x":1}'
    for batch in read_table(b"[%b]" % lines, JSON, columns).batches:
        read += batch.values
    books = sorted((Path(__file__).parents[1] / "fixtures" / "libreoffice").glob("*.xlsx"))
    for book in books:
        kind = "repayments" if book.stem == "paiements" else "loans"
        [columns] = [each.columns for each in KINDS if each.name == kind]
        for batch in read_table(book.read_bytes(), XLSX, columns).batches:
            read += [*batch.values, *(error.code for error in batch.refused)]
    assert READ_BY_VERSION[PARSER_VERSION] == digest(canonical(read))
