"""The criminal rate during the life of a loan, through HTTP: the whole loan is judged.

Most loans are of 1,200 $ without interest, 600 $ of it disbursed on 15 April 2025 and due in twelve
monthly instalments of 50 $.
"""

import pytest

from services.common.errors import JsonValue
from tests.services.loans.conftest import Client, Document, Loans, codes_of, repayment, terms
from tests.services.loans.test_loan_life import (
    WITHOUT_INTEREST,
    disbursement,
    fee,
    lend,
    post,
    rescheduling,
    reversal,
)
from tests.services.loans.test_products import finding_codes

MORE = "2025-06-15"


@pytest.fixture
async def place(member: Client) -> str:
    return await lend(member, terms=WITHOUT_INTEREST, first_disbursement="600.00")


def more(withheld: str = "0.00", amount: str = "600.00") -> Document:
    return {**disbursement(amount, MORE), "fees_withheld": withheld}


async def refuse(loans: Loans, member: Client, path: str, body: Document) -> dict[str, str]:
    """Where and why it is refused; nothing is stored."""
    before = await loans.count_rows(member)
    refused = await member.post(path, body)
    assert refused.status_code == 422, refused.text
    assert await loans.count_rows(member) == before
    return codes_of(refused)


async def is_told(member: Client, place: str) -> bool:
    """Whether the loan tells that it is over the criminal rate as it stands."""
    return "loan.criminal_rate" in finding_codes((await member.get(place)).json())


async def test_a_later_fee_weighs_on_every_disbursement(
    loans: Loans, member: Client, place: str
) -> None:
    """150 $ are 49.0 % of the first disbursement alone, and 24.2 % of both."""
    charged = fee("150.00", "2025-07-15")
    path = f"{place}/fees"
    assert await refuse(loans, member, path, charged) == {"/amount": "loan.criminal_rate"}
    await post(member, f"{place}/disbursements", more())
    await post(member, path, charged)
    # 75 $ more would make 37.3 %, whenever it is dated, before the second one too.
    for on in ("2025-07-15", "2025-05-15"):
        refused = await refuse(loans, member, path, fee("75.00", on))
        assert refused == {"/amount": "loan.criminal_rate"}
    await post(member, path, fee("50.00", "2025-05-15"))
    assert not await is_told(member, place)
    assert await loans.find_differences(member) == []


async def test_what_is_withheld_later_counts_with_the_fees_before_it(
    loans: Loans, member: Client, place: str
) -> None:
    """90 $ are 30.3 % of the first disbursement; with 150 $ of the second, 40.9 % of both.

    Alone, the schedule laid anew over 1,200 $ would hold the 150 $ for 30.1 %.
    """
    await post(member, f"{place}/fees", fee("90.00", "2025-05-15"))
    path = f"{place}/disbursements"
    refused = await refuse(loans, member, path, more("150.00"))
    assert refused == {"/fees_withheld": "loan.criminal_rate"}
    await post(member, path, more("100.00"))
    assert not await is_told(member, place)


async def test_fees_of_the_contract_count_with_later_ones(loans: Loans, member: Client) -> None:
    """75 $ withheld and 75 $ added are 25.1 % of 1,200 $, and 55.2 % of 600 $.

    With 100 $ more, of which 5 $ are withheld, 41.7 %; with another 100 $ less 60 $, 53.9 %; with
    another 500 $ less 5 $, 26.9 %.
    """
    charged: list[JsonValue] = [
        {"amount": "75.00"},
        {"amount": "75.00", "charged": "added"},
    ]
    place = await lend(
        member, terms=terms(annual_rate="0", fees=charged), first_disbursement="600.00"
    )
    # It was signed for 1,200 $. As long as they are not disbursed, that is told, and nothing is
    # added to it but what makes it cheaper.
    assert await is_told(member, place)
    refused = await refuse(loans, member, f"{place}/fees", fee("0.01", MORE))
    assert refused == {"/amount": "loan.criminal_rate"}
    await post(member, f"{place}/disbursements", more("5.00", "100.00"))
    assert await is_told(member, place)
    dearer = more("60.00", "100.00")
    refused = await refuse(loans, member, f"{place}/disbursements", dearer)
    assert refused == {"/fees_withheld": "loan.criminal_rate"}
    await post(member, f"{place}/disbursements", more("5.00", "500.00"))
    assert not await is_told(member, place)


async def test_a_disbursement_reversed_leaves_its_fees_and_the_loan_tells_it(
    loans: Loans, member: Client, place: str
) -> None:
    """A mistake is always taken back; nothing dearer is recorded until the fee is too."""
    second, charged = more(), fee("150.00", "2025-07-15")
    await post(member, f"{place}/disbursements", second)
    await post(member, f"{place}/fees", charged)
    await post(member, f"{place}/reversals", reversal("disbursement", second["external_id"]))
    shown = (await member.get(place)).json()
    [finding] = shown["findings"]
    assert finding["code"] == "loan.criminal_rate"
    assert "est de 49.008673 %" in finding["fr"]
    assert finding["en"].endswith("This counts what is disbursed and asked for so far.")
    refused = await refuse(loans, member, f"{place}/fees", fee("0.01", MORE))
    assert refused == {"/amount": "loan.criminal_rate"}
    await post(member, f"{place}/reversals", reversal("fee", charged["external_id"]))
    assert not await is_told(member, place)
    await post(member, f"{place}/fees", fee("0.01", MORE))
    assert await loans.find_differences(member) == []


async def test_a_fee_paid_back_sooner_weighs_more(loans: Loans, member: Client, place: str) -> None:
    """90 $ over twelve months are 30.3 %; the rest of the loan paid in two, far more."""
    await post(member, f"{place}/fees", fee("90.00", "2025-05-15"))
    path = f"{place}/reschedulings"
    shorter = rescheduling(MORE, instalments=2)
    assert await refuse(loans, member, path, shorter) == {
        "/terms/instalments": "loan.criminal_rate"
    }
    dearer = rescheduling(MORE, instalments=24, annual_rate="35.1")
    assert await refuse(loans, member, path, dearer) == {"/terms/annual_rate": "loan.criminal_rate"}
    dearer = rescheduling(MORE, instalments=10, annual_rate="34")
    assert await refuse(loans, member, path, dearer) == {"/terms/annual_rate": "loan.criminal_rate"}
    await post(member, path, rescheduling(MORE, instalments=24))


async def test_what_is_prepaid_is_not_told_but_weighs_on_the_fees_after_it(
    loans: Loans, member: Client, place: str
) -> None:
    """90 $ are 30.3 % as agreed. Who prepays 540 $ of 600 $ makes it more himself."""
    await post(member, f"{place}/fees", fee("90.00", "2025-05-15"))
    early = {**repayment("630.00", MORE), "purpose": "prepayment"}
    await post(member, f"{place}/repayments", early)
    assert not await is_told(member, place)
    refused = await refuse(loans, member, f"{place}/fees", fee("0.01", "2025-07-01"))
    assert refused == {"/amount": "loan.criminal_rate"}


async def test_a_reversed_loan_is_over_no_rate(member: Client) -> None:
    place = await lend(
        member,
        terms=terms(fees=[{"amount": "99.00"}]),
        first_disbursement="100.00",
        external_id="P-R",
    )
    assert await is_told(member, place)
    await post(member, f"{place}/reversals", reversal("loan", "P-R"))
    assert not await is_told(member, place)
