"""What each kind of answer means for the records in it."""

from __future__ import annotations

from email.utils import formatdate

import pytest

from headwater.integrations.delivery import ReplyRule
from headwater.routing.outcomes import Delivered, Refused, Reply, Retry, judge, retry_after

LYTICS = ReplyRule(rejected_count="data.rejected_count", json_required=True)
NOW = 1_800_000_000.0


def _judge(status: int, body: bytes = b"", rule: ReplyRule = ReplyRule(), **headers: str) -> object:
    return judge(Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, body), rule, NOW)


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_passing_faults_are_tried_again(status: int) -> None:
    """Time-outs, rate limits and server faults say nothing about the records."""
    assert isinstance(_judge(status), Retry)


@pytest.mark.parametrize("status", [400, 409, 413, 415, 422])
def test_faults_that_one_record_may_cause_are_split(status: int) -> None:
    """One bad record must not take the good ones beside it along."""
    assert _judge(status) == Refused(f"HTTP {status}", split=True)


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_faults_of_the_address_or_the_key_are_not_split(status: int) -> None:
    """Asking again for each record alone would only multiply the requests."""
    assert _judge(status) == Refused(f"HTTP {status}", split=False)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirects_are_refused_and_never_followed(status: int) -> None:
    """A redirect could lead anywhere, with the key in its headers."""
    outcome = _judge(status, location="http://127.0.0.1/")
    assert isinstance(outcome, Refused)
    assert not outcome.split


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_any_success_is_delivered_when_the_body_means_nothing(status: int) -> None:
    """Most vendors say all with the status."""
    assert _judge(status, b"anything") == Delivered()


def test_lytics_success_with_nothing_rejected_is_delivered() -> None:
    """The reply that Lytics documents."""
    assert _judge(200, b'{"status":200,"data":{"message_count":2,"rejected_count":0}}', LYTICS) == Delivered()


def test_lytics_success_that_rejects_records_is_no_success() -> None:
    """200 with rejected_count 1: one of the records is bad, and the split finds it."""
    outcome = _judge(200, b'{"data":{"message_count":1,"rejected_count":1}}', LYTICS)
    assert isinstance(outcome, Refused)
    assert outcome.split


@pytest.mark.parametrize("body", [b"<html>sign in to the hotel's network</html>", b"", b"[]", b'"ok"'])
def test_lytics_success_that_lytics_did_not_write_is_tried_again(body: bytes) -> None:
    """Something in between answered; nobody knows where the records are."""
    assert isinstance(_judge(200, body, LYTICS), Retry)


def test_retry_after_is_read_in_both_forms() -> None:
    """Seconds, and a date one minute from now."""
    assert retry_after("120", NOW) == 120.0
    assert retry_after(formatdate(NOW + 60, usegmt=True), NOW) == 60.0
    assert _judge(429, retry_after="3") == Retry("HTTP 429", 3.0)


@pytest.mark.parametrize("value", ["soon", "", "-5", "1.5", "٣"])
def test_an_unreadable_retry_after_is_ignored(value: str) -> None:
    """A malformed header neither stops delivery nor crashes it."""
    assert retry_after(value, NOW) is None


def test_a_retry_after_of_a_year_is_honoured_for_an_hour() -> None:
    """A vendor's mistake must not stop an integration for good."""
    assert retry_after("31536000", NOW) == 3600.0
    assert retry_after(formatdate(NOW - 60, usegmt=True), NOW) == 0.0
