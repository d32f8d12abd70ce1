"""Where the archive's files are: a folder, or an object store.

Every call blocks; callers use a thread. A file appears under its name at once and whole, or not at all.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from headwater.errors import ConfigurationError, PermanentError
from headwater.settings import Settings

FOLDER = "archive"
OBJECT_SCHEMES = ("s3", "gs", "az")
_STAGING = ".staging"


class MissingFileError(PermanentError):
    """A file that was asked for is not in the store: it was replaced a moment ago, or it is lost."""


class Store(Protocol):
    """Files by name. `place` names the store for people; in `staging` files are made before they are put."""

    place: str
    staging: Path

    def put(self, staged: Path, name: str) -> None:
        """Move a finished file from the staging folder into the store, on disk when this returns."""

    def open(self, name: str) -> Any:
        """The file for pyarrow, by ranges. Raises MissingFileError."""

    def local(self, name: str) -> AbstractContextManager[Path]:
        """The whole file on this machine while the block runs; a copy where it is not here. Raises MissingFileError."""

    def delete(self, name: str) -> None:
        """Forget a file; nothing happens when there is none."""

    def names(self) -> Iterator[str]:
        """Every file of the archive that is there, known to the manifest or not."""


class FolderStore:
    """A folder on this machine, or one that is mounted."""

    def __init__(self, root: Path) -> None:
        self.place = str(root)
        self.staging = root / _STAGING
        self._root = root

    def put(self, staged: Path, name: str) -> None:
        """Rename: atomic in one file system, which is why staging is inside."""
        target = self._root / name
        made = [folder for folder in target.parents if folder.is_relative_to(self._root) and not folder.exists()]
        target.parent.mkdir(parents=True, exist_ok=True)
        staged.replace(target)
        for folder in (target.parent, *(folder.parent for folder in made)):
            _flush(folder)

    def open(self, name: str) -> Path:
        """The path: pyarrow reads ranges of files by itself."""
        path = self._root / name
        if not path.is_file():
            raise MissingFileError(f"{name} is not in {self.place}")
        return path

    @contextmanager
    def local(self, name: str) -> Iterator[Path]:
        """The file itself."""
        yield self.open(name)

    def delete(self, name: str) -> None:
        """Remove the file, and the folders that it leaves empty."""
        path = self._root / name
        path.unlink(missing_ok=True)
        for folder in path.relative_to(self._root).parents:
            if folder == Path() or not _remove_if_empty(self._root / folder):
                return

    def names(self) -> Iterator[str]:
        """Walk the folder."""
        for path in self._root.rglob("*.parquet"):
            if not path.is_relative_to(self.staging):
                yield path.relative_to(self._root).as_posix()


def _flush(folder: Path) -> None:
    """Bring a new name in a folder to disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove_if_empty(folder: Path) -> bool:
    try:
        folder.rmdir()
    except OSError:
        return False
    return True


def open_store(settings: Settings) -> Store:
    """The store that the settings name; `archive` in the data folder by default. Nothing is sent or made.

    Raises ConfigurationError when the URL is none, or when the optional library is not installed.
    """
    url = settings.archive.url
    if not url:
        return FolderStore(settings.data / FOLDER)
    parts = urlsplit(url)
    if parts.scheme == "file":
        return FolderStore(Path(unquote(parts.path)))
    if parts.scheme not in OBJECT_SCHEMES:
        raise ConfigurationError(
            f"{parts.scheme or 'no'} scheme is not one of those that can be used: file, {', '.join(OBJECT_SCHEMES)}; "
            "write s3://bucket/prefix or the like",
            "archive.url",
        )
    try:
        from headwater.archive.object_store import ObjectStore  # obstore is an optional extra
    except ImportError:
        raise ConfigurationError(
            'object stores need a library that is not installed; run pip install "headwater[object-store]"',
            "archive.url",
        ) from None
    return ObjectStore(url, settings.data / "archive-staging")


def empty_staging(store: Store) -> None:
    """Throw away what a process left unfinished."""
    shutil.rmtree(store.staging, ignore_errors=True)
