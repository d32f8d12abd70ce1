"""Whether a replay is accounted for, and how it is shown."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from headwater.demo.progress import display, line, panel, summary
from headwater.demo.status import Balance, Delivered, Status, balance_of


def _status(accepted: int = 10, duplicates: int = 0, lag: int | None = 0, **settled: int) -> Status:
    integration = Delivered("web/lytics", **{"delivered": 10, "retried": 0, "dropped": 0, "dead": 0, **settled})
    return Status(10, 2.0, 10, accepted, 10 - accepted, 0, duplicates, (integration,), lag, 0.012, 1.5)


@pytest.mark.parametrize(
    ("status", "stored", "missing", "good"),
    [
        pytest.param(_status(), 10, 0, True, id="all delivered"),
        pytest.param(_status(delivered=7, dropped=2, dead=1), 10, 0, True, id="dropped on purpose, dead letter kept"),
        pytest.param(_status(duplicates=10, delivered=0), 0, 0, True, id="a second replay"),
        pytest.param(_status(accepted=6, delivered=6), 6, 0, True, id="some refused"),
        pytest.param(_status(), 8, 2, False, id="accepted and not in the log"),
        pytest.param(_status(delivered=9), 10, 1, False, id="in the log and not settled"),
        pytest.param(_status(delivered=4, lag=6), 10, 0, False, id="still waiting"),
        pytest.param(_status(lag=None), 10, 0, False, id="nobody knows"),
        pytest.param(_status(delivered=25), 10, 0, True, id="several pieces a record"),
    ],
)
def test_balance(status: Status, stored: int, missing: int, good: bool) -> None:
    """Every accepted event is stored or a duplicate, and every stored one is settled by each integration."""
    balance = balance_of(status, stored, restarted=False)
    assert (balance.missing, balance.good) == (missing, good)


def test_restart_makes_counters_lower_bounds() -> None:
    """After a restart, counters that fall short are no loss as long as the log says that nothing waits."""
    assert balance_of(_status(delivered=3), 10, restarted=True).good
    assert not balance_of(_status(delivered=3, lag=1), 10, restarted=True).good


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
    assert summary(_status(), Balance(9, 0, 1, True)).startswith("sent 10 · accepted 10 · duplicates 0 · stored 9")
    assert "lost 1 · p50 12 ms · p99 1.5 s · 2.0 s (5 events/s)" in summary(_status(), Balance(9, 0, 1, True))
