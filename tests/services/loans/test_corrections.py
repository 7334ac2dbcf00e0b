"""A whole portfolio sent again: unchanged, added to, refused where it changed, or corrected."""

from collections.abc import Mapping

import httpx
import pytest

from services.common.errors import JsonValue
from tests.services.loans.conftest import (
    Client,
    Loans,
    codes_of,
    record_loan,
    repayment,
    write_csv,
)
from tests.services.loans.portfolio import (
    REASON,
    Portfolio,
    change,
    make_portfolio,
    read_state,
    send_all,
)


def change_ten_rows(portfolio: Portfolio) -> Portfolio:
    """What a check against the bank statements finds, in every kind that has amounts or dates."""
    changed = change(portfolio, "repayments", "R-001-1", amount="100.00")
    changed = change(changed, "repayments", "R-001-3", paid_on="2025-04-20")
    changed = change(changed, "repayments", "R-002-4", amount="120.00", method="cash")
    changed = change(changed, "repayments", "R-003-2", loan_external_id="P-004")
    changed = change(changed, "coaching-sessions", "S-005", duration_minutes="75")
    changed = change(changed, "coaching-sessions", "S-006", topics="budget|marché", coach="")
    changed = change(changed, "outcomes", "O-007", jobs_created="3")
    changed = change(changed, "outcomes", "O-008", business_status="closed", turnover="")
    changed = change(changed, "borrowers", "E-009", municipality="Laval", birth_year="")
    return change(changed, "borrowers", "E-010", family_name="Bégin-Roy")


async def test_a_portfolio_sent_again_changes_nothing(loans: Loans, member: Client) -> None:
    portfolio = make_portfolio(8)
    for answer in (await send_all(member, portfolio)).values():
        assert answer.status_code == 201, answer.text
    before = await loans.count_rows(member)
    for kind, answer in (await send_all(member, portfolio, **REASON)).items():
        counts = answer.json()["counts"]
        assert answer.status_code == 200
        assert (counts["unchanged"], counts["created"]) == (len(portfolio[kind]), 0)
        assert answer.json()["totals"]["before"] == answer.json()["totals"]["after"]
    assert await loans.count_rows(member) == before


async def test_ten_changed_rows_are_refused_shown_then_corrected(
    loans: Loans, member: Client
) -> None:
    portfolio = make_portfolio(12)
    changed = change_ten_rows(portfolio)
    await send_all(member, portfolio)
    before = await loans.count_rows(member)

    refused = await send_all(member, changed)
    [wrong, *_] = [a.json()["errors"][0] for a in refused.values() if a.status_code == 422]
    assert wrong["code"] == "external_id.conflict"
    [error] = [e for e in refused["repayments"].json()["errors"] if e["row"] == 1]
    assert "amount : 106.62 → 100.00" in error["message"]
    await send_all(member, changed, dry_run="true", **REASON)
    assert await loans.count_rows(member) == before

    applied: dict[str, httpx.Response] = {}
    for kind, rows in changed.items():
        tried = await member.send(kind, write_csv(rows), dry_run="true", **REASON)
        applied[kind] = await member.send(kind, write_csv(rows), **REASON)
        real, dry = applied[kind].json(), tried.json()
        assert dry.pop("dry_run") is True
        assert dry.pop("import_id") is None
        assert real.pop("dry_run") is False
        real.pop("import_id")
        assert dry == real, kind
    assert {kind: answer.json()["corrected"] for kind, answer in applied.items()} == {
        "borrowers": 2,
        "loans": 0,
        "repayments": 4,
        "coaching-sessions": 2,
        "outcomes": 2,
    }
    assert applied["repayments"].json()["changes"][:2] == [
        {
            "row": 1,
            "external_id": "R-001-1",
            "fields": [{"column": "amount", "before": "106.62", "after": "100.00"}],
        },
        {
            "row": 3,
            "external_id": "R-001-3",
            "fields": [{"column": "paid_on", "before": "2025-04-13", "after": "2025-04-20"}],
        },
    ]
    fresh = loans.as_member()
    await send_all(fresh, changed)
    assert await read_state(loans, member) == await read_state(loans, fresh)
    assert await loans.find_differences(member) == []
    again = await send_all(member, changed, **REASON)
    assert {answer.json()["corrected"] for answer in again.values()} == {0}


async def test_both_versions_of_a_fact_stay_on_record(loans: Loans, member: Client) -> None:
    portfolio = make_portfolio(1)
    await send_all(member, portfolio)
    for amount in ("100.00", "90.00", "100.00"):
        changed = change(portfolio, "repayments", "R-001-1", amount=amount)
        answer = await member.send("repayments", write_csv(changed["repayments"]), **REASON)
        assert (answer.status_code, answer.json()["corrected"]) == (201, 1)
    rows = await loans.look(
        """
        SELECT f.revision, f.amount_cents, r.reason
        FROM repayments f
        LEFT JOIN reversals r ON r.organisation_id = f.organisation_id
                             AND r.fact_id = f.repayment_id
        WHERE f.organisation_id = $1 AND f.external_id = 'R-001-1' ORDER BY f.revision
        """,
        member.organisation_id,
    )
    reason = REASON["reason"]
    assert [tuple(row) for row in rows] == [
        (1, 10662, reason),
        (2, 10000, reason),
        (3, 9000, reason),
        (4, 10000, None),
    ]
    [loan] = (await member.get("/v1/loans")).json()["items"]
    listed = (await member.get(f"/v1/loans/{loan['loan_id']}/repayments")).json()["items"]
    assert [r["amount"] for r in listed if r["external_id"] == "R-001-1"] == ["100.00"]
    assert len(listed) == 4
    assert await loans.find_differences(member) == []


async def test_a_refused_correction_leaves_what_is_on_record(loans: Loans, member: Client) -> None:
    """One asks for more than the loan: the others of its loan are judged beside what stays."""
    portfolio = make_portfolio(2)
    await send_all(member, portfolio)
    changed = change(portfolio, "repayments", "R-001-1", amount="5000.00")
    changed = change(changed, "repayments", "R-001-2", amount="900.00")
    changed = change(changed, "repayments", "R-001-3", amount="50.00")
    changed = change(changed, "repayments", "R-002-1", amount="80.00")
    sheet = write_csv(changed["repayments"])
    atomic = await member.send("repayments", sheet, **REASON)
    assert (atomic.status_code, atomic.json()["counts"]["created"]) == (422, 0)
    partial = await member.send("repayments", sheet, mode="partial", **REASON)
    answer = partial.json()
    assert (answer["corrected"], answer["counts"]["rejected"]) == (3, 1)
    assert [(e["row"], e["code"]) for e in answer["errors"]] == [(1, "repayment.over_payment")]
    assert await loans.find_differences(member) == []

    more = change(changed, "repayments", "R-001-1", amount="1200.00")
    more = change(more, "repayments", "R-001-2", amount="1100.00")
    answer = (
        await member.send("repayments", write_csv(more["repayments"]), mode="partial", **REASON)
    ).json()
    assert (answer["corrected"], answer["counts"]["rejected"]) == (0, 2)
    assert await loans.find_differences(member) == []


async def test_rows_left_out_are_told_and_stay(loans: Loans, member: Client) -> None:
    portfolio = make_portfolio(3)
    for answer in (await send_all(member, portfolio)).values():
        assert answer.json()["absent"] == 0
    before = await loans.count_rows(member)
    shorter = {kind: rows[:-1] for kind, rows in portfolio.items()}
    answers = await send_all(member, shorter)
    assert {kind: answer.json()["absent"] for kind, answer in answers.items()} == dict.fromkeys(
        portfolio, 1
    )
    assert await loans.count_rows(member) == before


async def test_a_fact_reversed_by_hand_stays_so_until_it_changes(
    loans: Loans, member: Client
) -> None:
    portfolio = make_portfolio(1)
    await send_all(member, portfolio)
    [loan] = (await member.get("/v1/loans")).json()["items"]
    reversal: Mapping[str, JsonValue] = {
        "fact": {"kind": "repayment", "external_id": "R-001-4"},
        "reason": "Chèque sans provision",
    }
    reversed_ = await member.post(f"/v1/loans/{loan['loan_id']}/reversals", dict(reversal))
    assert reversed_.status_code == 201, reversed_.text
    same = await member.send("repayments", write_csv(portfolio["repayments"]), **REASON)
    assert (same.json()["counts"]["unchanged"], same.json()["corrected"]) == (4, 0)
    later = change(portfolio, "repayments", "R-001-4", paid_on="2025-06-01")
    corrected = await member.send("repayments", write_csv(later["repayments"]), **REASON)
    assert corrected.json()["corrected"] == 1
    fresh = loans.as_member()
    await send_all(fresh, later)
    assert await read_state(loans, member) == await read_state(loans, fresh)
    # The newest revision is the one that a reversal now names.
    again = await member.post(f"/v1/loans/{loan['loan_id']}/reversals", dict(reversal))
    assert again.status_code == 201, again.text
    assert await loans.find_differences(member) == []


async def test_a_correction_has_a_reason_and_a_reason_a_correction(member: Client) -> None:
    sheet = write_csv(make_portfolio(1)["borrowers"])
    without = await member.send("borrowers", sheet, on_change="correct")
    assert (without.status_code, codes_of(without)) == (422, {"/reason": "missing"})
    alone = await member.send("borrowers", sheet, reason="Pourquoi ?")
    assert (alone.status_code, codes_of(alone)) == (422, {"/on_change": "missing"})
    other = await member.send("borrowers", sheet, on_change="overwrite")
    assert other.status_code == 422


@pytest.mark.parametrize("mode", ["atomic", "partial"])
async def test_a_file_at_odds_with_itself_corrects_nothing(
    loans: Loans, member: Client, mode: str
) -> None:
    portfolio = make_portfolio(1)
    await send_all(member, portfolio)
    rows = [
        *change(portfolio, "outcomes", "O-001", jobs_created="4")["outcomes"],
        *change(portfolio, "outcomes", "O-001", jobs_created="5")["outcomes"],
    ]
    answer = await member.send("outcomes", write_csv(rows), mode=mode, **REASON)
    assert answer.json()["counts"]["rejected"] == 1
    assert [(e["row"], e["code"]) for e in answer.json()["errors"]] == [(2, "external_id.conflict")]


async def test_a_conflict_through_json_shows_both_versions(member: Client) -> None:
    loan_id = (await record_loan(member))["loan_id"]
    body = repayment()
    path = f"/v1/loans/{loan_id}/repayments"
    assert (await member.post(path, body)).status_code == 201
    other = await member.post(path, {**body, "amount": "90.00"})
    assert (other.status_code, codes_of(other)) == (409, {"/external_id": "external_id.conflict"})
    assert "106.62 → 90.00" in other.json()["detail"]
