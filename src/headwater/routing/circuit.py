"""A sick destination has named states.

    closed ──5 failures in a row──► open ──wait is over──► probing ──success──► closed
       ▲                              ▲                       │
       └──────────── success ─────────┴──────── failure ──────┘   (the wait doubles, 1 s to 30 s)

While the circuit is open nothing is sent; while probing exactly one request is under way. A vendor that names a
Retry-After opens the circuit for that time at once.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

FAILURES_TO_OPEN = 5
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 30.0


class Circuit(NamedTuple):
    """The state of one destination. `until` is the instant (monotonic seconds) at which an open one may be probed."""

    state: Literal["closed", "open", "probing"] = "closed"
    failures: int = 0
    wait: float = FIRST_WAIT_SECONDS
    until: float = 0.0
    reason: str = ""


def may_send(circuit: Circuit, now: float) -> bool:
    """Whether a request may be started now."""
    return circuit.state == "closed" or (circuit.state == "open" and now >= circuit.until)


def on_start(circuit: Circuit) -> Circuit:
    """A request is started: the first one of an open circuit is the probe."""
    return circuit._replace(state="probing") if circuit.state == "open" else circuit


def on_success(circuit: Circuit) -> Circuit:
    """An answer came that says nothing bad about the destination."""
    return circuit if circuit == _CLOSED else _CLOSED


def on_failure(circuit: Circuit, now: float, reason: str, retry_after: float | None = None) -> Circuit:
    """A request failed in a way that passes."""
    failures = circuit.failures + 1
    if retry_after is not None and retry_after > 0:
        return Circuit("open", failures, circuit.wait, max(now + retry_after, circuit.until), reason)
    if circuit.state == "probing":
        wait = min(circuit.wait * 2, LONGEST_WAIT_SECONDS)
        return Circuit("open", failures, wait, now + wait, reason)
    if circuit.state == "closed" and failures >= FAILURES_TO_OPEN:
        return Circuit("open", failures, FIRST_WAIT_SECONDS, now + FIRST_WAIT_SECONDS, reason)
    return circuit._replace(failures=failures, reason=reason)


_CLOSED = Circuit()
