"""Shares of persons speak of natural persons alone: an enterprise has no gender, age or origin."""

from services.common.identity import Role
from tests.services.loans.conftest import Document, Loans, borrower, loan

YEAR = {"from": "2025-04-01", "to": "2026-03-31"}


async def test_an_enterprise_that_borrows_counts_in_no_share_of_persons(loans: Loans) -> None:
    member = loans.as_member()
    described: Document = {"birth_year": 1999, "gender": "woman", "clienteles": ["immigrant"]}
    for kind in ("person", "legal_person"):
        body = borrower(kind=kind, legal_name="Coop du Nord", **described)
        assert (await member.post("/v1/borrowers", body)).status_code == 201
        posted = await member.post("/v1/loans", loan(body["external_id"]))
        assert posted.status_code == 201, posted.text
    found = await loans.as_role(Role.FUNDER).get("/internal/indicators", **YEAR)
    [shown] = [
        one
        for one in found.json()["organisations"]
        if one["organisation_id"] == str(member.organisation_id)
    ]
    assert shown["loans_count"] == 2
    assert shown["borrowers"] == {
        "total": 1,
        "women": 1,
        "gender_known": 1,
        "under_35": 1,
        "age_known": 1,
        "immigrants": 1,
    }
