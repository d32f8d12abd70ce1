"""Profiles as the Lytics APIs show them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from headwater.profiles.identifiers import Identifier
from headwater.profiles.json_values import as_texts, shown
from headwater.profiles.reading import ProfileExplanation, StoredProfile

NOT_FOUND = ("not_found", "all")
"""Audiences of whoever is not known."""


class Wanted(msgspec.Struct, frozen=True):
    """Which part of a profile. `fields` None: all; `only` None: everything may leave. `texts`: numbers as texts."""

    fields: frozenset[str] | None = None
    blocked: frozenset[str] = frozenset()
    only: frozenset[str] | None = None
    texts: bool = False

    def includes(self, name: str) -> bool:
        """Whether a field is wanted and may leave."""
        if name in self.blocked or (self.only is not None and name not in self.only):
            return False
        return self.fields is None or name in self.fields


def entity_document(profile: StoredProfile, wanted: Wanted) -> dict[str, Any]:
    """Fields and meta fields by name."""
    document = {name: value for name, value in shown(dict(profile.fields)).items() if wanted.includes(name)}
    if profile.reasons and wanted.includes("_health_reasons"):
        document["_health_reasons"] = list(profile.reasons)
    texts: dict[str, Any] = as_texts(document) if wanted.texts else document
    return texts


def explained_document(explanation: ProfileExplanation, entity: Mapping[str, Any]) -> dict[str, Any]:
    """The explanation in Lytics' shape, around the entity as it is shown."""
    document: dict[str, Any] = shown({**explanation.lytics, "entity": dict(entity)})
    return document


def identity_document(explanation: ProfileExplanation) -> dict[str, Any]:
    """Keys and links without any data."""
    fragments = [
        {"keys": each["key"], "neighbors": each["neighbors"], "meta": each["meta"]}
        for each in explanation.lytics["fragments"]
    ]
    return {"id": explanation.id, "keys": explanation.lytics["keys"], "fragments": fragments}


def plain(value: Any) -> Any:
    """A value of this room as JSON: identifiers as objects, keys that are no text as text."""
    if isinstance(value, Identifier):
        return {"type": value.type, "value": value.value}
    if isinstance(value, msgspec.Struct):
        return {name: plain(getattr(value, name)) for name in value.__struct_fields__}
    if hasattr(value, "_asdict"):
        return {name: plain(each) for name, each in value._asdict().items()}
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [plain(each) for each in value]
    return shown(value)
