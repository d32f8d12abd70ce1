"""Where outgoing requests may go."""

from __future__ import annotations

import pytest

from headwater.errors import PermanentError
from headwater.playbooks import HttpRequest
from headwater.routing.addresses import is_allowed_by_name, is_public
from headwater.routing.outbound import ForbiddenAddressError, Outbound

FORBIDDEN = [
    "127.0.0.1", "127.8.9.10", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
    "255.255.255.255", "224.0.0.1", "192.0.2.1", "::1", "::", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1", "fe80::1%eth0", "not an address", "",
]  # fmt: skip


@pytest.mark.parametrize("address", FORBIDDEN)
def test_private_loopback_and_reserved_addresses_are_not_public(address: str) -> None:
    """Also when an IPv6 address stands for the IPv4 one."""
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8"])
def test_public_addresses_are_public(address: str) -> None:
    """The internet stays reachable."""
    assert is_public(address)


def test_the_operator_allows_a_host_or_one_port_of_it() -> None:
    """Letter case and brackets do not matter."""
    assert is_allowed_by_name("Receiver.Internal", 80, ["receiver.internal"])
    assert is_allowed_by_name("[::1]", 8080, ["::1:8080"])
    assert not is_allowed_by_name("localhost", 81, ["localhost:80"])
    assert is_allowed_by_name("anything", 1, ["*"])


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/", "http://localhost:1/", "http://[::1]:1/", "http://2130706433:1/", "http://0x7f.1:1/",
        "http://0177.0.0.1:1/", "http://127.1:1/", "http://[::ffff:7f00:1]:1/", "http://user@127.0.0.1:1/",
    ],
)  # fmt: skip
async def test_no_spelling_of_loopback_gets_a_connection(url: str) -> None:
    """Decimal, octal, hexadecimal, short and mapped forms are all seen through."""
    outbound = Outbound(allowed_hosts=())
    with pytest.raises(ForbiddenAddressError, match="allowed_hosts"):
        await outbound.send(HttpRequest("GET", url, (), None), timeout_seconds=1)
    await outbound.close()


@pytest.mark.parametrize("url", ["ftp://example.com/", "file:///etc/passwd", "no url", "http://"])
async def test_what_is_no_http_url_is_a_permanent_error(url: str) -> None:
    """It would never work, so it becomes a dead letter instead of being retried for hours."""
    outbound = Outbound(allowed_hosts=("*",))
    with pytest.raises(PermanentError):
        await outbound.send(HttpRequest("GET", url, (), None), timeout_seconds=1)
    await outbound.close()
