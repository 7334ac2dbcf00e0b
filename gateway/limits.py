"""How often a key may ask, and how often an address may present a wrong one. In memory.

Each process of the gateway counts for itself: with n of them, a client may get up to n times this.
(The in-memory storage of the library `limits` starts a thread every 10 ms to tidy up: half a
millisecond of each request here. An exact moving window is one deque a name.)
"""

import math
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network

from services.common.errors import TooManyRequests
from services.common.text import Text

WINDOW_SECONDS = 60
NAMES_MAX = 10_000
"""Names counted at the same time; past it, the one that has been quiet longest is forgotten."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a name stands: how many more it may do now, and when its oldest event is forgotten."""

    remaining: int
    reset_seconds: int


class MovingWindow:
    """At most `limit` events of one name in any stretch of 60 seconds."""

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._clock = clock
        self._events: OrderedDict[str, deque[float]] = OrderedDict()

    def count(self, name: str) -> bool:
        """Count an event if there is room for it; False when there is none."""
        events = self._recent(name)
        if len(events) >= self.limit:
            return False
        events.append(self._clock())
        return True

    def standing(self, name: str) -> Standing:
        events = self._recent(name)
        oldest = events[0] if events else self._clock()
        seconds = math.ceil(oldest + WINDOW_SECONDS - self._clock())
        return Standing(self.limit - len(events), max(1, seconds))

    def _recent(self, name: str) -> deque[float]:
        events = self._events.get(name)
        if events is None:
            events = self._events[name] = deque()
            if len(self._events) > NAMES_MAX:
                self._events.popitem(last=False)
        else:
            self._events.move_to_end(name)
        forgotten = self._clock() - WINDOW_SECONDS
        while events and events[0] <= forgotten:
            events.popleft()
        return events


class RateLimits:
    """Counts requests by key and refused keys by address."""

    def __init__(self, requests_per_minute: int, refusals_per_minute: int) -> None:
        self._requests = MovingWindow(requests_per_minute)
        self._refusals = MovingWindow(refusals_per_minute)

    def count_request(self, key_id: str) -> Mapping[str, str]:
        """The RateLimit headers of the answer. Raises TooManyRequests."""
        is_allowed = self._requests.count(key_id)
        headers = _headers("key", self._requests, key_id)
        if not is_allowed:
            detail = Text(
                f"Pas plus de {self._requests.limit} requêtes par minute avec une clé.",
                f"At most {self._requests.limit} requests a minute with one key.",
            )
            raise TooManyRequests(detail, headers=_with_retry_after(headers))
        return headers

    def refuse_held_up(self, address: str) -> None:
        """Raises TooManyRequests when too many wrong keys came from the address."""
        network = _network_of(address)
        if self._refusals.standing(network).remaining <= 0:
            raise TooManyRequests(
                Text(
                    "Trop de clés refusées sont venues de cette adresse.",
                    "Too many refused keys came from this address.",
                ),
                code="rate.keys_refused",
                headers=_with_retry_after(_headers("address", self._refusals, network)),
            )

    def count_refusal(self, address: str) -> None:
        self._refusals.count(_network_of(address))


def _headers(policy: str, window: MovingWindow, name: str) -> dict[str, str]:
    """RateLimit and RateLimit-Policy (draft-ietf-httpapi-ratelimit-headers-11)."""
    standing = window.standing(name)
    return {
        "RateLimit-Policy": f'"{policy}";q={window.limit};w={WINDOW_SECONDS}',
        "RateLimit": f'"{policy}";r={standing.remaining};t={standing.reset_seconds}',
    }


def _with_retry_after(headers: Mapping[str, str]) -> dict[str, str]:
    """One event leaves the window at `t`: that is when the next one may come."""
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
