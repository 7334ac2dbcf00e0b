"""The only place that asks what day it is; below the routes, `today` is a parameter."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

LEGAL_TIME = ZoneInfo("America/Toronto")


def legal_today() -> date:
    """Today in Québec's legal time: the latest date a fact may carry."""
    return datetime.now(LEGAL_TIME).date()
