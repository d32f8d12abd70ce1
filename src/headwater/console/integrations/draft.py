"""What somebody is about to change: a revision as it would be saved, and whether it could run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from headwater.console.integrations import override_file
from headwater.console.integrations.compiled import kit_of_texts, problems
from headwater.console.integrations.override_file import FileFault
from headwater.console.integrations.rule_table import SectionTable, tables
from headwater.errors import ConfigurationError
from headwater.pipelines import overrides
from headwater.pipelines.objects import Revision, RevisionContent
from headwater.playbooks import Kit


class Draft(NamedTuple):
    """Changes on top of a revision. `text` is the overrides as a file, `changed_texts` files of the kit by name."""

    base: Revision
    text: str
    changed_texts: Mapping[str, str]

    @property
    def texts(self) -> dict[str, str]:
        """The kit's files."""
        return {**self.base.content.texts, **self.changed_texts}


class Judged(NamedTuple):
    """A draft with what follows from it.

    `document` are the overrides, empty when the file cannot be read. `content` is None then. `kit` is the kit without
    overrides, None when its own files are broken; `tables` are empty when the two do not fit together.
    """

    draft: Draft
    document: dict[str, Any]
    content: RevisionContent | None
    kit: Kit | None
    overridden: Kit | None
    tables: tuple[SectionTable, ...]
    faults: tuple[FileFault, ...]


def draft_of(base: Revision) -> Draft:
    """The draft that changes nothing."""
    return Draft(base, override_file.write(base.content.overrides), {})


def judge(draft: Draft) -> Judged:
    """Read a draft and say what is wrong with it."""
    document, faults = override_file.parse(draft.text)
    kit, kit_faults = _kit(draft)
    if faults or kit is None or kit_faults:
        return Judged(draft, document, None, kit, None, (), (*faults, *kit_faults))
    content = msgspec.structs.replace(draft.base.content, texts=draft.texts, overrides=document)
    found = override_file.faults_of(problems(content))
    try:
        overridden = overrides.apply_overrides(kit, document)
        shown = tables(kit, overridden, overrides.read(document))
    except ConfigurationError:
        return Judged(draft, document, content, kit, None, (), found)
    return Judged(draft, document, content, kit, overridden, shown, found)


def tables_of(content: RevisionContent) -> tuple[SectionTable, ...]:
    """The tables of a saved revision; none when it cannot be read any more."""
    try:
        kit, _ = kit_of_texts(content.kit, content.texts)
        return tables(kit, overrides.apply_overrides(kit, content.overrides), overrides.read(content.overrides))
    except ConfigurationError:
        return ()


def _kit(draft: Draft) -> tuple[Kit | None, tuple[FileFault, ...]]:
    """The kit of the draft's files; its own faults, with lines, come before any of overrides."""
    try:
        kit, found = kit_of_texts(draft.base.content.kit, draft.texts)
    except ConfigurationError as fault:
        return None, override_file.faults_of((str(fault),))
    return kit, override_file.faults_of(found)
