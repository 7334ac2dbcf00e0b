"""The plain rows of the largest sheets, read without a model, by column: a tenth of the time.

Nothing is decided here that `rows` does not decide: a row with anything unusual in it is left to
its model, which also says what is wrong. A property test holds the two equal.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import date
from sys import intern
from typing import cast

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from services.common.errors import JsonValue
from services.common.fields import parse_date
from services.common.import_kinds import Columns
from services.common.readings import Memory
from services.loans.repayments.drafts import RepaymentDraft
from services.loans.repayments.schemas import PaymentMethod

_IDENTIFIER = re.compile(r"[!-~](?:[ -~]{0,98}[!-~])?", re.ASCII)
_AMOUNT = re.compile(r"[0-9]{1,9}\.[0-9]{2}", re.ASCII)
_PLAIN = frozenset({"external_id", "loan_external_id", "paid_on", "amount", "method"})
_NEEDED = _PLAIN - {"method"}
_METHOD: TypeAdapter[str] = TypeAdapter(PaymentMethod)


def quick_repayments(columns: Columns) -> Sequence[RepaymentDraft | None]:
    """The drafts of the `RepaymentRow`s of ASCII identifiers and an amount with its cents."""
    if not _NEEDED <= columns.keys() <= _PLAIN or not all(map(_holds_texts, columns.values())):
        return ()
    texts = cast(Mapping[str, Sequence[str]], columns)
    external_ids, paid_on = texts["external_id"], texts["paid_on"]
    # Many rows are of one loan, of one day: what they share is read and kept once.
    loans, days = Memory(_read_loan), Memory(_read_day)
    sums, methods = Memory(_read_cents), Memory(_read_method)
    return [
        RepaymentDraft(external_id, loan, day, cents, method or None)
        if loan and day and cents and method is not None and _IDENTIFIER.fullmatch(external_id)
        else None
        for external_id, loan, day, cents, method in zip(
            external_ids,
            map(loans.__getitem__, texts["loan_external_id"]),
            map(days.__getitem__, paid_on),
            map(sums.__getitem__, texts["amount"]),
            map(methods.__getitem__, texts.get("method", [""] * len(paid_on))),
            strict=True,
        )
    ]


def _holds_texts(column: Sequence[JsonValue]) -> bool:
    return set(map(type, column)) <= {str}


def _read_loan(text: str) -> str | None:
    return intern(text) if _IDENTIFIER.fullmatch(text) else None


def _read_cents(text: str) -> int:
    """Zero for what is no plain amount above zero."""
    return int(text.replace(".", "")) if _AMOUNT.fullmatch(text) else 0


def _read_day(text: str) -> date | None:
    try:
        return parse_date(text)
    except PydanticCustomError:
        return None


def _read_method(text: str) -> str | None:
    """The code of a payment method, "" where none is told; None when it is none."""
    try:
        return text and _METHOD.validate_python(text, strict=True)
    except ValidationError:
        return None
