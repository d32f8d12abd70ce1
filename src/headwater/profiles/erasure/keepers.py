"""Who keeps copies of records beside log and archive: the role that runs deletions hands them in."""

from __future__ import annotations

from typing import Any, Protocol

from headwater.profiles.erasure.traces import Traces


class CopyKeeper(Protocol):
    """Keeps copies of records, or of requests that were made of them."""

    async def forget(self, pool: Any, traces: Traces, messages: frozenset[str]) -> int:
        """Forget what is of persons who are being deleted; how much it was.

        `pool` has one connection. `messages` are their records, by `log.records.dedup_id`. Raises UnavailableError; then it is asked again. Doing it again is harmless.
        """
