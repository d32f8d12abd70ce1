"""What a preview works with, remembered: somebody who edits asks for the same kit again with every step.

Keys are the contents themselves, so nothing here can be out of date. What is handed out is not to be changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache

import msgspec

from headwater import jsontext
from headwater.integrations import library
from headwater.pipelines import kits
from headwater.pipelines.objects import PlainValue, RevisionContent, content_from_json
from headwater.playbooks import CompiledIntegration, Kit, check_kit, compile_kit

REMEMBERED = 32
STAND_IN = "hidden-secret"
"""What stands for a secret. Whoever shows a request blots it out again, also where it was encoded."""

_encode = msgspec.json.Encoder(order="sorted", decimal_format="number").encode


def compiled(content: RevisionContent) -> CompiledIntegration:
    """The revision, ready to run with stand-ins for secrets; it sends nothing. Raises ConfigurationError."""
    return _compiled(_encode(content))


def stand_ins(content: RevisionContent) -> Mapping[str, str]:
    """Parameter values for a preview: something else stands for each secret."""
    declared = kits.declared_secrets(content.texts, content.overrides)
    return {
        name: found.value if isinstance(found, PlainValue) and name not in declared else STAND_IN
        for name, found in content.parameters.items()
    }


def problems(content: RevisionContent) -> tuple[str, ...]:
    """What keeps a revision from running, as `kits.problems` says it."""
    return _problems(_encode(content))


def kit_of_texts(name: str, texts: dict[str, str]) -> tuple[Kit, tuple[str, ...]]:
    """The kit of these files, and what is wrong with it by itself. Raises ConfigurationError when one cannot be read."""
    return _kit(name, tuple(sorted(texts.items())))


@cache
def library_kits() -> tuple[library.Integration, ...]:
    """The kits of the library; they come with the program and stay as they are while it runs."""
    return library.list_all()


@lru_cache(REMEMBERED)
def _compiled(encoded: bytes) -> CompiledIntegration:
    content = content_from_json(jsontext.decode(encoded))
    return compile_kit(kits.kit_of(content), stand_ins(content), preview=True, batch_size=1)


@lru_cache(REMEMBERED)
def _problems(encoded: bytes) -> tuple[str, ...]:
    return tuple(kits.problems(content_from_json(jsontext.decode(encoded))))


@lru_cache(REMEMBERED)
def _kit(name: str, texts: tuple[tuple[str, str], ...]) -> tuple[Kit, tuple[str, ...]]:
    kit = kits.kit_from(name, dict(texts))
    return kit, tuple(str(problem) for problem in check_kit(kit) if problem.fatal)
