"""Which addresses are public hosts of the internet, and which lie in somebody's network."""

from __future__ import annotations

import ipaddress
from functools import lru_cache

# `ipaddress.is_global` is not trusted: it passes NAT64, 6to4, 192.0.0.192 and 168.63.129.16.
_REFUSED_V4 = tuple(
    ipaddress.IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this host
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carrier-grade NAT, and some clouds' metadata
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # the platform of one cloud
        "169.254.0.0/16",  # link-local, and most clouds' metadata
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments, and one cloud's metadata
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # 6to4 relays
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
# Everything else is no public host: loopback, IPv4 in disguise, NAT64, unique and site-local, …
_PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")
_REFUSED_V6 = tuple(
    ipaddress.IPv6Network(network)
    for network in (
        "2001::/23",  # protocol assignments, Teredo, ORCHID, benchmarks
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)
_ISATAP = 0x5EFE


# A receiver's address is looked at again before each request.
@lru_cache(maxsize=4_096)
def is_refused(address: str) -> bool:
    """Tell whether an address is no public host of the internet."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return True
    if isinstance(parsed, ipaddress.IPv4Address):
        return any(parsed in network for network in _REFUSED_V4)
    return (
        parsed.scope_id is not None
        or parsed not in _PUBLIC_V6
        or any(parsed in network for network in _REFUSED_V6)
        # Tunnels to the IPv4 address in the last 32 bits (RFC 5214).
        or (int(parsed) >> 32) & 0xFDFF_FFFF == _ISATAP
    )
