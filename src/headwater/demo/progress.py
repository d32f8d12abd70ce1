"""Show a replay: a panel that changes in place on a terminal, a line every two seconds elsewhere."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from headwater.demo.status import Balance, Status

LINE_SECONDS = 2.0


@contextlib.contextmanager
def display(console: Console) -> Iterator[Callable[[Status], None]]:
    """A function that shows a status, in the way that suits the console."""
    if console.is_terminal:
        with Live(console=console, refresh_per_second=8) as live:
            yield lambda status: live.update(panel(status))
    else:
        yield _Lines(console).show


class _Lines:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._next = 0.0

    def show(self, status: Status) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._next = now + LINE_SECONDS
            self._console.print(line(status), markup=False, highlight=False, soft_wrap=True)


def line(status: Status) -> str:
    """A status in one line."""
    parts = [
        f"sent {status.sent:,}/{status.total:,}",
        f"{status.rate:,.0f} events/s",
        f"delivered {status.delivered:,}",
        f"retried {status.retried:,}",
        f"refused {status.refused:,}",
        f"dead {status.dead:,}",
        f"log lag {_known(status.lag)}",
        f"p50 {_duration(status.half)}",
        f"p99 {_duration(status.most)}",
    ]
    if status.trouble:
        parts.append(f"trying again: {status.trouble}")
    return " · ".join(parts)


def panel(status: Status) -> Panel:
    """A status as a panel."""
    figures = Table.grid(padding=(0, 3))
    for row in _rows(status):
        figures.add_row(*(Text(cell) for cell in row))
    bar = ProgressBar(total=max(status.total, 1), completed=status.sent)
    shown: list[RenderableType] = [bar, Text(), figures]
    if status.trouble:
        shown.append(Text(f"trying again: {status.trouble}", style="yellow"))
    return Panel(Group(*shown), title="demo: a year of shopping", title_align="left")


def _rows(status: Status) -> list[tuple[str, ...]]:
    return [
        ("sent", f"{status.sent:,} of {status.total:,}", "delivered", f"{status.delivered:,}"),
        ("events/s", f"{status.rate:,.0f}", "retried", f"{status.retried:,}"),
        ("refused", f"{status.refused:,}", "dead letters", f"{status.dead:,}"),
        ("sent again", f"{status.repeats:,} requests", "log lag", _known(status.lag)),
        ("latency p50", _duration(status.half), "p99", _duration(status.most)),
    ]


def summary(status: Status, balance: Balance) -> str:
    """The last line."""
    parts = [
        f"sent {status.sent:,}",
        f"accepted {status.accepted:,}",
        f"duplicates {balance.duplicates:,}",
        f"stored {balance.stored:,}",
        f"delivered {status.delivered:,}",
        f"retried {status.retried:,}",
        f"refused {status.refused:,}",
        f"dead {status.dead:,}",
        f"lost {balance.lost:,}",
        f"p50 {_duration(status.half)}",
        f"p99 {_duration(status.most)}",
        f"{status.seconds:.1f} s ({status.rate:,.0f} events/s)",
    ]
    return " · ".join(parts)


def _known(figure: int | None) -> str:
    return "-" if figure is None else f"{figure:,}"


def _duration(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
