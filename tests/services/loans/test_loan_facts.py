"""Write-offs, recoveries and reversals: what each changes, and what it may not."""

import pytest

from services.common.errors import JsonValue
from services.loans.loan_facts.schemas import LoanFactAnswer, ReversalAnswer
from tests.services.loans.conftest import (
    Client,
    Document,
    Loans,
    codes_of,
    pay,
    record_loan,
    repayment,
    some_id,
)


def write_off(amount: str, on: str = "2025-12-31", **changes: JsonValue) -> Document:
    return {
        "external_id": some_id("W"),
        "written_off_on": on,
        "amount": amount,
        "reason": "Faillite",
        **changes,
    }


def recovery(amount: str, on: str = "2026-01-31", **changes: JsonValue) -> Document:
    return {"external_id": some_id("C"), "recovered_on": on, "amount": amount, **changes}


def reversal(kind: str, external_id: JsonValue, reason: str = "Saisi en double") -> Document:
    return {"fact": {"kind": kind, "external_id": external_id}, "reason": reason}


@pytest.fixture
async def place(member: Client) -> str:
    """The path of a loan of 1,200 $ with its first instalment paid: 1,105.38 $ outstanding."""
    path = f"/v1/loans/{(await record_loan(member))['loan_id']}"
    await pay(member, path.rpartition("/")[2], ("2025-05-15", "106.62"))
    return path


async def position(client: Client, place: str, as_of: str = "2026-03-31") -> Document:
    found: Document = (await client.get(place, as_of=as_of)).json()["position"]
    return found


async def test_a_loan_written_off_whole(loans: Loans, member: Client, place: str) -> None:
    posted = await member.post(f"{place}/write-offs", write_off("1105.38"))
    assert posted.status_code == 201
    answer = LoanFactAnswer.model_validate_json(posted.content)
    assert (answer.kind, answer.amount, answer.reason) == ("write_off", 110_538, "Faillite")

    after = await position(member, place)
    assert (after["outstanding_principal"], after["written_off"]) == ("0.00", "1105.38")
    assert (after["days_past_due"], after["next_due"], after["par90"]) == (0, None, False)
    before = await position(member, place, "2025-12-30")
    assert (before["outstanding_principal"], before["par90"]) == ("1105.38", True)

    refused = await member.post(f"{place}/repayments", repayment("10.00", "2026-01-15"))
    assert codes_of(refused) == {"/amount": "loan.closed"}
    assert refused.json()["detail"].endswith("s'inscrit comme recouvrement.")
    recovered = await member.post(f"{place}/recoveries", recovery("10.00"))
    assert recovered.status_code == 201
    assert (await position(member, place))["recovered"] == "10.00"
    assert await loans.find_differences(member) == []


async def test_a_loan_written_off_in_part_asks_for_the_rest(
    loans: Loans, member: Client, place: str
) -> None:
    """Half the principal left is taken off the last instalments; the next ones stand."""
    posted = await member.post(f"{place}/write-offs", write_off("552.69"))
    assert posted.status_code == 201
    after = await position(member, place)
    assert (after["outstanding_principal"], after["written_off"]) == ("552.69", "552.69")
    assert after["days_past_due"] == 289  # since 2025-06-15
    rest = [
        row
        for row in (await member.get(place)).json()["schedule"][1:]
        if row["due_on"] <= "2025-10-15"
    ]
    assert len(rest) == 5
    await pay(member, place.rpartition("/")[2], ("2026-01-15", "533.10"))
    # Five instalments of 106.62: their interest, then their principal.
    assert (await position(member, place))["outstanding_principal"] == "65.20"
    assert await loans.find_differences(member) == []


async def test_a_repayment_dated_before_a_write_off_leaves_what_was_written_off(
    loans: Loans, member: Client, place: str
) -> None:
    """Posted late, it may pay the interest that was due then, and no principal."""
    await member.post(f"{place}/write-offs", write_off("1105.38"))
    too_much = await member.post(f"{place}/repayments", repayment("11.06", "2025-10-01"))
    assert codes_of(too_much) == {"/amount": "fact.contradicts_another"}
    assert "2025-12-31" in too_much.json()["detail"]
    late = await member.post(f"{place}/repayments", repayment("11.05", "2025-10-01"))
    assert late.status_code == 201
    assert (await position(member, place, "2025-10-01"))["outstanding_principal"] == "1105.38"
    assert await loans.find_differences(member) == []


@pytest.mark.parametrize(
    ("path", "body", "pointer", "code"),
    [
        ("write-offs", write_off("1105.39"), "/amount", "write_off.exceeds_balance"),
        (
            "write-offs",
            write_off("1.00", "2025-04-14"),
            "/written_off_on",
            "write_off.before_disbursement",
        ),
        ("write-offs", write_off("1.00", "2026-04-01"), "/written_off_on", "date.future"),
        ("write-offs", write_off("1.00", "2026-02-30"), "/written_off_on", "date.impossible"),
        ("write-offs", write_off("0.00"), "/amount", "amount.zero"),
        ("write-offs", write_off("1.001"), "/amount", "amount.decimals"),
        ("write-offs", write_off("1.00", reason=""), "/reason", "text.too_short"),
        ("write-offs", write_off("1.00", kind="recovery"), "/kind", "unknown_field"),
        ("recoveries", recovery("0.01"), "/amount", "recovery.exceeds_balance"),
        (
            "reversals",
            reversal("outcome", "P-1"),
            "/fact/kind",
            "choice",
        ),
        ("reversals", reversal("repayment", "R-1", reason=" "), "/reason", "text.too_short"),
    ],
)
async def test_what_is_wrong_is_placed_and_nothing_is_stored(
    loans: Loans, member: Client, place: str, path: str, body: Document, pointer: str, code: str
) -> None:
    before = await loans.count_rows(member)
    refused = await member.post(f"{place}/{path}", body)
    assert refused.status_code == 422
    assert codes_of(refused) == {pointer: code}
    assert await loans.count_rows(member) == before


async def test_refusals_are_in_the_language_asked(member: Client, place: str) -> None:
    body = write_off("2000.00")
    french = await member.post(f"{place}/write-offs", body)
    english = await member.post(f"{place}/write-offs", body, accept_language="en")
    assert french.json()["detail"] == "Ce montant dépasse ce qui peut l'être : 1105.38."
    assert english.json()["detail"] == "This amount is over what it can be: 1105.38."


async def test_the_same_again_is_replayed_and_other_content_conflicts(
    loans: Loans, member: Client, place: str
) -> None:
    loss, income = write_off("1105.38"), recovery("5.00")
    for path, body in (("write-offs", loss), ("recoveries", income)):
        first = await member.post(f"{place}/{path}", body)
        before = await loans.count_rows(member)
        again = await member.post(f"{place}/{path}", body)
        assert (first.status_code, again.status_code) == (201, 200)
        assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")
        other = await member.post(f"{place}/{path}", {**body, "amount": "4.00"})
        assert (other.status_code, codes_of(other)) == (
            409,
            {"/external_id": "external_id.conflict"},
        )
        assert await loans.count_rows(member) == before


async def test_no_more_is_recovered_than_was_written_off_by_then(
    loans: Loans, member: Client, place: str
) -> None:
    await member.post(f"{place}/write-offs", write_off("100.00", "2025-10-31"))
    await member.post(f"{place}/write-offs", write_off("50.00", "2025-12-31"))
    early = await member.post(f"{place}/recoveries", recovery("0.01", "2025-10-30"))
    assert codes_of(early) == {"/amount": "recovery.exceeds_balance"}
    assert (
        await member.post(f"{place}/recoveries", recovery("120.00", "2026-01-31"))
    ).status_code == 201
    over = await member.post(f"{place}/recoveries", recovery("30.01", "2025-11-30"))
    assert codes_of(over) == {"/amount": "recovery.exceeds_balance"}
    assert (
        await member.post(f"{place}/recoveries", recovery("30.00", "2025-11-30"))
    ).status_code == 201
    assert await loans.find_differences(member) == []


# --- reversals ------------------------------------------------------------------------------------


async def test_a_reversed_repayment_is_as_if_it_had_never_been(
    loans: Loans, member: Client, place: str
) -> None:
    untouched = (await member.get(place)).json()
    mistake = repayment("200.00", "2025-06-15")
    after_it = repayment("20.00", "2025-07-15")
    for body in (mistake, after_it):
        assert (await member.post(f"{place}/repayments", body)).status_code == 201
    posted = await member.post(f"{place}/reversals", reversal("repayment", mistake["external_id"]))
    assert posted.status_code == 201
    ReversalAnswer.model_validate_json(posted.content)
    facts = (await member.get(place)).json()["facts"]
    [shown] = [fact for fact in facts if fact["external_id"] == mistake["external_id"]]
    assert shown["reversed"] == {"reason": "Saisi en double"}
    assert shown["allocation"] is None
    [moved] = [fact for fact in facts if fact["external_id"] == after_it["external_id"]]
    assert moved["allocation"] == {"fees": "0.00", "interest": "11.05", "principal": "8.95"}

    await member.post(f"{place}/reversals", reversal("repayment", after_it["external_id"]))
    again = (await member.get(place)).json()
    assert again["position"] == untouched["position"]
    assert await loans.find_differences(member) == []
    # The first instalment, and nothing else.
    assert await loans.sum_told(member) == {"amount": 10_662, "principal": 9_462, "interest": 1_200}


async def test_a_reversed_identifier_stays_taken(loans: Loans, member: Client, place: str) -> None:
    """The same fact posted again changes nothing: it is corrected under another identifier."""
    body = repayment("20.00", "2025-06-15")
    first = await member.post(f"{place}/repayments", body)
    await member.post(f"{place}/reversals", reversal("repayment", body["external_id"]))
    before = await loans.count_rows(member)
    again = await member.post(f"{place}/repayments", body)
    assert (again.status_code, again.content) == (200, first.content)
    assert (
        await member.post(f"{place}/repayments", {**body, "amount": "21.00"})
    ).status_code == 409
    assert await loans.count_rows(member) == before
    corrected = {**body, "external_id": some_id("R"), "amount": "21.00"}
    assert (await member.post(f"{place}/repayments", corrected)).status_code == 201
    assert await loans.find_differences(member) == []


async def test_a_fact_is_reversed_once(loans: Loans, member: Client, place: str) -> None:
    body = repayment("20.00", "2025-06-15")
    await member.post(f"{place}/repayments", body)
    taken_out = reversal("repayment", body["external_id"])
    first = await member.post(f"{place}/reversals", taken_out)
    before = await loans.count_rows(member)
    again = await member.post(f"{place}/reversals", taken_out)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.content == first.content
    other = await member.post(f"{place}/reversals", {**taken_out, "reason": "Autre raison"})
    assert (other.status_code, codes_of(other)) == (409, {"/fact": "external_id.conflict"})
    assert await loans.count_rows(member) == before


async def test_a_reversed_write_off_is_asked_for_again(
    loans: Loans, member: Client, place: str
) -> None:
    before = await position(member, place)
    loss, income = write_off("1105.38"), recovery("10.00")
    await member.post(f"{place}/write-offs", loss)
    await member.post(f"{place}/recoveries", income)
    kept = await member.post(f"{place}/reversals", reversal("write_off", loss["external_id"]))
    assert kept.status_code == 422
    assert codes_of(kept) == {"/fact": "fact.contradicts_another"}
    for kind, body in (("recovery", income), ("write_off", loss)):
        taken_out = await member.post(f"{place}/reversals", reversal(kind, body["external_id"]))
        assert taken_out.status_code == 201
    assert await position(member, place) == before
    assert await loans.find_differences(member) == []


async def test_of_two_equal_losses_one_is_taken_out(
    loans: Loans, member: Client, place: str
) -> None:
    first, second = write_off("100.00"), write_off("100.00")
    for body in (first, second):
        assert (await member.post(f"{place}/write-offs", body)).status_code == 201
    await member.post(f"{place}/reversals", reversal("write_off", first["external_id"]))
    assert (await position(member, place))["written_off"] == "100.00"
    assert await loans.find_differences(member) == []


async def test_what_is_not_there_is_not_found(member: Client, place: str) -> None:
    other = f"/v1/loans/{(await record_loan(member))['loan_id']}"
    elsewhere = repayment("1.00")
    await member.post(f"{other}/repayments", elsewhere)
    for path, body in (
        (f"{place}/reversals", reversal("repayment", "nowhere")),
        (f"{place}/reversals", reversal("repayment", elsewhere["external_id"])),
        (f"{place[:-4]}0000/reversals", reversal("repayment", "nowhere")),
        (f"{place[:-4]}0000/write-offs", write_off("1.00")),
        (f"{place[:-4]}0000/recoveries", recovery("1.00")),
    ):
        answer = await member.post(path, body)
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found"), path
