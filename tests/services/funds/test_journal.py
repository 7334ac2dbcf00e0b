"""The journal: whatever happens, it balances, it follows the facts, and it is posted once."""

import uuid
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from services.funds.journal.arithmetic import (
    LoanFact,
    LoanFactKind,
    Posting,
    post_loan_fact,
    sum_by_account,
    swap,
)
from services.funds.verify import verify
from tests.services.funds.conftest import (
    Client,
    Funds,
    balances_of,
    codes_of,
    contribution,
    differences,
    gift,
)

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


async def test_verifying_finds_a_figure_that_was_changed(funds: Funds, member: Client) -> None:
    place = f"/v1/funds/{member.organisation}/contributions"
    assert (await member.post(place, gift(amount="10.00"))).status_code == 201
    assert await differences(funds, member) == []
    organisation = member.principal.organisation_id
    await funds.look(
        "UPDATE funds.account_days SET amount_cents = amount_cents + 1"
        " WHERE organisation_id = $1 AND account = 'equity:capital:community'",
        organisation,
    )
    await funds.look(
        "UPDATE funds.audit_entries SET entry = jsonb_set(entry, '{role}', '\"network\"')"
        " WHERE organisation_id = $1",
        organisation,
    )
    found = await differences(funds, member)
    assert len(found) == 3
    urls = [SecretStr(funds.database.url(role)) for role in ("funds_app", "funds_totals")]
    everywhere = await verify(*urls)
    broken = "audit entry 1 does not match its hash"
    assert {f"organisation {organisation}: {one}" for one in (*found, broken)} <= set(everywhere)


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
            reversals = f"{place}/repayments-to-contributors/{identifier}/reversals"
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
