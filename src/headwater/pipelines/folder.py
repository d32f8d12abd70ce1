"""A configuration as a folder of YAML files, for version control.

    pipelines/web-shop.yaml                       a pipeline with its write keys and the integrations it uses
    integrations/lytics/integration.yaml          kit, parameters, overrides, delivery
    integrations/lytics/playbook.yaml …           the kit's files, unless they are those of the library
    integrations/lytics/held/<digest>/…           an older content that a pipeline is held at, with the kit's files

Reading and writing are inverse: what was read from a folder is written back as the same files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import yaml

from headwater.errors import ConfigurationError, InputError
from headwater.pipelines import slugs, tag_settings
from headwater.pipelines.declaration import (
    Declaration,
    DeclaredContent,
    DeclaredIntegration,
    DeclaredPipeline,
    DeclaredUse,
)
from headwater.pipelines.objects import DeliverySettings
from headwater.playbooks.documents import read_document
from headwater.yamltext import needs_escapes

Library = Callable[[str], Mapping[str, str] | None]
"""The files of a built-in kit by name; None when the library has no such kit."""

_CONTENT_FILE = "integration.yaml"
_KIT_FILE = re.compile(r"(playbook|connection|metadata|delivery)\.(yaml|yml|json)")
_LIKE_A_NUMBER = re.compile(r"[-+.0-9]")
_File = TypeVar("_File")


class _UseEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    integration: str
    enabled: bool = True
    held: str = ""
    audiences: tuple[str, ...] | None = None


class _PipelineFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    name: str
    enabled: bool = True
    allowed_origins: tuple[str, ...] = ()
    partial_batch_status: int = 200
    tag: dict[str, Any] = {}
    write_keys: tuple[str, ...] = ()
    integrations: tuple[_UseEntry, ...] = ()


class _ContentFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    kit: str
    name: str = ""
    parameters: dict[str, str] = {}
    overrides: dict[str, Any] = {}
    delivery: DeliverySettings = DeliverySettings()


def read_folder(folder: Path, library: Library) -> Declaration:
    """Read a folder. Raises ConfigurationError that names file and key."""
    if not folder.is_dir():
        raise ConfigurationError(f"{folder} is not a folder; `headwater export {folder}` makes one")
    integrations = {path.name: _read_integration(path, library) for path in _folders(folder / "integrations")}
    pipelines = {path.stem: _read_pipeline(path) for path in sorted((folder / "pipelines").glob("*.yaml"))}
    for pipeline in pipelines.values():
        _check_uses(pipeline, integrations)
    return Declaration(pipelines=pipelines, integrations=integrations)


def write_folder(folder: Path, declaration: Declaration, library: Library) -> None:
    """Write a declaration. Files of the two subfolders that belong to nothing any more are removed."""
    files = dict(folder_files(declaration, library))
    for path in _known_files(folder):
        if str(path.relative_to(folder)) not in files:
            path.unlink()
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8", newline="")


def folder_files(declaration: Declaration, library: Library) -> Iterator[tuple[str, str]]:
    """The files of a declaration: path in the folder, text."""
    for slug, pipeline in sorted(declaration.pipelines.items()):
        yield f"pipelines/{slug}.yaml", _pipeline_text(pipeline)
    for slug, integration in sorted(declaration.integrations.items()):
        place = f"integrations/{slug}"
        own_files = library(integration.content.kit) != integration.content.texts
        yield from _content_files(place, integration.content, integration.name, own_files=own_files)
        for digest, content in sorted(integration.held.items()):
            yield from _content_files(f"{place}/held/{digest}", content, "", own_files=True)


def _content_files(place: str, content: DeclaredContent, name: str, *, own_files: bool) -> Iterator[tuple[str, str]]:
    file = _ContentFile(
        kit=content.kit,
        name=name,
        parameters=dict(sorted(content.parameters.items())),
        overrides=content.overrides,
        delivery=content.delivery,
    )
    yield f"{place}/{_CONTENT_FILE}", _to_yaml(file)
    if own_files:
        for kit_file, text in sorted(content.texts.items()):
            yield f"{place}/{kit_file}", text


def _pipeline_text(pipeline: DeclaredPipeline) -> str:
    uses = sorted(pipeline.integrations, key=lambda use: use.integration)
    return _to_yaml(
        _PipelineFile(
            name=pipeline.name,
            enabled=pipeline.enabled,
            allowed_origins=pipeline.allowed_origins,
            partial_batch_status=pipeline.partial_batch_status,
            tag=pipeline.tag,
            write_keys=tuple(sorted(pipeline.write_keys)),
            integrations=tuple(_UseEntry(use.integration, use.enabled, use.held, use.audiences) for use in uses),
        )
    )


def _read_pipeline(path: Path) -> DeclaredPipeline:
    place = f"pipelines/{path.name}"
    file = _convert(_read(path, place), _PipelineFile, place)
    return DeclaredPipeline(
        slug=_slug(path.stem, place),
        name=file.name,
        enabled=file.enabled,
        allowed_origins=file.allowed_origins,
        partial_batch_status=file.partial_batch_status,
        tag=_tag(file.tag, place),
        write_keys=file.write_keys,
        integrations=tuple(_use(entry) for entry in file.integrations),
    )


def _use(entry: _UseEntry) -> DeclaredUse:
    audiences = None if entry.audiences is None else tuple(sorted(set(entry.audiences)))
    return DeclaredUse(entry.integration, entry.enabled, entry.held, audiences)


def _read_integration(folder: Path, library: Library) -> DeclaredIntegration:
    place = f"integrations/{folder.name}"
    name, content = _read_content(folder, place, library)
    held: dict[str, DeclaredContent] = {}
    for below in _folders(folder / "held"):
        _, older = _read_content(below, f"{place}/held/{below.name}", library)
        if older.digest != below.name:
            raise ConfigurationError(
                f"the content is not the one that was exported (it is now {older.digest}); restore the file, "
                f"or move the change to {place}/{_CONTENT_FILE}",
                f"{place}/held/{below.name}",
            )
        held[below.name] = older
    slug = _slug(folder.name, place)
    return DeclaredIntegration(slug=slug, name=name or slug, content=content, held=held)


def _read_content(folder: Path, place: str, library: Library) -> tuple[str, DeclaredContent]:
    file_place = f"{place}/{_CONTENT_FILE}"
    file = _convert(_read(folder / _CONTENT_FILE, file_place), _ContentFile, file_place)
    texts = {path.name: _text(path, place) for path in sorted(folder.iterdir()) if _KIT_FILE.fullmatch(path.name)}
    if not texts:
        texts = dict(library(file.kit) or {})
    if not texts:
        raise ConfigurationError(
            f"the library has no kit {file.kit!r} and there are no kit files beside; "
            "`headwater integration list --library` shows the library",
            f"{file_place}: kit",
        )
    content = DeclaredContent(
        kit=file.kit, texts=texts, parameters=file.parameters, overrides=file.overrides, delivery=file.delivery
    )
    return file.name, content


def _check_uses(pipeline: DeclaredPipeline, integrations: Mapping[str, DeclaredIntegration]) -> None:
    place = f"pipelines/{pipeline.slug}.yaml: integrations"
    seen: set[str] = set()
    for use in pipeline.integrations:
        integration = integrations.get(use.integration)
        if integration is None:
            raise ConfigurationError(f"there is no folder integrations/{use.integration}", place)
        if use.held and use.held not in integration.held:
            raise ConfigurationError(f"there is no folder integrations/{use.integration}/held/{use.held}", place)
        if use.integration in seen:
            raise ConfigurationError(f"{use.integration!r} is listed twice; remove one entry", place)
        seen.add(use.integration)


def _convert(document: Any, kind: type[_File], place: str) -> _File:
    try:
        return msgspec.convert(document, kind)
    except msgspec.ValidationError as fault:
        text = str(fault)
        hint = '; write numbers and true or false as text, in quotes ("1")' if "parameters" in text else ""
        raise ConfigurationError(text[0].lower() + text[1:] + hint, place) from None


def _read(path: Path, place: str) -> Any:
    return read_document(_text(path, place), place).value


def _text(path: Path, place: str) -> str:
    try:
        return path.read_bytes().decode("utf-8")
    except FileNotFoundError:
        raise ConfigurationError("the file is missing; create it or remove the folder", place) from None
    except UnicodeDecodeError:
        raise ConfigurationError("the file is not UTF-8 text; save it as UTF-8", f"{place} {path.name}") from None


def _tag(document: dict[str, Any], place: str) -> dict[str, Any]:
    """The tag's settings in their shortest form, as they are stored: written-out defaults are no difference."""
    try:
        return tag_settings.check(document)
    except InputError as fault:
        raise ConfigurationError(fault.message, f"{place}: {fault.field}") from None


def _slug(name: str, place: str) -> str:
    try:
        return slugs.check_slug(name)
    except InputError as fault:
        raise ConfigurationError(fault.message, place) from None


def _folders(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []


def _known_files(folder: Path) -> Iterator[Path]:
    yield from (folder / "pipelines").glob("*.yaml")
    for path in (folder / "integrations").rglob("*"):
        if path.is_file() and (path.name == _CONTENT_FILE or _KIT_FILE.fullmatch(path.name)):
            yield path


class _Dumper(yaml.SafeDumper):
    """Writes texts with line breaks as blocks, so that a difference shows one line."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    if needs_escapes(text):
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"')
    if "\n" in text:
        return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|")
    # The dumper leaves 1e5 bare, which a reader with JSON's numbers takes for one.
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="'" if _LIKE_A_NUMBER.match(text) else None)


def _represent_decimal(dumper: yaml.SafeDumper, number: Decimal) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:float", str(number))


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(Decimal, _represent_decimal)


def _to_yaml(file: msgspec.Struct) -> str:
    built = msgspec.to_builtins(file, builtin_types=(Decimal,))
    text: str = yaml.dump(built, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)
    return text
