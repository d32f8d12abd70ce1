"""The data folder: made with closed permissions, marked with its format, used by one `headwater up` at a time."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

import msgspec

from headwater import __version__
from headwater.engines import endpoints
from headwater.errors import ConfigurationError
from headwater.settings import Settings

FORMAT = 1
"""Raised when an older Headwater could not work with what a newer one left in the folder."""


class _Mark(msgspec.Struct):
    format: int
    written_by: str


def open_folder(settings: Settings) -> IO[str]:
    """Create or check the data folder and lock it. Closing the returned file unlocks it.

    Raises ConfigurationError when the folder cannot be made or written, when a newer version wrote it, or when another
    `headwater up` uses it.
    """
    try:
        return _open(settings, settings.data)
    except OSError as fault:
        raise ConfigurationError(
            f"{fault.filename or settings.data} cannot be used ({fault.strerror}); name a folder that you may write to "
            "(HEADWATER_DATA_FOLDER)",
            "data_folder",
        ) from None


def _open(settings: Settings, folder: Path) -> IO[str]:
    for part in (folder, endpoints.run_folder(settings), folder / "logs", folder / "nats"):
        part.mkdir(parents=True, exist_ok=True)
    secrets_folder = folder / "secrets"
    secrets_folder.mkdir(exist_ok=True)
    secrets_folder.chmod(0o700)
    _check_mark(folder / "FORMAT.json")
    return _lock(endpoints.run_folder(settings) / "up.lock", folder)


def _check_mark(path: Path) -> None:
    if path.is_file():
        try:
            mark = msgspec.json.decode(path.read_bytes(), type=_Mark)
        except msgspec.DecodeError as fault:
            raise ConfigurationError(
                f"is damaged ({fault}); restore the data folder from a backup", str(path)
            ) from None
        if mark.format > FORMAT:
            raise ConfigurationError(
                f"the data folder has format {mark.format}, written by Headwater {mark.written_by}; this is Headwater "
                f"{__version__}, which knows up to format {FORMAT}: install the newer version, or use another data folder",
                str(path),
            )
    path.write_bytes(msgspec.json.encode(_Mark(FORMAT, __version__)))


def _lock(path: Path, folder: Path) -> IO[str]:
    file = path.open("a+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.seek(0)
        pid = file.read().strip()
        file.close()
        raise ConfigurationError(
            f"Headwater already runs on {folder} (process {pid}); stop it first, or use another data folder"
        ) from None
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return file
