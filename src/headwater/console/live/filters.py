"""Which events the live page shows. A filter is its address: whoever has the link sees the same."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from headwater.events import Record
from headwater.log.reader import Query
from headwater.pipelines.objects import Pipeline

STREAMS = "streams"
"""In the place of a pipeline: records of Lytics streams, which belong to no pipeline."""


class LiveFilter(NamedTuple):
    """What is asked for; "" asks for anything. Texts are looked for in any case of letters.

    `pipeline` is a slug or STREAMS, `type` the whole type, `name` a part of the event's name, `user` a part of one of its
    ids or of its e-mail address, `text` a part of the whole record.
    """

    pipeline: str = ""
    type: str = ""
    name: str = ""
    user: str = ""
    text: str = ""

    @property
    def by_content(self) -> bool:
        """Whether records must be read to know whether they are asked for."""
        return bool(self.type or self.name or self.user or self.text)

    @property
    def query_string(self) -> str:
        """The filter as the end of an address, with its question mark."""
        asked = {field: value for field, value in self._asdict().items() if value}
        return f"?{urlencode(asked)}" if asked else ""

    def address(self, pipelines: Sequence[Pipeline]) -> Query:
        """Where in the log such records are. A pipeline that is not there any more has none."""
        if not self.pipeline:
            return Query()
        if self.pipeline == STREAMS:
            return Query(kind="stream")
        found = next((each.id for each in pipelines if each.slug == self.pipeline), self.pipeline)
        return Query(kind="event", source=found)

    def matches(self, record: Record, payload: bytes) -> bool:
        """Whether a record at the right address is asked for."""
        data = record.data
        return (
            (not self.type or data.get("type") == self.type)
            and (not self.name or _within(self.name, (data.get("event"), data.get("name"))))
            and (not self.user or _within(self.user, _ids(record)))
            and (not self.text or self.text.casefold() in payload.decode("utf-8", "replace").casefold())
        )


def _within(wanted: str, texts: Sequence[Any]) -> bool:
    folded = wanted.casefold()
    return any(isinstance(text, str) and folded in text.casefold() for text in texts)


def _ids(record: Record) -> tuple[Any, ...]:
    data, traits = record.data, record.data.get("traits")
    email = traits.get("email") if isinstance(traits, Mapping) else None
    return data.get("userId"), data.get("anonymousId"), record.meta.user_key, email
