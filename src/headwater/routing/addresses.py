"""Which network addresses an outgoing request may reach.

A playbook or a parameter decides the host, so a request could be aimed at a cloud's metadata service or at an
engine of ours (server-side request forgery). Only addresses of the public internet are allowed, unless the operator
allows the host by name (`route.allowed_hosts`: "host", "host:port", or "*" for all).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Collection

_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def is_public(address: str) -> bool:
    """Whether an IP address, as text, is one of the public internet. Text that is no address is not."""
    try:
        parsed = ipaddress.ip_address(address.split("%", 1)[0])
    except ValueError:
        return False
    return all(_is_global(inner) for inner in _with_embedded(parsed))


def _is_global(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved


def _with_embedded(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """The address, or the IPv4 address that an IPv6 one stands for (mapped, 6to4, NAT64): there the packet arrives."""
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.ipv4_mapped is not None:
        return [address.ipv4_mapped]
    if address.sixtofour is not None:
        return [address, address.sixtofour]
    if address in _NAT64:
        return [ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)]
    return [address]


def is_allowed_by_name(host: str, port: int, allowed: Collection[str]) -> bool:
    """Whether the operator allowed this host, or this host and port, whatever address it has."""
    name = host.lower().strip("[]")
    return bool({"*", name, f"{name}:{port}"} & {entry.lower() for entry in allowed})
