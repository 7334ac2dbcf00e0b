"""The journal: whatever happens, it balances, it follows the facts, and it is posted once."""

import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from services.common.errors import JsonValue
from services.common.identity import NO_ORGANISATION
from services.common.outbox import Event
from services.funds.journal.arithmetic import (
    LoanFact,
    LoanFactKind,
    Posting,
    post_loan_fact,
    sum_by_account,
    swap,
)
from services.funds.journal.commands import post_events
from services.funds.journal.queries import find_day_differences
from tests.services.funds.conftest import Client, Funds, codes_of, contribution, gift


def event_of(member: Client, number: int, kind: str, payload: JsonValue) -> Event:
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    return Event(member.principal.organisation_id, number, kind, payload, moment)


def told(kind: str, loan_id: str, **amounts: JsonValue) -> dict[str, JsonValue]:
    return {
        "kind": kind,
        "id": str(uuid.uuid4()),
        "loan_id": loan_id,
        "on": "2025-10-01",
        **amounts,
    }


async def post(funds: Funds, member: Client, events: Sequence[Event]) -> int:
    async with funds.service_database.write(member.principal.organisation_id) as session:
        return await post_events(session, events)


async def differences(funds: Funds, member: Client) -> Sequence[str]:
    async with funds.service_database.read(member.principal.organisation_id) as session:
        return await find_day_differences(session)


async def balances_of(member: Client, as_of: str = "2026-03-31") -> dict[str, str]:
    place = f"/v1/funds/{member.organisation}/balance?as_of={as_of}"
    accounts = (await member.get(place)).json()["accounts"]
    return {account["account"]: account["balance"] for account in accounts}


FACTS = st.builds(
    LoanFact,
    kind=st.sampled_from(LoanFactKind),
    fact_id=st.just("fact"),
    loan_id=st.just("loan"),
    occurred_on=st.just(date(2025, 10, 1)),
    amount_cents=st.integers(-(10**12), 10**12),
    principal_cents=st.integers(-(10**12), 10**12),
    interest_cents=st.integers(-(10**12), 10**12),
    fees_cents=st.integers(-(10**12), 10**12),
    is_reversal=st.booleans(),
)


@given(FACTS, st.integers(0, 10**12))
def test_every_fact_of_a_loan_balances(fact: LoanFact, in_transit_cents: int) -> None:
    transaction = post_loan_fact(fact, in_transit_cents)
    assert sum(sum_by_account(transaction.postings).values()) == 0


@given(FACTS)
def test_a_fact_and_its_reversal_leave_nothing(fact: LoanFact) -> None:
    postings = post_loan_fact(fact).postings
    amounts = sum_by_account([*postings, *swap(postings)])
    assert not any(amounts.values())


@pytest.mark.parametrize(
    ("debit", "credit", "cents"), [("a", "a", 1), ("a", "b", 0), ("a", "b", -1)]
)
def test_a_posting_out_of_form_cannot_be_made(debit: str, credit: str, cents: int) -> None:
    with pytest.raises(AssertionError):
        Posting(debit, credit, cents)


async def test_each_instrument_has_its_accounts(member: Client) -> None:
    place = f"/v1/funds/{member.organisation}"
    for body in (
        contribution(amount="100.00"),
        gift(amount="20.00"),
        gift(amount="3.00", instrument="guarantee"),
        gift(amount="0.40", instrument="grant", contributor_kind="state", purpose="operations"),
    ):
        assert (await member.post(f"{place}/contributions", body)).status_code == 201
    assert await balances_of(member) == {
        "cash:capital": "120.00",
        "cash:operations": "0.40",
        "equity:capital:community": "-20.00",
        "income:operations:public": "-0.40",
        "liability:capital:private": "-100.00",
        "memorandum:guarantees:community": "3.00",
        "memorandum:guarantors": "-3.00",
    }
    balance = (await member.get(f"{place}/balance")).json()
    assert balance["capital"] == {"public": "0.00", "private": "100.00", "community": "20.00"}
    assert balance["operations"] == {"public": "0.40", "private": "0.00", "community": "0.00"}
    assert balance["guarantees"] == {"public": "0.00", "private": "0.00", "community": "3.00"}


async def test_the_journal_shows_each_transaction_with_signed_postings(member: Client) -> None:
    place = f"/v1/funds/{member.organisation}"
    body = gift(amount="20.00", received_on="2025-05-01")
    recorded = (await member.post(f"{place}/contributions", body)).json()
    identifier = recorded["contribution_id"]
    await member.post(f"/v1/contributions/{identifier}/reversals", {"reason": "Erreur"})
    journal = (await member.get(f"{place}/journal")).json()
    assert (journal["fund"], journal["currency"]) == (member.organisation, "CAD")
    assert [item["kind"] for item in journal["items"]] == ["contribution", "contribution_reversal"]
    assert [item["number"] for item in journal["items"]] == [1, 2]
    for item, sign in zip(journal["items"], ("", "-"), strict=True):
        assert item["occurred_on"] == "2025-05-01"
        assert item["subject_id"] == identifier
        assert {p["account"]: p["amount"] for p in item["postings"]} == {
            "cash:capital": f"{sign}20.00",
            "equity:capital:community": "20.00" if sign else "-20.00",
        }


async def test_the_journal_of_a_period_page_by_page(member: Client) -> None:
    place = f"/v1/funds/{member.organisation}"
    for month in range(1, 7):
        body = gift(received_on=f"2025-{month:02d}-15")
        await member.post(f"{place}/contributions", body)
    link: str | None = f"{place}/journal?from=2025-02-15&to=2025-05-14&limit=2"
    days: list[str] = []
    while link is not None:
        answer = (await member.get(link)).json()
        days.extend(item["occurred_on"] for item in answer["items"])
        link = answer["next"]
    assert days == ["2025-02-15", "2025-03-15", "2025-04-15"]


@pytest.mark.parametrize(
    ("query", "pointer", "code"),
    [
        ("from=2026-02-30", "/from", "date.impossible"),
        ("to=demain", "/to", "date.form"),
        ("from=2026-02-02&to=2026-02-01", "/to", "period.reversed"),
        ("limit=0", "/limit", "number.too_small"),
        ("limit=201", "/limit", "number.too_large"),
        ("cursor=ImFiYyI", "/cursor", "cursor.invalid"),
    ],
)
async def test_a_bad_question_is_refused(
    member: Client, query: str, pointer: str, code: str
) -> None:
    refused = await member.get(f"/v1/funds/{member.organisation}/journal?{query}")
    assert refused.status_code == 422
    assert codes_of(refused) == {pointer: code}


async def test_the_loans_events_are_posted_once_and_in_order(funds: Funds, member: Client) -> None:
    loan = str(uuid.uuid4())
    disbursed: dict[str, JsonValue] = {
        "loan_id": loan,
        "disbursed_on": "2025-09-01",
        "principal_cents": 5000_00,
        "fees_withheld_cents": 50_00,
    }
    parts: dict[str, JsonValue] = {
        "principal_cents": 200_00,
        "interest_cents": 30_00,
        "fees_cents": 0,
    }
    reversal = told("reversal", loan, amount_cents=230_00, **parts)
    events = [
        event_of(member, 1, "loan.disbursed", disbursed),
        event_of(member, 2, "coaching.recorded", {"anything": "else"}),
        event_of(
            member,
            3,
            "loans.recorded",
            {
                "facts": [
                    told("repayment", loan, amount_cents=230_00, **parts),
                    told("allocation", loan, principal_cents=-5_00, interest_cents=5_00),
                    {**reversal, "principal_cents": 195_00, "interest_cents": 35_00},
                    told("repayment", loan, amount_cents=100_00, principal_cents=60_00),
                    told("write_off", loan, amount_cents=900_00, principal_cents=900_00),
                    told("recovery", loan, amount_cents=10_00, principal_cents=10_00),
                    told(
                        "reversal",
                        loan,
                        reversed_kind="write_off",
                        amount_cents=100_00,
                        principal_cents=100_00,
                    ),
                ]
            },
        ),
    ]
    assert await post(funds, member, events[:1]) == 1
    assert await post(funds, member, events) == 2
    assert await post(funds, member, events) == 0
    assert await balances_of(member) == {
        "cash:capital": "-4840.00",  # -4950 + 100 + 10
        "income:fees": "-50.00",
        "income:interest": "0.00",
        "income:recoveries": "-10.00",
        "liability:borrowers": "-40.00",
        "loans:receivable": "4140.00",  # 5000 - 60 - 900 + 100
        "losses:loans": "800.00",
    }
    assert (await balances_of(member, "2025-09-30"))["loans:receivable"] == "5000.00"
    assert await differences(funds, member) == []


async def test_a_gap_or_a_stranger_in_the_events_posts_nothing(
    funds: Funds, member: Client
) -> None:
    payload = {"facts": [told("recovery", "L", amount_cents=1)]}
    with pytest.raises(ValueError, match="event 1 is missing"):
        await post(funds, member, [event_of(member, 2, "loans.recorded", payload)])
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    with pytest.raises(ValueError, match="another organisation"):
        await post(funds, member, [Event(NO_ORGANISATION, 1, "loans.recorded", payload, moment)])
    for broken in (
        {"facts": [{"kind": "gift"}]},
        {"facts": [told("recovery", "L", amount_cents="1")]},
        {},
    ):
        with pytest.raises(ValidationError):
            await post(funds, member, [event_of(member, 1, "loans.recorded", broken)])
    assert await balances_of(member) == {}
    assert await post(funds, member, [event_of(member, 1, "loans.recorded", payload)]) == 1


async def test_a_disbursement_settles_the_reservation_of_its_loan(
    funds: Funds, member: Client
) -> None:
    place, loan = f"/v1/funds/{member.organisation}", str(uuid.uuid4())
    await member.post(f"{place}/contributions", gift(amount="1000.00"))
    await member.post(f"{place}/reservations", {"reservation_id": loan, "amount": "600.00"})
    await member.post(f"{place}/reservations/{loan}/post")
    balances = await balances_of(member)
    assert (balances["cash:capital"], balances["loans:in_transit"]) == ("400.00", "600.00")
    fact = told("disbursement", loan, amount_cents=600_00, principal_cents=600_00, fees_cents=25_00)
    await post(funds, member, [event_of(member, 1, "loans.recorded", {"facts": [fact]})])
    balances = await balances_of(member)
    assert (balances["cash:capital"], balances["loans:in_transit"]) == ("425.00", "0.00")
    assert balances["loans:receivable"] == "600.00"
    fund = (await member.get(place)).json()
    assert (fund["cash"], fund["reserved"], fund["available"]) == ("425.00", "0.00", "425.00")


async def test_a_disbursement_told_before_the_post_is_not_taken_twice(
    funds: Funds, member: Client
) -> None:
    place, loan = f"/v1/funds/{member.organisation}", str(uuid.uuid4())
    await member.post(f"{place}/contributions", gift(amount="1000.00"))
    await member.post(f"{place}/reservations", {"reservation_id": loan, "amount": "600.00"})
    fact = told("disbursement", loan, amount_cents=600_00, principal_cents=600_00)
    await post(funds, member, [event_of(member, 1, "loans.recorded", {"facts": [fact]})])
    voided = await member.post(f"{place}/reservations/{loan}/void")
    assert (voided.status_code, voided.json()["code"]) == (409, "reservation.disbursed")
    assert (await member.post(f"{place}/reservations/{loan}/post")).status_code == 200
    fund = (await member.get(place)).json()
    assert (fund["cash"], fund["reserved"], fund["available"]) == ("400.00", "0.00", "400.00")


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["give", "place", "guarantee", "repay", "reverse", "reverse repayment"]),
        st.integers(1, 10**9),
        st.integers(0, 300),
        st.integers(0, 5),
    ),
    max_size=12,
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
async def test_the_balance_is_the_sum_of_the_facts_on_any_date(
    funds: Funds, steps: list[tuple[str, int, int, int]]
) -> None:
    """Whatever is posted: the balance by source, the journal and a sum made here agree."""
    member = funds.as_member()
    place = f"/v1/funds/{member.organisation}"
    given_: list[tuple[str, str, date, int]] = []  # identifier, external_id, day, cents
    repaid: list[tuple[str, date, int]] = []
    expected: list[tuple[date, int]] = []  # what the capital of the community gained, by day
    for step, cents, day_number, pick in steps:
        day = date(2025, 4, 1) + timedelta(days=day_number)
        amount = f"{cents // 100}.{cents % 100:02d}"
        if step in ("give", "place", "guarantee"):
            instrument = {"give": "donation", "place": "placement"}.get(step, step)
            body = gift(amount=amount, instrument=instrument, received_on=day.isoformat())
            answer = await member.post(f"{place}/contributions", body)
            assert answer.status_code == 201
            if step != "guarantee":
                identifier = answer.json()["contribution_id"]
                given_.append((identifier, str(body["external_id"]), day, cents))
                expected.append((day, cents))
        elif step == "repay" and given_:
            _, external_id, _, _ = given_[pick % len(given_)]
            body = {
                "external_id": uuid.uuid4().hex,
                "contribution": {"external_id": external_id},
                "amount": amount,
                "repaid_on": day.isoformat(),
            }
            answer = await member.post(f"{place}/repayments-to-contributors", body)
            if answer.status_code == 201:
                repaid.append((answer.json()["repayment_id"], day, cents))
                expected.append((day, -cents))
        elif step == "reverse" and given_:
            identifier, _, day, cents = given_[pick % len(given_)]
            reversals = f"/v1/contributions/{identifier}/reversals"
            if (await member.post(reversals, {"reason": "Erreur"})).status_code == 201:
                expected.append((day, -cents))
        elif step == "reverse repayment" and repaid:
            identifier, day, cents = repaid[pick % len(repaid)]
            reversals = f"/v1/repayments-to-contributors/{identifier}/reversals"
            if (await member.post(reversals, {"reason": "Erreur"})).status_code == 201:
                expected.append((day, cents))
    for as_of in (date(2025, 3, 31), date(2025, 6, 1), date(2025, 11, 11), date(2026, 3, 31)):
        balance = (await member.get(f"{place}/balance?as_of={as_of}")).json()
        total = sum(cents for day, cents in expected if day <= as_of)
        assert _cents(balance["capital"]["community"]) == total
        accounts = {one["account"]: _cents(one["balance"]) for one in balance["accounts"]}
        assert sum(accounts.values()) == 0
        assert accounts.get("cash:capital", 0) == total
    journal = (await member.get(f"{place}/journal?limit=200")).json()["items"]
    for item in journal:
        assert sum(_cents(posting["amount"]) for posting in item["postings"]) == 0
    assert await differences(funds, member) == []


def _cents(amount: str) -> int:
    return int(amount.replace(".", ""))
