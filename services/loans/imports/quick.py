"""The plain rows of the largest sheets, read without a model, by column: a tenth of the time.

Nothing is decided here that `rows` does not decide: a row with anything unusual in it is left to
its model, which also says what is wrong. A property test holds the two equal.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from itertools import compress
from sys import intern
from typing import TypeVar, cast

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from services.common.errors import JsonValue
from services.common.fields import parse_date
from services.common.import_kinds import Columns, Quick
from services.common.readings import Memory
from services.loans.repayments.drafts import RepaymentDraft, RepaymentDrafts
from services.loans.repayments.schemas import PaymentMethod

Read = TypeVar("Read")

_IDENTIFIER = re.compile(r"[!-~](?:[ -~]{0,98}[!-~])?", re.ASCII)
_AMOUNT = re.compile(r"[0-9]{1,9}\.[0-9]{2}", re.ASCII)
_PLAIN = frozenset({"external_id", "loan_external_id", "paid_on", "amount", "method"})
_NEEDED = _PLAIN - {"method"}
_METHOD: TypeAdapter[str] = TypeAdapter(PaymentMethod)
_NO_DAY = date.min
_NO_METHOD = "\0"


def quick_repayments(columns: Columns) -> Quick[RepaymentDraft] | None:
    """The drafts of the `RepaymentRow`s of ASCII identifiers and an amount with its cents."""
    if not _NEEDED <= columns.keys() <= _PLAIN or not all(map(_holds_texts, columns.values())):
        return None
    texts = cast(Mapping[str, Sequence[str]], columns)
    names = texts["external_id"]
    loans = _read_each(_read_loan, texts["loan_external_id"])
    days = _read_each(_read_day, texts["paid_on"])
    cents = _read_each(_read_cents, texts["amount"])
    methods = _read_each(_read_method, texts.get("method", [""] * len(names)))
    is_sure = [
        bool(is_name and loan and day != _NO_DAY and paid and method != _NO_METHOD)
        for is_name, loan, day, paid, method in zip(
            map(_IDENTIFIER.fullmatch, names), loans, days, cents, methods, strict=True
        )
    ]
    return Quick(
        RepaymentDrafts(
            list(compress(names, is_sure)),
            list(compress(loans, is_sure)),
            list(compress(days, is_sure)),
            list(compress(cents, is_sure)),
            [method or None for method in compress(methods, is_sure)],
        ),
        is_sure,
    )


def _read_each(read: Callable[[str], Read], texts: Sequence[str]) -> list[Read]:
    """Many rows are of one loan, of one day: what they share is read and kept once."""
    return list(map(Memory(read).__getitem__, texts))


def _holds_texts(column: Sequence[JsonValue]) -> bool:
    return set(map(type, column)) <= {str}


def _read_loan(text: str) -> str:
    """Nothing for what is no plain identifier."""
    return intern(text) if _IDENTIFIER.fullmatch(text) else ""


def _read_cents(text: str) -> int:
    """Zero for what is no plain amount above zero."""
    return int(text.replace(".", "")) if _AMOUNT.fullmatch(text) else 0


def _read_day(text: str) -> date:
    try:
        return parse_date(text)
    except PydanticCustomError:
        return _NO_DAY


def _read_method(text: str) -> str:
    """The code of a payment method, "" where none is told."""
    try:
        return text and _METHOD.validate_python(text, strict=True)
    except ValidationError:
        return _NO_METHOD
