"""A whole portfolio sent again: unchanged, added to, refused where it changed, or corrected."""

from collections.abc import Mapping

import httpx
import pytest

from services.common.errors import JsonValue
from services.loans.positions import commands
from tests.services.loans.conftest import (
    Client,
    Document,
    Loans,
    codes_of,
    loan,
    loan_row,
    record_borrower,
    record_loan,
    repayment,
    repayment_row,
    terms,
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


def told(column: str, before: str, after: str) -> Document:
    return {"column": column, "title": column, "before": before, "after": after}


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
            "line": 2,
            "external_id": "R-001-1",
            "fields": [told("amount", "106.62", "100.00")],
        },
        {
            "row": 3,
            "line": 4,
            "external_id": "R-001-3",
            "fields": [told("paid_on", "2025-04-13", "2025-04-20")],
        },
    ]
    fresh = loans.as_member()
    await send_all(fresh, changed)
    assert await read_state(loans, member) == await read_state(loans, fresh)
    assert await loans.find_differences(member) == []
    again = await send_all(member, changed, **REASON)
    assert {answer.json()["corrected"] for answer in again.values()} == {0}


async def test_loans_that_are_replayed_a_few_at_a_time_tell_each_fact_once(
    loans: Loans, member: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A large import is five hundred loans after five hundred; here it is two after two."""
    portfolio = make_portfolio(12)
    changed = change(change_ten_rows(portfolio), "loans", "P-002", stage="growth")
    changed = change(changed, "loans", "P-005", stage="growth")
    monkeypatch.setattr(commands, "LOANS_AT_ONCE", 2)
    await send_all(member, portfolio)
    for kind, answer in (await send_all(member, changed, **REASON)).items():
        assert answer.status_code in (200, 201), f"{kind}: {answer.text}"
    monkeypatch.undo()
    fresh = loans.as_member()
    await send_all(fresh, changed)
    assert await read_state(loans, member) == await read_state(loans, fresh)
    assert await loans.find_differences(member) == []


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


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"principal": "1500.00"}, "principal"),
        ({"annual_rate": "9"}, "annual_rate"),
        ({"instalments": "18"}, "instalments"),
        ({"first_due_on": "2025-03-01"}, "first_due_on"),
        ({"fee": "30.00"}, "fee"),
        ({"stage": "growth"}, "stage"),
        ({"sector_code": "311811"}, "sector_code"),
        ({"region_code": "13"}, "region_code"),
        ({"other_financing": "700.00"}, "other_financing"),
        ({"funding_state": "100.00"}, "funding_state"),
        ({"disbursed_on": "2025-01-20"}, "disbursed_on"),
    ],
)
async def test_a_corrected_loan_takes_what_stands_of_it_along(
    loans: Loans, member: Client, changes: dict[str, object], column: str
) -> None:
    portfolio = make_portfolio(3)
    await send_all(member, portfolio)
    changed = change(portfolio, "loans", "P-002", **changes)
    answer = (await member.send("loans", write_csv(changed["loans"]), **REASON)).json()
    assert answer["corrected"] == 1, answer
    assert column in [field["column"] for field in answer["changes"][0]["fields"]]
    fresh = loans.as_member()
    await send_all(fresh, changed)
    assert await read_state(loans, member) == await read_state(loans, fresh)
    assert await loans.find_differences(member) == []
    # What is then posted goes to the newest revision, and a resend finds nothing changed.
    again = await send_all(member, changed, **REASON)
    assert {(a.json()["corrected"], a.json()["absent"]) for a in again.values()} == {(0, 0)}
    listed = (await member.get("/v1/loans")).json()["items"]
    assert [each["external_id"] for each in listed] == ["P-001", "P-002", "P-003"]
    shown = (await member.get(f"/v1/loans/{listed[1]['loan_id']}")).json()
    assert (shown["reversed"], len(shown["facts"])) == (None, 5)


async def test_a_corrected_loan_takes_along_what_a_fee_took_of_a_credit(
    loans: Loans, member: Client
) -> None:
    """And so does the repayment: the journal hears of it on the fee's date, and of it alone."""
    lent = loan_row("P-1", annual_rate="0")
    sent = await member.send("loans", write_csv([lent]))
    assert sent.status_code == 201, sent.text

    async def find_place() -> str:
        [loan] = (await member.get("/v1/loans")).json()["items"]
        return f"/v1/loans/{loan['loan_id']}"

    fee: Document = {"external_id": "F", "charged_on": "2025-07-20", "reason": "x"}
    paid = repayment("1250.00", "2025-06-15", external_id="R", surplus="credit")
    for path, body in (("fees", {**fee, "amount": "20.00"}), ("repayments", paid)):
        posted = await member.post(f"{await find_place()}/{path}", body)
        assert posted.status_code == 201, posted.text
    more = repayment_row("R", "P-1", "2025-06-16", "1240.00")
    for kind, row in (("loans", {**lent, "stage": "growth"}), ("repayments", more)):
        answer = await member.send(kind, write_csv([row]), **REASON)
        assert answer.json()["corrected"] == 1, answer.text
        told = await loans.sum_fees_told(member, await find_place())
        assert told == {"2025-07-20": 20_00}
        assert await loans.find_differences(member) == []
    shown = (await member.get(await find_place())).json()
    assert shown["position"]["credit_balance"] == "20.00"


async def test_a_loan_corrected_twice_with_a_life_of_its_own(loans: Loans, member: Client) -> None:
    """Fees, a moratorium, a write-off and its recovery go along; reversed facts stay behind."""
    portfolio = make_portfolio(2)
    await send_all(member, portfolio)

    async def live(client: Client, loan_id: str) -> None:
        facts: tuple[tuple[str, Document], ...] = (
            ("fees", {"charged_on": "2025-06-20", "amount": "15.00", "reason": "Retard"}),
            ("moratoria", {"starts_on": "2025-06-25", "kind": "capital_only", "periods": 2,
                           "reason": "Saison creuse"}),
            ("write-offs", {"written_off_on": "2026-01-20", "amount": "200.00", "reason": "Perte"}),
            ("recoveries", {"recovered_on": "2026-02-20", "amount": "50.00"}),
        )  # fmt: skip
        for path, body in facts:
            named: Document = {"external_id": f"{path}-1", **body}
            posted = await client.post(f"/v1/loans/{loan_id}/{path}", named)
            assert posted.status_code == 201, posted.text

    async def newest(client: Client) -> str:
        [loan, _] = (await client.get("/v1/loans")).json()["items"]
        return str(loan["loan_id"])

    await live(member, await newest(member))
    changed = portfolio
    for rate in ("10", "8"):
        changed = change(changed, "loans", "P-001", annual_rate=rate)
        answer = await member.send("loans", write_csv(changed["loans"]), **REASON)
        assert answer.json()["corrected"] == 1, answer.text
    fresh = loans.as_member()
    await send_all(fresh, changed)
    await live(fresh, await newest(fresh))
    mine = (await member.get(f"/v1/loans/{await newest(member)}")).json()
    theirs = (await fresh.get(f"/v1/loans/{await newest(fresh)}")).json()
    assert (
        mine["position"]["outstanding_principal"] == (theirs["position"]["outstanding_principal"])
    )
    assert await read_state(loans, member) == await read_state(loans, fresh)
    assert await loans.find_differences(member) == []


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"principal": "300.00", "funding_state": ""}, ("principal", "fact.leaves_surplus")),
        ({"disbursed_on": "2025-02-20", "contracted_on": "2025-01-10"},
         ("disbursed_on", "loan.disbursed_after_facts")),
        ({"borrower_external_id": "E-002"}, ("borrower_external_id", "loan.other_borrower")),
        ({"gender": "man"}, ("gender", "borrower.described_otherwise")),
    ],
)  # fmt: skip
async def test_terms_that_what_was_posted_does_not_allow_are_refused(
    loans: Loans, member: Client, changes: dict[str, object], found: tuple[str, str]
) -> None:
    portfolio = make_portfolio(2)
    await send_all(member, portfolio)
    before = await loans.count_rows(member)
    changed = change(portfolio, "loans", "P-001", **changes)
    answer = await member.send("loans", write_csv(changed["loans"]), **REASON)
    assert answer.status_code == 422
    assert [(e["column"], e["code"]) for e in answer.json()["errors"]] == [found]
    assert await loans.count_rows(member) == before
    partial = await member.send("loans", write_csv(changed["loans"]), mode="partial", **REASON)
    assert partial.json()["counts"]["rejected"] == 1
    assert await loans.find_differences(member) == []


async def test_what_a_sheet_cannot_tell_stays(loans: Loans, member: Client) -> None:
    """Posted through JSON with more than a sheet has columns for; then sent as a sheet."""
    borrower_id = await record_borrower(member)
    body = loan(borrower_id, external_id="P-1", terms=terms(grace={"principal_periods": 2}))
    posted = (await member.post("/v1/loans", body)).json()
    row = {
        "external_id": "P-1",
        "borrower_external_id": borrower_id,
        "stage": "start",
        "principal": "1200.00",
        "annual_rate": "12",
        "instalments": "12",
        "contracted_on": "2025-04-10",
        "disbursed_on": "2025-04-15",
        "funding_state": "600.00",
        "other_financing": "500.00",
    }
    same = await member.send("loans", write_csv([row]))
    assert (same.status_code, same.json()["counts"]["unchanged"]) == (200, 1), same.text
    corrected = await member.send("loans", write_csv([{**row, "stage": "growth"}]), **REASON)
    [changed] = corrected.json()["changes"]
    assert [(f["column"], f["before"], f["after"]) for f in changed["fields"]] == [
        ("stage", "start", "growth")
    ]
    [newest] = (await member.get("/v1/loans")).json()["items"]
    shown = (await member.get(f"/v1/loans/{newest['loan_id']}")).json()
    assert (shown["purpose"], shown["schedule"][0]["principal"]) == ("Équipement", "0.00")
    old = (await member.get(f"/v1/loans/{posted['loan_id']}")).json()
    assert old["reversed"] == {"reason": REASON["reason"]}


async def test_what_was_agreed_of_interest_stays_through_a_corrected_sheet(
    loans: Loans, member: Client
) -> None:
    borrower_id = await record_borrower(member)
    body = loan(
        borrower_id,
        external_id="P-1",
        terms=terms(day_count="actual/365"),
        interest_accrual="daily",
        interest_on_overdue_interest=True,
    )
    assert (await member.post("/v1/loans", body)).status_code == 201
    row = {
        "external_id": "P-1",
        "borrower_external_id": borrower_id,
        "stage": "growth",
        "principal": "1200.00",
        "annual_rate": "12",
        "instalments": "12",
        "contracted_on": "2025-04-10",
        "disbursed_on": "2025-04-15",
        "funding_state": "600.00",
        "other_financing": "500.00",
    }
    corrected = await member.send("loans", write_csv([row]), **REASON)
    assert corrected.status_code == 201, corrected.text
    [newest] = (await member.get("/v1/loans")).json()["items"]
    kept = ("stage", "interest_accrual", "interest_on_overdue_interest")
    assert [newest[name] for name in kept] == ["growth", "daily", True]
    assert await loans.find_differences(member) == []
