"""What an answer means: a decision with a reason.

| answer                                   | decision                                                      |
|------------------------------------------|---------------------------------------------------------------|
| 2xx that passes the integration's check  | Delivered                                                     |
| 2xx that reports rejected records        | Refused, split: find the bad ones                             |
| 2xx that should be JSON and is not       | Retry: somebody else answered                                 |
| 408, 425, 429, 5xx, no answer            | Retry, not before Retry-After                                 |
| 3xx                                      | Refused: redirects are not followed                           |
| 401, 402, 403, 404, 405, 407, 410, 451   | Refused: every record would be; not split                     |
| other 4xx                                | Refused, split: one record may have spoiled the others        |

A whole-second and an HTTP-date form of Retry-After are understood (RFC 9110, section 10.2.3).
"""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple

from headwater import jsontext
from headwater.errors import InputError
from headwater.integrations.delivery import ReplyRule

LONGEST_RETRY_AFTER_SECONDS = 3600.0
_RETRIED = frozenset({408, 425, 429})
_NOT_ABOUT_THE_RECORDS = frozenset({401, 402, 403, 404, 405, 407, 410, 451})


class Reply(NamedTuple):
    """An HTTP answer: status, headers with lower-case names, and the first part of the body."""

    status: int
    headers: dict[str, str]
    body: bytes


class Delivered(NamedTuple):
    """The other side has the records."""


class Retry(NamedTuple):
    """Not now. `after` is the least wait in seconds when the other side named one."""

    reason: str
    after: float | None = None


class Refused(NamedTuple):
    """Never. `split` says whether sending the records apart can save some of them."""

    reason: str
    split: bool


Outcome = Delivered | Retry | Refused


def judge(reply: Reply, rule: ReplyRule, now: float) -> Outcome:
    """Decide what a reply means; `now` (seconds since 1970) resolves a Retry-After date."""
    status = reply.status
    if 200 <= status < 300:
        return _judge_success(reply, rule)
    if status in _RETRIED or status >= 500:
        return Retry(f"HTTP {status}", retry_after(reply.headers.get("retry-after"), now))
    if 300 <= status < 400:
        return Refused(f"HTTP {status} redirects, which is not followed; correct the address", split=False)
    return Refused(f"HTTP {status}", split=status not in _NOT_ABOUT_THE_RECORDS)


def _judge_success(reply: Reply, rule: ReplyRule) -> Outcome:
    if rule.rejected_count is None and not rule.json_required:
        return Delivered()
    try:
        document = jsontext.decode(reply.body)
    except InputError:
        return Retry("the answer is not JSON, although the integration answers in JSON")
    if rule.rejected_count is None:
        return Delivered()
    rejected = _at(document, rule.rejected_count)
    if isinstance(rejected, int) and rejected > 0:
        return Refused(f"{rejected} rejected by the receiver ({rule.rejected_count})", split=True)
    if rule.json_required and not isinstance(document, dict):
        return Retry("the answer is JSON, but not an object")
    return Delivered()


def _at(document: Any, path: str) -> Any:
    for key in path.split("."):
        if not isinstance(document, dict):
            return None
        document = document.get(key)
    return document


def retry_after(value: str | None, now: float) -> float | None:
    """Seconds to wait by a Retry-After header; None when it is absent or unreadable. At most one hour is honoured."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_RETRY_AFTER_SECONDS)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    wait = (moment - datetime.fromtimestamp(now, UTC)).total_seconds()
    return min(max(wait, 0.0), LONGEST_RETRY_AFTER_SECONDS)
