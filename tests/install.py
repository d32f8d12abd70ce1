"""A real install for tests and benchmarks: `headwater up` as a process, on free ports."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from headwater.engines import endpoints


class Install:
    """A real `headwater up` on free ports, with a data folder of its own."""

    def __init__(self, data: Path, extra: dict[str, str]) -> None:
        self.data = data
        ports = _free_ports(7)
        self.url = f"http://127.0.0.1:{ports[0]}"
        self.admin_url = f"http://127.0.0.1:{ports[1]}"
        self.operations = {
            "collect": ports[2],
            "route": ports[3],
            "console": ports[4],
            "archive": ports[5],
            "profile": ports[6],
        }
        self.environment = {
            **os.environ,
            "HEADWATER_DATA_FOLDER": str(data),
            "HEADWATER_COLLECT_PORT": str(ports[0]),
            "HEADWATER_CONSOLE_PORT": str(ports[1]),
            "HEADWATER_OPERATIONS_COLLECT_PORT": str(ports[2]),
            "HEADWATER_OPERATIONS_ROUTE_PORT": str(ports[3]),
            "HEADWATER_OPERATIONS_CONSOLE_PORT": str(ports[4]),
            "HEADWATER_OPERATIONS_ARCHIVE_PORT": str(ports[5]),
            "HEADWATER_OPERATIONS_PROFILE_PORT": str(ports[6]),
            "HEADWATER_ROUTE_ALLOWED_HOSTS": "127.0.0.1",
            "COLUMNS": "200",
            **extra,
        }
        self._attached: list[str] = []
        self.log = data.parent / f"{data.name}.log"

    def start(self) -> None:
        """Start and wait until every role is ready."""
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "headwater", "up"], env=self.environment, stdout=log, stderr=subprocess.STDOUT
            )
        deadline = time.monotonic() + 60
        while not all(self.ready(role) for role in self.operations):
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the install did not start:\n{self.log.read_text()}")
            time.sleep(0.05)

    def ready(self, role: str) -> bool:
        """Whether a role says that it is ready."""
        with (
            contextlib.suppress(OSError),
            urllib.request.urlopen(f"http://127.0.0.1:{self.operations[role]}/readyz", timeout=2) as reply,
        ):
            return bool(reply.status == 200)
        return False

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)

    def run(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command of ours on this install."""
        done = subprocess.run(
            [sys.executable, "-m", "headwater", *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if check and done.returncode != 0:
            raise AssertionError(f"headwater {' '.join(arguments)} failed:\n{done.stdout}{done.stderr}")
        return done

    def write_key(self, pipeline: str = "default") -> str:
        """The first write key of a pipeline."""
        pipelines = json.loads(self.run("pipeline", "list", "--json").stdout)
        return str(next(found["write_keys"][0] for found in pipelines if found["slug"] == pipeline))

    def attach(self, url: str, *, pipeline: str = "default", kit: str = "lytics", **delivery: object) -> str:
        """Attach an integration that delivers to `url` instead of the vendor; its slug. Takes effect within 2 seconds."""
        slug = f"test-{len(self._attached)}"
        self._attached.append(slug)
        options = [f"--{name.replace('_', '-')}={value}" for name, value in {"base_url": url, **delivery}.items()]
        self.run("integration", "add", kit, "STREAM_ID=default", "API_KEY=test-key-1", "--slug", slug, *options)
        self.run("pipeline", "attach", pipeline, slug)
        return slug

    def memory(self) -> dict[str, float]:
        """Megabytes by process, shared pages counted once over all (proportional set size)."""
        found: dict[str, float] = {}
        for pid in [self.process.pid, *_descendants(self.process.pid)]:
            with contextlib.suppress(OSError):
                name = Path(f"/proc/{pid}/comm").read_text().strip()
                rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
                kilobytes = int(next(line.split()[1] for line in rollup.splitlines() if line.startswith("Pss:")))
                found[f"{name} {pid}"] = kilobytes / 1024
        return found

    def pids(self) -> dict[str, int]:
        """Pids of the engines and roles by name."""
        found = {}
        for child in _children(self.process.pid):
            command = Path(f"/proc/{child}/cmdline").read_text().split("\0")
            program = Path(command[0]).name
            name = program if program in ("nats-server", "postgres") else command[3] if len(command) > 3 else program
            found[name] = child
        return found

    def metric(self, role: str, name: str, labels: str = "") -> float:
        """The sum of a metric over its labels, of those lines that hold the text `labels`."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.operations[role]}/metrics", timeout=5) as reply:
            lines = reply.read().decode().splitlines()
        return sum(
            float(line.rsplit(" ", 1)[1])
            for line in lines
            if line.startswith((f"{name} ", f"{name}{{")) and labels in line
        )


def _children(pid: int) -> list[int]:
    return [int(text) for text in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _descendants(pid: int) -> list[int]:
    children = _children(pid)
    return children + [below for child in children for below in _descendants(child)]


def _free_ports(count: int) -> list[int]:
    return [endpoints.free_port() for _ in range(count)]
