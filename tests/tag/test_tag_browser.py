"""The browser tag, built from its sources and driven in a real Chromium against a whole install."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tag_install import running_install

TAG = Path(__file__).parents[2] / "tag"
PARTS = ("api", "delivery", "consent", "capture", "forms", "media", "identity", "plugin", "profile", "performance")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(400),
    pytest.mark.skipif(shutil.which("node") is None, reason="Node is needed to build and drive the tag"),
    pytest.mark.skipif(not (TAG / "node_modules").is_dir(), reason="run `npm ci` in the folder tag first"),
]


def run(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=TAG, env=os.environ | variables, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def variables() -> Iterator[dict[str, str]]:
    """A whole install, named by the variables that the browser tests read."""
    with running_install() as started:
        yield started


def test_the_package_ships_what_the_sources_build():
    """Users need no Node: the built files are committed, and this keeps them true."""
    done = run("node", "build.mjs", "--check")
    assert done.returncode == 0, done.stderr


def test_the_sources_are_typed():
    """The strict TypeScript compiler has nothing to say."""
    done = run("node_modules/.bin/tsc", "--noEmit")
    assert done.returncode == 0, done.stdout


def test_the_whole_tag_is_within_12_kilobytes_zipped(capsys):
    """The size of each part is printed, and the limit holds with everything on."""
    done = run("node", "size.mjs")
    with capsys.disabled():
        print("\n" + done.stdout)  # noqa: T201 - the report that CI shows
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif(not Path("/usr/bin/chromium").exists(), reason="Chromium is needed: apt-get install chromium")
@pytest.mark.parametrize("part", PARTS)
def test_in_a_real_browser(variables, part):
    """Real input in real pages gives the specified events, with the right numbers, in the install's log."""
    done = run("node", "--test", f"test/{part}.test.mjs", **variables)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
