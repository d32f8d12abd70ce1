"""Who calls: the address of the client, and whether it is a browser, a mobile app or a server.

An address is taken from a header only where the peer is a proxy that the operator trusts, and then from the right end
of the list: everything further left was written by somebody else.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from headwater.errors import SettingsError

CallerKind = Literal["browser", "mobile", "server"]
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_CHANNELS: dict[str, CallerKind] = {"browser": "browser", "web": "browser", "mobile": "mobile", "server": "server"}
_BROWSER_LIBRARIES = frozenset(
    {"analytics.js", "headwater.js", "@segment/analytics-next", "RudderLabs JavaScript SDK", "jstag"}
)
_MOBILE_LIBRARIES = ("kotlin", "swift", "android", "ios", "react-native", "flutter", "xamarin")
_MOBILE_AGENTS = ("okhttp", "Dalvik", "CFNetwork", "Darwin")


class Proxies(NamedTuple):
    """The proxies whose word is taken, and the header in which they name the client."""

    header: bytes
    networks: tuple[Network, ...]

    def trusts(self, address: str) -> bool:
        """Whether `address` is one of the trusted proxies."""
        if not self.networks:
            return False
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self.networks)


def trusted_proxies(header: str, networks: tuple[str, ...]) -> Proxies:
    """Read the settings. Raises SettingsError for a text that is no address and no network."""
    try:
        parsed = tuple(ipaddress.ip_network(network, strict=False) for network in networks)
    except ValueError as fault:
        raise SettingsError(
            f"{fault}; write an address or a network such as 10.0.0.0/8", "collect.trusted_proxies"
        ) from None
    return Proxies(header.lower().encode("latin-1"), parsed)


def client_address(peer: str, headers: Mapping[bytes, bytes], proxies: Proxies) -> str:
    """The address of the client: the peer, or what the nearest trusted proxy says."""
    if not proxies.header or not proxies.trusts(peer):
        return peer
    address = peer
    for part in reversed(headers.get(proxies.header, b"").decode("latin-1").split(",")):
        named = _address(part)
        if named is None:
            break
        address = named
        if not proxies.trusts(named):
            break
    return address


def _address(text: str) -> str | None:
    """An address without port and brackets, else None."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def caller_kind(event: Mapping[str, Any], context: Mapping[str, Any], user_agent: str, from_page: bool) -> CallerKind:
    """What sent the event: its channel says, else its library, else the request.

    `from_page` is true where only a browser can have sent the request (it has an Origin header, or is a pixel).
    """
    channel = event.get("channel")
    known = _CHANNELS.get(channel) if isinstance(channel, str) else None
    if known is not None:
        return known
    library = context.get("library")
    name = library.get("name") if isinstance(library, dict) else None
    if isinstance(name, str) and name:
        return _library_kind(name, from_page)
    if from_page or user_agent.startswith("Mozilla/"):
        return "browser"
    return "mobile" if any(agent in user_agent for agent in _MOBILE_AGENTS) else "server"


def _library_kind(name: str, from_page: bool) -> CallerKind:
    if name in _BROWSER_LIBRARIES or from_page:
        return "browser"
    lowered = name.lower()
    return "mobile" if any(part in lowered for part in _MOBILE_LIBRARIES) else "server"
