"""A locked month takes no fact, whoever records it, and whatever else happens at the same time."""

import asyncio
from dataclasses import dataclass

from services.common.errors import JsonValue
from tests.services.loans.conftest import (
    Client,
    Document,
    Loans,
    borrower,
    coaching_session,
    codes_of,
    loan,
    loan_row,
    outcome,
    pay,
    record_borrower,
    record_loan,
    repayment,
    repayment_row,
    write_csv,
)
from tests.services.loans.test_query_counts import counted_statements
from tests.services.loans.test_reporting_periods import MONTH, SIGNED, lock, place, submit

LOCKED = "reporting_period.locked"


@dataclass(frozen=True, slots=True)
class Posted:
    """A fact, where it was sent and what was answered."""

    path: str
    body: Document
    answer: Document


async def lend_with_facts(member: Client) -> tuple[Document, dict[str, Posted]]:
    """A loan with one fact of each kind in June."""
    lent = await record_loan(member, first_disbursement="1000.00")
    path = f"/v1/loans/{lent['loan_id']}"
    who: JsonValue = {
        "external_id": (await member.get("/v1/borrowers")).json()["items"][0]["external_id"]
    }
    facts = {}
    bodies: tuple[tuple[str, str, Document], ...] = (
        ("repayment", f"{path}/repayments", repayment("106.62", "2025-06-10")),
        (
            "disbursement",
            f"{path}/disbursements",
            {"external_id": "D", "amount": "10.00", "disbursed_on": "2025-06-11"},
        ),
        (
            "fee",
            f"{path}/fees",
            {"external_id": "F", "amount": "1.00", "reason": "x", "charged_on": "2025-06-12"},
        ),
        (
            "rescheduling",
            f"{path}/reschedulings",
            {
                "external_id": "N",
                "reason": "x",
                "rescheduled_on": "2025-06-13",
                "terms": {"instalments": 18},
            },
        ),
        (
            "moratorium",
            f"{path}/moratoria",
            {
                "external_id": "M",
                "reason": "x",
                "starts_on": "2025-06-14",
                "kind": "capital_only",
                "periods": 1,
            },
        ),
        (
            "write_off",
            f"{path}/write-offs",
            {"external_id": "W", "amount": "20.00", "reason": "x", "written_off_on": "2025-06-20"},
        ),
        (
            "recovery",
            f"{path}/recoveries",
            {"external_id": "V", "amount": "5.00", "reason": "x", "recovered_on": "2025-06-25"},
        ),
        (
            "coaching_session",
            "/v1/coaching-sessions",
            coaching_session(who, held_on="2025-06-30"),
        ),
        ("outcome", "/v1/outcomes", outcome(lent["external_id"], observed_on="2025-06-01")),
    )
    for kind, where, body in bodies:
        posted = await member.post(where, body)
        assert posted.status_code == 201, posted.text
        facts[kind] = Posted(where, body, posted.json())
    return lent, facts


async def test_no_fact_dated_in_it_is_recorded(
    loans: Loans, member: Client, network: Client
) -> None:
    _, facts = await lend_with_facts(member)
    other_id = await record_borrower(member)
    await lock(member, network)
    before = await loans.count_rows(member)
    for kind, fact in facts.items():
        again = await member.post(fact.path, fact.body)
        assert again.status_code == 200, kind  # what is on record is sent again without harm
        refused = await member.post(fact.path, {**fact.body, "external_id": f"new-{kind}"})
        assert (refused.status_code, refused.json()["code"]) == (422, LOCKED), kind
    lending = loan(other_id, contracted_on="2025-06-01", disbursed_on="2025-06-01")
    assert codes_of(await member.post("/v1/loans", lending)) == {"/disbursed_on": LOCKED}
    assert await loans.count_rows(member) == before
    assert (await member.post("/v1/borrowers", borrower())).status_code == 201  # has no date


async def test_no_fact_dated_in_it_is_reversed(
    loans: Loans, member: Client, network: Client
) -> None:
    lent, facts = await lend_with_facts(member)
    path = f"/v1/loans/{lent['loan_id']}/reversals"
    recovery: Document = {"fact": {"kind": "recovery", "external_id": "V"}, "reason": "x"}
    assert (await member.post(path, recovery)).status_code == 201
    await lock(member, network)
    for kind in (
        "moratorium",
        "rescheduling",
        "fee",
        "disbursement",
        "repayment",
        "write_off",
    ):
        fact: JsonValue = {"kind": kind, "external_id": facts[kind].answer["external_id"]}
        refused = await member.post(path, {"fact": fact, "reason": "x"})
        assert codes_of(refused) == {"/fact": LOCKED}, kind
    for kind, noun in (("coaching_session", "coaching-sessions"), ("outcome", "outcomes")):
        where = f"/v1/{noun}/{facts[kind].answer[f'{kind}_id']}/reversals"
        refused = await member.post(where, {"reason": "x"})
        assert (refused.status_code, refused.json()["code"]) == (422, LOCKED)
    assert (await member.post(path, recovery)).status_code == 200  # reversed before the lock
    assert (await loans.count_rows(member))["reversals"] == 1


async def test_a_credit_is_neither_given_back_nor_a_loan_taken_out(
    member: Client, network: Client
) -> None:
    lent = await record_loan(
        member, contracted_on="2025-06-01", disbursed_on="2025-06-01", first_disbursement=None
    )
    path = f"/v1/loans/{lent['loan_id']}"
    paid = repayment("2000.00", "2025-06-02", surplus="credit")
    assert (await member.post(f"{path}/repayments", paid)).status_code == 201
    await lock(member, network)
    refund = {"external_id": "B", "amount": "1.00", "refunded_on": "2025-06-03"}
    refused = await member.post(f"{path}/refunds", refund)
    assert codes_of(refused) == {"/refunded_on": LOCKED}
    body: Document = {
        "fact": {"kind": "loan", "external_id": lent["external_id"]},
        "reason": "x",
    }
    assert codes_of(await member.post(f"{path}/reversals", body)) == {"/fact": LOCKED}


async def test_a_later_fee_that_takes_a_credit_leaves_its_figures_alone(
    loans: Loans, member: Client, network: Client
) -> None:
    """Paid too much in June, a fee of July on record: reversing it in July is July's alone."""
    lent = await record_loan(member)
    path = f"/v1/loans/{lent['loan_id']}"
    fee: Document = {"external_id": "F", "amount": "20.00", "reason": "x"}
    posted = await member.post(f"{path}/fees", {**fee, "charged_on": "2025-07-20"})
    assert posted.status_code == 201
    paid = repayment("2000.00", "2025-06-02", surplus="credit")
    assert (await member.post(f"{path}/repayments", paid)).status_code == 201
    await lock(member, network)
    june = {"from": "2025-06-01", "to": "2025-06-30"}
    before = (await member.get("/internal/totals", **june)).json()["rows"]
    assert before[0]["repayments"]["fees"] == "0.00"
    body: Document = {"fact": {"kind": "fee", "external_id": "F"}, "reason": "x"}
    assert (await member.post(f"{path}/reversals", body)).status_code == 201
    assert (await member.get("/internal/totals", **june)).json()["rows"] == before
    assert await loans.find_differences(member) == []


async def test_a_sheet_tells_the_rows_of_a_locked_month(member: Client, network: Client) -> None:
    lent = await record_loan(member)
    await lock(member, network)
    rows = [
        repayment_row("R-1", str(lent["external_id"]), "2025-05-31", "1.00"),
        repayment_row("R-2", str(lent["external_id"]), "2025-06-01", "1.00"),
        repayment_row("R-3", str(lent["external_id"]), "2025-06-30", "1.00"),
        repayment_row("R-4", str(lent["external_id"]), "2025-07-01", "1.00"),
    ]
    refused = await member.send("repayments", write_csv(rows))
    assert codes_of(refused) == {"/2/paid_on": LOCKED, "/3/paid_on": LOCKED}
    taken = await member.send("repayments", write_csv(rows), mode="partial")
    assert taken.json()["counts"]["created"] == 2
    english = await member.send("repayments", write_csv(rows), language="en")
    assert "The month 2025-06 is locked" in english.json()["errors"][0]["message"]


async def test_the_whole_portfolio_is_sent_again_after_a_lock(
    member: Client, network: Client
) -> None:
    sheet = write_csv([loan_row("L-1", disbursed_on="2025-06-05", contracted_on="2025-06-01")])
    assert (await member.send("loans", sheet)).status_code == 201
    await lock(member, network)
    again = await member.send("loans", sheet)
    assert (again.status_code, again.json()["counts"]["unchanged"]) == (200, 1)


async def test_months_that_were_never_locked_cost_one_statement(member: Client) -> None:
    lent = await record_loan(member)
    with counted_statements() as sent:
        await pay(member, lent["loan_id"], ("2025-06-10", "1.00"))
    assert sum("period_events" in statement for statement in sent) == 1
    rows = [
        repayment_row(f"R-{n}", str(lent["external_id"]), f"2025-{5 + n % 8:02}-20", "1.00")
        for n in range(40)
    ]
    with counted_statements() as sent:
        assert (await member.send("repayments", write_csv(rows))).status_code == 201
    assert sum("period_events" in statement for statement in sent) == 1


async def test_a_lock_races_imports(loans: Loans, network: Client) -> None:
    """Whoever comes first: a month that is locked holds the figures that were signed, no other."""
    outcomes = set()
    for round_number in range(8):
        member = loans.as_member()
        lent = await record_loan(member)
        await submit(member)
        await network.post(place(member, "/approvals"), {})
        sheet = write_csv(
            [
                repayment_row(f"R-{n}", str(lent["external_id"]), "2025-06-15", "1.00")
                for n in range(20)
            ]
        )

        async def lock_later(member: Client = member, turns: int = round_number) -> int:
            for _ in range(turns * 40):
                await asyncio.sleep(0)
            return (await network.post(place(member, "/locks"), {})).status_code

        imported, locked = await asyncio.gather(member.send("repayments", sheet), lock_later())
        outcomes.add((imported.status_code, locked))
        shown = (await member.get(place(member))).json()
        kept = shown["figures"]["repayments"]["count"]
        if locked == 201:
            assert (imported.status_code, kept) == (422, 0)
            assert set(codes_of(imported).values()) == {LOCKED}
            assert (shown["state"], shown["figures_changed"]) == ("locked", False)
        else:
            assert (imported.status_code, kept, locked) == (201, 20, 409)
            assert (shown["state"], shown["figures_changed"]) == ("approved", True)
        assert await loans.find_differences(member) == []
    assert outcomes <= {(201, 409), (422, 201)}


async def test_submissions_race_imports(loans: Loans, member: Client) -> None:
    """What is signed is whole: all of a file or none of it."""
    lent = await record_loan(member)
    sheet = write_csv(
        [repayment_row(f"R-{n}", str(lent["external_id"]), "2025-06-15", "1.00") for n in range(30)]
    )
    answers = await asyncio.gather(
        *(
            member.post(place(member, "/submissions"), {**SIGNED, "name": f"Personne {n}"})
            for n in range(5)
        ),
        member.send("repayments", sheet),
        *(
            member.post(place(member, "/submissions"), {**SIGNED, "name": f"Personne {n}"})
            for n in range(5, 10)
        ),
    )
    assert all(answer.status_code == 201 for answer in answers), [a.text for a in answers]
    events = (await member.get(place(member))).json()["events"]
    counts = [event["figures"]["repayments"]["count"] for event in events]
    assert len(counts) == 10
    assert counts == sorted(counts)
    assert set(counts) <= {0, 30}


async def test_two_confirm_at_once(member: Client, network: Client) -> None:
    await record_loan(member)
    await lock(member, network)
    asked = (await member.post(place(member, "/reopenings"), {"reason": "x"})).json()
    path = place(member, f"/reopenings/{asked['event_id']}/confirmations")
    answers = await asyncio.gather(*(network.post(path, None) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200] * 4 + [201]
    kinds = [e["kind"] for e in (await member.get(place(member))).json()["events"]]
    assert kinds.count("reopened") == 1


async def test_a_lock_is_of_one_organisation_and_one_month(
    loans: Loans, member: Client, network: Client
) -> None:
    await record_loan(member)
    await lock(member, network)
    other = loans.as_member()
    lent = await record_loan(other)
    await pay(other, lent["loan_id"], (f"{MONTH}-15", "1.00"))


async def test_no_correction_takes_a_fact_out_of_it_or_into_it(
    loans: Loans, member: Client, network: Client
) -> None:
    sheet = [loan_row("L-1", contracted_on="2025-04-10", disbursed_on="2025-04-15")]
    assert (await member.send("loans", write_csv(sheet))).status_code == 201
    paid = [
        repayment_row("R-MAY", "L-1", "2025-05-20", "1.00"),
        repayment_row("R-JUNE", "L-1", "2025-06-20", "1.00"),
        repayment_row("R-JULY", "L-1", "2025-07-20", "1.00"),
    ]
    assert (await member.send("repayments", write_csv(paid))).status_code == 201
    await lock(member, network)
    before = await loans.count_rows(member)
    moved = [
        {**paid[0], "paid_on": "2025-06-01"},
        {**paid[1], "paid_on": "2025-07-01"},
        {**paid[2], "amount": "2.00"},
    ]
    asked = {"on_change": "correct", "reason": "Dates saisies de travers."}
    refused = await member.send("repayments", write_csv(moved), **asked)
    assert codes_of(refused) == {"/1/paid_on": LOCKED, "/2/paid_on": LOCKED}
    assert await loans.count_rows(member) == before
    taken = await member.send("repayments", write_csv(moved[2:]), **asked)
    assert taken.status_code in (200, 201), taken.text
    assert (await loans.count_rows(member))["reversals"] == 1
    shown = (await member.get(place(member))).json()
    assert (shown["state"], shown["figures"]["repayments"]["count"]) == ("locked", 1)


async def test_no_correction_moves_a_loan_out_of_it(member: Client, network: Client) -> None:
    sheet = loan_row("L-1", contracted_on="2025-06-01", disbursed_on="2025-06-05")
    assert (await member.send("loans", write_csv([sheet]))).status_code == 201
    await lock(member, network)
    moved = {**sheet, "disbursed_on": "2025-07-05"}
    asked = {"on_change": "correct", "reason": "Versé en juillet."}
    refused = await member.send("loans", write_csv([moved]), **asked)
    assert codes_of(refused) == {"/1/disbursed_on": LOCKED}
