"""The month of a member: read, submitted, approved, locked, reopened by two people."""

from dataclasses import replace
from datetime import timedelta

import pytest

from services.common.errors import JsonValue
from services.common.identity import Role
from tests.services.loans.conftest import (
    TODAY,
    Client,
    Document,
    Loans,
    coaching_session,
    codes_of,
    pay,
    record_loan,
    repayment,
)

MONTH = "2025-06"
SIGNED: Document = {
    "name": "Amélie Roy",
    "role": "directrice générale",
    "statement": "Ces chiffres sont complets et exacts.",
}


def place(member: Client, rest: str = "", month: str = MONTH) -> str:
    return f"/v1/reporting-periods/{member.organisation}/{month}{rest}"


async def record_month(member: Client) -> Document:
    """A loan of April with a repayment in June; its answer."""
    lent = await record_loan(member)
    await pay(member, lent["loan_id"], ("2025-06-10", "106.62"))
    return lent


async def submit(member: Client, **changes: JsonValue) -> Document:
    answer = await member.post(place(member, "/submissions"), {**SIGNED, **changes})
    assert answer.status_code == 201, answer.text
    document: Document = answer.json()
    return document


async def lock(member: Client, network: Client) -> None:
    await submit(member)
    for step in ("approvals", "locks"):
        answer = await network.post(place(member, f"/{step}"), {})
        assert answer.status_code == 201, answer.text


async def state_of(client: Client, member: Client) -> str:
    state: str = (await client.get(place(member))).json()["state"]
    return state


async def test_from_open_to_locked_and_back(loans: Loans, member: Client, network: Client) -> None:
    lent = await record_month(member)
    read = (await member.get(place(member))).json()
    assert read["state"] == "open"
    assert read["due_on"] == "2025-07-15"
    assert read["figures"]["repayments"] == {
        "count": 1,
        "amount": "106.62",
        "principal": "94.62",
        "interest": "12.00",
        "fees": "0.00",
    }
    submitted = await submit(member, digest=read["digest"])
    assert submitted["digest"] == read["digest"]
    assert submitted["signature"] == SIGNED
    assert submitted["key_id"] == f"key-{member.organisation}"
    assert submitted["figures"] == read["figures"]
    assert submitted["warnings"] == {"rule.month_without_coaching": 1}
    assert await state_of(network, member) == "submitted"

    assert (await network.post(place(member, "/approvals"), {})).status_code == 201
    assert await state_of(member, member) == "approved"
    locked = await network.post(place(member, "/locks"), {})
    assert (locked.status_code, locked.headers["location"]) == (201, place(member))
    late = repayment("50.00", "2025-06-20")
    path = f"/v1/loans/{lent['loan_id']}/repayments"
    refused = await member.post(path, late)
    assert refused.status_code == 422
    assert codes_of(refused) == {"/paid_on": "reporting_period.locked"}
    assert "2025-06" in refused.json()["detail"]
    assert (await member.post(path, repayment("50.00", "2025-07-01"))).status_code == 201

    asked = await member.post(place(member, "/reopenings"), {"reason": "Un paiement oublié."})
    assert asked.status_code == 201
    assert await state_of(member, member) == "locked"
    assert (await member.post(path, late)).status_code == 422
    confirmation = place(member, f"/reopenings/{asked.json()['event_id']}/confirmations")
    confirmed = await network.post(confirmation, None)
    assert confirmed.status_code == 201, confirmed.text
    assert confirmed.json()["request_id"] == asked.json()["event_id"]
    assert (await member.post(path, late)).status_code == 201

    again = await submit(member)
    assert again["digest"] != submitted["digest"]
    events = (await member.get(place(member))).json()["events"]
    assert [event["kind"] for event in events] == [
        "submitted",
        "approved",
        "locked",
        "reopening_requested",
        "reopened",
        "submitted",
    ]
    assert await loans.find_differences(member) == []


async def test_each_step_is_told_and_audited(loans: Loans, member: Client, network: Client) -> None:
    await record_month(member)
    await lock(member, network)
    told = await loans.look(
        "SELECT type FROM events WHERE organisation_id = $1 AND type LIKE 'reporting%'"
        " ORDER BY event_number",
        member.organisation_id,
    )
    assert [row["type"] for row in told] == [
        "reporting_period.submitted",
        "reporting_period.approved",
        "reporting_period.locked",
    ]
    audited = await loans.look(
        "SELECT entry ->> 'subject' AS subject FROM audit_entries"
        " WHERE organisation_id = $1 AND entry ->> 'action' LIKE 'reporting%'",
        member.organisation_id,
    )
    assert [row["subject"] for row in audited] == [
        f"key-{member.organisation}",
        "key-network",
        "key-network",
    ]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/submissions", SIGNED),
        ("/approvals", {}),
        ("/locks", {}),
        ("/rejections", {"reason": "Il manque les rencontres."}),
        ("/reopenings", {"reason": "Une erreur."}),
    ],
)
async def test_each_step_sent_twice_happens_once(
    loans: Loans, member: Client, network: Client, path: str, body: Document
) -> None:
    await record_month(member)
    order = {
        "/submissions": (),
        "/approvals": ("/submissions",),
        "/rejections": ("/submissions",),
        "/locks": ("/submissions", "/approvals"),
        "/reopenings": ("/submissions", "/approvals", "/locks"),
    }
    for step in order[path]:
        client = member if step == "/submissions" else network
        await client.post(place(member, step), SIGNED if step == "/submissions" else {})
    client = member if path == "/submissions" else network
    first = await client.post(place(member, path), body)
    assert first.status_code == 201, first.text
    again = await client.post(place(member, path), body)
    assert (again.status_code, again.headers["idempotent-replayed"]) == (200, "true")
    assert again.json() == first.json()
    events = (await member.get(place(member))).json()["events"]
    assert len(events) == len(order[path]) + 1


async def test_a_step_sent_again_later_does_not_undo_what_followed(
    member: Client, network: Client
) -> None:
    await record_month(member)
    await lock(member, network)
    for client, step, body in (
        (member, "/submissions", SIGNED),
        (network, "/approvals", {}),
        (network, "/locks", {}),
    ):
        again = await client.post(place(member, step), body)
        assert (again.status_code, again.json()["kind"]) == (
            200,
            {"/submissions": "submitted", "/approvals": "approved", "/locks": "locked"}[step],
        )
    assert await state_of(member, member) == "locked"


async def test_what_was_given_back_is_submitted_anew(member: Client, network: Client) -> None:
    """The same figures signed by the same person: it is another submission."""
    await record_month(member)
    await submit(member)
    await network.post(place(member, "/rejections"), {"reason": "Relisez."})
    await submit(member)
    assert await state_of(member, member) == "submitted"


async def test_an_idempotency_key_is_kept_for_the_network_too(
    member: Client, network: Client
) -> None:
    await record_month(member)
    await submit(member)
    answers = [
        await network.post(place(member, "/approvals"), {}, idempotency_key="one") for _ in range(2)
    ]
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[1].headers["idempotent-replayed"] == "true"
    reused = await network.post(
        place(member, "/approvals"), {"digest": "0" * 64}, idempotency_key="one"
    )
    assert reused.json()["code"] == "idempotency_key.reused"


async def test_steps_out_of_order_are_refused(member: Client, network: Client) -> None:
    await record_month(member)
    for step, body in (
        ("/approvals", {}),
        ("/locks", {}),
        ("/rejections", {"reason": "x"}),
        ("/reopenings", {"reason": "x"}),
    ):
        refused = await network.post(place(member, step), body)
        assert (refused.status_code, refused.json()["code"]) == (409, "reporting_period.state")
        assert refused.json()["state"] == "open"
    await lock(member, network)
    refused = await member.post(place(member, "/submissions"), {**SIGNED, "name": "Autre"})
    assert (refused.json()["code"], refused.json()["state"]) == ("reporting_period.state", "locked")


async def test_a_month_is_submitted_when_it_is_over(member: Client) -> None:
    """The clock of these tests stands on the last day of March 2026."""
    current = f"{TODAY:%Y-%m}"
    refused = await member.post(place(member, "/submissions", current), SIGNED)
    assert (refused.status_code, refused.json()["code"]) == (409, "reporting_period.not_over")
    assert "2026-03-31" in refused.json()["detail"]
    assert (await member.get(place(member, "", current))).json()["state"] == "expected"
    before = f"{TODAY.replace(day=1) - timedelta(days=1):%Y-%m}"
    assert (await member.post(place(member, "/submissions", before), SIGNED)).status_code == 201


async def test_what_is_signed_is_what_was_read(member: Client) -> None:
    lent = await record_month(member)
    read = (await member.get(place(member))).json()
    await pay(member, lent["loan_id"], ("2025-06-15", "10.00"))
    refused = await member.post(place(member, "/submissions"), {**SIGNED, "digest": read["digest"]})
    assert (refused.status_code, refused.json()["code"]) == (
        409,
        "reporting_period.figures_changed",
    )


@pytest.mark.parametrize("step", ["/approvals", "/locks"])
async def test_other_figures_are_neither_approved_nor_locked(
    member: Client, network: Client, step: str
) -> None:
    lent = await record_month(member)
    await submit(member)
    if step == "/locks":
        await network.post(place(member, "/approvals"), {})
    await pay(member, lent["loan_id"], ("2025-06-15", "10.00"))
    refused = await network.post(place(member, step), {})
    assert (refused.status_code, refused.json()["code"]) == (
        409,
        "reporting_period.figures_changed",
    )
    shown = (await network.get(place(member))).json()
    assert shown["figures_changed"] is True
    await submit(member)
    assert (await network.post(place(member, "/approvals"), {})).status_code == 201


async def test_a_decision_on_other_figures_is_refused(member: Client, network: Client) -> None:
    await record_month(member)
    await submit(member)
    refused = await network.post(place(member, "/approvals"), {"digest": "0" * 64})
    assert refused.json()["code"] == "reporting_period.figures_changed"


async def test_a_rejected_month_is_open_with_its_reason(member: Client, network: Client) -> None:
    await record_month(member)
    await submit(member)
    await network.post(place(member, "/rejections"), {"reason": "Il manque les rencontres."})
    shown = (await member.get(place(member))).json()
    assert (shown["state"], shown["events"][-1]["reason"]) == ("open", "Il manque les rencontres.")
    assert shown["submitted_on"] == TODAY.isoformat()  # it was sent that day


# --- reopening ------------------------------------------------------------------------------------


async def test_a_reopening_takes_two_people(member: Client, network: Client) -> None:
    await record_month(member)
    await lock(member, network)
    asked = await network.post(place(member, "/reopenings"), {"reason": "Une erreur."})
    path = place(member, f"/reopenings/{asked.json()['event_id']}/confirmations")
    refused = await network.post(path, None)
    assert (refused.status_code, refused.json()["code"]) == (409, "reporting_period.same_person")
    colleague = replace(network, person="-2")
    confirmed = await colleague.post(path, None)
    assert confirmed.status_code == 201
    assert await state_of(member, member) == "open"
    again = await network.post(path, None)
    assert (again.status_code, again.json()) == (200, confirmed.json())


async def test_a_key_confirms_nothing_that_a_key_it_made_asks_for(
    member: Client, network: Client
) -> None:
    """Who made a key has seen it: the two may be in one hand."""
    await record_month(member)
    await lock(member, network)
    made = replace(member, made_by="key-network")
    asked = await made.post(place(member, "/reopenings"), {"reason": "Une erreur."})
    path = place(member, f"/reopenings/{asked.json()['event_id']}/confirmations")
    refused = await network.post(path, None)
    assert (refused.status_code, refused.json()["code"]) == (409, "reporting_period.same_person")
    maker = replace(network, person="-2", made_by=f"key-{member.organisation}")
    assert (await maker.post(path, None)).status_code == 409
    assert (await replace(network, person="-3").post(path, None)).status_code == 201


async def test_a_request_is_of_one_lock(member: Client, network: Client) -> None:
    """What was asked before a reopening does not open the month once it is locked anew."""
    await record_month(member)
    await lock(member, network)
    requests = [
        (await client.post(place(member, "/reopenings"), {"reason": "Une erreur."})).json()
        for client in (member, network)
    ]
    paths = [
        place(member, f"/reopenings/{request['event_id']}/confirmations") for request in requests
    ]
    assert (await network.post(paths[0], None)).status_code == 201
    colleague = replace(network, person="-2")
    refused = await colleague.post(paths[1], None)
    assert (refused.json()["code"], refused.json()["state"]) == ("reporting_period.state", "open")
    await submit(member, name="Luc Roy")
    await network.post(place(member, "/approvals"), {})
    await network.post(place(member, "/locks"), {})
    refused = await colleague.post(paths[1], None)
    assert (refused.json()["code"], refused.json()["state"]) == (
        "reporting_period.state",
        "locked",
    )


async def test_what_is_no_request_is_not_found(member: Client, network: Client) -> None:
    await record_month(member)
    submitted = await submit(member)
    refused = await network.post(
        place(member, f"/reopenings/{submitted['event_id']}/confirmations"), None
    )
    assert refused.status_code == 404


# --- who, and bounds ------------------------------------------------------------------------------


async def test_another_organisation_is_not_there(loans: Loans, member: Client) -> None:
    await record_month(member)
    stranger = loans.as_member()
    for path in ("", "/findings"):
        assert (await stranger.get(place(member, path))).status_code == 404
    for path, body in (("/submissions", SIGNED), ("/reopenings", {"reason": "x"})):
        assert (await stranger.post(place(member, path), body)).status_code == 404
    listed = await stranger.get("/v1/reporting-periods", organisation=str(member.organisation))
    assert listed.status_code == 404
    assert (await member.get(place(member))).json()["events"] == []


async def test_an_organisation_that_sent_nothing_is_not_there_for_the_network(
    loans: Loans, network: Client
) -> None:
    nobody = loans.as_member()
    for client in (network, loans.as_role(Role.AUDITOR)):
        assert (await client.get(place(nobody))).status_code == 404
    assert (await network.post(place(nobody, "/approvals"), {})).status_code == 404
    assert (await nobody.get(place(nobody))).json()["state"] == "open"


@pytest.mark.parametrize("month", ["2025-13", "2025-6", "june", "2025-06-01", "0000-01", "9999-12"])
async def test_what_is_no_month_is_not_found(member: Client, month: str) -> None:
    assert (await member.get(place(member, "", month))).status_code == 404
    assert (await member.post(place(member, "/submissions", month), SIGNED)).status_code == 404


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        ({"name": ""}, {"/name": "text.too_short"}),
        ({"role": None}, {"/role": "text.type"}),
        ({"statement": "x" * 1001}, {"/statement": "text.too_long"}),
        ({"digest": "beef"}, {"/digest": "text.form"}),
        ({"signed": True}, {"/signed": "unknown_field"}),
    ],
)
async def test_a_signature_has_a_form(
    member: Client, changes: Document, codes: dict[str, str]
) -> None:
    refused = await member.post(place(member, "/submissions"), {**SIGNED, **changes})
    assert (refused.status_code, codes_of(refused)) == (422, codes)


async def test_a_list_of_months(loans: Loans, member: Client, network: Client) -> None:
    await record_month(member)
    await submit(member)
    for client, query in ((member, {}), (network, {"organisation": str(member.organisation)})):
        listed = await client.get("/v1/reporting-periods", **query)
        items = {item["month"]: item for item in listed.json()["items"]}
        assert list(items) == [f"2025-{n:02}" for n in range(4, 13)] + [
            "2026-01",
            "2026-02",
            "2026-03",
        ]
        assert items[MONTH] == {
            "organisation": member.organisation,
            "month": MONTH,
            "state": "submitted",
            "asked": True,
            "due_on": "2025-07-15",
            "submitted_on": "2026-03-31",
            "days_late": 259,
        }
        assert items["2026-02"]["days_late"] == 16
        assert (items["2026-03"]["state"], items["2026-03"]["days_late"]) == ("expected", 0)


@pytest.mark.parametrize(
    ("query", "codes"),
    [
        ({"from": "2025-06-01", "to": "2025-05-31"}, {"/to": "period.reversed"}),
        ({"from": "1990-01-01", "to": "2025-05-31"}, {"/to": "period.too_long"}),
        ({"from": "2025-06"}, {"/from": "date.form"}),
    ],
)
async def test_a_range_has_bounds(
    member: Client, query: dict[str, str], codes: dict[str, str]
) -> None:
    refused = await member.get("/v1/reporting-periods", **query)
    assert (refused.status_code, codes_of(refused)) == (422, codes)


async def test_the_network_names_an_organisation(network: Client) -> None:
    assert codes_of(await network.get("/v1/reporting-periods")) == {"/organisation": "missing"}


# --- deadlines ------------------------------------------------------------------------------------


async def test_a_deadline_changes_from_a_month_on(
    loans: Loans, member: Client, network: Client
) -> None:
    path = "/v1/reporting-deadlines"
    first: Document = {"from": "1900-01", "days": 15}
    new: Document = {"from": "2099-04", "days": 20}
    posted = await network.post(path, new)
    assert (posted.status_code, posted.json()) == (201, new)
    again = await network.post(path, new)
    assert (again.status_code, again.json()) == (200, new)
    refusals: tuple[tuple[Document, tuple[int, str]], ...] = (
        ({**new, "days": 21}, (409, "reporting_deadline.conflict")),
        ({"from": "2026-02", "days": 20}, (422, "reporting_deadline.past")),
        ({"from": "2099-13", "days": 20}, (422, "input.invalid")),
        ({"from": "2099-05", "days": 366}, (422, "input.invalid")),
    )
    for other, refusal in refusals:
        refused = await network.post(path, other)
        assert (refused.status_code, refused.json()["code"]) == refusal
    assert (await member.get(path)).json() == {"items": [first, new], "next": None}
    due = {
        month: (await member.get(place(member, "", month))).json()["due_on"]
        for month in ("2099-03", "2099-04", "2099-05")
    }
    assert due == {"2099-03": "2099-04-15", "2099-04": "2099-05-20", "2099-05": "2099-06-20"}


# --- the first month that is asked for ------------------------------------------------------------


async def test_no_month_before_the_first_that_is_asked_for_is_late(
    loans: Loans, member: Client, network: Client
) -> None:
    path = "/v1/reporting-starts"
    before = (await member.get(path)).json()["items"]
    try:
        posted = await network.post(path, {"from": "2026-01"})
        assert posted.status_code == 201
        assert posted.json() == {"from": "2026-01", "asked_on": TODAY.isoformat()}
        again = await network.post(path, {"from": "2026-01"})
        assert (again.status_code, again.json()) == (200, posted.json())
        assert (await loans.as_role(Role.AUDITOR).get(path)).json() == {
            "items": [*before, posted.json()],
            "next": None,
        }
        listed = (await member.get("/v1/reporting-periods")).json()["items"]
        shown = {item["month"]: (item["asked"], item["days_late"]) for item in listed}
        assert shown["2025-12"] == (False, 0)
        assert shown["2026-01"] == (True, 44)  # due on 15 February
        query = {"from": "2025-12-01", "to": "2026-01-31"}
        said = (await network.get("/internal/completeness", **query)).json()
        assert said["asked_from"] == "2026-01"
        assert [month["days_late"] for month in said["months"]] == [0, 44]
        refused = await network.post(path, {"from": "2026-13"})
        assert (refused.status_code, codes_of(refused)) == (422, {"/from": "month.form"})
    finally:
        assert (await network.post(path, {"from": "1900-01"})).status_code == 201
    audited = await loans.look(
        "SELECT entry ->> 'subject' AS subject FROM audit_entries"
        " WHERE entry ->> 'action' = 'reporting_start.recorded'"
    )
    assert {row["subject"] for row in audited} == {"key-network"}


# --- what the network reads of all ----------------------------------------------------------------


async def test_completeness_counts_what_was_sent(
    loans: Loans, member: Client, network: Client
) -> None:
    lent = await record_month(member)
    who: JsonValue = (await member.get("/v1/borrowers")).json()["items"][0]["external_id"]
    session = coaching_session({"external_id": who}, held_on="2025-06-11")
    posted = await member.post("/v1/coaching-sessions", session)
    await submit(member)
    query = {"from": "2025-04-01", "to": "2025-07-31"}
    for client in (member, network):
        said = (await client.get("/internal/completeness", **query)).json()
        assert [month["month"] for month in said["months"]] == [
            "2025-04",
            "2025-05",
            "2025-06",
            "2025-07",
        ]
        own = [r for r in said["rows"] if r["organisation_id"] == str(member.organisation_id)]
        assert [(row["month"], row["state"], row["sent"]["repayments"]) for row in own] == [
            ("2025-04", "open", 0),
            ("2025-06", "submitted", 1),
        ]
        assert own[0]["sent"]["loans"] == 1
        assert own[1]["sent"]["coaching_sessions"] == 1
    taken = f"/v1/coaching-sessions/{posted.json()['coaching_session_id']}/reversals"
    assert (await member.post(taken, {"reason": "x"})).status_code == 201
    said = (await member.get("/internal/completeness", **query)).json()
    assert said["rows"][-1]["sent"]["coaching_sessions"] == 0
    assert str(lent["loan_id"]) not in str(said)
    alone = (await loans.as_member().get("/internal/completeness", **query)).json()
    assert alone["rows"] == []
