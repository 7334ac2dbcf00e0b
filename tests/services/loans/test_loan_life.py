"""The life of a loan after its contract, through HTTP: every figure worked out by hand."""

from collections.abc import Sequence
from decimal import Decimal

import pytest

from services.common.errors import JsonValue
from services.common.money import format_cents
from tests.services.loans.conftest import (
    Client,
    Document,
    Loans,
    codes_of,
    loan,
    outcome,
    pay,
    record_borrower,
    record_loan,
    repayment,
    some_id,
    terms,
)

WITHOUT_INTEREST = terms(annual_rate="0")
"""1,200 $ in twelve instalments of 100 $."""


def moratorium(on: str = "2025-05-20", **changes: JsonValue) -> Document:
    return {
        "external_id": some_id("M"),
        "starts_on": on,
        "kind": "capital_only",
        "periods": 3,
        "reason": "Maladie",
        **changes,
    }


def what_was_agreed(shown: Document) -> JsonValue:
    """With the latest fact."""
    facts = shown["facts"]
    assert isinstance(facts, list)
    agreed: JsonValue = facts[-1]["agreed"]
    return agreed


def rescheduling(on: str = "2025-09-20", **new_terms: JsonValue) -> Document:
    return {
        "external_id": some_id("RS"),
        "rescheduled_on": on,
        "terms": {"instalments": 24, **new_terms},
        "reason": "Saison creuse",
    }


def fee(amount: str, on: str = "2025-06-01") -> Document:
    return {
        "external_id": some_id("F"),
        "charged_on": on,
        "amount": amount,
        "reason": "Chèque sans provision",
    }


def refund(amount: str, on: str = "2025-06-30") -> Document:
    return {"external_id": some_id("RF"), "refunded_on": on, "amount": amount}


def disbursement(amount: str, on: str = "2025-06-20") -> Document:
    return {"external_id": some_id("D"), "disbursed_on": on, "amount": amount}


def reversal(kind: str, external_id: JsonValue) -> Document:
    return {"fact": {"kind": kind, "external_id": external_id}, "reason": "Erreur"}


async def lend(client: Client, **changes: JsonValue) -> str:
    """The path of a loan; its first instalment is due on 2025-05-15."""
    return f"/v1/loans/{(await record_loan(client, **changes))['loan_id']}"


async def post(client: Client, place: str, body: Document) -> Document:
    posted = await client.post(place, body)
    assert posted.status_code == 201, posted.text
    found: Document = posted.json()
    return found


async def see(client: Client, place: str, as_of: str = "2026-03-31") -> Document:
    """The loan on a date; each figure of its position is explained by parts that add up to it."""
    shown: Document = (await client.get(place, as_of=as_of)).json()
    position = shown["position"]
    assert isinstance(position, dict), "a loan that stands has a position"
    why = position["why"]
    assert isinstance(why, dict)
    for figure, reason in why.items():
        assert isinstance(reason, dict)
        assert reason["rule"]
        parts = reason["parts"]
        assert isinstance(parts, list)
        value = position[figure]
        if figure == "arrears":
            assert isinstance(value, dict)
            value = value["total"]
        if isinstance(value, str):
            total = sum(Decimal(str(part["amount"])) for part in parts if isinstance(part, dict))
            assert total == Decimal(value), figure
    return shown


def rows(shown: Document, *columns: str) -> list[tuple[JsonValue, ...]]:
    schedule = shown["schedule"]
    assert isinstance(schedule, list)
    return [tuple(row[name] for name in columns) for row in schedule if isinstance(row, dict)]


def causes(shown: Document) -> list[JsonValue]:
    """Of the schedules that were in force, the last of which is."""
    schedules = shown["schedules"]
    assert isinstance(schedules, list)
    return [each["cause"] for each in schedules if isinstance(each, dict)]


def figures(shown: Document, *names: str) -> list[JsonValue]:
    position = shown["position"]
    assert isinstance(position, dict)
    return [position[name] for name in names]


@pytest.fixture
async def place(member: Client) -> str:
    """1,200 $ at 12 %, its first instalment paid: 1,105.38 $ outstanding."""
    path = await lend(member)
    await pay(member, path.rpartition("/")[2], ("2025-05-15", "106.62"))
    return path


# --- payoff and prepayment --------------------------------------------------------------------


async def test_a_loan_is_paid_off_between_two_due_dates(
    loans: Loans, member: Client, place: str
) -> None:
    """On 31 May, 16 of the 31 days of a period that earns 11.05 have run: 5.70."""
    quote = (await member.get(f"{place}/payoff", on="2025-05-31")).json()
    assert quote["amount"] == "1111.08"
    assert (quote["principal"], quote["interest_due"]) == ("1105.38", "0.00")
    assert (quote["interest_accrued"], quote["fees"]) == ("5.70", "0.00")

    for amount in ("1111.07", "1111.09"):
        body = repayment(amount, "2025-05-31", purpose="payoff", surplus="credit")
        refused = await member.post(f"{place}/repayments", body)
        assert codes_of(refused) == {"/amount": "repayment.payoff_differs"}
        assert "1111.08" in refused.json()["detail"]
    await post(member, f"{place}/repayments", repayment("1111.08", "2025-05-31", purpose="payoff"))
    shown = await see(member, place)
    assert figures(shown, "is_closed", "payoff", "outstanding_principal") == [True, "0.00", "0.00"]
    assert figures(shown, "interest_paid", "next_due", "par30") == ["17.70", None, False]
    assert figures(await see(member, place, "2025-05-30"), "outstanding_principal") == ["1105.38"]

    late = await member.post(f"{place}/repayments", repayment("1.00", "2025-06-15"))
    assert codes_of(late) == {"/amount": "loan.closed"}
    assert await loans.find_differences(member) == []


@pytest.mark.parametrize(
    ("purpose", "instalments"),
    [
        ("prepayment", [*["63.64"] * 10, "63.60"]),  # 700 over the eleven dates left
        ("shorter_term", ["100.00"] * 7),
    ],
)
async def test_a_prepayment_lays_the_rest_anew(
    loans: Loans, member: Client, purpose: str, instalments: Sequence[str]
) -> None:
    place = await lend(member, terms=WITHOUT_INTEREST)
    await pay(member, place.rpartition("/")[2], ("2025-05-15", "100.00"))
    await post(member, f"{place}/repayments", repayment("400.00", "2025-05-20", purpose=purpose))
    shown = await see(member, place)
    assert [payment for (payment,) in rows(shown, "payment")] == instalments
    assert rows(shown, "due_on")[0] == ("2025-06-15",)
    assert causes(shown) == ["contract", "repayment"]
    assert await loans.find_differences(member) == []


# --- moratoria and reschedulings ----------------------------------------------------------------


async def test_a_moratorium_on_capital(loans: Loans, member: Client, place: str) -> None:
    """Interest goes on: 5 of 31 days of 11.05 had run (1.78), 25 of 30 are laid (9.21)."""
    await post(member, f"{place}/moratoria", moratorium())
    shown = await see(member, place, "2025-05-20")
    assert len(rows(shown, "number")) == 11 + 3
    assert rows(shown, "due_on", "principal", "interest")[:4] == [
        ("2025-06-15", "0.00", "10.99"),
        ("2025-07-15", "0.00", "11.05"),
        ("2025-08-15", "0.00", "11.05"),
        ("2025-09-15", "95.57", "11.05"),
    ]
    assert await loans.find_differences(member) == []


async def test_a_moratorium_on_everything(loans: Loans, member: Client, place: str) -> None:
    """Deferred, three periods and what had run before fall due after it, with the fourth."""
    await post(member, f"{place}/moratoria", moratorium(kind="capital_and_interest"))
    shown = await see(member, place, "2025-08-31")
    assert rows(shown, "payment")[:3] == [("0.00",)] * 3
    # 1.78 + 9.21 + 11.05 + 11.05 deferred, and 11.05 of its own period.
    assert rows(shown, "due_on", "interest")[3] == ("2025-09-15", "44.14")
    assert figures(shown, "days_past_due", "interest_due") == [0, "0.00"]
    assert await loans.find_differences(member) == []


async def test_interest_of_a_moratorium_may_be_given_up(
    loans: Loans, member: Client, place: str
) -> None:
    """What had run before it is still owed."""
    body = moratorium(kind="capital_and_interest", interest="waived")
    await post(member, f"{place}/moratoria", body)
    shown = await see(member, place, "2025-08-31")
    assert rows(shown, "payment")[:3] == [("0.00",)] * 3
    assert rows(shown, "due_on", "interest")[3] == ("2025-09-15", "12.83")
    agreed = {"kind": "capital_and_interest", "periods": 3, "interest": "waived"}
    assert what_was_agreed(shown) == agreed
    assert await loans.find_differences(member) == []


async def test_a_rescheduling_takes_arrears_with_it(
    loans: Loans, member: Client, place: str
) -> None:
    """Four instalments late hold 38.44 of interest; 5 of 30 days of 7.17 have run: 1.20."""
    late = await see(member, place, "2025-09-20")
    assert figures(late, "days_past_due", "interest_due", "interest_accrued") == [
        97,
        "38.44",
        "1.20",
    ]
    await post(member, f"{place}/reschedulings", rescheduling(annual_rate="6"))
    shown = await see(member, place, "2025-09-20")
    assert figures(shown, "days_past_due", "outstanding_principal") == [0, "1105.38"]
    # 1,105.38 at half a percent, and the 39.64 carried, which bear nothing.
    assert rows(shown, "due_on", "interest")[:2] == [
        ("2025-10-20", "45.17"),
        ("2025-11-20", "5.31"),
    ]
    assert len(rows(shown, "number")) == 24
    principal = sum(Decimal(str(each)) for (each,) in rows(shown, "principal"))
    assert principal == Decimal("1105.38")
    assert what_was_agreed(shown) == rescheduling(annual_rate="6")["terms"]
    before = await see(member, place, "2025-09-19")
    assert figures(before, "days_past_due") == [96]
    assert causes(before) == ["contract"]
    assert await loans.find_differences(member) == []


async def test_a_fact_of_the_past_lays_later_schedules_anew(
    loans: Loans, member: Client, place: str
) -> None:
    """The schedule that was agreed on a wrong balance stays on record; another is in force."""
    await post(member, f"{place}/reschedulings", rescheduling())
    forgotten = repayment("106.62", "2025-06-15")
    await post(member, f"{place}/repayments", forgotten)
    shown = await see(member, place)
    assert causes(shown) == ["contract", "rescheduling"]
    principal = sum(Decimal(str(each)) for (each,) in rows(shown, "principal"))
    assert principal == Decimal("1009.81")
    versions = await loans.look(
        "SELECT version FROM schedule_versions WHERE organisation_id = $1 ORDER BY version",
        member.organisation_id,
    )
    assert [row["version"] for row in versions] == [1, 2, 3]
    spans = await loans.look(
        "SELECT version, from_on::text, until_on::text FROM schedule_spans"
        " WHERE organisation_id = $1 ORDER BY version",
        member.organisation_id,
    )
    assert [tuple(row) for row in spans] == [
        (1, "-infinity", "2025-09-20"),
        (3, "2025-09-20", "infinity"),
    ]
    assert await loans.find_differences(member) == []

    await post(member, f"{place}/reversals", reversal("repayment", forgotten["external_id"]))
    principal = sum(Decimal(str(each)) for (each,) in rows(await see(member, place), "principal"))
    assert principal == Decimal("1105.38")
    assert await loans.find_differences(member) == []


async def test_a_reversed_rescheduling_gives_the_contract_back(
    loans: Loans, member: Client, place: str
) -> None:
    before = await see(member, place)
    body = rescheduling()
    await post(member, f"{place}/reschedulings", body)
    await post(member, f"{place}/reversals", reversal("rescheduling", body["external_id"]))
    after = await see(member, place)
    assert (after["position"], after["schedule"]) == (before["position"], before["schedule"])
    assert await loans.find_differences(member) == []


# --- disbursements, fees, credit ----------------------------------------------------------------


async def test_a_loan_disbursed_in_two_times(loans: Loans, member: Client) -> None:
    """600 in instalments of 50, one paid; with 600 more, 1,150 over the ten dates left."""
    place = await lend(member, terms=WITHOUT_INTEREST, first_disbursement="600.00")
    await pay(member, place.rpartition("/")[2], ("2025-05-15", "50.00"))
    too_much = await member.post(f"{place}/disbursements", disbursement("600.01"))
    assert codes_of(too_much) == {"/amount": "disbursement.exceeds_balance"}
    second = disbursement("600.00")
    await post(member, f"{place}/disbursements", second)
    shown = await see(member, place)
    assert rows(shown, "due_on", "payment") == [
        (f"{2025 + month // 12}-{month % 12 + 1:02d}-15", "115.00") for month in range(6, 16)
    ]
    assert figures(shown, "outstanding_principal") == ["1150.00"]
    assert figures(await see(member, place, "2025-06-19"), "outstanding_principal") == ["550.00"]
    lent = await loans.look(
        "SELECT on_date::text, loans_count, loans_cents FROM daily_totals"
        " WHERE organisation_id = $1 AND loans_cents > 0 ORDER BY on_date",
        member.organisation_id,
    )
    assert [tuple(row) for row in lent] == [("2025-04-15", 1, 60_000), ("2025-06-20", 0, 60_000)]
    assert await loans.find_differences(member) == []

    await post(member, f"{place}/reversals", reversal("disbursement", second["external_id"]))
    assert figures(await see(member, place), "outstanding_principal") == ["550.00"]
    assert await loans.find_differences(member) == []


async def test_a_fee_is_due_the_day_it_is_charged(loans: Loans, member: Client, place: str) -> None:
    await post(member, f"{place}/fees", fee("10.00"))
    shown = await see(member, place, "2025-06-01")
    assert figures(shown, "fees_due", "payoff") == ["10.00", "1121.44"]  # 17 days of 31: 6.06
    await pay(member, place.rpartition("/")[2], ("2025-06-10", "15.00"))
    shown = await see(member, place, "2025-06-10")
    assert figures(shown, "fees_paid", "interest_paid") == ["10.00", "17.00"]
    assert await loans.find_differences(member) == []


async def test_a_fee_counts_in_the_criminal_rate(member: Client, place: str) -> None:
    """With the fees before it: 60 $ more would pass where 150 $ does not."""
    refused = await member.post(f"{place}/fees", fee("180.00"))
    assert codes_of(refused) == {"/amount": "loan.criminal_rate"}
    assert "35 %" in refused.json()["detail"]
    for _ in range(2):
        await post(member, f"{place}/fees", fee("60.00"))
    refused = await member.post(f"{place}/fees", fee("60.00"))
    assert codes_of(refused) == {"/amount": "loan.criminal_rate"}


async def test_what_is_withheld_from_a_disbursement_is_bounded_like_any_fee(
    loans: Loans, member: Client
) -> None:
    place = await lend(member, first_disbursement="600.00")
    before = await loans.count_rows(member)
    for withheld, code in (
        ("100.01", "schedule.nothing_advanced"),
        ("100.00", "schedule.nothing_advanced"),
        ("99.99", "loan.criminal_rate"),
    ):
        body = {**disbursement("100.00"), "fees_withheld": withheld}
        refused = await member.post(f"{place}/disbursements", body)
        assert (refused.status_code, codes_of(refused)) == (422, {"/fees_withheld": code})
    assert await loans.count_rows(member) == before
    await post(
        member, f"{place}/disbursements", {**disbursement("100.00"), "fees_withheld": "5.00"}
    )
    assert await loans.find_differences(member) == []


@pytest.mark.parametrize(
    ("kind", "path", "body"),
    [
        ("fee", "fees", fee("10.00", "2025-05-01")),
        ("moratorium", "moratoria", moratorium("2025-05-01", kind="capital_and_interest")),
        ("rescheduling", "reschedulings", rescheduling("2025-05-01")),
    ],
)
async def test_the_journal_hears_how_payments_split_once_a_fact_is_reversed(
    loans: Loans, member: Client, place: str, kind: str, path: str, body: Document
) -> None:
    """A fact that moves no money still changes what a payment settled: taken out, it must too."""
    await post(member, f"{place}/{path}", body)
    await post(member, f"{place}/repayments", repayment("200.00", "2025-06-15"))
    before = await loans.sum_told(member)
    await post(member, f"{place}/reversals", reversal(kind, body["external_id"]))
    told = await loans.sum_told(member)
    assert told != before
    shown = await see(member, place)
    assert figures(shown, "principal_paid", "interest_paid") == [
        format_cents(told["principal"]),
        format_cents(told["interest"]),
    ]


async def test_what_is_paid_too_much_is_kept_and_given_back(loans: Loans, member: Client) -> None:
    place = await lend(member, terms=WITHOUT_INTEREST)
    body = repayment("1300.00", "2025-06-15")
    refused = await member.post(f"{place}/repayments", body)
    assert codes_of(refused) == {"/amount": "repayment.over_payment"}
    assert refused.json()["detail"].endswith(": 1200.00.")
    await post(member, f"{place}/repayments", {**body, "surplus": "credit"})
    shown = await see(member, place)
    assert figures(shown, "credit_balance", "is_closed") == ["100.00", True]

    too_much = await member.post(f"{place}/refunds", refund("100.01"))
    assert codes_of(too_much) == {"/amount": "refund.exceeds_balance"}
    too_soon = await member.post(f"{place}/refunds", refund("100.00", "2025-06-14"))
    assert codes_of(too_soon) == {"/amount": "refund.exceeds_balance"}
    given = refund("100.00")
    await post(member, f"{place}/refunds", given)
    assert figures(await see(member, place), "credit_balance") == ["0.00"]
    needed = await member.post(f"{place}/reversals", reversal("repayment", body["external_id"]))
    assert codes_of(needed) == {"/fact": "fact.contradicts_another"}
    for kind, external_id in (
        ("refund", given["external_id"]),
        ("repayment", body["external_id"]),
    ):
        await post(member, f"{place}/reversals", reversal(kind, external_id))
    assert figures(await see(member, place), "payoff", "credit_balance") == ["1200.00", "0.00"]
    assert await loans.find_differences(member) == []


async def test_what_was_paid_for_a_fee_charged_by_mistake_is_owed_back(
    loans: Loans, member: Client
) -> None:
    place = await lend(member, terms=WITHOUT_INTEREST)
    mistaken = fee("20.00", "2025-05-20")
    await post(member, f"{place}/fees", mistaken)
    await pay(member, place.rpartition("/")[2], ("2025-06-15", "1220.00"))
    await post(member, f"{place}/reversals", reversal("fee", mistaken["external_id"]))
    shown = await see(member, place)
    assert figures(shown, "credit_balance", "fees_paid", "is_closed") == ["20.00", "0.00", True]
    await post(member, f"{place}/refunds", refund("20.00"))
    assert figures(await see(member, place), "credit_balance") == ["0.00"]
    assert await loans.find_differences(member) == []


async def test_a_fee_found_later_is_paid_from_the_credit(loans: Loans, member: Client) -> None:
    place = await lend(member, terms=WITHOUT_INTEREST)
    body = repayment("1250.00", "2025-06-15", surplus="credit")
    await post(member, f"{place}/repayments", body)
    await post(member, f"{place}/fees", fee("20.00", "2025-06-10"))
    shown = await see(member, place)
    assert figures(shown, "credit_balance", "fees_paid", "payoff") == ["30.00", "20.00", "0.00"]
    closed = await member.post(f"{place}/fees", fee("1.00", "2025-07-01"))
    assert codes_of(closed) == {"/charged_on": "loan.closed"}
    assert await loans.find_differences(member) == []


async def test_the_credit_a_fee_takes_counts_on_its_date(loans: Loans, member: Client) -> None:
    """1,250 $ paid in June on 1,200 $; July's fee of 20 $ takes of the 50 $ left."""
    place = await lend(member, terms=WITHOUT_INTEREST)
    late = fee("20.00", "2025-07-20")
    charged = await post(member, f"{place}/fees", late)
    body = repayment("1250.00", "2025-06-15", surplus="credit")
    await post(member, f"{place}/repayments", body)

    june, july = await see(member, place, "2025-06-30"), await see(member, place)
    assert figures(june, "credit_balance", "fees_paid", "is_closed") == ["50.00", "0.00", True]
    assert figures(july, "credit_balance", "fees_paid", "is_closed") == ["30.00", "20.00", True]
    used = {"on": "2025-07-20", "fee_id": charged["id"], "amount": "20.00"}
    for shown, uses in ((june, []), (july, [used])):
        [paid] = facts_of(shown, "repayment")
        assert paid["allocation"] == {"fees": "0.00", "interest": "0.00", "principal": "1200.00"}
        assert paid["credit_used"] == uses
    position = july["position"]
    assert isinstance(position, dict)
    why = position["why"]
    assert isinstance(why, dict)
    assert why["credit_balance"]["parts"] == [
        {
            "what": "repayment",
            "identifier": body["external_id"],
            "on": "2025-06-15",
            "amount": "50.00",
        },
        {
            "what": "fee",
            "identifier": charged["id"],
            "on": "2025-07-20",
            "amount": "-20.00",
            "repayment": body["external_id"],
        },
    ]
    assert await loans.sum_fees_told(member, place) == {"2025-07-20": 20_00}
    assert await fees_received(member) == {"2025-06": "0.00", "2025-07": "20.00"}
    assert await loans.find_differences(member) == []

    await post(member, f"{place}/reversals", reversal("fee", late["external_id"]))
    assert figures(await see(member, place), "credit_balance", "fees_paid") == ["50.00", "0.00"]
    assert await loans.sum_fees_told(member, place) == {}
    assert await fees_received(member) == {"2025-06": "0.00", "2025-07": "0.00"}
    assert await loans.find_differences(member) == []


async def test_a_payment_reversed_takes_back_what_a_fee_took_of_it(
    loans: Loans, member: Client
) -> None:
    place = await lend(member, terms=WITHOUT_INTEREST)
    await post(member, f"{place}/fees", fee("20.00", "2025-07-20"))
    body = repayment("1250.00", "2025-06-15", surplus="credit")
    await post(member, f"{place}/repayments", body)
    await post(member, f"{place}/reversals", reversal("repayment", body["external_id"]))
    shown = await see(member, place)
    assert figures(shown, "credit_balance", "fees_paid", "payoff") == ["0.00", "0.00", "1220.00"]
    assert await loans.sum_fees_told(member, place) == {}
    assert await fees_received(member) == {"2025-06": "0.00", "2025-07": "0.00"}
    assert await loans.find_differences(member) == []


async def fees_received(client: Client) -> dict[str, JsonValue]:
    """Fees repaid in June and in July: of the kept days, and of the loans one by one."""
    found: dict[str, JsonValue] = {}
    for month, last in (("2025-06", "30"), ("2025-07", "31")):
        period = {"from": f"{month}-01", "to": f"{month}-{last}"}
        [row] = (await client.get("/internal/totals", **period)).json()["rows"]
        asked = await client.get("/internal/totals", **period, group_by="product")
        assert [each["repayments"] for each in asked.json()["rows"]] == [row["repayments"]]
        found[month] = row["repayments"]["fees"]
    return found


def facts_of(shown: Document, kind: str) -> list[Document]:
    facts = shown["facts"]
    assert isinstance(facts, list)
    return [fact for fact in facts if isinstance(fact, dict) and fact["kind"] == kind]


# --- interest by the day, orders of allocation --------------------------------------------------


async def test_interest_by_the_day(loans: Loans, member: Client) -> None:
    """1,200 $ at 12 %: 39.45 cents a day. 45 days after the disbursement, 17.75 are owed."""
    place = await lend(member, terms=terms(day_count="actual/365"), interest_accrual="daily")
    shown = await see(member, place, "2025-05-30")
    # Of the 17.75, 30 days fell due on 15 May: 11.84.
    assert figures(shown, "interest_due", "interest_accrued", "days_past_due") == [
        "11.84",
        "5.91",
        15,
    ]
    await pay(member, place.rpartition("/")[2], ("2025-05-30", "117.75"))
    shown = await see(member, place, "2025-05-30")
    assert figures(shown, "interest_paid", "outstanding_principal", "days_past_due") == [
        "17.75",
        "1100.00",
        0,
    ]
    quote = (await member.get(f"{place}/payoff", on="2025-06-29")).json()
    assert quote["amount"] == "1110.85"  # 30 days on 1,100
    await post(member, f"{place}/repayments", repayment("1110.85", "2025-06-29", purpose="payoff"))
    assert figures(await see(member, place), "is_closed", "interest_paid") == [True, "28.60"]
    assert await loans.find_differences(member) == []


HALF_A_DOLLAR_A_DAY = terms(
    principal="1000.00",
    annual_rate="18.25",
    instalments=3,
    day_count="actual/365",
    amortisation="equal_principal",
)
"""1,000 $ at 0.05 % a day, due on 15 May, June and July: 333.33 of principal each time."""


async def test_overdue_interest_bears_interest_where_it_is_agreed(
    loans: Loans, member: Client
) -> None:
    """30 days to 15 May: 15.00. The 20 days to 4 June: 10.00, and 15.00 x 0.05 % x 20 = 0.15."""
    daily: Document = {"terms": HALF_A_DOLLAR_A_DAY, "interest_accrual": "daily"}
    place = await lend(member, **daily, interest_on_overdue_interest=True)
    due = ("interest_due", "interest_accrued", "payoff")
    shown = await see(member, place, "2025-06-04")
    assert figures(shown, *due) == ["15.00", "10.15", "1025.15"]
    assert shown["interest_on_overdue_interest"] is True
    rate, position = shown["yearly_rate"], shown["position"]
    assert isinstance(rate, dict)
    assert isinstance(position, dict)
    assert "intérêt échu et non payé porte intérêt" in str(rate["fr"])
    assert "1620" in str(position["why"])
    simple = await see(member, await lend(member, **daily), "2025-06-04")
    assert figures(simple, *due) == ["15.00", "10.00", "1025.00"]
    assert simple["interest_on_overdue_interest"] is False
    assert "art. 1620" not in str(simple)  # identifiers hold any four digits
    # 31 days of 0.05 % of 1,015.00 are 15.7325: 30.73 fall due on 15 June.
    assert figures(await see(member, place, "2025-06-15"), *due) == ["30.73", "0.00", "1030.73"]

    # 25.15 of interest and 320.00 of principal; then 11 days of 0.05 % of 680.00.
    paid = repayment("345.15", "2025-06-04")
    await post(member, f"{place}/repayments", paid)
    shown = await see(member, place, "2025-06-15")
    assert figures(shown, "interest_paid", "outstanding_principal") == ["25.15", "680.00"]
    assert figures(shown, *due) == ["3.74", "0.00", "683.74"]
    # Found later: 348.33 on the day it was due. 20 days of 0.05 % of 666.67: 6.67, and not 10.15.
    found = repayment("348.33", "2025-05-15")
    await post(member, f"{place}/repayments", found)
    shown = await see(member, place, "2025-06-04")
    assert figures(shown, "interest_paid", "principal_paid") == ["21.67", "671.81"]
    await post(member, f"{place}/reversals", reversal("repayment", found["external_id"]))
    await post(member, f"{place}/reversals", reversal("repayment", paid["external_id"]))
    assert figures(await see(member, place, "2025-06-15"), *due) == ["30.73", "0.00", "1030.73"]
    quote = (await member.get(f"{place}/payoff", on="2025-06-15")).json()
    assert quote["amount"] == "1030.73"
    await post(member, f"{place}/repayments", repayment("1030.73", "2025-06-15", purpose="payoff"))
    assert figures(await see(member, place), "is_closed", "interest_paid") == [True, "30.73"]
    assert await loans.find_differences(member) == []


@pytest.mark.parametrize(
    ("order", "split"),
    [
        ("fees_interest_principal", ("25.00", "12.00", "13.00")),
        ("interest_fees_principal", ("25.00", "12.00", "13.00")),
        ("principal_interest_fees", ("0.00", "0.00", "50.00")),
        ("interest_principal_fees", ("0.00", "12.00", "38.00")),
    ],
)
async def test_a_payment_is_split_in_the_order_agreed(
    loans: Loans, member: Client, order: str, split: tuple[str, str, str]
) -> None:
    """The first instalment asks for 25.00 of fees, 12.00 of interest and 94.62 of principal."""
    added = terms(fees=[{"amount": "25.00", "charged": "added"}])
    place = await lend(member, terms=added, allocation_order=order)
    await pay(member, place.rpartition("/")[2], ("2025-05-15", "50.00"))
    shown = await see(member, place)
    assert tuple(figures(shown, "fees_paid", "interest_paid", "principal_paid")) == split
    assert shown["allocation_order"] == order
    assert await loans.find_differences(member) == []


# --- a loan posted by mistake -------------------------------------------------------------------


async def test_a_reversed_loan_counts_nowhere(loans: Loans, member: Client) -> None:
    borrower_id = await record_borrower(member)
    body = loan(borrower_id)
    lent = await post(member, "/v1/loans", body)
    place = f"/v1/loans/{lent['loan_id']}"
    await pay(member, lent["loan_id"], ("2025-05-15", "106.62"))
    taken_out = reversal("loan", lent["external_id"])
    needed = await member.post(f"{place}/reversals", taken_out)
    assert codes_of(needed) == {"/fact": "reversal.loan_has_facts"}
    paid = (await member.get(f"{place}/repayments")).json()["items"][0]
    await post(member, f"{place}/reversals", reversal("repayment", paid["external_id"]))
    await post(member, f"{place}/reversals", taken_out)

    shown = (await member.get(place)).json()
    assert (shown["reversed"], shown["position"]) == ({"reason": "Erreur"}, None)
    assert [fact["kind"] for fact in shown["facts"]] == ["disbursement", "repayment"]
    totals = (
        await member.get(
            "/internal/totals", **{"from": "2025-04-01", "to": "2026-03-31", "group_by": "product"}
        )
    ).json()
    assert all(row["loans"]["count"] == 0 for row in totals["rows"])
    refused = await member.post("/v1/outcomes", outcome(lent["external_id"]))
    assert codes_of(refused) == {"/loan/external_id": "loan.reversed"}
    # The loan of the path: like one that does not exist, whatever is posted on it.
    for path, sent in (("repayments", repayment()), ("fees", fee("1.00"))):
        assert (await member.post(f"{place}/{path}", sent)).status_code == 404, path
    sent_again = {name: paid[name] for name in ("external_id", "paid_on", "amount", "method")}
    assert (await member.post(f"{place}/repayments", sent_again)).status_code == 200
    again = await member.post("/v1/loans", body)
    assert (again.status_code, again.json()) == (200, lent)
    assert await loans.find_differences(member) == []


async def test_the_first_disbursement_has_the_identifier_of_its_loan(member: Client) -> None:
    """It came with the loan, and goes with it."""
    lent = await record_loan(member)
    place = f"/v1/loans/{lent['loan_id']}"
    [first] = facts_of((await member.get(place)).json(), "disbursement")
    assert first["external_id"] == lent["external_id"]
    body = reversal("disbursement", first["external_id"])
    refused = await member.post(f"{place}/reversals", body)
    assert codes_of(refused) == {"/fact": "reversal.first_disbursement"}
    body = reversal("disbursement", "another")
    assert (await member.post(f"{place}/reversals", body)).status_code == 404
    await post(member, f"{place}/reversals", reversal("loan", lent["external_id"]))
    [first] = facts_of((await member.get(place)).json(), "disbursement")
    assert first["external_id"] == lent["external_id"]


async def test_a_loan_with_an_outcome_is_reversed_after_it(member: Client) -> None:
    lent = await record_loan(member)
    await post(member, "/v1/outcomes", outcome(lent["external_id"]))
    refused = await member.post(
        f"/v1/loans/{lent['loan_id']}/reversals", reversal("loan", lent["external_id"])
    )
    assert codes_of(refused) == {"/fact": "reversal.loan_has_facts"}


# --- what may not be --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "body", "pointer", "code"),
    [
        ("moratoria", moratorium(periods=0), "/periods", "number.too_small"),
        ("moratoria", moratorium(periods=61), "/periods", "number.too_large"),
        ("moratoria", moratorium(kind="holiday"), "/kind", "choice"),
        ("moratoria", moratorium("2026-04-01"), "/starts_on", "date.future"),
        ("moratoria", moratorium("2025-04-14"), "/starts_on", "moratorium.before_disbursement"),
        ("reschedulings", rescheduling(instalments=601), "/terms/instalments", "number.too_large"),
        ("reschedulings", rescheduling(instalments=0), "/terms/instalments", "number.too_small"),
        (
            "reschedulings",
            rescheduling(first_due_on="2025-09-20"),
            "/terms/first_due_on",
            "schedule.first_due_before_disbursement",
        ),
        (
            "reschedulings",
            rescheduling(grace={"principal_periods": 24}),
            "/terms/grace/principal_periods",
            "schedule.grace_too_long",
        ),
        (
            "reschedulings",
            rescheduling(annual_rate="40"),
            "/terms/annual_rate",
            "loan.criminal_rate",
        ),
        (
            "reschedulings",
            rescheduling(annual_rate="1.123456789"),
            "/terms/annual_rate",
            "rate.decimals",
        ),
        (
            "reschedulings",
            rescheduling("2025-04-14"),
            "/rescheduled_on",
            "rescheduling.before_disbursement",
        ),
        (
            "reschedulings",
            rescheduling(annual_rate="100", instalments=600),
            "/terms/instalments",
            "schedule.never_amortises",
        ),
        ("fees", fee("0.00"), "/amount", "amount.zero"),
        ("fees", fee("1.00", "2026-04-01"), "/charged_on", "date.future"),
        ("fees", fee("1.00", "2025-04-14"), "/charged_on", "fee.before_disbursement"),
        ("refunds", refund("0.01"), "/amount", "refund.exceeds_balance"),
        ("disbursements", disbursement("0.01"), "/amount", "disbursement.exceeds_balance"),
        ("disbursements", disbursement("-1.00"), "/amount", "amount.negative"),
        ("repayments", repayment(purpose="gift"), "/purpose", "choice"),
        ("repayments", repayment(surplus="keep"), "/surplus", "choice"),
        ("reversals", reversal("reversal", "X"), "/fact/kind", "choice"),
    ],
)
async def test_what_is_wrong_is_placed_and_nothing_is_stored(
    loans: Loans,
    member: Client,
    place: str,
    path: str,
    body: Document,
    pointer: str,
    code: str,
) -> None:
    before = await loans.count_rows(member)
    refused = await member.post(f"{place}/{path}", body)
    assert (refused.status_code, codes_of(refused)) == (422, {pointer: code})
    assert await loans.count_rows(member) == before


@pytest.mark.parametrize(
    ("changes", "pointer", "code"),
    [
        ({"interest_accrual": "daily"}, "/terms/day_count", "loan.day_count_not_daily"),
        (
            {
                "interest_accrual": "daily",
                "terms": terms(day_count="actual/365", interest_method="flat"),
            },
            "/terms/interest_method",
            "loan.flat_not_daily",
        ),
        (
            {"first_disbursement": "1200.01"},
            "/first_disbursement",
            "loan.first_disbursement_too_large",
        ),
        ({"allocation_order": "principal_first"}, "/allocation_order", "choice"),
        (
            {"interest_on_overdue_interest": True},
            "/interest_on_overdue_interest",
            "loan.overdue_interest_not_daily",
        ),
        (
            {"interest_on_overdue_interest": "yes"},
            "/interest_on_overdue_interest",
            "boolean.type",
        ),
    ],
)
async def test_conditions_that_do_not_go_together(
    loans: Loans, member: Client, changes: Document, pointer: str, code: str
) -> None:
    borrower_id = await record_borrower(member)
    refused = await member.post("/v1/loans", loan(borrower_id, **changes))
    assert (refused.status_code, codes_of(refused)) == (422, {pointer: code})
    assert (await member.get("/v1/loans")).json()["items"] == []


async def test_nothing_is_laid_anew_once_the_loan_is_closed(member: Client) -> None:
    place = await lend(member, terms=WITHOUT_INTEREST)
    await pay(member, place.rpartition("/")[2], ("2025-05-15", "1200.00"))
    for path, body, pointer in (
        ("moratoria", moratorium(), "/starts_on"),
        ("reschedulings", rescheduling(), "/rescheduled_on"),
        ("fees", fee("1.00"), "/charged_on"),
    ):
        refused = await member.post(f"{place}/{path}", body)
        assert codes_of(refused) == {pointer: "loan.closed"}, path


async def test_a_fact_posted_again_changes_nothing(
    loans: Loans, member: Client, place: str
) -> None:
    for path, body, other in (
        ("moratoria", moratorium(), {"periods": 4}),
        ("reschedulings", rescheduling(), {"reason": "Autre"}),
        ("fees", fee("5.00"), {"amount": "6.00"}),
    ):
        first = await member.post(f"{place}/{path}", body)
        before = await loans.count_rows(member)
        again = await member.post(f"{place}/{path}", body)
        assert (first.status_code, again.status_code) == (201, 200), first.text
        assert again.content == first.content
        changed = await member.post(f"{place}/{path}", {**body, **other})
        assert (changed.status_code, codes_of(changed)) == (
            409,
            {"/external_id": "external_id.conflict"},
        )
        assert await loans.count_rows(member) == before
    assert await loans.find_differences(member) == []


async def test_a_late_fact_before_2400_others(loans: Loans, member: Client) -> None:
    """Every one of the later repayments is split anew, in the same transaction."""
    weekly = terms(principal="20000.00", annual_rate="12", instalments=520, frequency="weeks")
    body = loan(
        await record_borrower(member),
        terms=weekly,
        disbursed_on="2016-01-05",
        contracted_on="2016-01-05",
    )
    lent = await post(member, "/v1/loans", body)
    lines = ["external_id,loan_external_id,paid_on,amount"]
    for number in range(2400):
        day = f"{2017 + number // 300}-{number % 300 // 25 + 1:02d}-{number % 25 + 4:02d}"
        lines.append(f"R-{number:04d},{lent['external_id']},{day},5.00")
    sent = await member.send("repayments", "\n".join(lines))
    assert sent.status_code == 201, sent.text
    await post(member, f"/v1/loans/{lent['loan_id']}/repayments", repayment("7.00", "2016-01-06"))
    shown = await see(member, f"/v1/loans/{lent['loan_id']}")
    assert figures(shown, "credit_balance") == ["0.00"]
    paid = sum(
        Decimal(str(each))
        for each in figures(shown, "fees_paid", "interest_paid", "principal_paid")
    )
    assert paid == Decimal("12007.00")
    assert await loans.find_differences(member) == []
