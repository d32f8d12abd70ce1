"""What a revision makes of an event: the request, and which rule wrote each key. Nothing is sent, no secret is read."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple
from urllib.parse import urlsplit

from headwater import jsontext
from headwater.console.integrations.compiled import STAND_IN, compiled
from headwater.console.integrations.rule_wording import value
from headwater.errors import ConfigurationError
from headwater.pipelines.objects import THIS_INSTALL, RevisionContent
from headwater.playbooks import SYSTEM_CLOCK, Clock
from headwater.playbooks.preview import Preview
from headwater.routing.masking import Mask

_MASK = Mask([STAND_IN])


class Written(NamedTuple):
    """A key of the output: its value as JSON, the rule that wrote it, and how it differs from another revision's output."""

    key: str
    value: str
    place: str
    change: Literal["", "new", "changed", "gone"] = ""
    before: str = ""


class Trial(NamedTuple):
    """What became of an event. `dropped` and `dropped_by` say why it is not sent; `faults` are rules that failed on it."""

    requests: tuple[dict[str, Any], ...]
    written: tuple[Written, ...]
    dropped: str | None
    dropped_by: str
    faults: tuple[dict[str, str], ...]


def try_out(content: RevisionContent, event: dict[str, Any], collector_url: str, clock: Clock = SYSTEM_CLOCK) -> Trial:
    """Run an event through a revision. Raises ConfigurationError when the revision cannot run."""
    line = next(iter(Preview(compiled(content), clock, STAND_IN).lines([event], trace=True)))
    last = {
        step["key"]: Written(step["key"], _MASK.text(value(step["value"])), step["where"]) for step in line["trace"]
    }
    base_url = collector_url if content.delivery.base_url == THIS_INSTALL else content.delivery.base_url
    return Trial(
        requests=tuple(_shown(request, base_url) for request in line["requests"]),
        written=tuple(last.values()),
        dropped=line["dropped"],
        dropped_by=line.get("dropped_by", ""),
        faults=tuple(line["errors"]),
    )


def compared(now: Trial, before: Trial) -> tuple[Written, ...]:
    """The output of one revision, with what another one made differently of the same event; differences come first."""
    earlier = {one.key: one for one in before.written}
    kept = [_against(one, earlier.get(one.key)) for one in now.written]
    keys = {one.key for one in now.written}
    gone = [one._replace(change="gone", before=one.value, value="") for one in before.written if one.key not in keys]
    return tuple(sorted((*kept, *gone), key=lambda one: one.change == ""))


def compare(
    content: RevisionContent, other: RevisionContent, event: dict[str, Any], collector_url: str
) -> tuple[Trial, tuple[Written, ...]]:
    """Both revisions on the same event at the same time: the first one's trial, and its output compared."""
    moment, identifier = SYSTEM_CLOCK.now_ns(), SYSTEM_CLOCK.new_uuid()
    clock = Clock(lambda: moment, lambda: identifier)
    now = try_out(content, event, collector_url, clock)
    try:
        return now, compared(now, try_out(other, event, collector_url, clock))
    except ConfigurationError:  # the other one cannot run any more: there is nothing to compare with
        return now, now.written


def _against(one: Written, earlier: Written | None) -> Written:
    if earlier is None:
        return one._replace(change="new")
    return one if earlier.value == one.value else one._replace(change="changed", before=earlier.value)


def _shown(request: dict[str, Any], base_url: str) -> dict[str, Any]:
    masked: dict[str, Any] = jsontext.decode(_MASK.text(value(request)).encode())
    if "url" not in masked:
        return masked
    headers = {name: _MASK.header(name, text) for name, text in request["headers"].items()}
    return {**masked, "url": _rebased(masked["url"], base_url), "headers": headers}


def _rebased(url: str, base_url: str) -> str:
    if not base_url:
        return url
    parts = urlsplit(url)
    return base_url.rstrip("/") + url[len(parts.scheme) + 3 + len(parts.netloc) :]
