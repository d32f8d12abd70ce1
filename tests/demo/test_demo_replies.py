"""What answers of a collector mean."""

from __future__ import annotations

import pytest

from headwater.demo.replies import Again, Hopeless, Taken, Verdict, judge

LISTED = b'{"success":true,"accepted":7,"rejected":3,"Errors":[{"Message":"batch[2].event: must be a text"}]}'


@pytest.mark.parametrize(
    ("status", "header", "body", "expected"),
    [
        pytest.param(200, None, b'{"success":true}', Taken(10), id="all taken"),
        pytest.param(207, None, LISTED, Taken(7, 3, "batch[2].event: must be a text"), id="some refused"),
        pytest.param(400, None, b'{"message":"no event"}', Taken(0, 10, "no event"), id="all refused"),
        pytest.param(413, None, b"<html>", Taken(0, 10, "HTTP 413"), id="an answer of a proxy"),
        pytest.param(429, "2", b"", Again("HTTP 429", 2.0), id="too fast"),
        pytest.param(503, None, b"", Again("HTTP 503"), id="unavailable"),
        pytest.param(401, None, b'{"message":"unknown key"}', Hopeless("unknown key"), id="a wrong key"),
    ],
)
def test_verdict(status: int, header: str | None, body: bytes, expected: Verdict) -> None:
    """Events are counted once as taken or refused, or sent again, or the sender gives up as a whole."""
    assert judge(status, header, body, size=10, now=0.0) == expected
