"""Results of pure functions, remembered for arguments that come again and again."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Argument = TypeVar("Argument")
Result = TypeVar("Result")


class Remembered(dict[Argument, Result]):
    """Results by argument, at most `limit` of them: `remembered[argument]` computes what is missing.

    When it is full it begins again, which costs less than keeping account of what was used last. Whoever takes a result must
    not change it.
    """

    def __init__(self, compute: Callable[[Argument], Result], limit: int) -> None:
        super().__init__()
        self._compute = compute
        self._limit = limit

    def __missing__(self, argument: Argument) -> Result:
        result = self._compute(argument)
        if len(self) >= self._limit:
            self.clear()
        self[argument] = result
        return result


class RememberedOnReturn(dict[str, Result]):
    """Results for texts that come again, at most `limit` of them.

    A text that comes once, such as the address of a page with somebody's own campaign, costs nothing but a note: what is kept for it
    would push out of the processor's cache what is needed. `get` is for texts that came back, `meet` for all others.
    """

    def __init__(self, make: Callable[[str], Result], limit: int) -> None:
        super().__init__()
        self._make = make
        self._limit = limit
        self._met: dict[str, object] = {}

    def meet(self, text: str, event: object) -> Result | None:
        """The result for a text that was met in another event before, None if this is the first. `event` is told by identity."""
        if len(self._met) >= self._limit:
            self._met.clear()
        if self._met.setdefault(text, event) is event:
            return None
        del self._met[text]
        if len(self) >= self._limit:
            self.clear()
        result = self[text] = self._make(text)
        return result
