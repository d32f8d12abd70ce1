"""Listening sockets of the roles, and whether their ports are free before anything starts."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import NamedTuple

from headwater.errors import ConfigurationError
from headwater.settings import Settings


class Address(NamedTuple):
    """Where a role listens, and the setting that says so."""

    host: str
    port: int
    setting: str


def listen(address: Address, *, shared: bool = False) -> socket.socket:
    """A bound socket. `shared` lets several processes listen on one port.

    Raises ConfigurationError that names the setting when the address cannot be used.
    """
    host, port, setting = address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        listening.bind((host, port))
    except OSError as fault:
        listening.close()
        raise ConfigurationError(
            f"cannot listen on {host}:{port} ({fault.strerror}); stop what uses it or choose another port", setting
        ) from None
    listening.set_inheritable(False)
    return listening


def addresses(settings: Settings) -> Iterator[Address]:
    """Every address that `headwater up` listens on, apart from the engines' own."""
    collect, console, operating = settings.collect, settings.console, settings.operations
    yield Address(collect.host, collect.port, "collect.port")
    yield Address(console.host, console.port, "console.port")
    for number in range(collect.processes):
        yield Address(operating.host, operating.collect_port + number, "operations.collect_port")
    yield Address(operating.host, operating.route_port, "operations.route_port")
    yield Address(operating.host, operating.console_port, "operations.console_port")
    yield Address(operating.host, operating.profile_port, "operations.profile_port")
    yield Address(operating.host, operating.archive_port, "operations.archive_port")


def require_free(wanted: Iterator[Address]) -> None:
    """Raise ConfigurationError for the first address that is taken, or that two settings name."""
    held: list[socket.socket] = []
    try:
        for address in wanted:
            probe = listen(address)
            held.append(probe)
            probe.listen(1)  # without it a second probe of the same address would succeed
    finally:
        for probe in held:
            probe.close()
