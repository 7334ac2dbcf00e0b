"""The network's rules: read by all, added by the network, held to rows and to whole months."""

from datetime import date

import pytest

from services.common.database import Database
from services.common.errors import JsonValue
from services.common.identity import Principal, Role
from services.loans.coaching_sessions.commands import describe as describe_session
from services.loans.coaching_sessions.commands import record_coaching_sessions
from services.loans.coaching_sessions.schemas import CoachingSessionBody
from services.loans.loans.commands import record_loans
from services.loans.loans.drafts import BorrowerProfile
from services.loans.loans.facts import describe as describe_loan
from services.loans.loans.schemas import LoanBody
from services.loans.outcomes.commands import describe as describe_outcome
from services.loans.outcomes.commands import record_outcomes
from services.loans.outcomes.schemas import OutcomeBody
from services.loans.periods.fact_queries import list_facts
from services.loans.periods.findings import flatten
from services.loans.periods.queries import read_figures
from services.loans.repayments.commands import describe as describe_repayment
from services.loans.repayments.commands import record_repayments
from services.loans.repayments.schemas import RepaymentBody
from services.loans.rules.arithmetic import FIELDS
from services.loans.vocabulary import BorrowerKind
from tests.services.loans.conftest import (
    TODAY,
    Client,
    Document,
    Loans,
    coaching_session,
    codes_of,
    loan,
    loan_row,
    outcome,
    record_borrower,
    record_loan,
    repayment,
    some_id,
    terms,
    write_csv,
)
from tests.services.loans.test_reporting_periods import SIGNED, place


def rule(**changes: JsonValue) -> Document:
    return {
        "code": f"rule.{some_id('some').replace('-', '_').lower()}",
        "kind": "outcomes",
        "severity": "warning",
        "place": "jobs_created",
        "conditions": [{"field": "jobs_created", "operator": "at_least", "value": "9000"}],
        "message": {"fr": "C'est beaucoup.", "en": "This is a lot."},
        "from": "2026-03-31",
        **changes,
    }


async def test_the_rules_of_the_start(member: Client) -> None:
    answer = await member.get("/v1/validation-rules")
    rules = {(each["code"], each["version"]): each for each in answer.json()["items"]}
    assert rules["rule.late_disbursement", 1] == {
        "code": "rule.late_disbursement",
        "version": 1,
        "kind": "loans",
        "severity": "warning",
        "place": "disbursed_on",
        "conditions": [
            {
                "field": "disbursed_on",
                "operator": "greater_than",
                "value": "180",
                "other_field": "contracted_on",
                "unit": "days",
            }
        ],
        "message": {
            "fr": "Le versement suit la signature du contrat de plus de 180 jours.",
            "en": "The disbursement comes more than 180 days after the contract.",
        },
        "from": "1900-01-01",
        "until": None,
    }


async def test_a_new_version_is_added_and_the_same_is_not(network: Client) -> None:
    first = rule()
    posted = await network.post("/v1/validation-rules", first)
    assert (posted.status_code, posted.json()["version"]) == (201, 1)
    again = await network.post("/v1/validation-rules", first)
    assert (again.status_code, again.json()) == (200, posted.json())
    changed = await network.post("/v1/validation-rules", {**first, "until": "2027-03-31"})
    assert (changed.status_code, changed.json()["version"]) == (201, 2)


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"code": "large_loan"}, {"/code": "text.form"}),
        ({"kind": "borrowers"}, {"/kind": "choice"}),
        ({"severity": "fatal"}, {"/severity": "choice"}),
        ({"place": "nowhere"}, {"/place": "validation_rule.form"}),
        ({"conditions": []}, {"/conditions": "list.too_short"}),
        (
            {"conditions": [{"field": "jobs_created", "operator": "eval", "value": "1"}]},
            {"/conditions/0/operator": "choice"},
        ),
        (
            {"conditions": [{"field": "jobs_created", "operator": "equal", "value": "many"}]},
            {"/conditions/0": "validation_rule.form"},
        ),
        (
            {"conditions": [{"field": "principal", "operator": "is_missing"}]},
            {"/conditions/0": "validation_rule.form"},
        ),
        ({"until": "2026-03-30"}, {"/until": "validation_rule.form"}),
        ({"severity": "error", "from": "2026-03-30"}, {"/from": "validation_rule.past"}),
        ({"message": {"fr": "Trop."}}, {"/message/en": "missing"}),
    ],
)
async def test_what_is_no_rule(network: Client, changes: Document, codes: dict[str, str]) -> None:
    refused = await network.post("/v1/validation-rules", rule(**changes))
    assert (refused.status_code, codes_of(refused)) == (422, codes)


async def test_an_error_refuses_a_row_from_its_day_on(
    loans: Loans, member: Client, network: Client
) -> None:
    lent = await record_loan(member)
    condition: JsonValue = {"field": "jobs_created", "operator": "equal", "value": "777"}
    new = rule(severity="error", conditions=[condition])
    assert (await network.post("/v1/validation-rules", new)).status_code == 201
    before = outcome(lent["external_id"], jobs_created=777, observed_on="2026-03-30")
    assert (await member.post("/v1/outcomes", before)).status_code == 201
    after = outcome(lent["external_id"], jobs_created=777, observed_on="2026-03-31")
    refused = await member.post("/v1/outcomes", after)
    assert (refused.status_code, codes_of(refused)) == (422, {"/jobs_created": new["code"]})
    assert refused.json()["detail"] == "C'est beaucoup."
    assert (await loans.count_rows(member))["outcomes"] == 1


async def test_findings_of_a_month(member: Client, network: Client) -> None:
    """Each rule on loans is broken once, by a loan on record; sound ones break none."""
    odd = loan_row(
        "L-ODD",
        principal="20000.01",
        annual_rate="12.01",
        gender="",
        birth_year="",
        contracted_on="2024-12-01",
        disbursed_on="2025-06-15",
        first_due_on="2026-06-16",
        other_financing="",
        funding_state="",
    )
    sound = loan_row("L-OK", contracted_on="2025-06-01", disbursed_on="2025-06-15")
    sent = await member.send("loans", write_csv([odd, sound]))
    assert sent.status_code == 201, sent.text
    found = (await member.get(place(member, "/findings"))).json()
    assert (found["errors"], found["truncated"]) == (0, False)
    assert [(f["external_id"], f["code"]) for f in found["items"]] == [
        ("L-ODD", "rule.age_missing"),
        ("L-ODD", "rule.gender_missing"),
        ("L-ODD", "rule.high_rate"),
        ("L-ODD", "rule.large_loan"),
        ("L-ODD", "rule.late_disbursement"),
        ("L-ODD", "rule.late_first_due"),
        (None, "rule.month_without_coaching"),
    ]
    assert found["items"][0] == {
        "kind": "loans",
        "external_id": "L-ODD",
        "on": "2025-06-15",
        "column": "birth_year",
        "severity": "warning",
        "code": "rule.age_missing",
        "message": "L'année de naissance n'est pas dite : la part des moins de 35 ans ne la "
        "comptera pas.",
    }
    assert found["items"][-1]["on"] == "2025-06-30"
    assert (await member.get(place(member, "/findings", "2025-05"))).json()["items"] == []


async def test_findings_speak_english(member: Client) -> None:
    await record_loan(member)
    answer = await member.http.get(
        place(member, "/findings"), headers={**member.headers, "Accept-Language": "en"}
    )
    assert answer.json()["items"][0]["message"] == (
        "No coaching session this month, although loans are active."
    )


async def test_long_sessions_and_many_jobs_are_found_until_reversed(member: Client) -> None:
    lent = await record_loan(member)
    who: JsonValue = {"external_id": await record_borrower(member)}
    session = coaching_session(who, held_on="2025-06-11", duration_minutes=481)
    posted = (await member.post("/v1/coaching-sessions", session)).json()
    jobs = outcome(lent["external_id"], observed_on="2025-06-12", jobs_created=20)
    await member.post("/v1/outcomes", jobs)
    codes = [f["code"] for f in (await member.get(place(member, "/findings"))).json()["items"]]
    assert codes == ["rule.long_session", "rule.many_jobs"]
    taken = f"/v1/coaching-sessions/{posted['coaching_session_id']}/reversals"
    await member.post(taken, {"reason": "Une heure de trop."})
    codes = [f["code"] for f in (await member.get(place(member, "/findings"))).json()["items"]]
    assert codes == ["rule.many_jobs", "rule.month_without_coaching"]


async def test_errors_on_record_are_named_when_submitting(loans: Loans, member: Client) -> None:
    who: JsonValue = {"external_id": await record_borrower(member)}
    session = coaching_session(who, duration_minutes=1212, held_on="2025-06-10")
    session["external_id"] = "S/1"
    assert (await member.post("/v1/coaching-sessions", session)).status_code == 201
    code = f"rule.{some_id('late').replace('-', '_')}"
    await loans.look(
        """
        INSERT INTO validation_rules (code, version, kind, severity, place, conditions, message_fr,
                                      message_en, from_on, until_on, recorded_by)
        VALUES ($1, 1, 'coaching-sessions', 'error', 'duration_minutes',
                '[{"field": "duration_minutes", "operator": "equal", "value": "1212"}]',
                'Trop long.', 'Too long.', '2025-01-01', NULL, 'test')
        """,
        code,
    )
    refused = await member.post(place(member, "/submissions"), SIGNED)
    assert (refused.status_code, refused.json()["code"]) == (422, "reporting_period.errors")
    assert codes_of(refused) == {"/coaching-sessions/S~11": code}
    found = (await member.get(place(member, "/findings"))).json()
    assert (found["errors"], found["items"][0]["code"]) == (1, code)
    assert (await member.get(place(member))).json()["events"] == []


async def test_a_sheet_is_told_what_is_odd_and_recorded(member: Client) -> None:
    rows = [
        loan_row("L-1", principal="20000.01", gender=""),
        loan_row("L-2"),
        loan_row("L-3", instalments="0"),
        loan_row("L-4", contracted_on="2024-01-01"),
    ]
    for dry_run in ("true", "false"):
        sent = await member.send("loans", write_csv(rows), mode="partial", dry_run=dry_run)
        answer = sent.json()
        assert answer["counts"]["created"] == 3
        assert [error["row"] for error in answer["errors"]] == [3]
        told = [w for w in answer["warnings"] if w["code"].startswith("rule.")]
        assert [(w["row"], w["column"], w["code"]) for w in told] == [
            (1, "gender", "rule.gender_missing"),
            (1, "principal", "rule.large_loan"),
            (4, "disbursed_on", "rule.late_disbursement"),
        ]
    again = await member.send("loans", write_csv(rows), mode="partial")
    assert again.json()["warnings"] == []  # nothing new is in it


async def test_one_fact_is_answered_with_what_is_odd_about_it(member: Client) -> None:
    body = loan(await record_borrower(member), terms=terms(principal="20000.01"))
    posted = await member.post("/v1/loans", body)
    assert posted.status_code == 201, posted.text
    told = {w["pointer"]: w["code"] for w in posted.json()["warnings"]}
    assert told["/terms/principal"] == "rule.large_loan"
    again = await member.post("/v1/loans", body)  # nothing new was recorded
    assert (again.status_code, "warnings" in again.json()) == (200, False)
    paid = {"external_id": "R-1", "paid_on": body["disbursed_on"], "amount": "10.00"}
    place = f"/v1/loans/{posted.json()['loan_id']}/repayments"
    assert "warnings" not in (await member.post(place, paid)).json()


async def test_a_rule_that_refuses_names_the_place_in_the_body(
    loans: Loans, member: Client, network: Client
) -> None:
    condition: JsonValue = {"field": "principal", "operator": "equal", "value": "1234.56"}
    new = rule(kind="loans", place="principal", severity="error", conditions=[condition])
    assert (await network.post("/v1/validation-rules", new)).status_code == 201
    body = loan(
        await record_borrower(member),
        terms=terms(principal="1234.56"),
        contracted_on="2026-03-31",
        disbursed_on="2026-03-31",
    )
    refused = await member.post("/v1/loans", body)
    assert codes_of(refused) == {"/terms/principal": new["code"]}
    sheet = loan_row("L-1", principal="1234.56", disbursed_on="2026-03-31", first_due_on="")
    refused = await member.send("loans", write_csv([sheet]))
    assert codes_of(refused) == {"/1/principal": new["code"]}


async def test_rules_see_the_same_of_a_fact_before_and_after_it_is_recorded(
    loans: Loans, member: Client
) -> None:
    """The fields a rule may name are there, of the same value, in a row and in a month."""
    lent = LoanBody.model_validate(
        loan(
            await record_borrower(member, gender="woman", birth_year=1990),
            contracted_on="2025-06-01",
            disbursed_on="2025-06-02",
        )
    ).to_draft()
    who = BorrowerProfile(BorrowerKind.PERSON, "woman", 1990, (), None)
    paid = RepaymentBody.model_validate(repayment("10.50", "2025-06-20"))
    met = CoachingSessionBody.model_validate(
        coaching_session({"external_id": lent.borrower_external_id}, held_on="2025-06-21")
    ).to_draft()
    followed = OutcomeBody.model_validate(
        outcome(lent.external_id, observed_on="2025-06-22", turnover="1200.50")
    ).to_draft()
    database: Database = loans.app.state.database
    principal = Principal("key-1", Role.MEMBER, member.organisation, ("06",))
    repaid = paid.to_draft(lent.external_id)
    async with database.write(member.organisation_id) as session:
        for recorded in (
            await record_loans(session, principal, [lent], TODAY),
            await record_repayments(session, principal, [repaid], TODAY),
            await record_coaching_sessions(session, principal, [met], TODAY),
            await record_outcomes(session, principal, [followed], TODAY),
        ):
            assert list(recorded.created) == [0], recorded
        seen = {
            "loans": describe_loan(lent, {lent.borrower_external_id: who}),
            "repayments": describe_repayment(repaid),
            "coaching-sessions": describe_session(met),
            "outcomes": describe_outcome(followed),
        }
        for kind, facts in seen.items():
            [fact] = await list_facts(session, kind, date(2025, 6, 1))
            assert facts.keys() == FIELDS[kind].keys()
            assert {name: fact.facts[name] for name in FIELDS[kind]} == facts
        figures = await read_figures(session, date(2025, 6, 1))
    assert flatten(figures).keys() == FIELDS["period"].keys()
