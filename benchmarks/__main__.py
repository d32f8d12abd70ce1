"""`python -m benchmarks`: run every benchmark and write docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from typing import NamedTuple

from benchmarks import ROOT, bench_end_to_end

PAGE = ROOT / "docs" / "benchmarks.md"


class Script(NamedTuple):
    """A benchmark that prints its own lines."""

    title: str
    file: str
    arguments: tuple[str, ...] = ()


SCRIPTS = (
    Script("Playbooks: JSON in, JSON out, one core", "bench_transform.py"),
    Script("The doors without network and log", "bench_collect_normalise.py"),
    Script("Filters", "bench_expressions.py"),
    Script("The archive", "bench_archive.py"),
    Script("Identity", "bench_identity.py", ("--people", "20000")),
    Script("From event to profile, without the database, one core", "bench_profile_computation.py"),
)
HEAD = """\
# Benchmarks

Written by `make bench` on {date}: {machine}, Python {python}. Absolute figures are those of one machine and one moment; the ratios,
measured within one run, are what carries over. Each script's first lines say what is measured and how. What takes longer has pages of its
own: [profiles](benchmarks-profiles.md), [audiences](benchmarks-audiences.md), [the console](benchmarks-console.md).

## The whole install

Everything, load generator and receiver included, shares these processors. Events have about 1.2 KB.

| | measured | wanted | holds |
|---|---|---|---|
"""


def main() -> None:
    """Run, print and write."""
    parts = [HEAD.format(date=f"{datetime.now(UTC):%Y-%m-%d}", machine=_machine(), python=platform.python_version())]
    for figure in bench_end_to_end.run():
        line = f"| {figure.name} | {figure.value} | {figure.beside} | {'yes' if figure.holds else 'no'} |\n"
        print(line, end="", flush=True)
        parts.append(line)
    for script in SCRIPTS:
        print(f"{script.title} …", flush=True)
        command = [sys.executable, str(ROOT / "benchmarks" / script.file), *script.arguments]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
        print(done.stdout, flush=True)
        parts.append(f"\n## {script.title}\n\n`benchmarks/{script.file}`\n\n```text\n{done.stdout.rstrip()}\n```\n")
    PAGE.write_text("".join(parts), "utf-8")


def _machine() -> str:
    return f"{os.cpu_count()} processors, {platform.system()} {platform.machine()}"


if __name__ == "__main__":
    main()
