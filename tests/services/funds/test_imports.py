"""Imports of contributions: the same facts as through JSON, whatever the sheet looks like."""

import httpx

from services.common.identity import sign_principal
from tests.services.funds.conftest import Client, Funds, counted_statements, gift

SHEET = """identifiant;contributeur;type contributeur;forme;montant;reçu le;taux;échéance;usage
A-1;Caisse du Quartier;financial_institution;placement;1 234,50 $;2025-05-01;2,5 %;2030-05-01;
A-2;Une voisine;individual;donation;20;2025-05-02;;;capital
A-3;Ministère;state;grant;300,00;2025-05-03;;;operations
"""


async def send(
    member: Client, content: str, query: str = "", media_type: str = "text/csv"
) -> httpx.Response:
    token = sign_principal(member.principal, member.key)
    return await member.http.post(
        f"/v1/imports?kind=contributions{query}",
        content=content.encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": media_type},
    )


async def test_a_sheet_is_recorded_once(member: Client) -> None:
    first = await send(member, SHEET)
    assert first.status_code == 201
    assert first.json()["counts"] == {"received": 3, "created": 3, "unchanged": 0, "rejected": 0}
    again = await send(member, SHEET)
    assert again.status_code == 200
    assert again.json()["counts"]["unchanged"] == 3
    balance = (await member.get(f"/v1/funds/{member.organisation}/balance")).json()
    assert balance["capital"] == {"public": "0.00", "private": "1234.50", "community": "20.00"}
    assert balance["operations"]["public"] == "300.00"
    assert sum(int(a["balance"].replace(".", "")) for a in balance["accounts"]) == 0


async def test_the_sheet_and_the_json_are_the_same_facts(member: Client) -> None:
    body = gift(external_id="A-2", amount="20.00", received_on="2025-05-02")
    place = f"/v1/funds/{member.organisation}/contributions"
    assert (await member.post(place, body)).status_code == 201
    counts = (await send(member, SHEET)).json()["counts"]
    assert (counts["created"], counts["unchanged"]) == (2, 1)


async def test_a_bad_row_keeps_all_out_unless_partial(member: Client) -> None:
    bad = (
        SHEET
        + "A-4;Caisse;bank;placement;10;2025-05-04;;;\nA-5;X;individual;donation;5;2026-04-01;;;\n"
    )
    bad += "A-1;Autre nom;individual;donation;5;2025-05-05;;;\n"
    refused = await send(member, bad)
    assert refused.status_code == 422
    found = {(e["row"], e["column"], e["code"]) for e in refused.json()["errors"]}
    assert found == {
        (4, "contributor_kind", "choice"),
        (5, "received_on", "date.future"),
        (6, "external_id", "external_id.conflict"),
    }
    place = f"/v1/funds/{member.organisation}/contributions"
    assert (await member.get(place)).json()["items"] == []
    partial = await send(member, bad, "&mode=partial")
    assert partial.status_code == 201
    assert partial.json()["counts"] == {"received": 6, "created": 3, "unchanged": 0, "rejected": 3}


async def test_a_dry_run_records_nothing(member: Client) -> None:
    dry = await send(member, SHEET, "&dry_run=true")
    assert (dry.status_code, dry.json()["counts"]["created"]) == (200, 3)
    place = f"/v1/funds/{member.organisation}"
    assert (await member.get(f"{place}/contributions")).json()["items"] == []
    assert (await member.get(f"{place}/journal")).json()["items"] == []


async def test_a_row_told_twice_in_one_sheet_counts_once(member: Client) -> None:
    lines = SHEET.splitlines()
    counts = (await send(member, "\n".join([*lines, lines[1]]))).json()["counts"]
    assert (counts["created"], counts["unchanged"]) == (3, 1)


def large_sheet(count: int) -> str:
    header = "external_id,contributor,contributor_kind,instrument,amount,received_on\n"
    return header + "".join(
        f"C-{number},Caisse,cooperative,donation,{number}.25,2025-{number % 12 + 1:02d}-01\n"
        for number in range(1, count + 1)
    )


async def test_statements_do_not_grow_with_the_sheet(funds: Funds) -> None:
    counts = []
    for count in (1, 400):
        member = funds.as_member()
        with counted_statements() as statements:
            assert (await send(member, large_sheet(count))).status_code == 201
        counts.append(len(statements))
        balance = (await member.get(f"/v1/funds/{member.organisation}/balance")).json()
        total = sum(number * 100 + 25 for number in range(1, count + 1))
        assert balance["capital"]["community"] == f"{total // 100}.{total % 100:02d}"
    assert counts[0] == counts[1]


CORRECT = "&on_change=correct&reason=Relev%C3%A9%20v%C3%A9rifi%C3%A9"


async def test_a_changed_row_is_refused_then_corrected(funds: Funds, member: Client) -> None:
    assert (await send(member, SHEET)).status_code == 201
    changed = SHEET.replace("1 234,50 $", "1 200,00 $").replace("Une voisine", "Un voisin")
    refused = await send(member, changed)
    assert refused.status_code == 422
    assert [(e["row"], e["code"]) for e in refused.json()["errors"]] == [
        (1, "external_id.conflict"),
        (2, "external_id.conflict"),
    ]
    assert "montant : 1234.50 → 1200.00" in refused.json()["errors"][0]["message"]
    tried = (await send(member, changed, f"{CORRECT}&dry_run=true")).json()
    real = (await send(member, changed, CORRECT)).json()
    for answer in (tried, real):
        del answer["dry_run"], answer["import_id"]
    assert tried == real
    assert (real["corrected"], real["counts"]["unchanged"]) == (2, 1)
    assert real["changes"] == [
        {
            "row": 1,
            "line": 2,
            "external_id": "A-1",
            "fields": [
                {"column": "amount", "title": "montant", "before": "1234.50", "after": "1200.00"}
            ],
        },
        {
            "row": 2,
            "line": 3,
            "external_id": "A-2",
            "fields": [
                {
                    "column": "contributor",
                    "title": "contributeur",
                    "before": "Une voisine",
                    "after": "Un voisin",
                }
            ],
        },
    ]
    assert real["totals"]["before"]["contributions_amount"] == "1554.50"
    assert real["totals"]["after"] == {"contributions": 3, "contributions_amount": "1520.00"}
    balance = (await member.get(f"/v1/funds/{member.organisation}/balance")).json()
    assert balance["capital"] == {"public": "0.00", "private": "1200.00", "community": "20.00"}
    assert sum(int(a["balance"].replace(".", "")) for a in balance["accounts"]) == 0
    again = (await send(member, changed, CORRECT)).json()
    assert (again["corrected"], again["counts"]["unchanged"], again["absent"]) == (0, 3, 0)


async def test_a_contribution_partly_repaid_is_not_corrected(member: Client) -> None:
    await send(member, SHEET)
    place = f"/v1/funds/{member.organisation}"
    repaid = await member.post(
        f"{place}/repayments-to-contributors",
        {
            "external_id": "RC-1",
            "contribution": {"external_id": "A-1"},
            "amount": "100.00",
            "repaid_on": "2025-06-01",
        },
    )
    assert repaid.status_code == 201, repaid.text
    changed = SHEET.replace("1 234,50 $", "1 200,00 $")
    refused = await send(member, changed, CORRECT)
    assert [e["code"] for e in refused.json()["errors"]] == ["reversal.needed_by_repayments"]
