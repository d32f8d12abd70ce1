"""The whole Complete Journey through the front door into profiles: the sums of all 2,469 households, and the time that a rebuild takes.

    python benchmarks/bench_complete_journey.py [--households 2469]

Prints how long the replay took, whether baskets and spend of every household equal those that DuckDB computes from the data set, how many
records a second a rebuild reads, and whether the sums are the same after it. Needs the extra `demo`. Ends with 1 when a sum differs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from install import Install  # needs the path above
from journey import Sums, expected, replay, stored  # as above

LIMIT_SECONDS = 3600.0


def main() -> int:
    """Replay, compare, rebuild, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--households", type=int, default=2469)
    households: int = parser.parse_args().households
    with tempfile.TemporaryDirectory(prefix="headwater-bench-") as folder:
        Path(folder).chmod(0o755)
        install = Install(Path(folder) / "data", {"HEADWATER_ARCHIVE_IDLE_SECONDS": "5"})
        install.start()
        try:
            return 0 if _measure(install, households) else 1
        finally:
            install.stop()


def _measure(install: Install, households: int) -> bool:
    wanted = expected(households)
    started = time.monotonic()
    replay(install, households, LIMIT_SECONDS)
    good = _compared(install, wanted)
    print(f"replayed and built in {time.monotonic() - started:.0f} s: {_verdict(good, wanted)}", flush=True)
    started = time.monotonic()
    install.run("profiles", "rebuild", "--yes")
    while (status := json.loads(install.run("profiles", "rebuild", "--status", "--json").stdout))[
        "state"
    ] == "building":
        time.sleep(0.5)
    seconds = time.monotonic() - started
    again = _compared(install, wanted)
    rate = status["done"] / seconds
    print(f"rebuilt {status['done']:,} records in {seconds:.0f} s, {rate:,.0f} a second: {_verdict(again, wanted)}")
    return good and again


def _compared(install: Install, wanted: Sums) -> bool:
    """Whether the sums become those of the data set; profiles may be some records behind the log."""
    deadline = time.monotonic() + LIMIT_SECONDS
    while (found := asyncio.run(stored(install))) != wanted and time.monotonic() < deadline:
        time.sleep(1)
    return found == wanted


def _verdict(good: bool, wanted: Sums) -> str:
    baskets, spend = sum(each[0] for each in wanted.values()), sum(each[1] for each in wanted.values())
    return f"{len(wanted):,} households, {baskets:,} baskets, {spend:,} spent, {'all equal' if good else 'NOT equal'}"


if __name__ == "__main__":
    sys.exit(main())
