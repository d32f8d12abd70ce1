"""What the log's commands print: JSON lines, questions, progress bars."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.prompt import Confirm

from headwater.errors import InputError


def write_json_line(text: bytes, *, flush: bool = False) -> None:
    """Print one JSON text as a line. Ends the command quietly when nobody reads any more (`… | head`)."""
    try:
        sys.stdout.buffer.write(text + b"\n")
        if flush:
            sys.stdout.buffer.flush()
    except BrokenPipeError:
        # Python flushes standard output once more at exit; into nothing, it does not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise SystemExit(0) from None


def write_note(text: str) -> None:
    """A remark for a person, on standard error: what reads standard output sees data alone."""
    print(text, file=sys.stderr)  # noqa: T201  # this is where commands print


def agreed(question: str) -> bool:
    """Ask a person. Raises InputError when nobody is there to answer."""
    if not sys.stdin.isatty():
        raise InputError("nobody is there to agree; repeat with --yes to do it", "--yes")
    return Confirm.ask(question, default=False)


@contextmanager
def progress_bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error; the function moves it forward. Nothing is shown where there is no terminal."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(what, total=total)
        yield lambda count: bar.advance(task, count)
