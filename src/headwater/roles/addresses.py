"""Where the doors of this install are, as a person on this machine reaches them."""

from __future__ import annotations

from headwater.settings import Settings

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # what a role listens on, not something we bind


def collector_url(settings: Settings) -> str:
    """The collector's base address."""
    return f"http://{_host(settings.collect.host)}:{settings.collect.port}"


def public_collector_url(settings: Settings) -> str:
    """The base address that senders are told: the public one where it is set."""
    return settings.collect.public_url or collector_url(settings)


def console_url(settings: Settings) -> str:
    """The base address of the console and of the admin API: the public one where it is set."""
    if settings.console.public_url:
        return settings.console.public_url
    return f"http://{_host(settings.console.host)}:{settings.console.port}"


def metrics_urls(settings: Settings) -> dict[str, str]:
    """The address of the metrics of each process, by its name."""
    operating = settings.operations
    ports = {f"collect-{number}": operating.collect_port + number for number in range(settings.collect.processes)}
    ports |= {"route-0": operating.route_port, "profile-0": operating.profile_port}
    ports |= {"console-0": operating.console_port, "archive-0": operating.archive_port}
    return {name: f"http://{_host(operating.host)}:{port}/metrics" for name, port in ports.items()}


def _host(listening: str) -> str:
    host = _EVERYWHERE.get(listening, listening)
    return f"[{host}]" if ":" in host else host


def allowed_hosts(settings: Settings) -> tuple[str, ...]:
    """What the operator lets requests go to, and our own collector: the built-in Lytics receiver is behind it."""
    return (*settings.route.allowed_hosts, f"{settings.collect.host}:{settings.collect.port}")
