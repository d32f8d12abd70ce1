"""Where the engines are: by URL from the settings, or the embedded ones of this data folder.

`headwater up` writes `run/endpoints.json` (readable by its owner only: it holds generated passwords). Every role and
every command reads it, so that `headwater log` on the same machine needs no configuration.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

import msgspec

from headwater.errors import ConfigurationError
from headwater.settings import Settings


class Endpoints(msgspec.Struct, frozen=True):
    """URLs of the engines, credentials included. Never log them."""

    nats_url: str
    database_url: str


def run_folder(settings: Settings) -> Path:
    """Folder for pid files, sockets and endpoints of what runs now."""
    return settings.data / "run"


def resolve(settings: Settings) -> Endpoints:
    """The engines to use. Raises ConfigurationError when one is neither configured nor running here."""
    if settings.nats_url and settings.database_url:
        return Endpoints(nats_url=settings.nats_url, database_url=settings.database_url)
    embedded = _read(settings)
    nats_url = settings.nats_url or (embedded.nats_url if embedded else "")
    database_url = settings.database_url or (embedded.database_url if embedded else "")
    if not nats_url or not database_url:
        raise ConfigurationError(
            f"Headwater is not running on the data folder {settings.data}; start it with `headwater up`, "
            "or set HEADWATER_NATS_URL and HEADWATER_DATABASE_URL"
        )
    return Endpoints(nats_url=nats_url, database_url=database_url)


def write(settings: Settings, endpoints: Endpoints) -> None:
    """Publish the endpoints for other processes of this user."""
    path = _path(settings)
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(endpoints))
    partial.replace(path)


def remove(settings: Settings) -> None:
    """Say that nothing runs here any more."""
    _path(settings).unlink(missing_ok=True)


def free_port(wanted: int = 0) -> int:
    """`wanted` if nothing listens there on loopback, else a free port that the system picks."""
    for port in (wanted, 0):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise ConfigurationError("no free TCP port on 127.0.0.1; close some programs and try again")


def _path(settings: Settings) -> Path:
    return run_folder(settings) / "endpoints.json"


def _read(settings: Settings) -> Endpoints | None:
    try:
        return msgspec.json.decode(_path(settings).read_bytes(), type=Endpoints)
    except PermissionError:
        raise ConfigurationError(
            f"{_path(settings)} belongs to another account, the one that runs Headwater; use that account"
        ) from None
    except (FileNotFoundError, NotADirectoryError, msgspec.DecodeError):
        return None
