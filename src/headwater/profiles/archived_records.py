"""Records of a timeline that only the archive has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import structlog

from headwater.archive.stores import Store
from headwater.errors import HeadwaterError
from headwater.events import Record

logger = structlog.get_logger(__name__)


class ArchivedRecords:
    """Implements `timeline.RecordSource` on the archive. `store` as `stores.open_store` opens it."""

    def __init__(self, pool: Any, store: Store) -> None:
        self._pool = pool
        self._store = store

    async def records(self, sequences: Sequence[int]) -> Mapping[int, Record]:
        """Those of the records that are in the archive; none while its files cannot be read."""
        # Loads pyarrow, which most processes that could show a timeline never need.
        from headwater.archive.reading import ArchiveReader

        try:
            found = await ArchiveReader(self._pool, self._store).fetch(sequences)
        except (HeadwaterError, OSError) as fault:
            logger.warning("the archive cannot be read, a timeline lacks its records", reason=str(fault))
            return {}
        return {sequence: archived.record for sequence, archived in found.items()}
