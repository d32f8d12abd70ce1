"""A kit: the playbook, the connection and the metadata of one integration, as documents with positions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from headwater.errors import ConfigurationError
from headwater.playbooks.documents import Document, read_document
from headwater.playbooks.parameters import Parameter, declared

SUFFIXES = (".yaml", ".yml", ".json")


class Kit(msgspec.Struct, frozen=True):
    """The three documents of an integration. `name` is the folder's name or what the caller gave."""

    name: str
    playbook: Document
    connection: Document
    metadata: Document

    @property
    def version(self) -> str:
        """The playbook's version, "" when it has none."""
        version = self.playbook.value.get("version", "") if isinstance(self.playbook.value, dict) else ""
        return version if isinstance(version, str) else ""


def load_kit(folder: Path | str) -> Kit:
    """Read `playbook`, `connection` and, if there is one, `metadata` from a folder (.yaml, .yml or .json).

    Raises ConfigurationError when a file is absent, there twice, or not valid YAML or JSON.
    """
    root = Path(folder)
    if not root.is_dir():
        raise ConfigurationError(
            "is not a folder; name a folder that holds playbook.yaml and connection.yaml", str(root)
        )
    return Kit(root.name, _read(root, "playbook"), _read(root, "connection"), _read(root, "metadata", optional=True))


def _read(root: Path, name: str, optional: bool = False) -> Document:
    found = [root / (name + suffix) for suffix in SUFFIXES if (root / (name + suffix)).is_file()]
    if len(found) > 1:
        raise ConfigurationError(f"{found[0].name} and {found[1].name} both exist; remove one", str(root))
    if not found:
        if optional:
            return Document(f"{name}.yaml", {}, {})
        raise ConfigurationError(f"{name}.yaml is missing; add it ({name}.json will do as well)", str(root))
    return read_document(found[0].read_text("utf-8"), found[0].name)


def kit_from_texts(
    name: str,
    playbook: str,
    connection: str,
    metadata: str = "",
    *,
    notation: str = "yaml",
) -> Kit:
    """A kit from stored texts. `notation` is `yaml` or `json` and holds for all three."""
    if notation not in ("yaml", "json"):
        raise ConfigurationError(f"unknown notation {notation!r}; use yaml or json")
    documents = {"playbook": playbook, "connection": connection, "metadata": metadata}
    read = {
        title: read_document(text, f"{title}.{notation}") if text else Document(f"{title}.{notation}", {}, {})
        for title, text in documents.items()
    }
    return Kit(name, read["playbook"], read["connection"], read["metadata"])


def parameters_of(kit: Kit) -> tuple[Parameter, ...]:
    """The parameters of both files, in order of their first declaration."""
    return declared(rows(kit.playbook), rows(kit.connection))


def rows(document: Document) -> list[dict[str, Any]]:
    """The well-formed rows of a document's `params` list."""
    params = document.value.get("params") if isinstance(document.value, dict) else None
    return [row for row in params or () if isinstance(row, dict) and isinstance(row.get("name"), str)]


def sections_of(playbook: Any) -> Iterator[tuple[tuple[str, ...], dict[str, Any]]]:
    """Each section of a playbook with its path: `global`, those of `eventSpecific`, `default`."""
    if isinstance(playbook.get("global"), dict):
        yield ("global",), playbook["global"]
    specific = playbook.get("eventSpecific")
    for name, section in specific.items() if isinstance(specific, dict) else ():
        if isinstance(section, dict):
            yield ("eventSpecific", name), section
    if isinstance(playbook.get("default"), dict):
        yield ("default",), playbook["default"]
