"""What browsers get from the package: the libraries unchanged, with their licences."""

from __future__ import annotations

from pathlib import Path

import pytest

import headwater.console
from headwater.console.static_files import FILES

VENDOR = Path(headwater.console.__file__).parent / "static/vendor"
PACKAGES = Path(__file__).parent / "node_modules"
SOURCES = {
    "htmx.min.js": "htmx.org/dist/htmx.min.js",
    "htmx.LICENSE": "htmx.org/LICENSE",
    "htmx-sse.min.js": "htmx-ext-sse/dist/sse.min.js",
    "htmx-sse.LICENSE": "htmx-ext-sse/LICENSE",
    "uplot.min.js": "uplot/dist/uPlot.iife.min.js",
    "uplot.min.css": "uplot/dist/uPlot.min.css",
    "uplot.LICENSE": "uplot/LICENSE",
}


@pytest.mark.skipif(not PACKAGES.is_dir(), reason="run scripts/setup-tests first")
def test_libraries_are_those_of_their_packages():
    """Nothing was changed by hand, and nothing is there that the table does not name."""
    assert {found.name for found in VENDOR.iterdir()} == set(SOURCES)
    for name, source in SOURCES.items():
        assert (VENDOR / name).read_bytes() == (PACKAGES / source).read_bytes(), name


def test_everything_that_a_page_loads_is_small():
    """All scripts and styles together are at most 100 kB on the wire, so that a page is there at once."""
    assert sum(len(file.zipped) for name, file in FILES.items() if name.endswith((".js", ".css", ".svg"))) < 100_000
