"""The archive in Amazon S3 and what speaks its protocol, Google Cloud Storage or Azure Blob Storage.

This is the installation's own storage, so the usual ways to be known there work: variables of the environment such as
AWS_ACCESS_KEY_ID, or the identity of the machine.
"""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import obstore
from obstore.exceptions import BaseError
from obstore.exceptions import NotFoundError as _NotFoundError
from obstore.store import from_url

from headwater.archive.stores import MissingFileError
from headwater.errors import ConfigurationError, UnavailableError

_READ_BYTES = 8 * 1024 * 1024
_PART_BYTES = 16 * 1024 * 1024


class _Ranges(io.RawIOBase):
    """An object as a file to read: each read is one request, which suits pyarrow (it reads whole columns of row groups)."""

    def __init__(self, fetch: Callable[[int, int], bytes], size: int) -> None:
        self._fetch = fetch
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = base + offset
        return self._at

    def read(self, size: int = -1) -> bytes:
        end = self._size if size < 0 else min(self._at + size, self._size)
        if end <= self._at:
            return b""
        found = self._fetch(self._at, end)
        self._at = end
        return found


class ObjectStore:
    """A bucket or container, with a prefix where the URL has a path."""

    def __init__(self, url: str, staging: Path) -> None:
        self.place = url.rstrip("/")
        self.staging = staging
        try:
            self._store: Any = from_url(url)
        except (BaseError, ValueError) as fault:
            raise ConfigurationError(
                f"is no address of an object store ({type(fault).__name__}); write s3://bucket/prefix, gs://bucket/prefix "
                "or az://container/prefix",
                "archive.url",
            ) from None

    def put(self, staged: Path, name: str) -> None:
        """Upload and remove the staged file. An object is visible when all of it is there."""
        with self._translated(name):
            obstore.put(self._store, name, staged, chunk_size=_PART_BYTES)
        staged.unlink()

    def open(self, name: str) -> Any:
        """A reader that asks for ranges."""
        with self._translated(name):
            size = obstore.head(self._store, name)["size"]
        return _Ranges(lambda start, end: self._range(name, start, end), size)

    def _range(self, name: str, start: int, end: int) -> bytes:
        with self._translated(name):
            return bytes(obstore.get_range(self._store, name, start=start, end=end))

    @contextmanager
    def local(self, name: str) -> Iterator[Path]:
        """A temporary copy."""
        with tempfile.TemporaryDirectory(prefix="headwater-") as folder:
            path = Path(folder) / "copy.parquet"
            with self._translated(name), path.open("wb") as file:
                for part in obstore.get(self._store, name).stream(min_chunk_size=_READ_BYTES):
                    file.write(part)
            yield path

    def delete(self, name: str) -> None:
        """Delete the object."""
        try:
            with self._translated(name):
                obstore.delete(self._store, name)
        except MissingFileError:
            return

    def names(self) -> Iterator[str]:
        """List the bucket below the prefix."""
        with self._translated(""):
            for page in obstore.list(self._store):
                for found in page:
                    if found["path"].endswith(".parquet"):
                        yield found["path"]

    @contextmanager
    def _translated(self, name: str) -> Iterator[None]:
        try:
            yield
        except (_NotFoundError, FileNotFoundError):
            raise MissingFileError(f"{name} is not in {self.place}") from None
        except BaseError as fault:
            # Not the library's own message: it may quote a credential.
            raise UnavailableError(
                f"{self.place} does not answer as it should ({type(fault).__name__}); check archive.url and its credentials"
            ) from None
