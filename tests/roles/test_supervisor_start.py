"""`headwater up` refuses what cannot work before it starts anything, and harms nobody who runs already."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from headwater.cli.up import _entry
from headwater.engines import data_folder, endpoints
from headwater.engines.endpoints import Endpoints
from headwater.errors import ConfigurationError
from headwater.roles import supervisor
from headwater.roles.supervisor import Notice, Supervisor
from headwater.settings import CollectSettings, Settings


async def test_a_second_start_on_a_folder_leaves_the_first_one_reachable(tmp_path: Path) -> None:
    """The second one is refused, and the endpoints of the first one are still there for roles and commands."""
    settings = Settings(data_folder=str(tmp_path))
    lock = data_folder.open_folder(settings)
    published = Endpoints(nats_url="nats://u:p@127.0.0.1:1", database_url="postgresql://u:p@/x")
    endpoints.write(settings, published)
    second = Supervisor(settings, lambda _: None)
    with pytest.raises(ConfigurationError, match="already runs"):
        await second.start()
    await second.stop()
    assert endpoints.resolve(settings) == published
    lock.close()


async def test_a_taken_port_is_named_before_engines_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message has the setting and the address; no process was started, and the folder is free again."""
    monkeypatch.setattr(supervisor, "FREE_PORTS_SECONDS", 0.1)
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        settings = Settings(data_folder=str(tmp_path), collect=CollectSettings(port=port))
        refused = Supervisor(settings, lambda _: None)
        with pytest.raises(ConfigurationError, match=rf"collect\.port: cannot listen on 127\.0\.0\.1:{port}"):
            await refused.start()
    assert refused.processes == {}
    await refused.stop()
    data_folder.open_folder(settings).close()


def test_every_line_of_a_json_log_is_json() -> None:
    """Lines of roles pass as they are; what engines print and what the supervisor says become entries."""
    role_line = '{"event": "collecting", "role": "collect-0", "level": "info"}'
    assert _entry(Notice("collect-0", role_line), "json") == role_line
    entry = json.loads(_entry(Notice("route-0", "died (exit code 1)", "warning"), "json"))
    assert entry == {"event": "died (exit code 1)", "role": "route-0", "level": "warning"}
