"""What stands beside the profiles of a generation, and has to move along when another one takes its place."""

from __future__ import annotations

from typing import Any, Protocol


class Companion(Protocol):
    """Takes part in the transaction that switches over."""

    async def move(self, connection: Any, before: int, after: int, *, quiet: bool) -> None:
        """Bring what belongs to the profiles of the generation `before` to those of `after`.

        Both are complete, and nobody builds while this runs. `quiet`: what is different afterwards is announced to nobody. Raises what the
        database raises; then nothing is switched, and all of it is tried again.
        """
