"""Logs as JSON lines; one trace identifier per request, the same at gateway and services."""

import logging
import re
import secrets

import structlog

_TRACEPARENT = re.compile(rb"00-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")


def configure_logging() -> None:
    """One JSON object per line on standard output; no value of a request is ever logged."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        logger_factory=structlog.PrintLoggerFactory(),
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
    )


def read_trace_id(traceparent: bytes) -> str:
    """The trace identifier of a W3C `traceparent`, or a new one when it is absent or malformed."""
    match = _TRACEPARENT.fullmatch(traceparent)
    return match[1].decode() if match else secrets.token_hex(16)


def make_traceparent(trace_id: str) -> str:
    return f"00-{trace_id}-{secrets.token_hex(8)}-01"
