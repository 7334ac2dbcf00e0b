"""What loans say of their borrowers: those they make known, and those already described."""

from collections.abc import Collection, Mapping, Sequence

from services.common.errors import InputError
from services.common.recording import refuse
from services.common.text import Text, say_code
from services.loans.borrowers.drafts import BorrowerDraft
from services.loans.borrowers.queries import KnownBorrower
from services.loans.loans.drafts import BorrowerProfile, LoanDraft
from services.loans.vocabulary import BORROWER_KIND_SHOWN, GENDER_SHOWN, BorrowerKind

Refused = dict[int, list[InputError]]

BORROWER_UNKNOWN = Text(
    "Aucun emprunteur ne porte cet identifiant.", "No borrower has this identifier."
)
DESCRIBED_OTHERWISE = Text(
    "L'emprunteur {name} est déjà décrit autrement : {theirs}.",
    "Borrower {name} is already described otherwise: {theirs}.",
)


def describe_borrowers(
    drafts: Sequence[LoanDraft],
    regions: Sequence[str],
    known: Mapping[str, KnownBorrower],
    profiles: Mapping[str, BorrowerProfile],
) -> list[BorrowerDraft]:
    """Borrowers these loans make known, or tell more of. Who is registered stays as registered."""
    described: dict[str, BorrowerDraft] = {}
    for draft, region in zip(drafts, regions, strict=True):
        name = draft.borrower_external_id
        on_record = known.get(name)
        if name in described or (on_record is not None and on_record.is_registered):
            continue
        profile = profiles[name]
        if on_record is None or profile != _profile_of(on_record):
            described[name] = _describe_borrower(
                name, profile, region if on_record is None else on_record.region_code
            )
    return list(described.values())


def _describe_borrower(name: str, profile: BorrowerProfile, region: str | None) -> BorrowerDraft:
    return BorrowerDraft(
        external_id=name,
        kind=profile.kind or BorrowerKind.PERSON,
        given_name=None,
        family_name=None,
        legal_name=None,
        birth_year=profile.birth_year,
        gender=profile.gender,
        region_code=region,
        municipality=profile.municipality,
        postal_code=None,
        clienteles=profile.clienteles,
        enterprise=None,
        consents=(),
    )


def _profile_of(borrower: KnownBorrower) -> BorrowerProfile:
    return BorrowerProfile(
        borrower.kind,
        borrower.gender,
        borrower.birth_year,
        borrower.clienteles,
        borrower.municipality,
    )


def check_borrowers(
    drafts: Sequence[LoanDraft],
    rows: Sequence[int],
    replaced: Collection[int],
    known: Mapping[str, KnownBorrower],
    refused: Refused,
) -> dict[str, BorrowerProfile]:
    """A borrower is on record or described by its loans, never in two ways.

    A correction describes anew who is known through loans alone.

    Returns what the record and the rows not refused say together.
    """
    profiles = {name: _profile_of(borrower) for name, borrower in known.items()}
    for row in rows:
        said, name = drafts[row].profile, drafts[row].borrower_external_id
        before = profiles.get(name)
        if said is None:
            if before is None:
                refuse(refused, row, "/borrower_external_id", "borrower.unknown", BORROWER_UNKNOWN)
            continue
        is_anew = row in replaced and name in known and not known[name].is_registered
        if is_anew and row not in refused:
            profiles[name] = said
            continue
        if before is not None:
            _compare(name, before, said, row, refused)
        if row not in refused:
            profiles[name] = said if before is None else before.complete(said)
    return profiles


def _compare(
    name: str, before: BorrowerProfile, said: BorrowerProfile, row: int, refused: Refused
) -> None:
    for column, theirs, ours, shown in (
        ("borrower_kind", before.kind, said.kind, BORROWER_KIND_SHOWN),
        ("gender", before.gender, said.gender, GENDER_SHOWN),
        ("birth_year", before.birth_year, said.birth_year, {}),
    ):
        if ours is not None and theirs is not None and ours != theirs:
            word = say_code(str(theirs), shown)
            message = DESCRIBED_OTHERWISE.fill(name=name, theirs=word)
            refuse(refused, row, f"/{column}", "borrower.described_otherwise", message)
