"""Send one HTTP request to somewhere else, with the address checked.

The check and the connection must use the same address, else a name that resolves differently the second time (DNS
rebinding) gets past it. So the name is resolved here, every address is checked, and the client is pinned to one of them.
Redirects are never followed.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import time
from collections.abc import Collection
from datetime import timedelta

import msgspec
from pyreqwest.client import Client, ClientBuilder
from pyreqwest.exceptions import BuilderError, ConnectTimeoutError, PyreqwestError, RequestTimeoutError
from pyreqwest.http import Url

from headwater.errors import PermanentError, TransientError
from headwater.playbooks import HttpRequest
from headwater.routing.addresses import is_allowed_by_name, is_public
from headwater.routing.outcomes import Reply

RESOLVED_SECONDS = 60.0
REPLY_LIMIT_BYTES = 64 * 1024
CONNECT_SECONDS = 10.0
IDLE_SECONDS = 60.0
DEFAULT_PORTS = {"http": 80, "https": 443}


class ForbiddenAddressError(PermanentError):
    """The request goes to an address that is not allowed."""


class _Pinned(msgspec.Struct, frozen=True):
    client: Client
    expires: float


class Outbound:
    """Keeps connections alive, per host. One per process; close it at the end."""

    def __init__(self, allowed_hosts: Collection[str], connections_per_host: int = 32) -> None:
        self._allowed = frozenset(allowed_hosts)
        self._connections = connections_per_host
        self._pinned: dict[tuple[str, int], _Pinned] = {}

    async def send(self, request: HttpRequest, timeout_seconds: float) -> Reply:
        """Send and read the reply (its first `REPLY_LIMIT_BYTES`).

        Raises TransientError when no answer comes, ForbiddenAddressError when the address is not allowed, and
        PermanentError when the request cannot be sent at all (malformed URL or header).
        """
        try:
            url = Url.parse(request.url)
            host, port = _host_and_port(url)
        except (ValueError, PyreqwestError) as fault:
            raise PermanentError(f"the URL is not valid: {fault}") from None
        client = await self._client(host, port)
        try:
            builder = client.request(request.method, url).timeout(timedelta(seconds=timeout_seconds))
            builder = builder.headers(list(request.headers))
            if request.body is not None:
                builder = builder.body_bytes(request.body)
            built = builder.build_streamed()
        except (BuilderError, ValueError) as fault:
            raise PermanentError(f"the request cannot be sent: {fault}") from None
        try:
            async with built as response:
                headers = {str(key).lower(): str(value) for key, value in response.headers.items()}
                body = await response.body_reader.read(REPLY_LIMIT_BYTES)
                return Reply(response.status, headers, b"" if body is None else bytes(body))
        except (ConnectTimeoutError, RequestTimeoutError) as fault:
            raise TransientError(f"no answer within {timeout_seconds:g} s") from fault
        except PyreqwestError as fault:
            await self._forget(host, port)
            raise TransientError(f"connection failed: {_cause(fault)}") from fault

    async def close(self) -> None:
        """Close all connections."""
        pinned, self._pinned = self._pinned, {}
        for entry in pinned.values():
            await entry.client.close()

    async def _client(self, host: str, port: int) -> Client:
        found = self._pinned.get((host, port))
        if found is not None and time.monotonic() < found.expires:
            return found.client
        address = await resolve(host, port, self._allowed)
        builder = (
            ClientBuilder()
            .follow_redirects(False)
            .no_proxy()
            .http1_only()
            .gzip(True)
            .connect_timeout(timedelta(seconds=CONNECT_SECONDS))
            .pool_idle_timeout(timedelta(seconds=IDLE_SECONDS))
            .pool_max_idle_per_host(self._connections)
            .user_agent("headwater")
        )
        if address is not None:
            builder = builder.resolve(host, address, port)
        client = builder.build()
        self._pinned[host, port] = _Pinned(client, time.monotonic() + RESOLVED_SECONDS)
        return client

    async def _forget(self, host: str, port: int) -> None:
        """Resolve again next time; requests that are under way on the old client finish there."""
        self._pinned.pop((host, port), None)


async def resolve(host: str, port: int, allowed: Collection[str]) -> str | None:
    """The address to connect to, checked; None when the host is an address itself.

    `allowed` are the hosts that the operator allows by name. Raises ForbiddenAddressError when any address of the host
    is not allowed, and TransientError when the name cannot be resolved now.
    """
    by_name = is_allowed_by_name(host, port, allowed)
    literal = host.strip("[]")
    if _is_address(literal):
        if not by_name and not is_public(literal):
            raise _forbidden(host, literal)
        return None
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as fault:
        raise TransientError(f"the name {host} cannot be resolved") from fault
    addresses = [str(entry[4][0]) for entry in found]
    if not by_name:
        for address in addresses:
            if not is_public(address):
                raise _forbidden(host, address)
    return min(addresses, key=lambda address: ":" in address)  # version 4 first: it works everywhere


def _host_and_port(url: Url) -> tuple[str, int]:
    if url.scheme not in DEFAULT_PORTS:
        raise ValueError(f"the scheme is {url.scheme}, not http or https")
    if not url.host_str:
        raise ValueError("there is no host")
    return url.host_str, url.port or DEFAULT_PORTS[url.scheme]


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _forbidden(host: str, address: str) -> ForbiddenAddressError:
    return ForbiddenAddressError(
        f"{host} is at {address}, which is not on the public internet; "
        f"add {host} to the setting route.allowed_hosts if that is meant"
    )


def _cause(fault: PyreqwestError) -> str:
    details = getattr(fault, "details", None)
    causes = details.get("causes") if isinstance(details, dict) else None
    return str(causes[-1]["message"]) if causes else fault.message
