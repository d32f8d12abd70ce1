"""The connection of an integration as a form: parameter values, and how to deliver."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from headwater.console.integrations.rule_form import Fields
from headwater.errors import ConfigurationError, InputError
from headwater.pipelines import kits, secrets
from headwater.pipelines.objects import (
    DeliverySettings,
    ParameterValue,
    PlainValue,
    ReferenceValue,
    RevisionContent,
    SealedValue,
)
from headwater.pipelines.revision_edit import RevisionEdit, edited
from headwater.pipelines.secrets import SecretBox
from headwater.playbooks import Parameter, parameters_of

KEEP, STORED, VARIABLE, FILE = "keep", "stored", "env", "file"
_REFERENCE = "secret://"


class ParameterInput(NamedTuple):
    """One parameter in a form. `value` never is a secret; `how` says where a secret is kept."""

    name: str
    description: str
    placeholder: str
    value: str
    required: bool
    secret: bool
    how: str = STORED
    is_set: bool = False


class DeliveryInput(NamedTuple):
    """One setting of delivery in a form."""

    name: str
    label: str
    help: str
    value: str


_DELIVERY = (
    ("base_url", "Send to another address", "https://host instead of the vendor's; this-install for this Headwater."),
    ("batch_size", "Events in one request, at most", "Empty: as the kit says."),
    ("batch_wait_milliseconds", "Wait for more events, in milliseconds", "How long a partial batch waits."),
    ("concurrency", "Requests at once, at most", "Empty: as the kit says."),
    ("timeout_seconds", "Wait for an answer, in seconds", "Then it is tried again."),
    ("retry_hours", "Try again for, in hours", "Then the event becomes a dead letter."),
    (
        "consent_categories",
        "Only with consent to",
        "Categories, separated by commas; a person must have agreed to all of them. Empty: no consent is needed.",
    ),
)


def inputs_of(parameters: Iterable[Parameter], values: Mapping[str, ParameterValue]) -> list[ParameterInput]:
    """The form's parameters with the values that are set."""
    return [_input(parameter, values.get(parameter.name)) for parameter in parameters]


def _input(parameter: Parameter, value: ParameterValue | None) -> ParameterInput:
    secret = secrets.is_sensitive(parameter.name, parameter.is_sensitive)
    text, how = _shown(value, secret)
    return ParameterInput(
        name=parameter.name,
        description=parameter.description,
        placeholder=parameter.default or parameter.example or "",
        value=text,
        required=not parameter.is_optional and parameter.default is None,
        secret=secret,
        how=how,
        is_set=value is not None,
    )


def _shown(value: ParameterValue | None, secret: bool) -> tuple[str, str]:
    match value:
        case ReferenceValue(reference):
            kind, _, name = reference.removeprefix(_REFERENCE).partition("/")
            return name, kind
        case SealedValue():
            return "", KEEP
        case PlainValue(text):
            return ("", KEEP) if secret else (text, STORED)
    return "", STORED


def delivery_inputs(delivery: DeliverySettings) -> list[DeliveryInput]:
    """The form's settings of delivery."""
    built: dict[str, Any] = msgspec.to_builtins(delivery)
    return [DeliveryInput(name, label, text, _delivery_text(built.get(name))) for name, label, text in _DELIVERY]


def _delivery_text(value: Any) -> str:
    if value is None:
        return ""
    return ", ".join(value) if isinstance(value, list | tuple) else str(value)


def edit_of(fields: Fields, inputs: Iterable[ParameterInput], before: DeliverySettings) -> RevisionEdit:
    """What a form changes. Raises InputError that names the input."""
    parameters: dict[str, str | None] = {}
    for one in inputs:
        text, how = fields.text(f"parameters.{one.name}"), fields.text(f"how.{one.name}")
        if one.secret and how == KEEP:
            continue
        if not text.strip():
            if one.required:
                raise InputError(f"{one.name} is needed", f"parameters.{one.name}")
            if one.is_set:
                parameters[one.name] = None
        elif one.secret and how in (VARIABLE, FILE):
            parameters[one.name] = f"{_REFERENCE}{how}/{text.strip().lstrip('/')}"
        else:
            parameters[one.name] = text
    return RevisionEdit(parameters=parameters, delivery=_delivery(fields, before))


def _delivery(fields: Fields, before: DeliverySettings) -> DeliverySettings:
    built: dict[str, Any] = msgspec.to_builtins(before)
    for name, label, _ in _DELIVERY:
        text = fields.text(f"delivery.{name}").strip()
        built.pop(name, None)
        if not text:
            continue
        value: Any = (
            [part.strip() for part in text.split(",") if part.strip()] if name == "consent_categories" else text
        )
        built[name] = value
        try:
            msgspec.convert({name: value}, DeliverySettings, strict=False)
        except msgspec.ValidationError as fault:
            reason = str(fault).partition(" - at")[0]
            raise InputError(f"{label}: {reason[0].lower()}{reason[1:]}", f"delivery.{name}") from None
    return msgspec.convert(built, DeliverySettings, strict=False)


def content_of(
    edit: RevisionEdit, before: RevisionContent | None, kit: str, box: SecretBox, integration_id: str
) -> RevisionContent:
    """The content after the edit, checked. Raises InputError that names the input, if it is one."""
    try:
        if before is not None:
            return edited(before, edit, box, integration_id)
        return edited(None, msgspec.structs.replace(edit, kit=kit), box, integration_id)
    except ConfigurationError as fault:
        raise InputError(str(fault), "connection") from None


def parameters_of_content(content: RevisionContent) -> tuple[Parameter, ...]:
    """What a revision asks for, its own parameters too. Raises ConfigurationError when it cannot be read."""
    return parameters_of(kits.kit_of(content))
