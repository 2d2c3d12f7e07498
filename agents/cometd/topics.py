"""Topics: which there are, who may hear them, and the ways in which clients spell them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import IntEnum

from config.kernel.actors import Role

ME, USERS, BOARD = "/v2/me", "/v2/users", "/v2/board"
_VERSION = "/v2"
# Below them there is any topic, also one that nothing is ever told on (cc.cometd.protocol.r37).
_ROOMY = (f"{ME}/", "/notifications/")
# What is about others, and who may hear it. No wildcard brings the board.
_OF_OTHERS = (USERS, BOARD)
_LEADERS = frozenset({Role.SUPERVISOR, Role.ADMIN})
_LENGTH = 255


class Depth(IntEnum):
    """How much a subscription covers; store.lua knows these numbers."""

    EXACT = 0
    ONE_SEGMENT = 1
    ANY_SEGMENTS = 2


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """What a client has asked for, and how its events name their channel."""

    # As the client wrote it: that is how it unsubscribes.
    written: str
    # The topic, or what stands before the wildcard, with the version.
    prefix: str
    depth: Depth
    # Whether its events leave the version out, and end in a slash.
    is_short: bool = False
    tail: str = ""

    @property
    def is_of_the_board(self) -> bool:
        return self.depth is Depth.EXACT and self.prefix == BOARD


class TopicRefused(Exception):
    """A subscription that is not to be had; its text is the error of the protocol."""

    def __init__(self, code: int, topic: object, text: str) -> None:
        super().__init__(f"{code}:{topic if isinstance(topic, str) else ''}:{text}")


def parse(written: object, roles: Collection[Role]) -> Subscription | None:
    """Read a subscription; None for one to a service channel, which has no effect.

    Raises TopicRefused for what does not exist and for what these roles may not hear.
    """
    if not isinstance(written, str) or not 1 < len(written) <= _LENGTH or written[0] != "/":
        raise _unknown(written)
    bare = written.removesuffix("/")
    segments = bare[1:].split("/")
    if segments[0] == "meta":
        raise _denied(written)
    if segments[0] == "service":
        return None
    if not all(segments) or any("*" in one for one in segments[:-1]):
        raise _unknown(written)
    subscription = _subscription(written, bare, segments)
    _check(subscription, roles)
    return subscription


def hidden_from(roles: Collection[Role]) -> tuple[str, ...]:
    """Give the topics that nobody with these roles hears of, whatever it subscribes to."""
    return () if may_watch(roles) else _OF_OTHERS


def may_watch(roles: Collection[Role]) -> bool:
    """Tell whether somebody with these roles may hear of others."""
    return not _LEADERS.isdisjoint(roles)


def _subscription(written: str, bare: str, segments: list[str]) -> Subscription:
    is_short = segments[0] not in {"v2", "notifications", "**"}
    full = f"{_VERSION}{bare}" if is_short else bare
    prefix, _, last = full.rpartition("/")
    match last:
        case "*":
            return Subscription(
                written=written, prefix=prefix, depth=Depth.ONE_SEGMENT, is_short=is_short
            )
        case "**":
            return Subscription(
                written=written, prefix=prefix, depth=Depth.ANY_SEGMENTS, is_short=is_short
            )
    if "*" in last:
        raise _unknown(written)
    return Subscription(
        written=written,
        prefix=full,
        depth=Depth.EXACT,
        is_short=is_short,
        tail=written[len(bare) :],
    )


def _check(subscription: Subscription, roles: Collection[Role]) -> None:
    prefix = subscription.prefix
    if subscription.depth is Depth.EXACT:
        if prefix in _OF_OTHERS and not may_watch(roles):
            raise _denied(subscription.written)
        exists = prefix in {ME, *_OF_OTHERS} or prefix.startswith(_ROOMY)
    else:
        # It covers a topic that there is; of those, everybody hears what it may.
        exists = prefix in {"", _VERSION} or f"{prefix}/".startswith(_ROOMY)
    if not exists:
        raise _unknown(subscription.written)


def _denied(topic: str) -> TopicRefused:
    return TopicRefused(403, topic, "Subscription denied")


def _unknown(topic: object) -> TopicRefused:
    return TopicRefused(404, topic, "Unknown Channel")
