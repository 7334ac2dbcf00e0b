"""A random portfolio posted to the service, and its totals by one loop per loan and per day.

Nothing here comes from the service's arithmetic or SQL: positions are those of the model that walks
the days, sums are made in Python from what was posted.
"""

import random
import uuid
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

from services.common.errors import JsonValue
from services.common.money import format_cents
from services.loans.positions.facts import Charge, LoanFacts, Loss, Payment, payment_order
from services.loans.positions.ladder import Ladder
from tests.services.loans.conftest import Client, Document, loan_row, repayment_row, write_csv
from tests.unit.position_model import walk
from tests.unit.scheduled_position_model import Evening

FIRST_DAY = date(2024, 1, 10)
NOTHING = Evening(0, 0, 0, 0, 0, 0, 0, 0, 0)

Figures = dict[str, int]
Row = dict[str, object]


@dataclass(frozen=True)
class Session:
    region: str
    borrower: str
    loan: "NaiveLoan | None"
    held_on: date
    minutes: int


@dataclass(frozen=True)
class Outcome:
    observed_on: date
    status: str
    created: int
    maintained: int


@dataclass
class NaiveLoan:
    row: Row
    facts: LoanFacts
    outcomes: list[Outcome] = field(default_factory=list)
    evenings: dict[date, tuple[LoanFacts, Evening]] = field(default_factory=dict)
    """Those walked to, of which facts: many totals are of the same days."""

    @property
    def region(self) -> str:
        return str(self.row["region_code"])

    @property
    def borrower(self) -> str:
        return str(self.row["borrower_external_id"])

    def evening(self, day: date) -> Evening:
        facts, found = self.evenings.get(day, (None, NOTHING))
        if facts is not self.facts:
            walked = [evening for _, evening in walk(self.facts, day)]
            found = walked[-1] if walked else NOTHING
            self.evenings[day] = (self.facts, found)
        return found


@dataclass
class Portfolio:
    client: Client
    loans: list[NaiveLoan] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)


async def post_portfolio(client: Client, seed: int, loans_count: int = 14) -> Portfolio:
    """Loans in two regions with everything that can happen to them, some of it reversed."""
    draw = random.Random(seed)
    portfolio = Portfolio(client)
    rows = [make_loan_row(draw, f"P-{number:02d}") for number in range(loans_count)]
    await send(client, "loans", rows)
    for row in rows:
        portfolio.loans.append(await read_loan(client, row))
    payments: list[Row] = []
    for each in portfolio.loans:
        payments += pay(draw, each)
    await send(client, "repayments", draw.sample(payments, len(payments)))
    for each in portfolio.loans:
        await lose(draw, client, each)
        await reverse(draw, client, each)
    for each in [each for each in portfolio.loans if not each.facts.write_offs][:4]:
        await overpay(draw, client, each)
    await follow_up(draw, portfolio)
    return portfolio


async def send(client: Client, kind: str, rows: list[Row]) -> None:
    sent = await client.send(kind, write_csv(rows))
    assert sent.status_code == 201, sent.text


def make_loan_row(draw: random.Random, external_id: str) -> Row:
    disbursed_on = FIRST_DAY + timedelta(days=draw.randrange(500))
    principal = draw.randrange(300, 3_000) * 100
    by_state = draw.choice((0, principal // 2, principal))
    gender = draw.choice(("woman", "man", ""))
    return loan_row(
        external_id,
        # Some persons have two loans; both say the same of them.
        borrower_external_id=f"E-{external_id}" if draw.random() < 0.7 else f"E-shared-{gender}",
        gender=gender,
        birth_year="",
        clienteles=draw.choice(("", "immigrant", "immigrant|under_35")) if gender else "",
        region_code="06",
        product=draw.choice(("individual_loan", "circle_loan")),
        stage=draw.choice(("start", "growth", "")),
        sector_code=draw.choice(("722512", "311811", "")),
        principal=format_cents(principal),
        annual_rate=draw.choice(("0", "7.25", "12")),
        instalments=str(draw.randrange(1, 9)),
        disbursed_on=disbursed_on.isoformat(),
        contracted_on="",
        fee=draw.choice(("", "10.00")),
        funding_state=format_cents(by_state),
        funding_private=format_cents(draw.choice((0, principal - by_state))),
        other_financing="",
    ) | {"region_code": draw.choice(("06", "13"))}


async def read_loan(client: Client, row: Row) -> NaiveLoan:
    [listed] = (await client.get("/v1/loans", external_id=str(row["external_id"]))).json()["items"]
    shown = (await client.get(f"/v1/loans/{listed['loan_id']}")).json()
    instalments = shown["schedule"]

    def column(name: str) -> list[int]:
        return [int(instalment[name].replace(".", "")) for instalment in instalments]

    due = [date.fromisoformat(instalment["due_on"]) for instalment in instalments]
    ladder = Ladder(due, column("fees"), column("interest"), column("principal"))
    disbursed_on = date.fromisoformat(str(row["disbursed_on"]))
    principal = int(str(row["principal"]).replace(".", ""))
    loan_id = uuid.UUID(shown["loan_id"])
    facts = LoanFacts(loan_id, str(row["region_code"]), disbursed_on, principal, ladder)
    return NaiveLoan(row, facts)


def pay(draw: random.Random, each: NaiveLoan) -> Iterator[Row]:
    """Some instalments on their day, some late, some in part."""
    payments: list[Payment] = []
    for instalment in each.facts.ladder.instalments[: draw.randrange(9)]:
        cents = instalment.total_cents
        if draw.random() < 0.3:
            cents = max(1, cents // 3)
        paid_on = instalment.due_on + timedelta(days=draw.choice((0, 0, 0, 3, 45)))
        name = f"R-{each.row['external_id']}-{instalment.number}"
        payments.append(Payment(uuid.uuid4(), name, paid_on, cents))
        yield repayment_row(
            name, str(each.row["external_id"]), paid_on.isoformat(), format_cents(cents)
        )
    each.facts = replace(each.facts, payments=tuple(payments))


async def lose(draw: random.Random, client: Client, each: NaiveLoan) -> None:
    """Write some loans off, whole or in part, and recover some of it."""
    outstanding = each.evening(date(2025, 12, 31)).outstanding
    if not outstanding or draw.random() < 0.5:
        return
    place, name = f"/v1/loans/{each.facts.loan_id}", str(each.row["external_id"])
    cents = draw.choice((outstanding, max(1, outstanding // 2)))
    body = {"external_id": f"W-{name}", "written_off_on": "2025-12-31", "reason": "x"}
    posted = await client.post(f"{place}/write-offs", {**body, "amount": format_cents(cents)})
    assert posted.status_code == 201, posted.text
    each.facts = replace(each.facts, write_offs=(Loss(date(2025, 12, 31), cents),))
    if draw.random() < 0.5:
        some = max(1, cents // 3)
        income = {"external_id": f"C-{name}", "recovered_on": "2026-02-01"}
        posted = await client.post(f"{place}/recoveries", {**income, "amount": format_cents(some)})
        assert posted.status_code == 201, posted.text
        each.facts = replace(each.facts, recoveries=(Loss(date(2026, 2, 1), some),))


async def reverse(draw: random.Random, client: Client, each: NaiveLoan) -> None:
    if not each.facts.payments or draw.random() < 0.6:
        return
    out = draw.choice(each.facts.payments)
    fact: JsonValue = {"kind": "repayment", "external_id": out.external_id}
    body: JsonValue = {"fact": fact, "reason": "double"}
    posted = await client.post(f"/v1/loans/{each.facts.loan_id}/reversals", body)
    assert posted.status_code == 201, posted.text
    kept = tuple(payment for payment in each.facts.payments if payment != out)
    each.facts = replace(each.facts, payments=kept)


async def overpay(draw: random.Random, client: Client, each: NaiveLoan) -> None:
    """A fee, and before it a payment of all that is left and more: the fee takes of what is more,
    a month later.
    """
    charged_on, paid_on = date(2026, 2, 10), date(2026, 1, 15)
    if not each.evening(charged_on).outstanding:
        return
    place, name = f"/v1/loans/{each.facts.loan_id}", str(each.row["external_id"])
    fee: Document = {"external_id": f"F-{name}", "charged_on": str(charged_on), "reason": "x"}
    posted = await client.post(f"{place}/fees", {**fee, "amount": "2.00"})
    assert posted.status_code == 201, posted.text
    charge = Charge(uuid.UUID(posted.json()["id"]), charged_on, 2_00)
    known = sum(p.amount_cents for p in each.facts.payments if p.paid_on <= paid_on)
    cents = each.facts.ladder.total_cents - known + draw.choice((50, 2_00, 3_10))
    paid = Payment(uuid.uuid4(), f"T-{name}", paid_on, cents)
    body: Document = {"external_id": paid.external_id, "paid_on": str(paid_on), "method": "cash"}
    more: Document = {"amount": format_cents(cents), "surplus": "credit"}
    posted = await client.post(f"{place}/repayments", {**body, **more})
    assert posted.status_code == 201, posted.text
    payments = tuple(sorted((*each.facts.payments, paid), key=payment_order))
    each.facts = replace(each.facts, charges=(charge,), payments=payments)


async def follow_up(draw: random.Random, portfolio: Portfolio) -> None:
    """Sessions, with and without a loan, and outcomes; the last of each is reversed."""
    client = portfolio.client
    shown = (await client.get("/v1/borrowers", limit="200")).json()["items"]
    regions = {person["external_id"]: person["region_code"] for person in shown}
    sessions: list[Row] = []
    outcomes: list[Row] = []
    for number in range(30):
        each = draw.choice(portfolio.loans)
        has_loan = draw.random() < 0.6
        held_on = FIRST_DAY + timedelta(days=draw.randrange(800))
        minutes = draw.randrange(15, 180)
        sessions.append(
            {
                "external_id": f"S-{number:02d}",
                "borrower_external_id": each.borrower,
                "loan_external_id": each.row["external_id"] if has_loan else "",
                "held_on": held_on,
                "duration_minutes": minutes,
                "mode": "phone",
                "stage": "post_loan",
            }
        )
        region = regions[each.borrower]
        loan = each if has_loan else None
        portfolio.sessions.append(Session(region, each.borrower, loan, held_on, minutes))
    for number in range(25):
        each = draw.choice(portfolio.loans)
        observed_on = each.facts.disbursed_on + timedelta(days=draw.randrange(200))
        found = Outcome(
            observed_on,
            draw.choice(("active", "active", "closed", "unknown")),
            draw.randrange(3),
            draw.randrange(3),
        )
        outcomes.append(
            {
                "external_id": f"O-{number:02d}",
                "loan_external_id": each.row["external_id"],
                "observed_on": observed_on,
                "business_status": found.status,
                "jobs_created": found.created,
                "jobs_maintained": found.maintained,
            }
        )
        each.outcomes.append(found)
    await send(client, "coaching-sessions", sessions)
    await send(client, "outcomes", outcomes)
    portfolio.sessions.pop()
    each.outcomes.pop()
    for kind, key in (("coaching-sessions", "coaching_session_id"), ("outcomes", "outcome_id")):
        last = (await client.get(f"/v1/{kind}", limit="200")).json()["items"][-1]
        path = f"/v1/{kind}/{last[key]}/reversals"
        assert (await client.post(path, {"reason": "erreur"})).status_code == 201


# --- the sums -------------------------------------------------------------------------------------


def groups_of_loan(each: NaiveLoan, dimension: str | None) -> list[str | None]:
    row = each.row
    match dimension:
        case None:
            return [None]
        case "product":
            return [str(row["product"])]
        case "gender":
            return [str(row["gender"] or "undisclosed")]
        case "stage":
            return [str(row["stage"] or "unknown")]
        case "sector":
            return [str(row["sector_code"])[:2] or "unknown"]
        case "clientele":
            return [*str(row["clienteles"]).split("|")] if row["clienteles"] else ["none"]
    named = [
        (source, int(str(row[f"funding_{source}"] or "0.00").replace(".", "")))
        for source in ("state", "community", "private")
    ]
    rest = each.facts.principal_cents - sum(cents for _, cents in named)
    return [source for source, cents in [*named, ("unspecified", rest)] if cents > 0]


def groups_of_session(
    session: Session, dimension: str | None, persons: dict[str, NaiveLoan]
) -> list[str | None]:
    if dimension in (None, "gender", "clientele"):
        return groups_of_loan(persons[session.borrower], dimension)
    if dimension == "funding" or session.loan is None:
        return ["none"]
    [group] = groups_of_loan(session.loan, dimension)
    return ["none" if group == "unknown" else group]


def sum_portfolio(
    portfolio: Portfolio, first: date, last: date, as_of: date, dimension: str | None = None
) -> dict[tuple[str, str | None], Figures]:
    """By region and group: counts, and amounts in cents, of what is not nothing."""
    persons = complete_persons(portfolio.loans)
    totals: dict[tuple[str, str | None], Figures] = defaultdict(lambda: defaultdict(int))
    for each in portfolio.loans:
        figures = sum_loan(each, first, last, as_of)
        for group in groups_of_loan(each, dimension):
            add(totals[each.region, group], figures)
    add_enterprises(totals, portfolio.loans, first, last, dimension)
    people: dict[tuple[str, str | None], set[str]] = defaultdict(set)
    for session in portfolio.sessions:
        if first <= session.held_on <= last:
            for group in groups_of_session(session, dimension, persons):
                add(totals[session.region, group], {"sessions": 1, "minutes": session.minutes})
                people[session.region, group].add(session.borrower)
    for key, names in people.items():
        totals[key]["people"] = len(names)
    return {
        key: {name: value for name, value in figures.items() if value}
        for key, figures in totals.items()
        if any(figures.values())
    }


def complete_persons(loans: Iterable[NaiveLoan]) -> dict[str, NaiveLoan]:
    """Each person, told by one of its loans, with the clienteles of all of them."""
    persons: dict[str, NaiveLoan] = {}
    clienteles: dict[str, set[str]] = defaultdict(set)
    for each in loans:
        clienteles[each.borrower] |= {c for c in str(each.row["clienteles"]).split("|") if c}
        persons[each.borrower] = each
    for name, each in persons.items():
        each.row["clienteles"] = "|".join(sorted(clienteles[name]))
    for each in loans:
        each.row["clienteles"] = "|".join(sorted(clienteles[each.borrower]))
    return persons


def sum_loan(each: NaiveLoan, first: date, last: date, as_of: date) -> Figures:
    facts, opening = each.facts, each.evening(first - timedelta(days=1))
    closing, standing = each.evening(last), each.evening(as_of)
    payments = [p.amount_cents for p in facts.payments if first <= p.paid_on <= last]
    is_new = first <= facts.disbursed_on <= last
    seen = [o for o in each.outcomes if first <= o.observed_on <= last]
    return {
        "loans": int(is_new),
        "loans_cents": facts.principal_cents * is_new,
        "repayments": len(payments),
        "repayments_cents": sum(payments),
        "principal_cents": closing.principal_paid - opening.principal_paid,
        "interest_cents": closing.interest_paid - opening.interest_paid,
        "fees_cents": closing.fees_paid - opening.fees_paid,
        "active": int(standing.outstanding > 0),
        "outstanding_cents": standing.outstanding,
        "par30_cents": standing.at_risk(30),
        "par90_cents": standing.at_risk(90),
        "written_off_cents": closing.written_off - opening.written_off,
        "recovered_cents": closing.recovered - opening.recovered,
        "jobs_created": sum(o.created for o in seen),
        "jobs_maintained": sum(o.maintained for o in seen),
    }


def add_enterprises(
    totals: dict[tuple[str, str | None], Figures],
    loans: Iterable[NaiveLoan],
    first: date,
    last: date,
    dimension: str | None,
) -> None:
    """Each enterprise once: by the loan of the follow-up that first saw it active."""
    firsts: dict[str, tuple[date, NaiveLoan]] = {}
    for each in loans:
        for found in each.outcomes:
            best = firsts.get(each.borrower)
            if found.status == "active" and (best is None or found.observed_on < best[0]):
                firsts[each.borrower] = (found.observed_on, each)
    for seen_on, each in firsts.values():
        if first <= seen_on <= last:
            name = "created" if each.row["stage"] == "start" else "maintained"
            for group in groups_of_loan(each, dimension):
                add(totals[each.region, group], {f"enterprises_{name}": 1})


def add(figures: Figures, more: Figures) -> None:
    for name, value in more.items():
        figures[name] = figures.get(name, 0) + value
