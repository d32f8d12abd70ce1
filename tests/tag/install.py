"""A whole install for the browser tests: `headwater up` on ports of its own, and its log as lines in a file.

Run by itself it stays up and prints the variables that the browser tests read: `python tests/tag/install.py`.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

START_SECONDS = 60
PROGRAM = (sys.executable, "-m", "headwater")


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def wait_until_healthy(url: str, process: subprocess.Popen[bytes], output: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2) as reply:
            if reply.status == 200:
                return
        time.sleep(0.1)
    raise RuntimeError(f"the install did not start:\n{output.read_text()}")


@contextlib.contextmanager
def install() -> Iterator[dict[str, str]]:
    """Start an install and yield the variables that name it; stop it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="headwater-tag-"))
    folder.chmod(0o755)
    collect, console, console_checks = free_port(), free_port(), free_port()
    environment = os.environ | {
        "HEADWATER_DATA_FOLDER": str(folder / "data"),
        "HEADWATER_COLLECT_PORT": str(collect),
        "HEADWATER_CONSOLE_PORT": str(console),
        "HEADWATER_OPERATIONS_COLLECT_PORT": str(free_port()),
        "HEADWATER_OPERATIONS_ROUTE_PORT": str(free_port()),
        "HEADWATER_OPERATIONS_CONSOLE_PORT": str(console_checks),
    }
    output, log = folder / "up.txt", folder / "log.jsonl"
    with output.open("wb") as out, log.open("wb") as lines:
        up = subprocess.Popen((*PROGRAM, "up"), env=environment, stdout=out, stderr=out)
        following: list[subprocess.Popen[bytes]] = []
        try:
            wait_until_healthy(f"http://127.0.0.1:{collect}/health", up, output)
            wait_until_healthy(f"http://127.0.0.1:{console_checks}/readyz", up, output)
            command = (*PROGRAM, "token", "create", "browser tests", "--scope", "admin", "--json")
            made = subprocess.run(command, env=environment, capture_output=True, check=True, text=True)
            read = (*PROGRAM, "log", "read", "--follow")
            following.append(subprocess.Popen(read, env=environment, stdout=lines, stderr=out))
            yield {
                "HEADWATER_TEST_COLLECT": f"http://127.0.0.1:{collect}",
                "HEADWATER_TEST_ADMIN": f"http://127.0.0.1:{console}/api/v1",
                "HEADWATER_TEST_TOKEN": json.loads(made.stdout)["token"],
                "HEADWATER_TEST_LOG": str(log),
            }
        finally:
            for process in (*following, up):
                process.send_signal(signal.SIGINT)
            for process in (*following, up):
                process.wait(30)
            shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    with install() as variables, contextlib.suppress(KeyboardInterrupt):
        for name, value in variables.items():
            print(f"export {name}={value}", flush=True)
        signal.pause()
