"""What the page of a draft shows beside its rules: its parameters, and the section that an event goes through."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from headwater.console.integrations.draft import Judged
from headwater.pipelines import kits, secrets
from headwater.pipelines.objects import shown
from headwater.playbooks import parameters_of
from headwater.playbooks.event_names import find, lookup_name, normalise


class ParameterRow(NamedTuple):
    """A parameter with what it is set to, as people may see it. `own` says that an override added it."""

    name: str
    description: str
    value: str
    own: bool
    secret: bool


def parameter_rows(judged: Judged) -> list[ParameterRow]:
    """The parameters of the kit and the added ones; none while the draft has no kit that can be read."""
    if judged.overridden is None:
        return []
    own = {row.get("name") for row in judged.document.get("parameters") or ()}
    values = judged.draft.base.content.parameters
    declared = kits.declared_secrets(judged.draft.texts, judged.document)
    return [
        ParameterRow(
            name=one.name,
            description=one.description,
            value=shown(values[one.name]) if one.name in values else one.default or "",
            own=one.name in own,
            secret=secrets.is_sensitive(one.name, one.name in declared),
        )
        for one in parameters_of(judged.overridden)
    ]


def section_for(judged: Judged, event: Mapping[str, Any]) -> int:
    """The index of the section besides Global that the event goes through, -1 for none."""
    by_name = {
        normalise(table.name.event): index for index, table in enumerate(judged.tables) if table.name.kind == "event"
    }
    own = find(by_name, lookup_name(event))
    return len(judged.tables) - 1 if own is None else own
