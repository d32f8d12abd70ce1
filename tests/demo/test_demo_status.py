"""Whether a replay is accounted for, and how it is shown."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from headwater.demo.progress import display, line, panel, summary
from headwater.demo.status import Balance, Delivered, Status, balance_of


def _status(accepted: int = 10, lag: int | None = 0, **settled: int) -> Status:
    integration = Delivered("web/lytics", **{"delivered": 10, "retried": 0, "dropped": 0, "dead": 0, **settled})
    return Status(10, 2.0, 10, accepted, 10 - accepted, 0, (integration,), lag, 0.012, 1.5)


@pytest.mark.parametrize(
    ("status", "stored", "absent", "expected"),
    [
        pytest.param(_status(), 10, 0, Balance(10, 0, 0, 0, 0), id="all delivered"),
        pytest.param(_status(delivered=7, dropped=2, dead=1), 10, 0, Balance(10, 0, 0, 0, 0), id="dropped and dead"),
        pytest.param(_status(delivered=0), 0, 0, Balance(0, 10, 0, 0, 0), id="a second replay"),
        pytest.param(_status(accepted=6, delivered=6), 6, 4, Balance(6, 0, 0, 0, 0), id="some refused"),
        pytest.param(_status(delivered=8), 8, 2, Balance(8, 0, 2, 0, 0), id="accepted and not in the log"),
        pytest.param(_status(delivered=9), 10, 0, Balance(10, 0, 0, 1, 0), id="in the log and not settled"),
        pytest.param(_status(delivered=4, lag=6), 10, 0, Balance(10, 0, 0, 0, 6), id="still waiting"),
        pytest.param(_status(lag=None), 10, 0, Balance(10, 0, 0, 0, None), id="nobody knows"),
        pytest.param(_status(delivered=25), 10, 0, Balance(10, 0, 0, 0, 0), id="several pieces a record"),
    ],
)
def test_balance(status: Status, stored: int, absent: int, expected: Balance) -> None:
    """Accepted events are stored, duplicates or lost; stored ones are settled by each integration, or wait."""
    balance = balance_of(status, stored, absent, restarted=False)
    assert balance == expected
    assert balance.good == (balance.lost == balance.unsettled == balance.waiting == 0)


def test_counters_that_began_anew_prove_nothing() -> None:
    """After a restart the router's counters fall short without a loss; what the log lacks is lost all the same."""
    assert balance_of(_status(delivered=3), 10, 0, restarted=True).good
    assert not balance_of(_status(delivered=3, lag=1), 10, 0, restarted=True).good
    assert not balance_of(_status(delivered=3), 9, 1, restarted=True).good


def test_without_a_terminal_one_line_now_and_then() -> None:
    """Statuses that follow each other quickly give one plain line, not one each."""
    out = io.StringIO()
    with display(Console(file=out, width=40)) as show:
        show(_status())
        show(_status())
    assert out.getvalue() == line(_status()) + "\n"


def test_figures_are_shown() -> None:
    """Line, panel and summary name what was sent, delivered and lost, with latencies in fitting units."""
    console = Console(file=io.StringIO(), width=100, force_terminal=True)
    console.print(panel(_status(lag=None)))
    shown = console.file.getvalue()
    assert "10 of 10" in shown
    assert "12 ms" in shown
    last = summary(_status(delivered=9), Balance(9, 0, 1, 0, 0))
    assert last.startswith("sent 10 · accepted 10 · duplicates 0 · stored 9 · delivered 9")
    assert last.endswith("lost 1 · p50 12 ms · p99 1.5 s · 2.0 s (5 events/s)")
