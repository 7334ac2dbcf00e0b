"""The field types of every body: what they take, and the code and sentence of what they refuse."""

import unicodedata
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter, ValidationError

from services.common.fields import (
    AMOUNT_MAX_CENTS,
    Amount,
    Answer,
    Body,
    CalendarDate,
    Code,
    ExternalId,
    Name,
    PositiveAmount,
    Rate,
    Reason,
    RegionCode,
    SignedAmount,
)
from services.common.messages import MESSAGES
from services.common.validation import find_code, say, to_input_errors

amounts: TypeAdapter[int] = TypeAdapter(Amount)
positive_amounts: TypeAdapter[int] = TypeAdapter(PositiveAmount)
signed_amounts: TypeAdapter[int] = TypeAdapter(SignedAmount)
rates: TypeAdapter[Decimal] = TypeAdapter(Rate)
dates: TypeAdapter[date] = TypeAdapter(CalendarDate)
names: TypeAdapter[str] = TypeAdapter(Name)
regions: TypeAdapter[str] = TypeAdapter(RegionCode)


def code_of(adapter: TypeAdapter[int] | TypeAdapter[str] | TypeAdapter[date], value: object) -> str:
    """The code a value is refused with; it has a sentence in both languages."""
    with pytest.raises(ValidationError) as caught:
        adapter.validate_python(value)
    (error,) = to_input_errors(caught.value.errors())
    assert error.pointer == ""
    assert error.message.fr
    assert error.message.en != error.message.fr
    assert "{" not in error.message.fr + error.message.en
    return error.code


@given(st.integers(0, AMOUNT_MAX_CENTS))
def test_amounts_come_back_as_they_went(cents: int) -> None:
    written = amounts.dump_python(cents)
    assert amounts.validate_python(written) == cents
    assert Decimal(written) * 100 == cents


@pytest.mark.parametrize(
    ("text", "cents"),
    [("0", 0), ("-0", 0), ("-0.00", 0), ("1", 100), ("1.5", 150), ("0.07", 7), ("007.10", 710)],
)
def test_amounts_read(text: str, cents: int) -> None:
    assert amounts.validate_python(text) == cents


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("12.345", "amount.decimals"),
        ("-0.01", "amount.negative"),
        ("1000000000.01", "amount.too_large"),
        *((value, "amount.form") for value in ("", " 1", "1 ", "1,50", "1.", ".5", "+1", "1e3")),
        *((value, "amount.form") for value in ("NaN", "Infinity", "0x10", "1_000", "１", "1" * 13)),
        *((value, "amount.form") for value in (12, 12.5, True, None, Decimal(1), ["1"])),
    ],
)
def test_amounts_refused(value: object, code: str) -> None:
    assert code_of(amounts, value) == code


def test_bound_is_written_as_an_amount() -> None:
    with pytest.raises(ValidationError) as caught:
        amounts.validate_python("1000000000.01")
    (error,) = to_input_errors(caught.value.errors())
    assert error.message.fr == "Le montant dépasse la limite de 1000000000.00 $."


def test_amounts_above_zero() -> None:
    assert positive_amounts.validate_python("0.01") == 1
    assert code_of(positive_amounts, "0.00") == "amount.zero"


def test_signed_amounts_are_written() -> None:
    assert signed_amounts.dump_python(-1205) == "-12.05"


@pytest.mark.parametrize(
    ("text", "rate"),
    [("0", "0"), ("7.25", "7.25"), ("100", "100"), ("100.00000000", "100"), ("0.00000001", "1E-8")],
)
def test_rates_read(text: str, rate: str) -> None:
    assert rates.validate_python(text) == Decimal(rate)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("7.123456789", "rate.decimals"),
        ("100.01", "rate.bounds"),
        ("-1", "rate.bounds"),
        *((value, "rate.form") for value in ("", "7,5", "7%", "1e1", "NaN", 7, 7.5, None, True)),
    ],
)
def test_rates_refused(value: object, code: str) -> None:
    with pytest.raises(ValidationError) as caught:
        rates.validate_python(value)
    assert [e.code for e in to_input_errors(caught.value.errors())] == [code]


def test_rates_are_written_without_exponent() -> None:
    assert [rates.dump_python(Decimal(r)) for r in ("7.250", "1E+2", "0.00000001")] == [
        "7.25",
        "100",
        "0.00000001",
    ]


@given(st.dates(date(1900, 1, 1), date(2199, 12, 31)))
def test_dates_come_back_as_they_went(day: date) -> None:
    assert dates.validate_python(day.isoformat()) == day


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("2026-02-29", "date.impossible"),
        ("2026-13-01", "date.impossible"),
        ("2026-00-10", "date.impossible"),
        ("1899-12-31", "date.bounds"),
        ("2200-01-01", "date.bounds"),
        *(
            (value, "date.form")
            for value in ("", "2026-3-1", "20260301", "01/03/2026", "2026-W10-1")
        ),
        *((value, "date.form") for value in ("2026-03-01T00:00:00", "２026-03-01", 20260301, None)),
    ],
)
def test_dates_refused(value: object, code: str) -> None:
    assert code_of(dates, value) == code


@given(st.text(max_size=40))
def test_texts_are_clean_or_refused(value: str) -> None:
    try:
        text = names.validate_python(value)
    except ValidationError:
        return
    assert text
    assert text == text.strip() == unicodedata.normalize("NFC", text)
    assert names.validate_python(text) == text
    text.encode()


@pytest.mark.parametrize(
    ("value", "code"),
    [
        *((value, "text.too_short") for value in ("", " ", "\t\n", "\u00a0")),
        *((value, "text.control") for value in ("a\x00b", "a\nb", "a\x7f", "a\x1fb", "\ud800")),
        *((value, "text.control") for value in ("\ue000", "\uffff", "a\u0085b")),
        ("a" * 201, "text.too_long"),
        *((value, "text.type") for value in (1, None, True, ["a"])),
    ],
)
def test_texts_refused(value: object, code: str) -> None:
    assert code_of(names, value) == code


def test_texts_read() -> None:
    assert names.validate_python("  E\u0301milie 🌱 O’Neil ") == "Émilie 🌱 O’Neil"


@pytest.mark.parametrize(
    ("field", "length_max"), [(ExternalId, 100), (Name, 200), (Reason, 1000), (Code, 60)]
)
def test_lengths(field: type[str], length_max: int) -> None:
    adapter = TypeAdapter(field)
    assert adapter.validate_python("é" * length_max)
    assert code_of(adapter, "é" * (length_max + 1)) == "text.too_long"


def test_regions() -> None:
    assert [regions.validate_python(f"{n:02d}") for n in range(1, 18)]
    for value in ("00", "18", "6", "006", "06 ", "０6", "06\n"):
        assert code_of(regions, value) == "region_code.form"


class Inner(Body):
    amount: PositiveAmount
    count: int = Field(default=0, ge=0, le=3)


class Outer(Body):
    name: Name
    inner: list[Inner] = Field(default_factory=list, max_length=2)
    chosen: bool = False


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({}, {"/name": "missing"}),
        ({"name": "x", "nom": "y"}, {"/nom": "unknown_field"}),
        ({"name": "x", "a/b~c": 1}, {"/a~1b~0c": "unknown_field"}),
        ({"name": "x", "chosen": "true"}, {"/chosen": "boolean.type"}),
        ({"name": "x", "chosen": 1}, {"/chosen": "boolean.type"}),
        ({"name": "x", "inner": {}}, {"/inner": "list.type"}),
        ({"name": "x", "inner": ["a"]}, {"/inner/0": "object.type"}),
        ({"name": "x", "inner": [{}, {"amount": "0"}]}, {"/inner/0/amount": "missing"}),
        ({"name": "x", "inner": [{"amount": "1"}] * 3}, {"/inner": "list.too_long"}),
        (
            {"name": "x", "inner": [{"amount": "1", "count": 4}, {"amount": "1", "count": "1"}]},
            {"/inner/0/count": "number.too_large", "/inner/1/count": "integer.type"},
        ),
    ],
)
def test_bodies_are_refused_at_the_place(
    document: dict[str, object], expected: dict[str, str]
) -> None:
    with pytest.raises(ValidationError) as caught:
        Outer.model_validate(document)
    found = {e.pointer: e.code for e in to_input_errors(caught.value.errors())}
    assert expected.items() <= found.items()


def test_bodies_do_not_change() -> None:
    body = Outer.model_validate({"name": "x"})
    with pytest.raises(ValidationError):
        body.__setattr__("name", "y")


def test_answers_carry_no_other_field() -> None:
    class Shown(Answer):
        name: str

    with pytest.raises(ValidationError):
        Shown.model_validate({"name": "x", "secret": "y"})


def test_unknown_kinds_of_errors_have_a_sentence() -> None:
    error = TypeAdapter(complex)
    with pytest.raises(ValidationError) as caught:
        error.validate_python("x")
    assert find_code(caught.value.errors()[0]) == "value.invalid"
    assert say("value.invalid", {}) == MESSAGES["value.invalid"]


@pytest.mark.parametrize("code", sorted(MESSAGES))
def test_every_sentence_is_said_in_both_languages(code: str) -> None:
    message = MESSAGES[code]
    assert message.fr.endswith((".", ". "))
    assert message.en.endswith(".")
    assert "  " not in message.fr + message.en
