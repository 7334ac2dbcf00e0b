"""/internal/indicators: numerators and denominators, each in a case worked out by hand."""

from services.common.errors import JsonValue
from services.common.identity import Role
from tests.services.loans.conftest import (
    Client,
    Document,
    Loans,
    borrower,
    coaching_session,
    codes_of,
    loan,
    outcome,
    pay,
    record_borrower,
    some_id,
    terms,
)

YEAR = {"from": "2025-04-01", "to": "2026-03-31"}


async def ask(client: Client, **period: str) -> Document:
    """The client's own figures, as the network reads them too."""
    answer = await client.get("/internal/indicators", **(period or YEAR))
    assert answer.status_code == 200, answer.text
    organisations: list[Document] = answer.json()["organisations"]
    [own] = organisations
    assert own["organisation_id"] == str(client.organisation_id)
    return own


async def lend(client: Client, borrower_id: str, **changes: JsonValue) -> Document:
    """1,200 $ at no interest over twelve months: 100 $ a month from 2025-05-15 on."""
    body = loan(borrower_id, **{"terms": terms(annual_rate="0"), "funding": [], **changes})
    posted = await client.post("/v1/loans", body)
    assert posted.status_code == 201, posted.text
    found: Document = posted.json()
    return found


async def lend_on(client: Client, day: str, borrower_id: str | None = None) -> Document:
    borrower_id = borrower_id or await record_borrower(client)
    return await lend(client, borrower_id, contracted_on=day, disbursed_on=day)


async def see(client: Client, lent: Document, day: str, status: str) -> Document:
    body = outcome(lent["external_id"], observed_on=day, business_status=status)
    posted = await client.post("/v1/outcomes", body)
    assert posted.status_code == 201, posted.text
    found: Document = posted.json()
    return found


async def write_off(client: Client, lent: Document, amount: str, on: str) -> None:
    body = {"external_id": some_id("W"), "written_off_on": on, "amount": amount, "reason": "x"}
    posted = await client.post(f"/v1/loans/{lent['loan_id']}/write-offs", {**body})
    assert posted.status_code == 201, posted.text


async def recover(client: Client, lent: Document, amount: str, on: str) -> None:
    body = {"external_id": some_id("C"), "recovered_on": on, "amount": amount}
    posted = await client.post(f"/v1/loans/{lent['loan_id']}/recoveries", {**body})
    assert posted.status_code == 201, posted.text


async def test_repayment_counts_principal_that_fell_due_loan_by_loan(member: Client) -> None:
    """On 2025-08-31 four instalments of 100 $ of each loan have fallen due."""
    behind, ahead, lost, untouched = [
        await lend(member, await record_borrower(member)) for _ in range(4)
    ]
    await pay(member, behind["loan_id"], ("2025-05-20", "150.00"), ("2025-08-31", "100.00"))
    await pay(member, behind["loan_id"], ("2025-09-01", "50.00"))  # after the report's date
    await pay(member, ahead["loan_id"], ("2025-05-01", "600.00"))  # 200 $ before they are due
    await pay(member, lost["loan_id"], ("2025-05-15", "100.00"))
    await write_off(member, lost, "1100.00", "2025-07-01")  # what was written off stays due
    mistake = some_id("R")
    path = f"/v1/loans/{untouched['loan_id']}"
    body: Document = {"external_id": mistake, "paid_on": "2025-06-01", "amount": "100.00"}
    await member.post(f"{path}/repayments", body)
    fact: JsonValue = {"kind": "repayment", "external_id": mistake}
    await member.post(f"{path}/reversals", {"fact": fact, "reason": "x"})

    own = await ask(member, **YEAR, as_of="2025-08-31")
    assert own["repayment"] == {
        "principal_due": "1600.00",
        "principal_repaid": "750.00",
        "due_in_period": "1600.00",
        "on_time": "550.00",  # 50 $, all 400 $, and the first 100 $
        "recovered_in_period": "750.00",
    }
    own = await ask(member, **YEAR, as_of="2025-05-14")
    assert isinstance(own["repayment"], dict)
    assert set(own["repayment"].values()) == {"0.00"}
    # From July to August two instalments of each loan fell due. Of the arrears of before, 50 $
    # came in, which with those due makes more than what was paid on time.
    own = await ask(member, **{"from": "2025-07-01", "to": "2025-08-31"})
    assert own["repayment"] == {
        "principal_due": "1600.00",
        "principal_repaid": "750.00",
        "due_in_period": "800.00",
        "on_time": "200.00",
        "recovered_in_period": "300.00",
    }


async def test_mean_portfolio_is_that_of_the_opening_and_of_month_ends(member: Client) -> None:
    lent = await lend(member, await record_borrower(member))
    await pay(member, lent["loan_id"], ("2025-05-15", "100.00"), ("2025-06-15", "100.00"))
    # 0 on 31 March, 1,200 on 30 April, 1,100 on 31 May, 1,000 on 30 June.
    own = await ask(member, **{"from": "2025-04-01", "to": "2025-06-30"})
    assert own["mean_portfolio"] == "825.00"
    # 1,200 on 14 May, 1,100 on 31 May, 1,000 on 20 June; a period of one day has its eve and it.
    own = await ask(member, **{"from": "2025-05-15", "to": "2025-06-20"})
    assert own["mean_portfolio"] == "1100.00"
    own = await ask(member, **{"from": "2025-05-15", "to": "2025-05-15"})
    assert own["mean_portfolio"] == "1150.00"
    own = await ask(member, **{"from": "2025-04-01", "to": "2026-03-31"})
    # 0, then 1,200 and 1,100, then 1,000 at the end of ten months.
    assert own["mean_portfolio"] == "946.15"


async def test_losses_of_the_year_and_since_the_beginning(member: Client) -> None:
    old = await lend_on(member, "2024-05-15")
    new = await lend(member, await record_borrower(member))
    await write_off(member, old, "300.00", "2025-03-31")
    await write_off(member, new, "200.00", "2025-12-31")
    await recover(member, old, "50.00", "2025-04-01")
    own = await ask(member)
    assert (own["written_off"], own["recovered"]) == ("200.00", "50.00")
    assert own["disbursed_to_date"] == "2400.00"
    assert (own["written_off_to_date"], own["recovered_to_date"]) == ("500.00", "50.00")
    assert own["outstanding_principal"] == "1900.00"
    before = await ask(member, **{"from": "2024-04-01", "to": "2025-03-31"})
    assert (before["written_off"], before["recovered"]) == ("300.00", "0.00")
    assert (before["written_off_to_date"], before["recovered_to_date"]) == ("300.00", "0.00")


async def test_survival_of_those_financed_a_year_before(member: Client) -> None:
    """In the year to 2026-03-31: loans of 2024-04-01 to 2025-03-31, by what was seen last."""
    cohort = [await lend_on(member, "2024-06-01") for _ in range(8)]
    active, closed, sold, a_year_ago, too_old, reborn, reversed_one, unseen = cohort
    for lent, day, status in (
        (active, "2025-09-01", "active"),
        (closed, "2025-05-01", "closed"),
        (sold, "2024-12-01", "sold"),
        (a_year_ago, "2025-03-31", "active"),
        (too_old, "2025-03-30", "active"),
        (reborn, "2025-06-01", "closed"),
        (reborn, "2025-12-01", "active"),
        (unseen, "2025-06-01", "unknown"),
    ):
        await see(member, lent, day, status)
    mistaken = await see(member, reversed_one, "2025-06-01", "active")
    path = f"/v1/outcomes/{mistaken['outcome_id']}/reversals"
    await member.post(path, {"reason": "x"})
    # The two limits of the cohort are in it, the days around are not.
    for day in ("2024-03-31", "2024-04-01", "2025-03-31", "2025-04-01"):
        await see(member, await lend_on(member, day), "2026-01-01", "closed")

    own = await ask(member)
    assert own["survival"] == {
        "1": {"active": 4, "closed": 3, "unknown": 3},
        "3": {"active": 0, "closed": 0, "unknown": 0},
        "5": {"active": 0, "closed": 0, "unknown": 0},
    }
    # On an earlier date, less was known.
    own = await ask(member, **YEAR, as_of="2025-06-30")
    survival = own["survival"]
    assert isinstance(survival, dict)
    assert survival["1"] == {"active": 3, "closed": 2, "unknown": 5}


async def test_survival_three_and_five_years_later(member: Client) -> None:
    for day, status in (("2022-04-01", "active"), ("2021-03-31", "closed"), ("2020-04-01", "sold")):
        await see(member, await lend_on(member, day), "2025-10-01", status)
    own = await ask(member)
    assert own["survival"] == {
        "1": {"active": 0, "closed": 0, "unknown": 0},
        "3": {"active": 1, "closed": 0, "unknown": 0},
        "5": {"active": 1, "closed": 1, "unknown": 0},
    }


async def test_an_enterprise_of_two_loans_survives_once(member: Client) -> None:
    """By its last status whatever the loan; of two seen the same day, closed prevails."""
    twice = await record_borrower(member)
    first, second = [await lend_on(member, "2024-06-01", twice) for _ in range(2)]
    await see(member, first, "2025-06-01", "closed")
    await see(member, second, "2025-06-01", "active")
    own = await ask(member)
    assert isinstance(own["survival"], dict)
    assert own["survival"]["1"] == {"active": 0, "closed": 1, "unknown": 0}


async def test_shares_are_of_natural_persons_each_once(member: Client) -> None:
    people: list[Document] = [
        {"gender": "woman", "birth_year": 1991, "clienteles": ["immigrant"]},
        {"gender": "man", "birth_year": 1990, "clienteles": []},  # 35 in the year of the loan
        {"gender": "other", "birth_year": None, "clienteles": []},
        {"gender": "undisclosed", "birth_year": 2001, "clienteles": ["immigrant", "under_35"]},
        {"gender": None, "birth_year": None, "clienteles": []},
        # An enterprise has no gender, age or origin.
        {
            "kind": "legal_person",
            "legal_name": "Coop",
            "gender": "woman",
            "birth_year": 2000,
            "clienteles": ["immigrant"],
        },
    ]
    for described in people:
        await lend(member, await record_borrower(member, **described), other_financing="100.10")
    again = await record_borrower(member, gender="woman", birth_year=1980, clienteles=[])
    for _ in range(2):
        await lend(member, again, other_financing="0.00")
    await record_borrower(member)  # without a loan
    await lend_on(member, "2025-03-31")  # of the year before

    own = await ask(member)
    assert own["borrowers"] == {
        "total": 6,
        "women": 2,
        "gender_known": 4,
        "under_35": 2,
        "age_known": 4,
        "immigrants": 2,
    }
    assert (own["loans_count"], own["loans_amount"]) == (8, "9600.00")
    assert own["other_financing"] == "600.60"


async def test_people_and_enterprises_count_once_whatever_their_regions(loans: Loans) -> None:
    member = loans.as_member(None, "06", "13")
    mobile = await record_borrower(member, region_code=None)
    lents = [await lend(member, mobile, region_code=region) for region in ("06", "13")]
    for number, lent in enumerate(lents):
        body = coaching_session(
            {"external_id": mobile}, loan={"external_id": lent["external_id"]}, duration_minutes=60
        )
        assert (await member.post("/v1/coaching-sessions", body)).status_code == 201
        await see(member, lent, f"2025-0{6 + number}-01", "active")
    own = await ask(member)
    assert (own["people_coached"], own["coaching_minutes"]) == (1, 120)
    assert (own["enterprises_created"], own["enterprises_maintained"]) == (1, 0)
    assert (own["jobs_created"], own["jobs_maintained"]) == (4, 2)
    # By region, each region knows its own.
    totals = (await member.get("/internal/totals", **YEAR)).json()["rows"]
    assert [row["coaching"]["people"] for row in totals] == [1, 1]
    assert sum(row["outcomes"]["enterprises_created"] for row in totals) == 1


async def test_the_network_reads_every_organisation_and_a_member_its_own(loans: Loans) -> None:
    one, other = loans.as_member(), loans.as_member()
    for client in (one, other):
        await lend(client, await record_borrower(client))
    for role in (Role.NETWORK, Role.FUNDER, Role.AUDITOR, Role.SERVICE):
        answer = await loans.as_role(role).get("/internal/indicators", **YEAR)
        found = {each["organisation_id"]: each for each in answer.json()["organisations"]}
        for client in (one, other):
            assert found[str(client.organisation_id)] == await ask(client)
    nothing = await loans.as_member().get("/internal/indicators", **YEAR)
    assert nothing.json() == {"recorded_until": None, "organisations": []}


async def test_a_borrower_alone_makes_no_figures(member: Client) -> None:
    await member.post("/v1/borrowers", borrower())
    answer = await member.get("/internal/indicators", **YEAR)
    assert answer.json()["organisations"] == []
    assert answer.json()["recorded_until"] is not None


async def test_a_question_badly_put_is_refused(member: Client) -> None:
    answer = await member.get("/internal/indicators", **{"from": "2026-01-02", "to": "2026-01-01"})
    assert (answer.status_code, codes_of(answer)) == (422, {"/to": "period.reversed"})
