"""The built-in integrations: a folder for each, with the same files in every folder.

playbook.yaml    what is sent
connection.yaml  in which request
metadata.yaml    how it is shown
delivery.yaml    how it is delivered
examples/        events with the exact request that each becomes
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from headwater.errors import ConfigurationError, InputError
from headwater.integrations.delivery import Delivery
from headwater.playbooks.documents import Document, read_document
from headwater.playbooks.kit import Kit, load_kit, parameters_of
from headwater.playbooks.parameters import Parameter

FOLDER = Path(__file__).parent
DOCUMENTS = ("playbook.yaml", "connection.yaml", "metadata.yaml", "delivery.yaml")


class Example(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An event with what becomes of it: `result` as `headwater playbook run --json` prints it.

    `now` is the time (RFC 3339) at which it was made, `parameters` the values that it needs.
    """

    title: str
    event: dict[str, Any]
    result: dict[str, Any]
    parameters: dict[str, str] = {}
    now: str = "2026-01-01T00:00:00Z"


class Integration(msgspec.Struct, frozen=True):
    """An integration of the library."""

    name: str
    kit: Kit
    delivery: Delivery
    examples: tuple[Example, ...]

    @property
    def friendly_name(self) -> str:
        """Its name in the catalogue."""
        return str(self.kit.metadata.value.get("friendlyName", self.name))

    @property
    def description(self) -> str:
        """What it does, in a sentence."""
        return str(self.kit.metadata.value.get("description", ""))

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """What an installation sets."""
        return parameters_of(self.kit)


def names() -> tuple[str, ...]:
    """The names of all built-in integrations, sorted."""
    return tuple(sorted(path.parent.name for path in FOLDER.glob("*/playbook.yaml")))


def show(name: str) -> Integration:
    """One integration with everything about it. Raises InputError when the library has none of that name."""
    folder = _folder(name)
    return Integration(name, load_kit(folder), load_delivery(folder), tuple(_examples(folder)))


def list_all() -> tuple[Integration, ...]:
    """All integrations of the library."""
    return tuple(show(name) for name in names())


def texts(name: str) -> dict[str, str]:
    """The files of an integration, file name → text, as a revision stores them. Raises InputError for an unknown name."""
    folder = _folder(name)
    return {file: (folder / file).read_text("utf-8") for file in DOCUMENTS}


def _folder(name: str) -> Path:
    if name not in names():
        raise InputError(
            f"the library has no integration {name!r}; it has {', '.join(names())}", "integration", "not_found"
        )
    return FOLDER / name


def load_delivery(folder: Path) -> Delivery:
    """The `delivery.yaml` of a folder; the defaults when there is none. Raises ConfigurationError."""
    path = folder / "delivery.yaml"
    return delivery_of(read_document(path.read_text("utf-8"), path.name)) if path.is_file() else Delivery()


def delivery_of(document: Document) -> Delivery:
    """How to deliver, from its document. Raises ConfigurationError that names the key."""
    try:
        return msgspec.convert(document.value, Delivery)
    except msgspec.ValidationError as fault:
        raise ConfigurationError(f"{fault}; correct the key or remove it", document.file) from None


def _examples(folder: Path) -> Iterator[Example]:
    for path in sorted((folder / "examples").glob("*.json")):
        try:
            yield msgspec.json.decode(path.read_bytes(), type=Example)
        except msgspec.DecodeError as fault:
            raise ConfigurationError(f"is no example: {fault}", str(path.name)) from None
