"""The signature of our own webhooks."""

from headwater.playbooks.outputs import HttpRequest
from headwater.playbooks.timestamp_signature import HEADER, TimestampSignature, timestamp_signed

# printf '1790000000.{"a":1}' | openssl dgst -sha256 -hmac secret
EXPECTED = "da8fe498621aaab99d5b11c51346b13d1a2bf2914b865b8d3edd3531cab25a3e"


def test_time_and_body_are_signed() -> None:
    """What a receiver calculates with openssl is what the header says."""
    request = HttpRequest("POST", "https://example.com", (), b'{"a":1}')
    signed = timestamp_signed(request, TimestampSignature("secret"), 1_790_000_000)
    assert signed.header(HEADER) == f"t=1790000000,v1={EXPECTED}"
