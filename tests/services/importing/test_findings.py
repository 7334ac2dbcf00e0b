"""What is told beside errors, and errors past the first thousand."""

import io
import re
import zipfile

from python_calamine import load_workbook

from services.common.records import XLSX
from tests.services.importing.notes_service import NotesService


async def test_warnings_and_notices_are_told_apart_and_kept(
    service: NotesService, member: str
) -> None:
    usual = "".join(f"N{n};Zoé;{40 + n},00;04/03/2026;\n" for n in range(20))
    body = f"identifiant;nom;montant;date note;couleur\n{usual}N20;Ana;9000;04/03/2026;bleu\n"
    body += "N21;Guy;777,00;04/03/2026;\n"
    sent = (await service.send(member, body, Accept_Language="en")).json()
    assert sent["counts"]["created"] == 22
    assert [(w["row"], w["column"], w["code"]) for w in sent["warnings"]] == [
        (21, "amount", "amount.unusual"),
        (22, "amount", "note.round"),  # from the recorder
    ]
    assert sent["warnings"][0]["message"].startswith("$9000.00 is far from the usual amount")
    assert [notice["code"] for notice in sent["notices"]] == ["column.ignored", "dates.day_first"]
    found = (await service.get(member, f"/v1/imports/{sent['import_id']}")).json()
    assert [w["code"] for w in found["warnings"]] == ["amount.unusual", "note.round"]
    assert found["notices"][1]["message"].startswith("Colonne « date note » : « 04/03/2026 »")


async def test_every_error_is_in_the_workbook(service: NotesService, member: str) -> None:
    """Those of reading and those of recording, in the order of the rows."""
    lines = [
        f"N{n};Zoé;{'dix' if n % 2 else '5,00'};{'' if n % 2 else '2027-01-01'}"
        for n in range(3_000)
    ]
    body = "\n".join(["identifiant;nom;montant;date note", *lines])
    sent = (await service.send(member, body, "&mode=partial")).json()
    assert sent["counts"] == {"received": 3000, "created": 0, "unchanged": 0, "rejected": 3000}
    assert (len(sent["errors"]), sent["errors_truncated"]) == (1000, True)
    assert [error["row"] for error in sent["errors"]] == list(range(1, 1001))
    assert sent["errors"][1]["message"] == "« dix » : Un montant s'écrit 1234,56 ou 1 234,56 $."

    found = await service.get(member, f"/v1/imports/{sent['import_id']}/errors.xlsx")
    book = load_workbook(io.BytesIO(found.content))
    listed = book.get_sheet_by_name("Erreurs").to_python()[1:]
    assert [(row[0], row[2]) for row in listed] == [
        (n + 2, "amount.form" if n % 2 else "date.future") for n in range(3_000)
    ]
    assert listed[1][3] == "Un montant s'écrit 1234,56 ou 1 234,56 $."
    with zipfile.ZipFile(io.BytesIO(found.content)) as archive:
        rows = archive.read("xl/worksheets/sheet1.xml").decode()
        styles = archive.read("xl/styles.xml").decode()
    bad = [re.findall(r's="(\d+)"', row) for row in re.findall(r"<row .*?</row>", rows)[1:]]
    assert {row[2] for row in bad[1::2]} == {row[3] for row in bad[::2]}
    [style] = {row[2] for row in bad[1::2]}
    fills = re.findall(r"<fill>.*?</fill>", styles)
    looks = re.findall(r"<xf [^>]*>", styles.partition("<cellXfs")[2])
    [fill] = re.findall(r'fillId="(\d+)"', looks[int(style)])
    assert "FFFFC7CE" in fills[int(fill)]

    again = (await service.send(member, found.content, "&dry_run=true&mode=partial", XLSX)).json()
    assert again["counts"] == {"received": 3000, "created": 0, "unchanged": 0, "rejected": 3000}
