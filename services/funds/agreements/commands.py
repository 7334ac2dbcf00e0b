"""Recording agreements and what is paid under them."""

from collections.abc import Iterator
from datetime import date
from uuid import UUID

from services.common import audit, outbox
from services.common.database import WriteSession
from services.common.errors import InputError, Unprocessable, not_found
from services.common.identity import Principal
from services.common.recording import CONFLICT, to_problem
from services.common.strict_json import fingerprint
from services.common.text import Text
from services.common.validation import say
from services.funds.agreements import queries
from services.funds.agreements.queries import Agreement, Payment
from services.funds.agreements.schemas import AgreementBody, PaymentBody

AGREEMENT = Text("Entente", "Agreement")
DATES_REVERSED = Text("L'entente finit avant de commencer.", "The agreement ends before it begins.")
TARGET_TWICE = Text(
    "Cet indicateur a déjà une cible dans l'entente.",
    "This indicator already has a target in the agreement.",
)
ONE_DUE = Text(
    "Donnez une date (due_on) ou une règle (due), et une seule des deux.",
    "Give a date (due_on) or a rule (due), and only one of the two.",
)


async def record_agreement(
    session: WriteSession, principal: Principal, body: AgreementBody
) -> tuple[Agreement, bool]:
    """True when the agreement is new. Raises Unprocessable, or Conflict for another content."""
    errors = list(check_agreement(body))
    if errors:
        raise Unprocessable(errors[0].message, code=errors[0].code, errors=errors)
    content = fingerprint(body.model_dump(mode="json"))
    is_new = await queries.insert_agreement(session, body, content, principal.subject)
    agreement = await queries.find_agreement_told_as(session, body.external_id)
    assert agreement is not None, "what was recorded is there"
    if agreement.fingerprint != content:
        raise to_problem([CONFLICT])
    if is_new:
        identifier = str(agreement.agreement_id)
        await outbox.append(session, "agreement.recorded", {"agreement_id": identifier})
        await audit.append(session, principal, "agreement.record", {"agreement_id": identifier})
    return agreement, is_new


def check_agreement(body: AgreementBody) -> Iterator[InputError]:
    """What the fields of an agreement cannot say together."""
    if body.to_on < body.from_on:
        yield InputError("/to", "agreement.dates", DATES_REVERSED)
    seen = set()
    for place, target in enumerate(body.targets):
        if target.indicator in seen:
            yield InputError(f"/targets/{place}/indicator", "target.duplicate", TARGET_TWICE)
        seen.add(target.indicator)
    for place, obligation in enumerate(body.obligations):
        if (obligation.due_on is None) == (obligation.due is None):
            yield InputError(f"/obligations/{place}", "obligation.due", ONE_DUE)


async def record_payment(
    session: WriteSession,
    principal: Principal,
    agreement_id: UUID,
    body: PaymentBody,
    today: date,
) -> tuple[Payment, bool]:
    """True when the payment is new. Raises NotFound, Unprocessable for a future date, Conflict."""
    if body.paid_on > today:
        error = InputError("/paid_on", "date.future", say("date.future", {}))
        raise Unprocessable(error.message, code=error.code, errors=[error])
    if await queries.find_agreement(session, agreement_id) is None:
        raise not_found(AGREEMENT)
    content = fingerprint({"agreement": str(agreement_id), **body.model_dump(mode="json")})
    is_new = await queries.insert_payment(session, agreement_id, body, content, principal.subject)
    payment = await queries.find_payment_told_as(session, body.external_id)
    assert payment is not None, "what was recorded is there"
    if payment.fingerprint != content:
        raise to_problem([CONFLICT])
    if is_new:
        identifier = str(payment.payment_id)
        await outbox.append(session, "agreement.paid", {"payment_id": identifier})
        await audit.append(session, principal, "agreement.pay", {"payment_id": identifier})
    return payment, is_new
