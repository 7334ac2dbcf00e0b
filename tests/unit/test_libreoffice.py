"""Workbooks that LibreOffice 7.4 saved: a CSV it opened, errors it was to mend, our template."""

from pathlib import Path

from services.common.errors import JsonValue
from services.common.records import XLSX
from services.common.tabular import read_table
from services.loans.imports.kinds import KINDS

FIXTURES = Path(__file__).parents[1] / "fixtures" / "libreoffice"


def read(name: str, kind: str) -> tuple[list[dict[str, JsonValue]], list[str]]:
    """The rows, and the notices."""
    [columns] = [each.columns for each in KINDS if each.name == kind]
    table = read_table((FIXTURES / f"{name}.xlsx").read_bytes(), XLSX, columns)
    rows = [row for batch in table.batches for row in batch.values]
    return rows, [notice.code for notice in table.remarks.notices]


def test_a_sheet() -> None:
    rows, notices = read("paiements", "repayments")
    assert rows == [
        {"external_id": "007", "loan_external_id": "PRET-2025-001", "paid_on": "2025-06-06",
         "amount": "1223.86", "method": "comptant"},
        {"external_id": "008", "loan_external_id": "PRET-2025-001", "paid_on": "2025-07-04",
         "amount": "300.5", "method": "virement"},
    ]  # fmt: skip
    assert notices == ["column.ignored"]


def test_the_errors_of_an_import() -> None:
    rows, _ = read("erreurs", "loans")
    assert [row["external_id"] for row in rows] == ["P1", "P2", "P4", "P5"]
    assert [row["disbursed_on"] for row in rows] == [
        "2025-05-06", "2025-02-31", "demain", "2025-06-01",
    ]  # fmt: skip
    assert rows[0]["principal"] == "5000.00"


def test_a_template() -> None:
    rows, notices = read("modele-prets", "loans")
    assert [(row["principal"], row["annual_rate"]) for row in rows] == [
        ("5000", "7"),
        ("8500", "6.5"),
    ]
    assert (rows[0]["region_code"], rows[0]["disbursed_on"]) == ("06", "2025-05-06")
    assert notices == []
