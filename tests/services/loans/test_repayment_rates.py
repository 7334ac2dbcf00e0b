"""The three repayment rates against a slow reading of the loans as they are shown, one by one."""

import random
from collections.abc import Iterator
from datetime import date, timedelta

from pydantic import BaseModel

from services.common.money import parse_cents
from tests.services.loans.conftest import (
    TODAY,
    Client,
    Document,
    loan,
    record_borrower,
    record_loan,
    repayment,
    some_id,
    terms,
)

PERIODS = (
    (date(2025, 1, 1), date(2025, 12, 31)),
    (date(2025, 6, 16), date(2025, 9, 14)),
    (date(2024, 1, 1), date(2024, 12, 31)),
    (date(2025, 7, 15), date(2025, 7, 15)),
)


LIFE = {"repayments": 85, "reschedulings": 7, "moratoria": 5, "write-offs": 3}
"""What may happen to a loan, and how often."""


async def lead_a_life(member: Client, chance: random.Random) -> str:
    """A loan with payments early, late, in odd amounts; some get a new schedule or are lost."""
    on = date(2024, 10, 1) + timedelta(chance.randrange(200))
    body = loan(
        await record_borrower(member),
        contracted_on=on.isoformat(),
        disbursed_on=on.isoformat(),
        funding=[],
        terms=terms(annual_rate=str(chance.choice((0, 5, 12))), instalments=chance.randint(3, 12)),
    )
    posted = await member.post("/v1/loans", body)
    assert posted.status_code == 201, posted.text
    path: str = posted.headers["location"]
    day = on
    while True:
        day += timedelta(chance.randint(5, 60))
        if day > TODAY:
            return path
        [fact] = chance.choices(list(LIFE), list(LIFE.values()))
        content = describe(fact, day.isoformat(), chance)
        await member.post(f"{path}/{fact}", {"external_id": some_id("F"), **content})


def describe(fact: str, on: str, chance: random.Random) -> Document:
    match fact:
        case "repayments":
            amount = f"{chance.randint(20, 400)}.{chance.randint(10, 99)}"
            purpose = chance.choice((None, None, None, "prepayment", "shorter_term"))
            return repayment(amount, on, purpose=purpose)
        case "reschedulings":
            agreed: Document = {"instalments": chance.randint(2, 12)}
            return {"rescheduled_on": on, "reason": "x", "terms": agreed}
        case "moratoria":
            return {"starts_on": on, "reason": "x", "kind": "capital_only", "periods": 2}
    return {"written_off_on": on, "reason": "x", "amount": "50.00"}


class Row(BaseModel):
    due_on: date
    principal: str


class Schedule(BaseModel):
    effective_on: date
    cause: str
    rows: list[Row]


class Fact(BaseModel):
    kind: str
    on: date
    amount: str | None
    allocation: dict[str, str] | None


class Shown(BaseModel):
    """What this reading takes of a loan as it is shown."""

    schedules: list[Schedule]
    facts: list[Fact]

    def list_payments(self) -> list[tuple[date, int]]:
        """Each one's principal, as the record splits the payments."""
        return [
            (fact.on, parse_cents(fact.allocation["principal"]))
            for fact in self.facts
            if fact.kind == "repayment" and fact.allocation
        ]

    def list_instalments(self) -> Iterator[tuple[date, int, int, date]]:
        """Due date, principal, principal asked before it, the evening its schedule was laid."""
        laid = [date.min, *(schedule.effective_on for schedule in self.schedules[1:])]
        for number, schedule in enumerate(self.schedules):
            asked = 0
            for row in schedule.rows:
                cents = parse_cents(row.principal)
                in_force = max(n for n, day in enumerate(laid) if day < row.due_on)
                if in_force == number:
                    yield row.due_on, cents, asked, laid[number]
                asked += cents


async def read(member: Client, path: str) -> Shown:
    answer = await member.get(path, as_of=TODAY.isoformat())
    return Shown.model_validate_json(answer.content)


def count(shown: Shown, first: date, last: date) -> dict[str, int]:
    """What falls due in the period, and what of it is paid by its due date."""
    payments = shown.list_payments()
    due = on_time = 0
    for due_on, cents, asked, laid_on in shown.list_instalments():
        if first <= due_on <= last:
            paid = sum(amount for day, amount in payments if laid_on < day <= due_on)
            due += cents
            on_time += max(0, min(cents, paid - asked))
    return {"due_in_period": due, "on_time": on_time}


def count_to_date(shown: Shown, day: date) -> dict[str, int]:
    """Schedule after schedule: what fell due of each, what was paid of it while in force. What the
    next one asks for again is not due twice.
    """
    laid = [date.min, *(schedule.effective_on for schedule in shown.schedules[1:]), date.max]
    due = repaid = 0
    for schedule, from_on, until_on in zip(shown.schedules, laid, laid[1:], strict=False):
        last = min(day, until_on)
        asked = sum(
            parse_cents(row.principal) for row in schedule.rows if from_on < row.due_on <= last
        )
        payments = shown.list_payments()
        paid = min(asked, sum(cents for paid_on, cents in payments if from_on < paid_on <= last))
        repaid += paid
        if from_on < day <= until_on:
            lost = [fact for fact in shown.facts if fact.kind == "write_off"]
            due += asked + sum(parse_cents(w.amount or "") for w in lost if w.on <= from_on)
            break
        due += paid
    return {"principal_due": due, "principal_repaid": repaid}


async def test_on_time_is_what_a_slow_reading_finds(member: Client) -> None:
    chance = random.Random(20260331)
    paths = [await lead_a_life(member, chance) for _ in range(15)]
    loans = [await read(member, path) for path in paths]
    assert sum(len(shown.schedules) > 1 for shown in loans) > 3
    for first, last in PERIODS:
        counted = [count(shown, first, last) for shown in loans]
        found = await ask(member, first, last)
        for name in ("due_in_period", "on_time"):
            assert found.get(name, 0) == sum(each[name] for each in counted), (name, first, last)


async def test_the_cumulative_rate_is_what_a_slow_reading_finds(member: Client) -> None:
    chance = random.Random(1999)
    paths = [await lead_a_life(member, chance) for _ in range(15)]
    loans = [await read(member, path) for path in paths]
    causes = {schedule.cause for shown in loans for schedule in shown.schedules}
    assert causes == {"contract", "rescheduling", "moratorium", "repayment"}
    for first, last in PERIODS:
        counted = [count_to_date(shown, last) for shown in loans]
        found = await ask(member, first, last)
        for name in ("principal_due", "principal_repaid"):
            assert found.get(name, 0) == sum(each[name] for each in counted), (name, last)


async def test_principal_prepaid_is_neither_due_nor_repaid(member: Client) -> None:
    """1,200 $ in twelve instalments of 100 $; 600 $ prepaid leave 500 $ over eleven: 45.45 each."""
    lent = await record_loan(member, terms=terms(annual_rate="0"))
    path = f"/v1/loans/{lent['loan_id']}/repayments"
    for body in (
        repayment("100.00", "2025-05-15"),
        repayment("600.00", "2025-05-20", purpose="prepayment"),
        repayment("45.45", "2025-06-15"),
    ):
        assert (await member.post(path, body)).status_code == 201
    for last, due, repaid in (
        (date(2025, 5, 31), 100_00, 100_00),
        (date(2025, 6, 30), 145_45, 145_45),
        (date(2025, 7, 31), 190_90, 145_45),
    ):
        found = await ask(member, date(2025, 4, 1), last)
        assert (found["principal_due"], found["principal_repaid"]) == (due, repaid)
        assert (found["due_in_period"], found["recovered_in_period"]) == (due, repaid)


async def test_current_recovery_adds_up_to_the_cumulative_rate(member: Client) -> None:
    """Recovered year by year, month by month: always what is repaid of what fell due."""
    chance = random.Random(7)
    for _ in range(8):
        await lead_a_life(member, chance)
    whole = await ask(member, date(2024, 1, 1), TODAY)
    halves = [
        await ask(member, date(2024, 1, 1), date(2025, 7, 9)),
        await ask(member, date(2025, 7, 10), TODAY),
    ]
    assert whole["recovered_in_period"] == whole["principal_repaid"] > 0
    assert sum(half["recovered_in_period"] for half in halves) == whole["recovered_in_period"]
    assert sum(half["due_in_period"] for half in halves) == whole["due_in_period"]
    assert sum(half["on_time"] for half in halves) == whole["on_time"]


async def ask(member: Client, first: date, last: date) -> dict[str, int]:
    answer = await member.get(
        "/internal/indicators", **{"from": first.isoformat(), "to": last.isoformat()}
    )
    [own] = answer.json()["organisations"] or [{"repayment": {}}]
    return {name: parse_cents(amount) for name, amount in own["repayment"].items()}
