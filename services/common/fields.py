"""The field types of every request and answer: money, rates, dates, names, identifiers.

Money is integer cents inside and a decimal string with two places outside.
"""

import re
import unicodedata
from datetime import date
from decimal import Decimal
from typing import Annotated, LiteralString

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer
from pydantic.json_schema import WithJsonSchema
from pydantic_core import PydanticCustomError

from services.common.money import format_cents, format_rate

AMOUNT_MAX_CENTS = 1_000_000_000_00  # a billion dollars: far above any fund, far below bigint
_AMOUNT = re.compile(r"-?[0-9]{1,12}(\.[0-9]+)?", re.ASCII)
_RATE = re.compile(r"-?[0-9]{1,3}(\.[0-9]+)?", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def _refuse(code: LiteralString, **context: object) -> PydanticCustomError:
    return PydanticCustomError(code, "refused", context or None)


def parse_amount(value: object) -> int:
    """Cents of a decimal string with at most two places. Raises PydanticCustomError `amount.*`."""
    if isinstance(value, str) and _AMOUNT.fullmatch(value):
        whole, _, fraction = value.partition(".")
        if len(fraction) > 2:
            raise _refuse("amount.decimals")
        cents = int(whole.lstrip("-")) * 100 + int(fraction.ljust(2, "0"))
        if value.startswith("-") and cents:
            raise _refuse("amount.negative")
        if cents > AMOUNT_MAX_CENTS:
            raise _refuse("amount.too_large", bound=format_cents(AMOUNT_MAX_CENTS))
        return cents
    raise _refuse("amount.form")


def _above_zero(cents: int) -> int:
    if cents <= 0:
        raise _refuse("amount.zero")
    return cents


def parse_rate(value: object) -> Decimal:
    """A yearly percentage from a decimal string; 0 to 100, at most eight places."""
    if isinstance(value, str) and _RATE.fullmatch(value):
        if len(value.partition(".")[2]) > 8:
            raise _refuse("rate.decimals")
        rate = Decimal(value)
        if not 0 <= rate <= 100:
            raise _refuse("rate.bounds")
        return rate
    raise _refuse("rate.form")


def parse_date(value: object) -> date:
    """A calendar date written YYYY-MM-DD, 1900 to 2199."""
    if isinstance(value, date):
        return value
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise _refuse("date.form")
    try:
        day = date.fromisoformat(value)
    except ValueError as error:
        raise _refuse("date.impossible") from error
    if not 1900 <= day.year <= 2199:
        raise _refuse("date.bounds")
    return day


def clean_text(value: str) -> str:
    """NFC, trimmed. Raises `text.control` on control, surrogate and unassigned characters."""
    if value.isascii() and value.isprintable():
        return value.strip()
    text = unicodedata.normalize("NFC", value).strip()
    if not text.isprintable() and any(
        unicodedata.category(c) in ("Cc", "Cs", "Cn", "Co") for c in text
    ):
        raise _refuse("text.control")
    return text


def _not_blank(value: str) -> str:
    if not value:
        raise _refuse("text.too_short", min_length=1)
    return value


_AMOUNT_SCHEMA = {
    "type": "string",
    "pattern": r"^[0-9]{1,12}(\.[0-9]{1,2})?$",
    "example": "1234.50",
}
_RATE_SCHEMA = {"type": "string", "pattern": r"^[0-9]{1,3}(\.[0-9]{1,8})?$", "example": "7.25"}

Amount = Annotated[
    int,
    BeforeValidator(parse_amount),
    PlainSerializer(format_cents, return_type=str),
    WithJsonSchema({**_AMOUNT_SCHEMA, "description": "Montant en dollars canadiens."}),
]
PositiveAmount = Annotated[Amount, AfterValidator(_above_zero)]
SignedAmount = Annotated[  # answers only: a balance may be negative
    int,
    PlainSerializer(format_cents, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^-?[0-9]+\.[0-9]{2}$", "example": "-12.00"}),
]
Rate = Annotated[
    Decimal,
    BeforeValidator(parse_rate),
    PlainSerializer(format_rate, return_type=str),
    WithJsonSchema({**_RATE_SCHEMA, "description": "Pourcentage par année."}),
]
CalendarDate = Annotated[
    date, BeforeValidator(parse_date), WithJsonSchema({"type": "string", "format": "date"})
]


def matching(pattern: str, code: LiteralString) -> AfterValidator:
    """A check that a text has a form, refused under its own code: people are not shown patterns."""
    form = re.compile(pattern, re.ASCII)

    def check(value: str) -> str:
        if not form.fullmatch(value):
            raise _refuse(code)
        return value

    return AfterValidator(check)


def _visible(value: str) -> str:
    """Identifiers that look alike are alike: no invisible character tells two of them apart."""
    if not value.isprintable() and any(
        unicodedata.category(c) in ("Cf", "Zl", "Zp") for c in value
    ):
        raise _refuse("text.control")
    return value


_CLEAN = (AfterValidator(clean_text), AfterValidator(_not_blank))
ExternalId = Annotated[
    str, Field(max_length=100, examples=["PRET-2026-014"]), *_CLEAN, AfterValidator(_visible)
]
Name = Annotated[str, Field(max_length=200), *_CLEAN]
Reason = Annotated[str, Field(max_length=1000), *_CLEAN]
Code = Annotated[str, Field(max_length=60, examples=["start"]), *_CLEAN]


def pad_region_code(cell: object) -> object:
    """`6` as spreadsheets write `06`."""
    return f"0{cell}" if isinstance(cell, str) and len(cell) == 1 and cell.isdigit() else cell


RegionCode = Annotated[
    str,
    matching(r"0[1-9]|1[0-7]", "region_code.form"),
    Field(
        description="Code officiel de la région administrative (deux caractères).",
        examples=["06"],
    ),
]


class Body(BaseModel):
    """A request body: unknown fields are refused, nothing is coerced, values are immutable."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Answer(BaseModel):
    """An answer; it never carries a field its schema does not list."""

    model_config = ConfigDict(extra="forbid", frozen=True)
