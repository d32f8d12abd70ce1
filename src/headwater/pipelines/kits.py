"""Kits as revisions hold them: texts to a kit, which parameters are secrets, and whether the whole can run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headwater.errors import ConfigurationError
from headwater.integrations import library
from headwater.integrations.delivery import Delivery
from headwater.pipelines.objects import ParameterValue, PlainValue, RevisionContent
from headwater.pipelines.override_conflicts import conflicts
from headwater.pipelines.overrides import apply_overrides, read
from headwater.playbooks import Document, Kit, Parameter, Problem, check_kit, compile_kit, parameters_of
from headwater.playbooks.documents import read_document

DOCUMENTS = ("playbook", "connection", "metadata", "delivery")
SUFFIXES = (".yaml", ".yml", ".json")
FILE_NAMES = frozenset(document + suffix for document in DOCUMENTS for suffix in SUFFIXES)
_STAND_IN = "1"
"""Stands for a secret while a kit is checked: it compiles as text and as a number."""


def kit_of(content: RevisionContent) -> Kit:
    """The kit of a revision with its overrides. Raises ConfigurationError with file and line."""
    return apply_overrides(kit_from(content.kit, content.texts), content.overrides)


def kit_from(name: str, texts: Mapping[str, str]) -> Kit:
    """The kit that these files make. Raises ConfigurationError with file and line."""
    return Kit(name, _document(texts, "playbook"), _document(texts, "connection"), _document(texts, "metadata"))


def _document(texts: Mapping[str, str], title: str) -> Document:
    names = [title + suffix for suffix in SUFFIXES if title + suffix in texts]
    if len(names) > 1:
        raise ConfigurationError(f"{names[0]} and {names[1]} both exist; remove one")
    if names:
        return read_document(texts[names[0]], names[0])
    if title == "metadata":
        return Document(f"{title}.yaml", {}, {})
    raise ConfigurationError(f"{title}.yaml is missing; add it ({title}.json will do as well)")


def read_folder(folder: Path) -> tuple[str, dict[str, str]]:
    """Name and files of the kit in a folder. Raises ConfigurationError when it is no kit's folder."""
    if not folder.is_dir():
        raise ConfigurationError("is not a folder; name one that holds playbook.yaml and connection.yaml", str(folder))
    try:
        texts = {path.name: path.read_bytes().decode() for path in folder.iterdir() if path.name in FILE_NAMES}
    except UnicodeDecodeError:
        raise ConfigurationError("holds a file that is not UTF-8 text; save it as UTF-8", str(folder)) from None
    return folder.resolve().name, dict(sorted(texts.items()))


def declared_parameters(texts: Mapping[str, str], name: str = "") -> tuple[Parameter, ...]:
    """The parameters that a kit's files declare. Raises ConfigurationError when the files cannot be read."""
    return parameters_of(kit_from(name, texts))


def declared_secrets(texts: Mapping[str, str], overrides: Mapping[str, Any] | None = None) -> frozenset[str]:
    """Names of the parameters that the kit, or an override that adds them, calls sensitive."""
    added = read(dict(overrides or {})).parameters
    kit = {parameter.name for parameter in declared_parameters(texts) if parameter.is_sensitive}
    return frozenset(kit | {row["name"] for row in added if row.get("isSensitive") is True and "name" in row})


def delivery_of(content: RevisionContent) -> Delivery:
    """How the kit itself wants to be delivered, before what the integration changes. Raises ConfigurationError."""
    names = [name for name in content.texts if name.startswith("delivery.")]
    return library.delivery_of(read_document(content.texts[names[0]], names[0])) if names else Delivery()


def problems(content: RevisionContent, secret_texts: Mapping[str, str] | None = None) -> list[str]:
    """Everything that keeps a revision from running, each with place and remedy; empty when it can run.

    `secret_texts` are the secrets that the caller can read, by parameter name; others are stood in for.
    """
    try:
        # The kit alone first: overrides go by its sections, so it must be sound.
        found = _fatal(kit_from(content.kit, content.texts))
        if not found:
            kit = kit_of(content)
            found = _fatal(kit)
        if not found:
            compile_kit(kit, _texts(content.parameters, secret_texts or {}))
            delivery_of(content)
    except ConfigurationError as fault:
        return [str(fault)]
    return found


def override_conflicts(before: RevisionContent, after: RevisionContent) -> tuple[Problem, ...]:
    """The overrides whose ground the kit of `after` has changed; none when its files are those of `before`.

    None either when the newer kit is unsound by itself, which `problems` tells. Raises ConfigurationError when a file
    cannot be read.
    """
    if not before.overrides or not after.overrides or before.texts == after.texts:
        return ()
    old, new = kit_from(before.kit, before.texts), kit_from(after.kit, after.texts)
    return () if _fatal(old) or _fatal(new) else conflicts(old, new, before.overrides, after.overrides)


def _fatal(kit: Kit) -> list[str]:
    return [str(problem) for problem in check_kit(kit) if problem.fatal]


def check(content: RevisionContent, secret_texts: Mapping[str, str] | None = None) -> None:
    """Raise ConfigurationError that lists the problems of a revision, one a line."""
    found = problems(content, secret_texts)
    if found:
        raise ConfigurationError("\n".join(found), content.kit)


def _texts(values: Mapping[str, ParameterValue], secret_texts: Mapping[str, str]) -> dict[str, str]:
    return {
        name: value.value if isinstance(value, PlainValue) else secret_texts.get(name, _STAND_IN)
        for name, value in values.items()
    }


def find_library_texts(name: str) -> dict[str, str] | None:
    """The files of a built-in kit; None when there is no such kit."""
    return library.texts(name) if name in library.names() else None
