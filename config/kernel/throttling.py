"""Courtesy limits: in Redis, shared by all processes, and never a reason to be down.

What protects secrets is counted in PostgreSQL and fails closed; this fails open.
"""

from __future__ import annotations

import ipaddress
import logging
import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.commands.core import Script
from redis.exceptions import RedisError
from redis.retry import Retry
from rest_framework.throttling import BaseThrottle

if TYPE_CHECKING:
    from django.http import HttpRequest
    from rest_framework.request import Request
    from rest_framework.views import APIView

logger = logging.getLogger(__name__)

_REDIS_TIMEOUT = 0.2
# After a failure Redis is left alone for so long, so that requests do not all wait for it.
_REST = 2.0
_UNITS = {"s": 1, "sec": 1, "min": 60, "hour": 3_600, "day": 86_400}

# A sliding window of two counters: the older one counts as far as the window still covers it.
_TAKE = """
local limit, window, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000
local slot = math.floor(now / window)
local kept = redis.call('HMGET', KEYS[1], 'slot', 'count', 'previous')
local age = slot - (tonumber(kept[1]) or -2)
local count, previous = tonumber(kept[2]) or 0, tonumber(kept[3]) or 0
if age == 1 then
  count, previous = 0, count
elseif age ~= 0 then
  count, previous = 0, 0
end
local passed = now / window - slot
local room = math.floor(limit - count - previous * (1 - passed))
if room >= 1 then
  local taken = math.min(room, wanted)
  redis.call('HSET', KEYS[1], 'slot', slot, 'count', count + taken, 'previous', previous)
  redis.call('EXPIRE', KEYS[1], 2 * window)
  return {taken, '0'}
end
local wait = (1 - passed) * window
if count + 1 <= limit then
  wait = window * (1 - (limit - count - 1) / previous - passed)
end
return {0, tostring(wait)}
"""


@dataclass(frozen=True)
class Rate:
    """So many within so many seconds."""

    limit: int
    window: int

    @classmethod
    def parse(cls, text: str) -> Rate:
        """Read a rate such as 600/min.

        Raises ValueError.
        """
        number, _, unit = text.partition("/")
        if unit not in _UNITS or int(number) < 1:
            raise ValueError(f"A rate is written as in 600/min, not {text}.")
        return cls(limit=int(number), window=_UNITS[unit])


@dataclass
class _Allowance:
    tokens: int
    until: float


class Limiter:
    """Counts by key; takes a hundredth of the limit at a time, so that Redis is asked seldom."""

    _MOST_KEYS = 10_000

    def __init__(self, url: str) -> None:
        client = redis.Redis.from_url(
            url,
            socket_timeout=_REDIS_TIMEOUT,
            socket_connect_timeout=_REDIS_TIMEOUT,
            retry=Retry(NoBackoff(), 0),
        )
        self._take = Script(client, _TAKE)
        self._allowances: dict[str, _Allowance] = {}
        self._lock = threading.Lock()
        self._rests_until = 0.0

    def wait_for(self, key: str, rate: Rate) -> float:
        """Count one for the key and give the seconds to wait before it is allowed, mostly 0."""
        now = time.monotonic()
        with self._lock:
            allowance = self._allowances.get(key)
            if allowance and allowance.tokens and now < allowance.until:
                allowance.tokens -= 1
                return 0.0
            if now < self._rests_until:
                return 0.0
        try:
            taken, wait = self._ask(key, rate)
        except RedisError as error:
            logger.warning("Requests are not limited: Redis says %s.", type(error).__name__)
            self._rests_until = now + _REST
            return 0.0
        if not taken:
            return max(wait, 0.001)
        with self._lock:
            if len(self._allowances) >= self._MOST_KEYS:
                self._allowances.clear()
            self._allowances[key] = _Allowance(taken - 1, now + rate.window)
        return 0.0

    def _ask(self, key: str, rate: Rate) -> tuple[int, float]:
        wanted = max(1, rate.limit // 100)
        taken, wait = self._take(
            keys=[f"frontdesk:rate:{key}"], args=[rate.limit, rate.window, wanted]
        )
        return int(taken), float(wait)


@lru_cache(maxsize=4)
def limiter(url: str) -> Limiter:
    """Give this process's limiter on a Redis."""
    return Limiter(url)


class CourtesyThrottle(BaseThrottle):
    """Limits the requests of an actor, or of an address that proves nobody."""

    _wait = 0.0

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Count the request and tell whether it may go on."""
        self._wait = self.wait_of(request)
        return not self._wait

    def wait_of(self, request: Request) -> float:
        """Count the request and give the seconds to wait before it is allowed, mostly 0."""
        actor = getattr(request.auth, "actor", None)
        if actor is not None:
            key, rate = f"{actor.kind}:{actor.id}", settings.API_RATE
        else:
            key, rate = _network_of(client_address(request)), settings.API_RATE_ANONYMOUS
        return limiter(settings.REDIS_URL).wait_for(key, Rate.parse(rate))

    def wait(self) -> float:
        """Give the seconds after which the next request is allowed."""
        return self._wait


class FreeTimesThrottle(CourtesyThrottle):
    """Limits how often somebody without a token looks for free times, which is much work."""

    def wait_of(self, request: Request) -> float:
        """Count the request and give the seconds to wait before it is allowed, mostly 0."""
        if request.META.get("HTTP_AUTHORIZATION"):
            return super().wait_of(request)
        return wait_for_free_times(request)


def wait_for_free_times(request: HttpRequest | Request) -> float:
    """Count a look at free times and give the seconds to wait before it is allowed, mostly 0."""
    network = _network_of(client_address(request))
    rate = Rate.parse(settings.FREE_TIMES_RATE)
    return limiter(settings.REDIS_URL).wait_for(f"free-times:{network}", rate)


def client_address(request: HttpRequest | Request) -> str:
    """Give the caller's address, as far as the proxies in front of us are to be believed."""
    proxies = settings.TRUSTED_PROXIES
    # Each proxy adds whom it saw at the end; what stands before that is the caller's own claim.
    hops = request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")
    if proxies and len(hops) >= proxies and (address := _address_in(hops[-proxies].strip())):
        return address
    remote = str(request.META.get("REMOTE_ADDR", ""))
    return _address_in(remote) or remote


def _address_in(text: str) -> str:
    # Some proxies add the port: 192.0.2.1:4711, [2001:db8::1]:4711.
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return ""
    return str(getattr(address, "ipv4_mapped", None) or address)


def _network_of(address: str) -> str:
    # One subscriber has a whole /64 of IPv6 addresses.
    return str(ipaddress.ip_network(f"{address}/64", strict=False)) if ":" in address else address
