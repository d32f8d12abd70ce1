"""What became of an event at one integration: from permission and playbook to the other side's answer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from headwater.console.integrations import trial_run
from headwater.console.integrations.trial_run import Trial
from headwater.console.live.kept_attempts import FoundAttempt
from headwater.errors import ConfigurationError
from headwater.events import Record
from headwater.pipelines import kits
from headwater.pipelines.snapshot import AttachedRevision
from headwater.playbooks.preview import with_traits
from headwater.privacy.permission import Refused, decide, forwarded
from headwater.profiles.targets import is_profiles
from headwater.routing.dead_letters import LetterSummary


class Computed(NamedTuple):
    """What the deployed revision makes of an event. `withheld` is the reason why it may not go, `fault` why nothing can be said."""

    attached: AttachedRevision
    profiles: bool
    withheld: str = ""
    trial: Trial | None = None
    fault: str = ""


class Verdict(NamedTuple):
    """What became of the event, in a word and a sentence."""

    tone: Literal["good", "warn", "bad", "quiet"]
    word: str
    text: str = ""


class Way(NamedTuple):
    """The whole way to one integration. `attempts` oldest first, `letters` newest first."""

    computed: Computed
    verdict: Verdict
    attempts: tuple[FoundAttempt, ...]
    letters: tuple[LetterSummary, ...]


def compute(attached: AttachedRevision, record: Record, collector_url: str) -> Computed:
    """Ask for permission and run the playbook, as delivery does. Nothing is sent."""
    content, profiles = attached.revision.content, is_profiles(attached)
    try:
        friendly = kits.kit_from(content.kit, content.texts).metadata.value.get("friendlyName")
        names = [attached.attachment.integration, content.kit, *([friendly] if isinstance(friendly, str) else [])]
        permission = decide(record.data, names, content.delivery.consent_categories, attached.attachment.audiences)
        if isinstance(permission, Refused):
            return Computed(attached, profiles, withheld=permission.reason)
        event = with_traits(forwarded(record.data))
        return Computed(attached, profiles, trial=trial_run.try_out(content, event, collector_url))
    except ConfigurationError as fault:
        return Computed(attached, profiles, fault=str(fault))


def way(
    computed: Computed, stored_at: float, attempts: Sequence[FoundAttempt], letters: Sequence[LetterSummary]
) -> Way:
    """Put together what is known about one integration. `attempts` and `letters` may be of others, too."""
    wanted = computed.attached.attachment.integration_id
    own = tuple(found for found in attempts if found.attempt.integration_id == wanted)
    refused = tuple(letter for letter in letters if letter.integration_id == wanted)
    return Way(computed, _verdict(computed, stored_at, own, refused), own, refused)


def _verdict(
    computed: Computed, stored_at: float, attempts: tuple[FoundAttempt, ...], letters: tuple[LetterSummary, ...]
) -> Verdict:
    attachment = computed.attached.attachment
    told = _told_by_delivery(attempts, letters)
    if told is not None:
        return told
    if attachment.attached_at.timestamp() > stored_at:
        return Verdict("quiet", "not for it", "The integration was attached after this event had arrived.")
    return _told_by_revision(computed) or (
        Verdict("warn", "waiting", "Delivery is paused; the event waits in the log.")
        if not attachment.enabled
        else Verdict(
            "quiet", "sent or under way", "No attempt of it was kept: of deliveries that succeed, a sample is."
        )
    )


def _told_by_delivery(attempts: tuple[FoundAttempt, ...], letters: tuple[LetterSummary, ...]) -> Verdict | None:
    last = attempts[-1].attempt if attempts else None
    delivered = last is not None and last.result == "delivered"
    waiting = [letter for letter in letters if letter.state == "waiting"]
    if waiting and not (delivered and last is not None and last.at > waiting[0].failed_at.timestamp()):
        return Verdict("bad", "refused", f"{waiting[0].reason}. It is kept as a dead letter.")
    if last is None:
        return _told_by_letters(letters)
    if delivered:
        return Verdict("good", "delivered", "The other side took it.")
    if last.result == "again":
        return Verdict("warn", "will be tried again", last.reason)
    return _told_by_letters(letters) or Verdict("bad", "refused", last.reason)


def _told_by_letters(letters: Iterable[LetterSummary]) -> Verdict | None:
    newest = next(iter(letters), None)
    if newest is None:
        return None
    if newest.state == "discarded":
        return Verdict(
            "quiet", "given up", f"It was refused ({newest.reason}), and {newest.state_changed_by} discarded it."
        )
    return Verdict(
        "quiet", "sent again", f"It was refused ({newest.reason}), and {newest.state_changed_by} sent it again."
    )


def _told_by_revision(computed: Computed) -> Verdict | None:
    if computed.fault:
        return Verdict("bad", "revision cannot work", computed.fault)
    if computed.withheld:
        return Verdict("quiet", "left out", f"It may not go there: {computed.withheld}.")
    if computed.trial is not None and computed.trial.dropped is not None:
        return Verdict("quiet", "left out", computed.trial.dropped)
    return None
