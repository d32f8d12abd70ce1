"""What YAML does to text when it is written and read again."""

from __future__ import annotations

_LINE_ENDS = "\x85\u2028\u2029"


def needs_escapes(text: str) -> bool:
    """Whether a text has a line end of Unicode: YAML 1.1 folds these wherever they are not escaped in double quotes."""
    return any(end in text for end in _LINE_ENDS)
