"""How often a key may ask, and how often an address may present a wrong one. In memory.

Each process of the gateway counts for itself: with n of them, a client may get up to n times this.
"""

import math
import time
from collections.abc import Mapping
from ipaddress import IPv6Address, ip_address, ip_network

from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter

from services.common.errors import TooManyRequests
from services.common.text import Text

WINDOW_SECONDS = 60


class RateLimits:
    """Counts requests by key and refused keys by address, in a window that moves."""

    def __init__(self, requests_per_minute: int, refusals_per_minute: int) -> None:
        self._requests = RateLimitItemPerMinute(requests_per_minute)
        self._refusals = RateLimitItemPerMinute(refusals_per_minute)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def count_request(self, key_id: str) -> Mapping[str, str]:
        """The RateLimit headers of the answer. Raises TooManyRequests."""
        is_allowed = self._limiter.hit(self._requests, "key", key_id)
        headers = self._headers("key", self._requests, key_id)
        if not is_allowed:
            detail = Text(
                "Cette clé a fait {amount} requêtes en une minute.",
                "This key has made {amount} requests in one minute.",
            )
            raise TooManyRequests(
                detail.fill(amount=self._requests.amount), headers=_with_retry_after(headers)
            )
        return headers

    def refuse_held_up(self, address: str) -> None:
        """Raises TooManyRequests when too many wrong keys came from the address."""
        network = _network_of(address)
        if not self._limiter.test(self._refusals, "address", network):
            raise TooManyRequests(
                Text(
                    "Trop de clés refusées sont venues de cette adresse.",
                    "Too many refused keys came from this address.",
                ),
                code="rate.keys_refused",
                headers=_with_retry_after(self._headers("address", self._refusals, network)),
            )

    def count_refusal(self, address: str) -> None:
        self._limiter.hit(self._refusals, "address", _network_of(address))

    def _headers(self, policy: str, item: RateLimitItem, name: str) -> dict[str, str]:
        """RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-11)."""
        reset_time, remaining = self._limiter.get_window_stats(item, policy, name)
        seconds = min(WINDOW_SECONDS, max(1, math.ceil(reset_time - time.time())))
        return {
            "RateLimit-Policy": f'"{policy}";q={item.amount};w={WINDOW_SECONDS}',
            "RateLimit": f'"{policy}";r={remaining};t={seconds}',
        }


def _with_retry_after(headers: Mapping[str, str]) -> dict[str, str]:
    """One request leaves the window at `t`: that is when the next one may come."""
    return {**headers, "Retry-After": headers["RateLimit"].rpartition("=")[2]}


def _network_of(address: str) -> str:
    """What one party holds: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, 64), strict=False))
    return address
