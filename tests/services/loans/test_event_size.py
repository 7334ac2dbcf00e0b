import json
import uuid

from services.common.answers import JSON_BODY_MAX_BYTES
from services.common.events import EVENTS_MAX
from services.common.fields import AMOUNT_MAX_CENTS
from services.loans.positions.telling import FACTS_PER_EVENT_MAX, Told, list_payloads


def test_the_largest_events_carried_at_once_fit_a_json_body() -> None:
    """The relay sends them to the journal as they are: one too large would never be posted."""
    ids, least = (str(uuid.uuid4()), str(uuid.uuid4())), -AMOUNT_MAX_CENTS
    fact = Told("reversal", *ids, "2026-03-31", least, least, least, least, "disbursement")
    [payload] = list_payloads([fact] * FACTS_PER_EVENT_MAX)
    event = {
        "organisation_id": str(uuid.uuid4()),
        "number": 10**12,
        "type": "loans.recorded",
        "payload": payload,
        "recorded_at": "2026-03-31T23:59:59.999999+00:00",
    }
    body = {"organisation_id": str(uuid.uuid4()), "events": [event] * EVENTS_MAX}
    assert len(json.dumps(body).encode()) < JSON_BODY_MAX_BYTES
