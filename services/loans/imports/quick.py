"""The plain rows of the largest sheets, read without a model: a tenth of the time.

Nothing is decided here that `rows` does not decide: a row with anything unusual in it is left to
its model, which also says what is wrong. A property test holds the two equal.
"""

import re
from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from sys import intern

from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from services.common.errors import JsonValue
from services.common.fields import parse_date
from services.loans.repayments.drafts import RepaymentDraft
from services.loans.repayments.schemas import PaymentMethod

_IDENTIFIER = re.compile(r"[!-~](?:[ -~]{0,98}[!-~])?", re.ASCII)
_AMOUNT = re.compile(r"[0-9]{1,9}\.[0-9]{2}", re.ASCII)
_PLAIN = frozenset({"external_id", "loan_external_id", "paid_on", "amount", "method"})
_METHOD: TypeAdapter[str] = TypeAdapter(PaymentMethod)
_DISTINCT_MAX = 4096
"""Days and codes of one sheet that are worth remembering."""


def quick_repayment(row: Mapping[str, JsonValue]) -> RepaymentDraft | None:
    """The draft of a `RepaymentRow` of ASCII identifiers and an amount with its cents."""
    external_id, loan_external_id = row.get("external_id"), row.get("loan_external_id")
    paid_on, amount, method = row.get("paid_on"), row.get("amount"), row.get("method")
    if not (
        row.keys() <= _PLAIN
        and isinstance(external_id, str)
        and isinstance(loan_external_id, str)
        and isinstance(paid_on, str)
        and isinstance(amount, str)
        and (method is None or isinstance(method, str))
        and _IDENTIFIER.fullmatch(external_id)
        and _IDENTIFIER.fullmatch(loan_external_id)
        and _AMOUNT.fullmatch(amount)
    ):
        return None
    day, code = _read_day(paid_on), None if method is None else _read_method(method)
    cents = int(amount.replace(".", ""))
    if day is None or not cents or code == "":
        return None
    # Many are of one loan: its identifier is kept once.
    return RepaymentDraft(external_id, intern(loan_external_id), day, cents, code)


@lru_cache(maxsize=_DISTINCT_MAX)
def _read_day(text: str) -> date | None:
    try:
        return parse_date(text)
    except PydanticCustomError:
        return None


@lru_cache(maxsize=_DISTINCT_MAX)
def _read_method(text: str) -> str:
    """The code of a payment method; empty when it is none."""
    try:
        return _METHOD.validate_python(text, strict=True)
    except ValidationError:
        return ""
