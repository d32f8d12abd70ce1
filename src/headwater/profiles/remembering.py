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
