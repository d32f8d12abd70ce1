"""Whether a Lua body compiles, for the editor while somebody types."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from headwater.errors import ConfigurationError
from headwater.playbooks.grammar import PLACEHOLDER
from headwater.playbooks.lua_engine import LuaEngine
from headwater.playbooks.lua_insertion import insert
from headwater.playbooks.parameters import UNSET, Unset

_LINE = re.compile(r"(?:line:|\(line )(\d+)(?:: | of the body\))?")


class LuaFault(NamedTuple):
    """What is wrong with a body; `line` 0 when no line is to blame."""

    line: int
    message: str


def lua_fault(body: str) -> LuaFault | None:
    """What keeps a body from compiling, None when it compiles. Any parameter is taken for declared."""
    values: Mapping[str, str | Unset] = dict.fromkeys(PLACEHOLDER.findall(body), UNSET)
    try:
        LuaEngine().compile(insert(body, dict(values)), "")
    except ConfigurationError as fault:
        message = fault.message.removeprefix("Lua does not compile: ").removesuffix("; correct the body")
        line = _LINE.search(message)
        return LuaFault(int(line[1]) if line else 0, _LINE.sub("", message, count=1).strip())
    return None
