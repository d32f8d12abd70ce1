"""The states of a sick destination, as an operator can predict them."""

from __future__ import annotations

from headwater.routing import circuit
from headwater.routing.circuit import Circuit


def _failed(times: int, start: Circuit = Circuit(), now: float = 0.0) -> Circuit:
    state = start
    for _ in range(times):
        state = circuit.on_failure(state, now, "HTTP 500")
    return state


def test_four_failures_do_not_open_and_the_fifth_does() -> None:
    """A few bad answers are normal; five in a row are a sick destination."""
    assert _failed(4).state == "closed"
    assert _failed(5).state == "open"


def test_a_success_in_between_starts_the_count_again() -> None:
    """Only failures in a row count."""
    assert _failed(4, circuit.on_success(_failed(4))).state == "closed"


def test_an_open_circuit_lets_one_probe_through_after_its_wait() -> None:
    """Nothing is sent for a second, then one request, and no second one beside it."""
    opened = _failed(5, now=100.0)
    assert not circuit.may_send(opened, 100.9)
    assert circuit.may_send(opened, 101.0)
    assert not circuit.may_send(circuit.on_start(opened), 101.0)


def test_a_failed_probe_doubles_the_wait_up_to_thirty_seconds() -> None:
    """1, 2, 4, 8, 16, 30, 30 seconds."""
    state, waits = _failed(5), []
    for _ in range(7):
        waits.append(state.wait)
        state = circuit.on_failure(circuit.on_start(state), 0.0, "HTTP 500")
    assert waits == [1, 2, 4, 8, 16, 30, 30]


def test_a_successful_probe_closes() -> None:
    """After one good answer everything flows again."""
    assert circuit.on_success(circuit.on_start(_failed(5))) == Circuit()


def test_a_named_wait_opens_at_once_for_that_long() -> None:
    """429 with Retry-After: 7 stops all requests for seven seconds, however healthy it was."""
    state = circuit.on_failure(Circuit(), 50.0, "HTTP 429", retry_after=7.0)
    assert not circuit.may_send(state, 56.9)
    assert circuit.may_send(state, 57.0)


def test_a_failure_while_open_changes_no_wait() -> None:
    """Requests that were under way when the circuit opened do not make it stay open longer."""
    opened = _failed(5, now=0.0)
    assert circuit.on_failure(opened, 0.5, "HTTP 500").until == opened.until
