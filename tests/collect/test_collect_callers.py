"""Who called: the address behind proxies, and the kind of caller."""

from __future__ import annotations

import pytest

from headwater.collect.callers import caller_kind, client_address, trusted_proxies
from headwater.errors import SettingsError

PROXIES = trusted_proxies("X-Forwarded-For", ("10.0.0.0/8", "::1"))


@pytest.mark.parametrize(
    ("peer", "header", "expected"),
    [
        ("203.0.113.1", b"198.51.100.7", "203.0.113.1"),
        ("10.0.0.1", b"198.51.100.7", "198.51.100.7"),
        ("10.0.0.1", b"6.6.6.6, 198.51.100.7, 10.0.0.2", "198.51.100.7"),
        ("10.0.0.1", b"[2001:db8::1]:443", "2001:db8::1"),
        ("10.0.0.1", b"198.51.100.7:5000", "198.51.100.7"),
        ("10.0.0.1", b"6.6.6.6, garbage", "10.0.0.1"),
        ("10.0.0.1", b"", "10.0.0.1"),
        ("::1", b"198.51.100.7", "198.51.100.7"),
    ],
)
def test_only_trusted_proxies_name_the_client(peer, header, expected):
    """What stands left of an untrusted address was written by anybody and counts for nothing."""
    assert client_address(peer, {b"x-forwarded-for": header}, PROXIES) == expected


def test_without_settings_the_peer_is_the_client():
    """No header is believed by default."""
    assert client_address("10.0.0.1", {b"x-forwarded-for": b"6.6.6.6"}, trusted_proxies("", ())) == "10.0.0.1"


def test_a_wrong_network_is_named():
    """The setting is checked at the start."""
    with pytest.raises(SettingsError, match="trusted_proxies"):
        trusted_proxies("X-Real-IP", ("ten",))


@pytest.mark.parametrize(
    ("event", "library", "agent", "from_page", "expected"),
    [
        ({"channel": "server"}, None, "Mozilla/5.0", True, "server"),
        ({"channel": "web"}, None, "", False, "browser"),
        ({"channel": 7}, "analytics.js", "", False, "browser"),
        ({}, "analytics-kotlin", "", False, "mobile"),
        ({}, "analytics-python", "Mozilla/5.0", False, "server"),
        ({}, "analytics-python", "", True, "browser"),
        ({}, None, "Mozilla/5.0", False, "browser"),
        ({}, None, "okhttp/4.9", False, "mobile"),
        ({}, None, "curl/8", False, "server"),
    ],
)
def test_tells_browsers_apps_and_servers_apart(event, library, agent, from_page, expected):
    """The event's channel says, else its library, else the request."""
    context = {} if library is None else {"library": {"name": library}}
    assert caller_kind(event, context, agent, from_page) == expected
