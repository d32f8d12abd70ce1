"""A whole install for the browser tests, its log followed into a file of JSON lines.

To keep one up while working on the tag: `PYTHONPATH=tests python tests/tag/tag_install.py`, then `export` what it prints.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from install import Install


@contextlib.contextmanager
def running_install() -> Iterator[dict[str, str]]:
    """Start an install, yield the variables that the browser tests read, stop it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="headwater-tag-"))
    folder.chmod(0o755)  # PostgreSQL runs under another account and must get in
    install = Install(folder / "data", {})
    log = folder / "log.jsonl"
    install.start()
    try:
        made = install.run("token", "create", "browser tests", "--scope", "admin", "--json")
        with log.open("wb") as lines:
            command = [sys.executable, "-m", "headwater", "log", "read", "--follow"]
            following = subprocess.Popen(command, env=install.environment, stdout=lines)
        try:
            yield {
                "HEADWATER_TEST_COLLECT": install.url,
                "HEADWATER_TEST_ADMIN": f"{install.admin_url}/api/v1",
                "HEADWATER_TEST_TOKEN": json.loads(made.stdout)["token"],
                "HEADWATER_TEST_LOG": str(log),
            }
        finally:
            following.kill()
            following.wait()
    finally:
        install.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with running_install() as variables:
        sys.stdout.writelines(f"export {name}={value}\n" for name, value in variables.items())
        sys.stdout.flush()
        signal.pause()
