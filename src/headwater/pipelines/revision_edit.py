"""A change of an integration's content, on top of its newest revision."""

from __future__ import annotations

from collections.abc import Mapping, Set
from typing import Any

import msgspec

from headwater.errors import ConfigurationError, InputError
from headwater.integrations import library
from headwater.pipelines import kits, secrets
from headwater.pipelines.objects import DeliverySettings, ParameterValue, RevisionContent, SealedValue
from headwater.pipelines.secrets import SecretBox
from headwater.playbooks import Problem

_encode_sorted = msgspec.json.Encoder(order="sorted", decimal_format="number").encode


class RevisionEdit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What changes; what is not given stays.

    `kit` alone takes the present files of that kit from the library, with `texts` it only names them.
    `parameters` sets values by name, None removes one; secrets that are not named stay as they are.
    `accept_conflicts` keeps overrides as they are although a newer kit changes what they lie over.
    """

    kit: str | None = None
    texts: dict[str, str] | None = None
    parameters: dict[str, str | None] = {}
    overrides: dict[str, Any] | None = None
    delivery: DeliverySettings | None = None
    accept_conflicts: bool = False


def edited(before: RevisionContent | None, edit: RevisionEdit, box: SecretBox, integration_id: str) -> RevisionContent:
    """The content after the edit, checked. Raises ConfigurationError or InputError with place and remedy."""
    content = _edited(before, edit, box, integration_id)
    if before is not None and not edit.accept_conflicts:
        _refuse_conflicts(before, content)
    kits.check(content, _secret_texts(content, box, integration_id))
    return content


def conflicts(before: RevisionContent, edit: RevisionEdit, box: SecretBox, integration_id: str) -> tuple[Problem, ...]:
    """The overrides that a person should look at before this edit brings a newer kit. Raises ConfigurationError."""
    return kits.override_conflicts(before, _edited(before, edit, box, integration_id))


def _edited(before: RevisionContent | None, edit: RevisionEdit, box: SecretBox, integration_id: str) -> RevisionContent:
    kit, texts = _kit(before, edit)
    _check_file_names(texts)
    overrides = _first(edit.overrides, before.overrides if before else {})
    declared = kits.declared_secrets(texts, overrides)
    return RevisionContent(
        kit=kit,
        texts=texts,
        parameters=_parameters(before, edit, declared, box, integration_id),
        overrides=overrides,
        delivery=_first(edit.delivery, before.delivery if before else DeliverySettings()),
    )


def _refuse_conflicts(before: RevisionContent, content: RevisionContent) -> None:
    found = kits.override_conflicts(before, content)
    if found:
        lines = "\n".join(map(str, found))
        raise ConfigurationError(
            f"the newer kit changes what {len(found)} of the overrides lie over; change them, or accept the conflicts "
            f"(--accept-conflicts, accept_conflicts):\n{lines}",
            content.kit,
        )


def same(one: RevisionContent, other: RevisionContent, box: SecretBox, integration_id: str) -> bool:
    """Whether two contents are equal once their seals are opened: one secret sealed twice gives two texts."""
    return _opened(one, box, integration_id) == _opened(other, box, integration_id)


def _opened(content: RevisionContent, box: SecretBox, integration_id: str) -> bytes:
    opened = {name: SealedValue(text) for name, text in _secret_texts(content, box, integration_id).items()}
    # As text: in Python True equals 1, in a playbook it does not.
    return _encode_sorted(msgspec.structs.replace(content, parameters=content.parameters | opened))


def _secret_texts(content: RevisionContent, box: SecretBox, integration_id: str) -> dict[str, str]:
    return {
        name: box.open(value.sealed, secrets.parameter_place(integration_id, name))
        for name, value in content.parameters.items()
        if isinstance(value, SealedValue)
    }


def _kit(before: RevisionContent | None, edit: RevisionEdit) -> tuple[str, dict[str, str]]:
    if edit.kit is None and before is None:
        raise InputError("name a kit of the library, or give a name and the kit's files", "kit")
    name = edit.kit if edit.kit is not None else before.kit if before else ""
    if edit.texts is not None:
        return name, edit.texts
    if edit.kit is not None or before is None:
        return name, library.texts(name)
    return name, before.texts


def _check_file_names(texts: Mapping[str, str]) -> None:
    for name in texts:
        if name not in kits.FILE_NAMES:
            raise InputError(
                f"{name!r} is no file of a kit; a kit has {', '.join(d + '.yaml' for d in kits.DOCUMENTS)}", "texts"
            )


def _parameters(
    before: RevisionContent | None, edit: RevisionEdit, declared: Set[str], box: SecretBox, integration_id: str
) -> dict[str, ParameterValue]:
    values = dict(before.parameters) if before else {}
    for name, text in edit.parameters.items():
        if text is None:
            values.pop(name, None)
            continue
        try:
            values[name] = secrets.stored(
                name, text, sensitive=name in declared, box=box, integration_id=integration_id
            )
        except ConfigurationError as fault:
            raise InputError(fault.message, f"parameters.{name}") from None
    return values


def _first(given: Any, otherwise: Any) -> Any:
    return otherwise if given is None else given
