"""What needs a person: decided from figures, each with the reason and the way to the remedy. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple
from urllib.parse import quote

from headwater.console.wording import number
from headwater.pipelines.objects import Attachment, Pipeline
from headwater.routing.dead_letters import ReasonCount
from headwater.timeseries.minutes import Key


class Concern(NamedTuple):
    """Something that will not become right by itself. `path` leads to where it can be put right, `verb` says how."""

    tone: Literal["bad", "warn"]
    title: str
    text: str
    path: str
    verb: str


class Situation(NamedTuple):
    """What is the case: `levels` now, by measure and "pipeline/integration"; `refused` of the range that is looked at;
    `health` is how many profiles are watched or quarantined.
    """

    pipelines: Iterable[Pipeline]
    attachments: Iterable[Attachment]
    reasons: Iterable[ReasonCount]
    levels: Mapping[str, Mapping[str, float]]
    refused: Mapping[Key, float]
    health: Mapping[str, int]


def concerns(situation: Situation) -> list[Concern]:
    """Everything that needs a person, the worst first."""
    found = [
        *_faulty_revisions(situation),
        *_dead_letters(situation),
        *_sick_destinations(situation),
        *_paused(situation),
        *_refused(situation),
        *_quarantined(situation),
        *_without_destination(situation),
    ]
    return sorted(found, key=lambda concern: concern.tone != "bad")


def subject(attachment: Attachment) -> str:
    """How figures name an attachment."""
    return f"{attachment.pipeline}/{attachment.integration}"


def _level(situation: Situation, measure: str, attachment: Attachment) -> float:
    return situation.levels.get(measure, {}).get(subject(attachment), 0.0)


def _faulty_revisions(situation: Situation) -> Iterable[Concern]:
    for found in situation.attachments:
        if _level(situation, "revision_faulty", found) > 0:
            yield Concern(
                "bad",
                f"Revision {found.revision} of {found.integration} cannot work",
                f"Events of {found.pipeline} wait, or go on with the revision before. The log of the route role says why.",
                _pipeline_path(found.pipeline),
                "Roll back or deploy another",
            )


def _dead_letters(situation: Situation) -> Iterable[Concern]:
    names = {found.integration_id: found.integration for found in situation.attachments}
    by_integration: dict[str, list[ReasonCount]] = {}
    for reason in situation.reasons:
        by_integration.setdefault(reason.integration_id, []).append(reason)
    for integration_id, reasons in by_integration.items():
        name, letters = names.get(integration_id, integration_id), sum(reason.letters for reason in reasons)
        first = max(reasons, key=lambda reason: reason.letters).reason
        more = (
            f", and {len(reasons) - 1} other {_plural(len(reasons) - 1, 'reason', 'reasons')}"
            if len(reasons) > 1
            else ""
        )
        yield Concern(
            "bad",
            f"{number(letters)} {_plural(letters, 'delivery', 'deliveries')} to {name} failed for good",
            f"{first}{more}. They are kept as dead letters; mend the cause, then deliver them again.",
            f"/deliveries/dead?integration={quote(integration_id)}",
            "Look and deliver again",
        )


def _sick_destinations(situation: Situation) -> Iterable[Concern]:
    for found in situation.attachments:
        if _level(situation, "circuit_open", found) > 0:
            waiting = _level(situation, "waiting", found)
            yield Concern(
                "warn",
                f"Delivery from {found.pipeline} to {found.integration} is held back",
                f"The other side does not answer as it should. {_waiting(waiting)} in the log and nothing is lost; it is "
                "tried again by itself. If it lasts, check the connection.",
                "/deliveries",
                "See the last replies",
            )


def _paused(situation: Situation) -> Iterable[Concern]:
    for found in situation.attachments:
        waiting = _level(situation, "waiting", found)
        if not found.enabled and waiting > 0:
            yield Concern(
                "warn",
                f"Delivery from {found.pipeline} to {found.integration} is paused",
                f"{_waiting(waiting)} in the log, as long as the log keeps them.",
                _pipeline_path(found.pipeline),
                "Resume",
            )


def _refused(situation: Situation) -> Iterable[Concern]:
    reasons = {key.detail: count for key, count in situation.refused.items() if key.measure == "refused"}
    total = sum(reasons.values())
    if total > 0:
        first = max(reasons, key=lambda reason: reasons[reason]).replace("_", " ")
        yield Concern(
            "warn",
            f"{number(total)} {_plural(total, 'event was', 'events were')} refused at the door",
            f"Most often: {first}. Their senders were told why; what was wrong must be corrected there.",
            "/live/refused",
            "See what was sent",
        )


def _quarantined(situation: Situation) -> Iterable[Concern]:
    count = situation.health.get("quarantined", 0)
    if count > 0:
        yield Concern(
            "warn",
            f"{number(count)} {_plural(count, 'profile holds', 'profiles hold')} more than one person can have",
            "Too many identifiers or events came together in them, so they are kept out of audiences until somebody looks.",
            "/profiles",
            "See the profiles",
        )


def _without_destination(situation: Situation) -> Iterable[Concern]:
    attached = {found.pipeline_id for found in situation.attachments}
    for pipeline in situation.pipelines:
        if pipeline.id not in attached and pipeline.write_keys:
            yield Concern(
                "warn",
                f"{pipeline.name} delivers nowhere",
                "Its events are kept in the log and the archive only.",
                _pipeline_path(pipeline.slug),
                "Attach an integration",
            )


def _pipeline_path(slug: str) -> str:
    return f"/pipelines/{quote(slug)}"


def _waiting(count: float) -> str:
    return f"{number(count)} {_plural(count, 'event waits', 'events wait')}"


def _plural(count: float, one: str, many: str) -> str:
    return one if count == 1 else many
